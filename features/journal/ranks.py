"""Rank events: which of a caller's own actions was chosen for it, and what came of that; no customer is in them.

A reward or an activation is a row of its own, whenever it comes and whatever it names: what counts is decided by who reads.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, insert, or_, select

from features.instants import microseconds, moment
from features.journal.append import in_chunks, insert_new
from features.journal.connection import Database
from features.journal.group import GroupCommit
from features.journal.schema import RANK_FEEDBACK, RANKS

_AT_ONCE = 500
_PATTERNS = 100  # in one query, each being a term of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRank:
    """A rank event, as it was answered.

    Attributes
    ----------
    request_hash : identifies the question, so that the same event_id cannot answer another one.
    request : what was asked, JSON.
    ranking : what was answered, JSON: every action's id and probability, in the order of the answer.
    chosen : the id of the action to show.
    policy : the version of what chose.
    deferred : whether it counts only once it is activated.
    """

    event_id: str
    at: datetime
    request_hash: str
    request: str
    ranking: str
    chosen: str
    policy: str
    deferred: bool


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a caller says of an event.

    Attributes
    ----------
    value : the reward; None says that the event was activated.
    """

    event_id: str
    at: datetime
    value: float | None = None


@dataclass(frozen=True, slots=True)
class RankHistory:
    """A rank event, and all that was said of it, in the order in which it came."""

    rank: RecordedRank
    feedback: tuple[Feedback, ...]


class Ranks:
    """The rank events of a journal; every method raises StoreError when the database does not answer."""

    def __init__(self, database: Database, group: GroupCommit) -> None:
        self._database = database
        self._group = group

    def append(self, ranks: Sequence[RecordedRank]) -> list[RecordedRank]:
        """Keep events, durable on return; give each as it stands now: the first of an event_id is the one that counts."""
        return self._group.run(_append, ranks)

    def tell(self, feedback: Sequence[Feedback]) -> None:
        """Keep what was said of events, durable on return, even where no such event is known."""
        self._group.run(_tell, feedback)

    def find(self, event_id: str) -> RecordedRank | None:
        """The event of that id, or None."""
        with self._database.reading() as connection:
            row = connection.execute(select(RANKS).where(RANKS.c.event_id == event_id)).one_or_none()
            return None if row is None else _as_rank(row)

    def histories(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[RankHistory]:
        """The events of a time, with what was said of each, in the order in which they were recorded.

        Parameters
        ----------
        since : only those at or after; default: from the first.
        until : only those before; default: to the last.
        """
        position = 0
        while True:
            with self._database.reading() as connection:
                rows = _page(connection, position, since, until)
                said = _feedback(connection, [row.event_id for row in rows])
            for row in rows:
                yield RankHistory(_as_rank(row), tuple(said.get(row.event_id, ())))
            if len(rows) < _AT_ONCE:
                return
            position = rows[-1].position


def forget(connection: Connection, identifiers: Sequence[str]) -> dict[str, int]:
    """Delete the events that hold one of the identifiers, though none should, with what was said of them; how many, by table."""
    event_ids = sorted({each for chunk in in_chunks(identifiers, _PATTERNS) for each in _holding(connection, chunk)})
    removed = {table.name: _delete(connection, table, event_ids) for table in (RANKS, RANK_FEEDBACK)}
    return {name: count for name, count in removed.items() if count}


def _delete(connection: Connection, table: Table, event_ids: Sequence[str]) -> int:
    return sum(connection.execute(delete(table).where(table.c.event_id.in_(some))).rowcount for some in in_chunks(event_ids))


def _holding(connection: Connection, identifiers: Sequence[str]) -> Iterator[str]:
    """The events under one of the ids, or in whose question a text is one of them; a scan."""
    texts = [json.dumps(each, ensure_ascii=False) for each in identifiers]
    hits = or_(RANKS.c.event_id.in_(identifiers), *(RANKS.c.request.contains(text, autoescape=True) for text in texts))
    for row in connection.execute(select(RANKS.c.event_id, RANKS.c.request).where(hits)):
        # once more, as SQLite does not mind upper and lower case
        if row.event_id in identifiers or any(text in row.request for text in texts):
            yield row.event_id


def _append(connection: Connection, ranks: Sequence[RecordedRank]) -> list[RecordedRank]:
    insert_new(connection, RANKS, "event_id", [_row(rank) for rank in ranks])
    kept = {
        row.event_id: _as_rank(row)
        for chunk in in_chunks([rank.event_id for rank in ranks])
        for row in connection.execute(select(RANKS).where(RANKS.c.event_id.in_(chunk)))
    }
    return [kept[rank.event_id] for rank in ranks]


def _tell(connection: Connection, feedback: Sequence[Feedback]) -> list[None]:
    rows = [{"event_id": each.event_id, "at": microseconds(each.at), "value": each.value} for each in feedback]
    connection.execute(insert(RANK_FEEDBACK), rows)
    return [None] * len(rows)


def _page(connection: Connection, position: int, since: datetime | None, until: datetime | None) -> Sequence[Row[Any]]:
    query = select(RANKS).where(RANKS.c.position > position).order_by(RANKS.c.position).limit(_AT_ONCE)
    if since is not None:
        query = query.where(RANKS.c.at >= microseconds(since))
    if until is not None:
        query = query.where(RANKS.c.at < microseconds(until))
    return connection.execute(query).all()


def _feedback(connection: Connection, event_ids: Sequence[str]) -> dict[str, list[Feedback]]:
    found: dict[str, list[Feedback]] = {}
    of_events = select(RANK_FEEDBACK).where(RANK_FEEDBACK.c.event_id.in_(event_ids)).order_by(RANK_FEEDBACK.c.position)
    for row in connection.execute(of_events):
        found.setdefault(row.event_id, []).append(Feedback(row.event_id, moment(row.at), row.value))
    return found


def _row(rank: RecordedRank) -> dict[str, Any]:
    return {
        "event_id": rank.event_id,
        "at": microseconds(rank.at),
        "request_hash": rank.request_hash,
        "request": rank.request,
        "ranking": rank.ranking,
        "chosen": rank.chosen,
        "policy": rank.policy,
        "deferred": rank.deferred,
    }


def _as_rank(row: Row[Any]) -> RecordedRank:
    return RecordedRank(
        event_id=row.event_id,
        at=moment(row.at),
        request_hash=row.request_hash,
        request=row.request,
        ranking=row.ranking,
        chosen=row.chosen,
        policy=row.policy,
        deferred=bool(row.deferred),
    )
