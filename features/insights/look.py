"""What every page is made from."""

from dataclasses import dataclass, replace
from datetime import datetime

from features.catalogue import Catalogue
from features.identified import NOBODY_LINKED
from features.insights.period import Period
from features.lake import Lake

NO_SEGMENTS = "(select null::varchar as customer_id, null::varchar as segment where false)"
"""As DuckDB SQL: nobody is in a segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at history.

    Attributes
    ----------
    period : what is looked at; `period.before` is what it is compared with.
    now : when it is looked; nothing later than `known_until` counts as not having happened.
    known_until : up to when the lake knows what happened; a window that closes later is not closed.
    members : DuckDB SQL of (identifier, customer_id) as of today.
    segments : DuckDB SQL of (customer_id, segment), one row per customer.
    seed : of everything that is drawn, such as bootstrap samples.
    """

    lake: Lake
    catalogue: Catalogue
    period: Period
    now: datetime
    known_until: datetime
    members: str = NOBODY_LINKED
    segments: str = NO_SEGMENTS
    seed: int = 0

    def with_segments(self, segments: str) -> "Look":
        """The same with segments."""
        return replace(self, segments=segments)
