"""Customers' journeys: how they run, where they end, which ways lead to a conversion, and what changes.

1. `window` says which journeys are looked at, `steps` cuts history into them, by one sort in the database.
2. `flows`, `journey_map`, `positions`, `paths` and `summary` count steps and journeys.
3. `friction`, `converters`, `critical` and `comparison` compare the counts; `rates` says what chance does not explain.
4. `told` has all of it for one look; the sections tell it, and `page` puts them together.
"""

from features.insights.journeys.comparison import Comparison, Difference, compare
from features.insights.journeys.journey_map import JourneyMap, journey_map
from features.insights.journeys.page import journeys_page
from features.insights.journeys.steps import cut_into_steps, gather_journeys
from features.insights.journeys.window import JourneyWindow

__all__ = [
    "Comparison",
    "Difference",
    "JourneyMap",
    "JourneyWindow",
    "compare",
    "cut_into_steps",
    "gather_journeys",
    "journey_map",
    "journeys_page",
]
