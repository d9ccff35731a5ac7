"""Folds: what a state keeps, as sums here and extremes next door, so that the order of interactions makes no difference.

Each fold says it several times and the property tests hold them together: `step` takes one interaction into a state;
`prepare`, `gather` and `settle` are the same over a table, first columns that folds share, then a reduction (cumulative for
history, grouped for the latest row), then row-wise arithmetic on what was reduced; `combine` makes one state out of the states
of parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import ibis

from features.errors import ConfigurationError
from features.instants import DAY
from features.tables.state import STATE_AT, Arrival, State, StateColumn
from features.tables.where import ANY, Where

SHORTEST_HALF_LIFE = 7.0
"""Days; see `DecayedSum`."""

_FIRST_EXPONENT = -1000.0


class Fold(Protocol):
    """Something kept of a customer's interactions, in one or more columns."""

    @property
    def name(self) -> str:
        """Unique name; also of its first column."""

    @property
    def columns(self) -> tuple[StateColumn, ...]:
        """The columns it writes."""

    def step(self, state: State, arrival: Arrival) -> None:
        """Take one interaction in, changing the own columns of `state` in place."""

    def prepare(self, rows: ibis.Table) -> dict[str, Any]:
        """Columns of `rows` that `gather` needs besides its own, by name; of folds that give the same name, one is taken."""

    def gather(self, rows: ibis.Table) -> dict[str, Any]:
        """Reductions over `rows` (an interactions table with times in microseconds, and what was prepared), by name."""

    def settle(self, gathered: ibis.Table) -> dict[str, Any]:
        """The own columns by name, out of a table with what was gathered, `state_at` and `origin`."""

    def combine(self, states: Sequence[State], state_at: int) -> State:
        """The own columns of the state of all interactions of `states`, the latest of which stands at `state_at`."""


@dataclass(frozen=True, slots=True)
class DecayedSum:
    """Sum of `2 ** -(age / half_life)` over interactions, or of that times their value or sentiment, as of `state_at`.

    It is true at every later time by one more multiplication, which is what makes it cheap online. Over history it is a
    cumulative sum of `value * 2 ** ((at - origin) / half_life)`, scaled back row by row. A double holds exponents from
    -1022 to 1023, so the sum starts at -1000 with the customer's first interaction and has room for 2,000 half-lives and values
    up to a trillion: 38 years at the shortest half-life allowed, 7 days. Capture refuses dates before 1990, so nothing is older.

    Raises
    ------
    ConfigurationError
        When the half-life is shorter than that.
    """

    name: str
    half_life_days: float
    where: Where = ANY
    of: Literal["count", "value", "sentiment"] = "count"

    def __post_init__(self) -> None:
        if self.half_life_days < SHORTEST_HALF_LIFE:
            raise ConfigurationError(
                f"{self.name}: a half-life of {self.half_life_days:g} days overflows over long histories;"
                f" take {SHORTEST_HALF_LIFE:g} days or more"
            )

    @property
    def columns(self) -> tuple[StateColumn, ...]:
        """One float."""
        what = "number" if self.of == "count" else f"sum of the {self.of}s"
        meaning = f"{what} of {self.where}, each halved every {self.half_life_days:g} days, as of state_at"
        return (StateColumn(self.name, "float", 0.0, meaning),)

    def step(self, state: State, arrival: Arrival) -> None:
        """Decay what is there to the new `state_at`, then add the interaction decayed by its own age."""
        total = float(state[self.name] or 0.0) * self._remaining(arrival.after - arrival.before)
        if self.where.matches(arrival.interaction):
            weight = 1.0 if self.of == "count" else getattr(arrival.interaction, self.of) or 0.0
            total += weight * self._remaining(arrival.after - arrival.at)
        state[self.name] = total

    def prepare(self, rows: ibis.Table) -> dict[str, Any]:
        """What one counts for, inflated by the time since the customer's first interaction: a power is dear, many share it."""
        return {self._inflated: _float(2.0) ** (self._half_lives(rows.at - rows.origin) + _float(_FIRST_EXPONENT))}

    def gather(self, rows: ibis.Table) -> dict[str, Any]:
        """Sum of the values, inflated."""
        inflated = rows[self._inflated]
        weighted = inflated if self.of == "count" else inflated * rows[self.of].fill_null(_float(0.0))
        return {self.name: self.where.expression(rows).ifelse(weighted, _float(0.0)).sum()}

    def settle(self, gathered: ibis.Table) -> dict[str, Any]:
        """Deflate to `state_at`."""
        deflation = _float(2.0) ** (_float(-_FIRST_EXPONENT) - self._half_lives(gathered.state_at - gathered.origin))
        return {self.name: gathered[self.name] * deflation}

    def combine(self, states: Sequence[State], state_at: int) -> State:
        """Decay each to the same time, then add."""
        decayed = (float(each[self.name] or 0.0) * self._remaining(state_at - int(each[STATE_AT] or 0)) for each in states)
        return {self.name: sum(decayed)}

    @property
    def _inflated(self) -> str:
        return f"inflated_{self.half_life_days!r}".replace(".", "_")

    def _remaining(self, elapsed: int) -> float:
        return float(2.0 ** -(elapsed / DAY / self.half_life_days))

    def _half_lives(self, elapsed: Any) -> Any:
        # a Python float would become a DECIMAL on Spark, off in the seventh digit
        return elapsed.cast("float64") / _float(self.half_life_days * DAY)


@dataclass(frozen=True, slots=True)
class Count:
    """Number of interactions, ever."""

    name: str
    where: Where = ANY

    @property
    def columns(self) -> tuple[StateColumn, ...]:
        """One int."""
        return (StateColumn(self.name, "int", 0, f"number of {self.where}"),)

    def step(self, state: State, arrival: Arrival) -> None:
        """Add one."""
        if self.where.matches(arrival.interaction):
            state[self.name] = int(state[self.name] or 0) + 1

    def prepare(self, rows: ibis.Table) -> dict[str, Any]:
        """Nothing."""
        return {}

    def gather(self, rows: ibis.Table) -> dict[str, Any]:
        """Number of rows."""
        return {self.name: self.where.expression(rows).ifelse(1, 0).sum()}

    def settle(self, gathered: ibis.Table) -> dict[str, Any]:
        """As gathered; Spark gives null where no condition was known."""
        return {self.name: gathered[self.name].fill_null(0)}

    def combine(self, states: Sequence[State], state_at: int) -> State:
        """Add."""
        return {self.name: sum(int(each[self.name] or 0) for each in states)}


@dataclass(frozen=True, slots=True)
class Total:
    """Sum of the values, scores or sentiments of interactions, ever; a missing one counts as zero."""

    name: str
    of: Literal["value", "score", "sentiment"]
    where: Where = ANY

    @property
    def columns(self) -> tuple[StateColumn, ...]:
        """One float."""
        return (StateColumn(self.name, "float", 0.0, f"sum of the {self.of}s of {self.where}"),)

    def step(self, state: State, arrival: Arrival) -> None:
        """Add the value."""
        if self.where.matches(arrival.interaction):
            state[self.name] = float(state[self.name] or 0.0) + (getattr(arrival.interaction, self.of) or 0.0)

    def prepare(self, rows: ibis.Table) -> dict[str, Any]:
        """Nothing."""
        return {}

    def gather(self, rows: ibis.Table) -> dict[str, Any]:
        """Sum of the column."""
        return {self.name: self.where.expression(rows).ifelse(rows[self.of].fill_null(_float(0.0)), _float(0.0)).sum()}

    def settle(self, gathered: ibis.Table) -> dict[str, Any]:
        """As gathered."""
        return {self.name: gathered[self.name]}

    def combine(self, states: Sequence[State], state_at: int) -> State:
        """Add."""
        return {self.name: sum(float(each[self.name] or 0.0) for each in states)}


def _float(value: float) -> Any:
    return ibis.literal(value, type="float64")
