"""Finds decisions by what they were, newest first, and page by page, every page as fast as the first.

A page continues after the place where the one before ended, and not after so many rows: nothing is skipped or shown twice
while decisions are taken, and no database counts what it does not show. Which decisions these are, an index tells that
has all that is searched by, so that of a million decisions only those shown are read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, tuple_

from features.domain import Outcome
from features.errors import RequestError
from features.instants import microseconds, moment
from features.journal.append import in_chunks
from features.journal.rows import as_outcome
from features.journal.schema import DECISIONS, OUTCOMES

ANY, NEITHER = "any", "none"
"""As a fallback: whatever it was, or none at all."""

_PLACE = re.compile(r"(-?\d{1,17})\.(\d{1,18})", re.ASCII)
_SHOWN = ("position", "decision_id", "customer_id", "touchpoint", "at", "probability", "deferred", "arm", "policy_version")
_COLUMNS = tuple(DECISIONS.c[name] for name in (*_SHOWN, "fallback"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which decisions; what is None does not matter.

    Attributes
    ----------
    identifiers : those of one customer, under any of which it was taken.
    since, until : as of when it was taken, the first included and the last not.
    fallback : a reason, `ANY` of them, or `NEITHER` of them.
    """

    identifiers: tuple[str, ...] | None = None
    touchpoint: str | None = None
    arm: str | None = None
    policy_version: str | None = None
    fallback: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: behind the decision of that time and position."""

    at: int
    position: int

    def __str__(self) -> str:
        return f"{self.at}.{self.position}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """The place that was written as `text`.

        Raises
        ------
        RequestError
            When it is none.

        Examples
        --------
        >>> str(Place.read("1769860800000000.17"))
        '1769860800000000.17'
        """
        found = _PLACE.fullmatch(text)
        if found is None:
            raise RequestError(f"/cursor: {text[:40]!r} is none that an answer gave; leave it out to begin", field="/cursor")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDecision:
    """One decision, in short; `arm`, `policy_version` and `fallback` as in its record."""

    decision_id: str
    customer_id: str
    touchpoint: str
    at: datetime
    probability: float
    deferred: bool
    arm: str | None
    policy_version: str | None
    fallback: str | None


@dataclass(frozen=True, slots=True)
class FoundDecisions:
    """A page of them, newest first; `next` is where the next one begins, None where there is none."""

    decisions: tuple[FoundDecision, ...]
    next: Place | None


def search_decisions(connection: Connection, wanted: Wanted, *, limit: int, after: Place | None = None) -> FoundDecisions:
    """Up to `limit` of the decisions wanted, behind the place where a page ended; those superseded as well."""
    everybody = wanted.identifiers is None
    queries = [_of_everybody(wanted, after, limit + 1)] if everybody else _of_customer(wanted, after, limit + 1)
    found = sorted((row for query in queries for row in connection.execute(query)), key=_order, reverse=True)
    shown = found[:limit]
    more = Place(shown[-1].at, shown[-1].position) if len(found) > limit else None
    return FoundDecisions(tuple(map(_found, shown)), more)


def first_decided(connection: Connection) -> datetime | None:
    """As of when the first decision that is here was taken; None when there is none."""
    earliest = connection.execute(select(func.min(DECISIONS.c.at))).scalar()
    return None if earliest is None else moment(earliest)


def outcomes_of(connection: Connection, decision_ids: Sequence[str]) -> list[Outcome]:
    """What was told of what followed decisions, in the order in which it happened."""
    query = select(OUTCOMES)
    chunks = (query.where(OUTCOMES.c.decision_id.in_(chunk)) for chunk in in_chunks(decision_ids))
    rows = [row for chunk in chunks for row in connection.execute(chunk)]
    return [as_outcome(row) for row in sorted(rows, key=lambda row: (row.at, row.position))]


def _of_everybody(wanted: Wanted, after: Place | None, most: int) -> Select[Any]:
    newest = (DECISIONS.c.at.desc(), DECISIONS.c.position.desc())
    positions = select(DECISIONS.c.position).where(*_terms(wanted, after)).order_by(*newest).limit(most)
    return select(*_COLUMNS).where(DECISIONS.c.position.in_(positions))


def _of_customer(wanted: Wanted, after: Place | None, most: int) -> Iterator[Select[Any]]:
    # Plus nothing: databases would else walk through everybody's decisions, of which an index has the order.
    newest = ((DECISIONS.c.at + 0).desc(), (DECISIONS.c.position + 0).desc())
    terms = list(_terms(wanted, after))
    for chunk in in_chunks(wanted.identifiers or ()):
        yield select(*_COLUMNS).where(DECISIONS.c.customer_id.in_(chunk), *terms).order_by(*newest).limit(most)


def _terms(wanted: Wanted, after: Place | None) -> Iterator[ColumnElement[bool]]:
    at = DECISIONS.c.at
    for name in ("touchpoint", "arm", "policy_version"):
        if (value := getattr(wanted, name)) is not None:
            yield DECISIONS.c[name] == value
    if wanted.fallback is not None:
        yield _fell_back(wanted.fallback)
    if wanted.since is not None:
        yield at >= microseconds(wanted.since)
    if wanted.until is not None:
        yield at < microseconds(wanted.until)
    if after is not None:
        yield tuple_(at, DECISIONS.c.position) < tuple_(after.at, after.position)


def _fell_back(reason: str) -> ColumnElement[bool]:
    column = DECISIONS.c.fallback
    if reason == ANY:
        return column.is_not(None)
    return column.is_(None) if reason == NEITHER else column == reason


def _order(row: Row[Any]) -> tuple[int, int]:
    return row.at, row.position


def _found(row: Row[Any]) -> FoundDecision:
    return FoundDecision(
        decision_id=row.decision_id,
        customer_id=row.customer_id,
        touchpoint=row.touchpoint,
        at=moment(row.at),
        probability=row.probability,
        deferred=bool(row.deferred),
        arm=row.arm,
        policy_version=row.policy_version,
        fallback=row.fallback,
    )
