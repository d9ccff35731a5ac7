"""Touchpoint intelligence: what happens at every touchpoint, computed from history and shown alike by console, API and report.

1. `period` says which time is looked at, `history` opens the interactions of it under whoever their customer is today.
2. `touchpoints`, `journeys`, `changes` and their neighbours compute results: named values, tested by hand-worked cases.
   `intervals` says how sure a number is, `shrinkage` draws those of small counts to the mean of their like.
3. Each result is told as a `page` of sections: words, a `table`, a `figure` drawn from that table.
4. A `snapshot` keeps the pages; everything that shows them reads it there, so that all show the same numbers.
"""

from features.insights.figures import Figure
from features.insights.page import Card, Page, Section
from features.insights.period import Period
from features.insights.table import Column, Table, Unit

__all__ = ["Card", "Column", "Figure", "Page", "Period", "Section", "Table", "Unit"]
