"""What happens at every touchpoint, in numbers with intervals, and what all touchpoints together bring: ECE.

1. `events` puts beside every interaction what its customer did after it, and whether that is known by now.
2. Each kind of `measure` has its file: `answers`, `stages`, `satisfaction`, `effort`; `measures` lists them.
3. `measuring` sums them up by touchpoint, channel, stage, segment or week; `estimates` makes values with `intervals` of the sums,
   and draws those of small counts to the mean of their like by `shrinkage`.
4. `engagement` is effective customer engagement (ECE), from `quality` and conversion; `change` says why it changed.
5. `retention` compares who leaves after a touchpoint with customers alike, by `matching`; `money` has cost, revenue and return.
6. `page` tells it all, by `boards`, `cards` and `sections`.
"""

from features.insights.touchpoints.page import touchpoints_page

__all__ = ["touchpoints_page"]
