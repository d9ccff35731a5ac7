"""Which interactions a fold counts: one condition, checked in Python and written as an expression over a table."""

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import ibis

from features.domain import Interaction, Kind, Metric, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """All conditions given must hold; a condition not given always holds.

    >>> print(Where(kinds=(Kind.OPEN, Kind.CLICK), channel="email"))
    interactions of kind open or click, channel email
    """

    kinds: tuple[Kind, ...] = ()
    channel: str | None = None
    stage: Stage | None = None
    metric: Metric | None = None
    sentiment: bool = False  # only those whose sentiment is known

    def matches(self, interaction: Interaction) -> bool:
        """Whether `interaction` counts."""
        return (
            (not self.kinds or interaction.kind in self.kinds)
            and (self.channel is None or interaction.channel == self.channel)
            and (self.stage is None or interaction.stage == self.stage)
            and (self.metric is None or interaction.metric == self.metric)
            and (not self.sentiment or interaction.sentiment is not None)
        )

    def expression(self, rows: ibis.Table) -> Any:
        """The same condition over the rows of a table; null where a column it needs is null, which counts as no."""
        conditions = [rows.kind.isin([kind.value for kind in self.kinds])] if self.kinds else []
        for column, wanted in (("channel", self.channel), ("stage", self.stage), ("metric", self.metric)):
            if wanted is not None:
                conditions.append(rows[column] == str(wanted))
        if self.sentiment:
            conditions.append(rows.sentiment.notnull())
        return reduce(and_, conditions) if conditions else rows.customer_id.notnull()  # true, as a column

    def __str__(self) -> str:
        parts = [f"kind {' or '.join(self.kinds)}"] if self.kinds else []
        for word, wanted in (("channel", self.channel), ("stage", self.stage), ("metric", self.metric)):
            if wanted is not None:
                parts.append(f"{word} {wanted}")
        parts += ["known sentiment"] if self.sentiment else []
        return f"interactions of {', '.join(parts)}" if parts else "all interactions"


ANY = Where()
"""Every interaction."""
