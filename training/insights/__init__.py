"""Everything that can be learnt from history, computed once and kept as a snapshot, so that looking at it is instant.

`compute` makes the pages in order; each page is one function, listed in `pages`.
"""

from training.insights.compute import look_at, summarize
from training.insights.pages import Subject

__all__ = ["Subject", "look_at", "summarize"]
