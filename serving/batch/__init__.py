"""Recommendations for everybody, to a file: what would be answered to each customer now, by the code that answers.

1. `asked` is the question, alike for all; `customers` lists whom it is about, each once.
2. `known` reads some thousands of them at a time, and `scoring` decides for them, with `budgets` used up in their order.
3. `recording` keeps the decisions where that is wanted; it decides again what was overtaken.
4. `rows` and `file` write them down. `recommend` runs it all.
"""

from serving.batch.asked import Asked
from serving.batch.recommend import BatchReport, recommend_all, recommend_home

__all__ = ["Asked", "BatchReport", "recommend_all", "recommend_home"]
