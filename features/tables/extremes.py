"""Folds that keep one interaction out of all: the first or last time, the latest value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis

from features.tables.state import Arrival, State, StateColumn
from features.tables.where import ANY, Where


@dataclass(frozen=True, slots=True)
class Extreme:
    """Time of the first or the last interaction."""

    name: str
    which: Literal["first", "last"]
    where: Where = ANY

    @property
    def columns(self) -> tuple[StateColumn, ...]:
        """One int, null before the first."""
        return (StateColumn(self.name, "int", None, f"microseconds since 1970 of the {self.which} of {self.where}"),)

    def step(self, state: State, arrival: Arrival) -> None:
        """Keep the earlier or later time."""
        if self.where.matches(arrival.interaction):
            known = state[self.name]
            pick = min if self.which == "first" else max
            state[self.name] = arrival.at if known is None else pick(int(known), arrival.at)

    def prepare(self, rows: ibis.Table) -> dict[str, Any]:
        """Nothing."""
        return {}

    def gather(self, rows: ibis.Table) -> dict[str, Any]:
        """Least or greatest time."""
        times = self.where.expression(rows).ifelse(rows.at, ibis.null("int64"))
        return {self.name: times.min() if self.which == "first" else times.max()}

    def settle(self, gathered: ibis.Table) -> dict[str, Any]:
        """As gathered."""
        return {self.name: gathered[self.name]}

    def combine(self, states: Sequence[State], state_at: int) -> State:
        """Keep the earliest or latest."""
        times = [int(known) for each in states if (known := each[self.name]) is not None]
        pick = min if self.which == "first" else max
        return {self.name: pick(times, default=None)}


@dataclass(frozen=True, slots=True)
class Current:
    """What the latest interaction that says anything about it says: a stage, channel, score, value or trait.

    Two at the same microsecond: the greater value holds, so that it does not depend on who was heard first.

    Attributes
    ----------
    of : field of the interaction, or `traits`.
    trait : name of the trait when `of` is `traits`; kept as text, and read as a number or category later.
    """

    name: str
    of: Literal["stage", "channel", "score", "value", "traits"]
    where: Where = ANY
    trait: str = ""

    @property
    def time_name(self) -> str:
        """The column that tells since when."""
        return f"{self.name}_at"

    @property
    def columns(self) -> tuple[StateColumn, ...]:
        """The value and its time, null before the first."""
        what = f"trait {self.trait}" if self.trait else self.of
        dtype: Literal["float", "text"] = "float" if self.of in ("score", "value") else "text"
        return (
            StateColumn(self.name, dtype, None, f"latest {what} among {self.where}"),
            StateColumn(self.time_name, "int", None, f"microseconds since 1970 of the latest {what} among {self.where}"),
        )

    def step(self, state: State, arrival: Arrival) -> None:
        """Keep the later of the two, by time and then by value."""
        said = self._said(arrival)
        if said is None or not self.where.matches(arrival.interaction):
            return
        known: Any = (state[self.time_name], state[self.name])
        if known[0] is None or (arrival.at, said) > known:
            state[self.time_name], state[self.name] = arrival.at, said

    def prepare(self, rows: ibis.Table) -> dict[str, Any]:
        """Nothing."""
        return {}

    def gather(self, rows: ibis.Table) -> dict[str, Any]:
        """Greatest pair of time and value."""
        said = rows[f"trait_{self.trait}"] if self.trait else rows[self.of]
        pair = ibis.struct({"at": rows.at, "said": said})
        # pairs are slow to compare, and of most kinds there are few: only those are looked at
        return {self.name: pair.max(where=self.where.expression(rows) & said.notnull())}

    def settle(self, gathered: ibis.Table) -> dict[str, Any]:
        """The pair taken apart."""
        return {self.name: gathered[self.name]["said"], self.time_name: gathered[self.name]["at"]}

    def combine(self, states: Sequence[State], state_at: int) -> State:
        """Keep the greatest pair of time and value."""
        pairs: list[Any] = [(at, each[self.name]) for each in states if (at := each[self.time_name]) is not None]
        at, said = max(pairs, default=(None, None))
        return {self.name: said, self.time_name: at}

    def _said(self, arrival: Arrival) -> float | str | None:
        if self.trait:
            return arrival.interaction.traits.get(self.trait)
        said = getattr(arrival.interaction, self.of)
        return said if said is None or self.of in ("score", "value") else str(said)
