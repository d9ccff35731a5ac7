"""Who asked to be forgotten, known again by keyed hashes only, so that what is sent or read once more does not come back."""

import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from features.instants import microseconds, moment
from features.journal.append import in_chunks
from features.journal.schema import TOMBSTONES

Dated = tuple[tuple[str, ...], datetime]
"""Names that a record tells, and when it happened."""


def tombstone(name: str, key: bytes) -> str:
    """The digest under which a name is buried: HMAC-SHA256, hexadecimal."""
    return hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256").hex()


def are_buried(connection: Connection, records: Sequence[Dated], keys: Sequence[bytes]) -> list[bool]:
    """Whether each record names somebody who was buried, under any of the keys, when it had happened or later."""
    if _nobody(connection):
        return [False] * len(records)
    digests = {name: [tombstone(name, key) for key in keys] for names, _ in records for name in names}
    erased_at = _among(connection, [digest for each in digests.values() for digest in each])
    return [
        any(microseconds(at) <= erased_at[digest] for name in names for digest in digests[name] if digest in erased_at)
        for names, at in records
    ]


def name_buried(connection: Connection, raws: Sequence[str], keys: Sequence[bytes]) -> list[bool]:
    """Whether each record, JSON text with identifiers hashed, has the name of somebody who was buried among its values."""
    if _nobody(connection):
        return [False] * len(raws)
    digests = [[tombstone(name, key) for name in _names_in(raw) for key in keys] for raw in raws]
    buried = _among(connection, list({digest for each in digests for digest in each}))
    return [not buried.keys().isdisjoint(each) for each in digests]


def bury(connection: Connection, digests: Iterable[str], erased_at: int) -> None:
    """Set tombstones; of two of the same digest the later counts."""
    wanted = list(dict.fromkeys(digests))
    known = _among(connection, wanted)
    later = [digest for digest in wanted if known.get(digest, erased_at) < erased_at]
    for chunk in in_chunks(later):
        connection.execute(update(TOMBSTONES).where(TOMBSTONES.c.digest.in_(chunk)).values(erased_at=erased_at))
    if new := [{"digest": digest, "erased_at": erased_at} for digest in wanted if digest not in known]:
        connection.execute(insert(TOMBSTONES), new)


def tombstones(connection: Connection) -> dict[str, datetime]:
    """All of them: the digest and when its owner was erased."""
    return {row.digest: moment(row.erased_at) for row in connection.execute(select(TOMBSTONES))}


def buried_at(connection: Connection, names: Sequence[str], keys: Sequence[bytes]) -> int | None:
    """The last time, in microseconds, at which any of the names was buried; None when none was."""
    return max(_among(connection, [tombstone(name, key) for name in names for key in keys]).values(), default=None)


def _among(connection: Connection, digests: Sequence[str]) -> dict[str, int]:
    return {
        row.digest: row.erased_at
        for chunk in in_chunks(digests)
        for row in connection.execute(select(TOMBSTONES).where(TOMBSTONES.c.digest.in_(chunk)))
    }


def _nobody(connection: Connection) -> bool:
    # One look at an empty table, as a rule; hashing every name costs more.
    return connection.execute(select(TOMBSTONES.c.digest).limit(1)).first() is None


def _names_in(raw: str) -> set[str]:
    try:
        return set(_texts(json.loads(raw)))
    except (ValueError, RecursionError):
        return {raw}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield str(value)
