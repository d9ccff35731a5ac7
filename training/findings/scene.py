"""The history of one look, opened once for all kinds of findings: steps that customers take, and what is asked of them.

A step is what a customer does at a touchpoint by themselves; contacts, ratings and notes about them are none. Every query may use
the times `$since`, `$until`, `$known`, in microseconds, and the catalogue's limits `$gap`, `$answer`, `$conflict`, and `$least`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from typing import Any

import pyarrow as pa

from features.insights import Page
from features.insights.history import open_history
from features.insights.look import Look
from features.instants import DAY, microseconds
from features.lake import literal
from training.findings.finding import CASES, FindingKind, finding_id
from training.findings.standing import LEAST_CUSTOMERS, Measured

MOST_CASES = 100_000
"""Of one finding, the latest so many customers are named in its cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A look, and the connection with its history.

    Attributes
    ----------
    connection : with the views of `open_history` and the tables `acts` and `steps`.
    customers : who did anything in the period.
    before : the pages that were made before.
    worth : profit per such customer in the period, in the catalogue's currency; None where nobody brought any.
    """

    connection: Any
    look: Look
    customers: int
    worth: float | None
    before: Sequence[Page] = ()

    def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows of a query that gives few."""
        found: list[dict[str, Any]] = self._relation(query, parameters or {}).to_arrow_table().to_pylist()
        return found

    def prepare(self, table: str, query: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Keep the rows of a query as a table of the connection."""
        self.connection.execute(f"create or replace temp table {table} as {query}", self._used(query, parameters or {}))

    def measured(self, per_customer: str) -> list[Measured]:
        """Means by subject, of subjects with enough customers.

        Parameters
        ----------
        per_customer : a query of (subject, customer_id, n, y): a customer's observations at a subject, and their sum.
        """
        return [_measured(row) for row in self.rows(_MEASURED.format(per_customer=per_customer))]

    def cases(self, kind: FindingKind, subject: str, query: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Customers that a finding is about, from a query of (customer_id, touchpoint, moment, words)."""
        named = {"finding": finding_id(kind, subject), "kind": str(kind)}
        found = self._relation(_CASES.format(query=query, most=MOST_CASES), {**(parameters or {}), **named})
        return found.to_arrow_table().cast(CASES)

    def at_stake(self, customers: float) -> float | None:
        """What so many average customers bring in the period."""
        return None if self.worth is None else customers * self.worth

    def at_stake_in_words(self, customers: str) -> str:
        """How that was computed, after how the customers were."""
        if self.worth is None:
            return f"{customers}; no conversion has a value, so there is no money"
        return f"{customers}; each at the average profit of {self.worth:,.2f} {self.look.catalogue.currency} in the period"

    def _relation(self, query: str, parameters: Mapping[str, Any]) -> Any:
        return self.connection.sql(query, params=self._used(query, parameters))

    def _used(self, query: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that a query names, since DuckDB refuses others."""
        given = {**_times(self.look), **parameters}
        return {name: given[name] for name in set(re.findall(r"\$([a-z_]+)", query))}


@contextmanager
def open_scene(look: Look, before: Sequence[Page] = ()) -> Iterator[Scene]:
    """Open the history and prepare the steps in it."""
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        scene = Scene(connection=connection, look=look, customers=0, worth=None)
        scene.prepare("acts", _ACTS)
        scene.prepare("steps", _STEPS)
        found = scene.rows(_WORTH)[0]
        customers, value = int(found["customers"]), float(found["value"] or 0.0)
        worth = value * look.catalogue.objective.margin / customers if customers and value > 0.0 else None
        yield Scene(connection=connection, look=look, customers=customers, worth=worth, before=before)


def listed(values: Sequence[str]) -> str:
    """Texts as a DuckDB list."""
    return "[" + ", ".join(map(literal, values)) + "]"


def _times(look: Look) -> dict[str, int]:
    settings = look.catalogue.insights
    return {
        "since": microseconds(look.period.since),
        "until": min(microseconds(look.period.until), microseconds(look.known_until) + 1),
        "known": microseconds(look.known_until),
        "gap": round(settings.journey_gap_days * DAY),
        "answer": round(settings.answer_days * DAY),
        "conflict": round(settings.conflict_days * DAY),
        "least": max(settings.small_count, LEAST_CUSTOMERS),
    }


def _measured(row: Mapping[str, Any]) -> Measured:
    customers, n, mean = int(row["customers"]), float(row["n"]), float(row["y"]) / float(row["n"])
    squares = max(float(row["yy"]) - 2.0 * mean * float(row["yn"]) + mean**2 * float(row["nn"]), 0.0)
    return Measured(
        subject=row["subject"],
        stage=row["stage"],
        channel=row["channel"],
        customers=customers,
        observations=n,
        mean=mean,
        error=sqrt(squares * customers / (customers - 1)) / n,
    )


# Of the customer's own accord; what is dated before the period tells whether a step in it begins a journey
_ACTS = """
select customer_id, touchpoint, stage, kind, moment, converts from history
where kind in ('open', 'click', 'view', 'visit', 'search', 'cart', 'purchase', 'redemption', 'call', 'complaint', 'share',
               'subscribe', 'other')
    and coalesce(direction, 'inbound') <> 'outbound' and moment >= $since - $gap and moment <= $known
"""

# Who has just bought may well leave, so steps within a gap after a conversion are left out; so are those not closed yet
_STEPS = """
with walked as (
    select customer_id, touchpoint, stage, moment, converts, lead(moment) over way as next_moment,
           lead(touchpoint) over way as next_touchpoint,
           max(case when converts then moment end) over (way rows between unbounded preceding and current row) as bought
    from acts window way as (partition by customer_id order by moment, touchpoint, kind)
)
select customer_id, touchpoint, stage, moment, next_touchpoint, next_moment,
       next_moment is null or next_moment - moment > $gap as leaves
from walked where moment >= $since and moment < $until and moment + $gap <= $known and not converts
    and coalesce(moment - bought > $gap, true)
"""

_WORTH = """
select count(distinct customer_id) as customers, sum(value) filter (converts) as value from history
where kind not in ('contact', 'resolution', 'profile') and coalesce(direction, 'inbound') <> 'outbound'
    and moment >= $since and moment < $until
"""

_MEASURED = """
with summed as (
    select subject, count(*) as customers, sum(n)::double as n, sum(y)::double as y, sum(y * y)::double as yy,
           sum(y * n)::double as yn, sum(n * n)::double as nn
    from ({per_customer}) where n > 0 group by subject having count(*) >= $least
)
select summed.*, stage, touchpoint_channel as channel from summed left join touchpoints on touchpoint = subject order by subject
"""

_CASES = """
select customer_id, $finding as finding, $kind as kind, touchpoint, make_timestamptz(moment) as "at", words
from (select *, row_number() over (partition by customer_id order by moment desc) as nth from ({query}))
where nth = 1 order by moment desc, customer_id limit {most}
"""
