"""Removes persons from the journal: every row that names one of their identifiers, and what was refused of theirs."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from sqlalchemy import Column, Connection, delete, or_, select, update

from features.catalogue.identifiers import IdentifierType
from features.journal.append import in_chunks
from features.journal.index import refresh
from features.journal.ranks import forget
from features.journal.schema import CONSENTS, CONTACTS, DECISIONS, IDENTITIES, INTERACTIONS, LINKS, OUTCOMES, QUARANTINE
from features.journal.tombstones import buried_at, bury, tombstone

_PATTERNS = 100  # in one query, each being a term of its own

Told = Callable[[str], bool]
"""Whether a refused record, given as the text that is kept of it, is of whoever is erased."""


def erase(
    connection: Connection,
    identifiers: Sequence[str],
    *,
    types: Mapping[str, IdentifierType],
    keys: Sequence[bytes],
    is_theirs: Told | None = None,
    decision_ids: Sequence[str] = (),
) -> dict[str, int]:
    """Delete the rows that name any of the identifiers; give how many there were, by table.

    Who is left of a customer some of whose identifiers are erased is seen anew. Where the identifiers have tombstones, their
    decisions get them too, so that no outcome of theirs is taken any more.
    """
    decisions = [*decision_ids, *_values(connection, DECISIONS.c.decision_id, DECISIONS.c.customer_id, identifiers)]
    messages = _naming(connection, identifiers)
    names = {*identifiers, *decisions, *messages}
    names.update(_values(connection, CONSENTS.c.message_id, CONSENTS.c.customer_id, identifiers))
    names.update(_values(connection, OUTCOMES.c.message_id, OUTCOMES.c.decision_id, decisions))
    left = _near(connection, identifiers)
    erased = {
        "interactions": _delete(connection, INTERACTIONS.c.message_id, messages),
        "decisions": _delete(connection, DECISIONS.c.customer_id, identifiers),
        "outcomes": _delete(connection, OUTCOMES.c.decision_id, decisions),
        "contacts": _delete(connection, CONTACTS.c.customer_id, identifiers)
        + _delete(connection, CONTACTS.c.contact_id, messages),
        "links": _delete(connection, LINKS.c.left, identifiers) + _delete(connection, LINKS.c.right, identifiers),
        "identities": _delete(connection, IDENTITIES.c.identifier, identifiers),
        "consents": _delete(connection, CONSENTS.c.customer_id, identifiers),
        "quarantine": _delete(connection, QUARANTINE.c.position, _refused(connection, names, is_theirs)),
        **forget(connection, identifiers),
    }
    refresh(connection, left, types)
    for chunk in in_chunks(identifiers):  # of those left whom `refresh` had to give up
        orphans = update(IDENTITIES).where(IDENTITIES.c.customer_id.in_(chunk))
        connection.execute(orphans.values(customer_id=IDENTITIES.c.identifier))
    if (at := buried_at(connection, identifiers, keys)) is not None:
        bury(connection, [tombstone(decision_id, keys[0]) for decision_id in decisions], at)
    return erased


def _values(connection: Connection, wanted: Column[str], column: Column[str], among: Sequence[str]) -> list[str]:
    return [
        value for chunk in in_chunks(among) for value in connection.execute(select(wanted).where(column.in_(chunk))).scalars()
    ]


def _delete(connection: Connection, column: Column[object], among: Sequence[object]) -> int:
    return sum(connection.execute(delete(column.table).where(column.in_(chunk))).rowcount for chunk in in_chunks(among))


def _naming(connection: Connection, identifiers: Sequence[str]) -> list[str]:
    """The interactions captured under one of the identifiers, or that name it besides."""
    messages = set(_values(connection, INTERACTIONS.c.message_id, INTERACTIONS.c.customer_id, identifiers))
    gone = set(identifiers)
    columns = select(INTERACTIONS.c.message_id, INTERACTIONS.c.identifiers)
    for chunk in in_chunks(identifiers, _PATTERNS):
        # A scan; the pattern may find too much, as SQLite does not mind upper and lower case.
        hits = columns.where(or_(*(INTERACTIONS.c.identifiers.contains(json.dumps(each), autoescape=True) for each in chunk)))
        messages |= {row.message_id for row in connection.execute(hits) if not gone.isdisjoint(json.loads(row.identifiers))}
    return sorted(messages)


def _near(connection: Connection, identifiers: Sequence[str]) -> set[str]:
    """Whom facts link with the identifiers."""
    others = [
        *_values(connection, LINKS.c.right, LINKS.c.left, identifiers),
        *_values(connection, LINKS.c.left, LINKS.c.right, identifiers),
    ]
    return set(others) - set(identifiers)


def _refused(connection: Connection, names: set[str], is_theirs: Told | None) -> list[int]:
    """The positions of refused records in which a value is one of the names, or which are told to be theirs."""
    rows = connection.execute(select(QUARANTINE.c.position, QUARANTINE.c.raw))
    return [
        row.position for row in rows if not names.isdisjoint(_texts(row.raw)) or (is_theirs is not None and is_theirs(row.raw))
    ]


def _texts(raw: str) -> Iterable[str]:
    with suppress(ValueError, RecursionError):
        return _leaves(json.loads(raw))
    return (raw,)


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (leaf for each in value.values() for leaf in _leaves(each))
    elif isinstance(value, list):
        yield from (leaf for each in value for leaf in _leaves(each))
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float):
        yield f"{value:.15g}"
