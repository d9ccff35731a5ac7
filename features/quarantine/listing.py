"""What the quarantine holds: records that were refused, until they are replayed, corrected or discarded.

The tables are only ever added to. A record is pending as long as no resolution names it, and stays in the quarantine after that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from features.errors import RequestError, UnknownRecordError
from features.lake import ONLINE, Lake, duckdb_session
from features.lake_tables import SCHEMAS
from features.quality.reasons import without_values

_BATCH = 50_000
_SHORTEST_ID = 6


class Resolution(StrEnum):
    """What became of a record that was refused."""

    REPLAYED = "replayed"  # taken, or refused again for another reason, under which it is pending again
    CORRECTED = "corrected"  # pending again as it was corrected
    DISCARDED = "discarded"  # it is of no use


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record in the quarantine.

    Attributes
    ----------
    file, row : where it came from; of what was posted, `features.lake.ONLINE` and the position in the journal.
    reason : why it was refused.
    raw : the record, as a rule JSON.
    """

    record_id: str
    source: str
    received_at: datetime | None
    file: str
    row: int
    reason: str
    raw: str

    @property
    def posted(self) -> bool:
        """Whether it came online."""
        return self.file == ONLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which pending records are meant; all of them unless something is given, and then those to which everything given applies.

    Attributes
    ----------
    reason : a part of the reason, or all of it; values in it may be left out, as the listing does.
    since : refused at or after this time.
    record_ids : these records, each by its id or an unambiguous beginning of it.
    """

    source: str | None = None
    reason: str | None = None
    since: datetime | None = None
    record_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Pending records of one source that were refused for the same reason, values aside."""

    source: str
    reason: str
    records: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Listing:
    """Pending records.

    Attributes
    ----------
    total : how many there are; `records` may be fewer.
    groups : all of them by source and reason, the largest first.
    records : the newest first.
    """

    total: int
    groups: tuple[Group, ...]
    records: tuple[RefusedRecord, ...]


_COLUMNS = ", ".join(f'"{name}"' for name in SCHEMAS["quarantine"].names)
_NEWEST_FIRST = "received_at DESC NULLS LAST, record_id"
_CONDITIONS = {
    "source": "source = $source",
    "since": "received_at >= $since",
    "reason": f"(contains(reason, $reason) OR contains({without_values('reason')}, $reason))",
}


def list_refused(lake: Lake, selection: Selection, *, limit: int = 20) -> Listing:
    """The pending records that are selected, by source and reason, and the newest of them one by one.

    Raises
    ------
    UnknownRecordError, RequestError
        When an id is of no pending record, or of several.
    """
    pending, given = _pending(lake, selection)
    grouped = f"""SELECT source, {without_values("reason")} AS plain, count(*) AS n, min(received_at), max(received_at)
        FROM ({pending}) GROUP BY source, plain ORDER BY n DESC, source, plain"""
    with duckdb_session() as connection:
        groups = tuple(Group(*row) for row in connection.execute(grouped, given).fetchall())
        newest = f"SELECT {_COLUMNS} FROM ({pending}) ORDER BY {_NEWEST_FIRST} LIMIT {int(limit)}"
        records = tuple(RefusedRecord(*row) for row in connection.execute(newest, given).fetchall())
    return Listing(sum(group.records for group in groups), groups, records)


def show_refused(lake: Lake, record_id: str) -> RefusedRecord:
    """The pending record of that id, or of an id that begins so.

    Raises
    ------
    UnknownRecordError, RequestError
        When it is of no pending record, or of several.
    """
    return list_refused(lake, Selection(record_ids=(record_id,)), limit=1).records[0]


def pending_records(lake: Lake, selection: Selection) -> Iterator[list[RefusedRecord]]:
    """The pending records that are selected, oldest first, in bounded batches; as they are when asked first."""
    pending, given = _pending(lake, selection)
    with duckdb_session() as connection:
        found = connection.execute(f"SELECT {_COLUMNS} FROM ({pending}) ORDER BY received_at, file, row, record_id", given)
        while rows := found.fetchmany(_BATCH):
            yield [RefusedRecord(*row) for row in rows]


def keep_refused(lake: Lake, records: Sequence[RefusedRecord]) -> int:
    """Add records to the quarantine; give how many are new."""
    schema = SCHEMAS["quarantine"]
    rows = [dict(zip(schema.names, astuple(record), strict=True)) for record in records]
    return lake.append("quarantine", pa.Table.from_pylist(rows, schema=schema))


def resolve(lake: Lake, resolutions: Sequence[tuple[str, Resolution, str]], *, now: datetime) -> int:
    """Keep what became of records, given as (record_id, resolution, message); one that is resolved already stays so.

    Returns
    -------
    How many were not resolved before.
    """
    rows = [{"record_id": each[0], "resolution": each[1].value, "at": now, "message": each[2]} for each in resolutions]
    return lake.append("resolutions", pa.Table.from_pylist(rows, schema=SCHEMAS["resolutions"])) if rows else 0


def _pending(lake: Lake, selection: Selection) -> tuple[str, dict[str, object]]:
    """A query for the pending records that are selected, and its parameters."""
    given = {"source": selection.source, "since": selection.since, "reason": selection.reason}
    parameters: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    conditions = [_CONDITIONS[name] for name in parameters]
    if selection.record_ids:
        conditions.append("record_id IN (SELECT unnest($record_ids::VARCHAR[]))")
        parameters["record_ids"] = [_whole(lake, record_id) for record_id in selection.record_ids]
    return f"SELECT * FROM {_unresolved(lake)} WHERE {' AND '.join(conditions) or 'true'}", parameters


def _unresolved(lake: Lake) -> str:
    resolved = f"SELECT record_id FROM {lake.relation('resolutions')}"
    return f"(SELECT * FROM {lake.relation('quarantine')} WHERE record_id NOT IN ({resolved}))"


def _whole(lake: Lake, beginning: str) -> str:
    if len(beginning) < _SHORTEST_ID:
        raise RequestError(f"{beginning!r} is too short for an id; give at least {_SHORTEST_ID} characters", field="/record_id")
    query = f"SELECT record_id FROM {_unresolved(lake)} WHERE starts_with(record_id, ?) LIMIT 2"
    with duckdb_session() as connection:
        found = connection.execute(query, [beginning]).fetchall()
    if not found:
        raise UnknownRecordError(f"no pending record has the id {beginning!r}; list them with `touchpoint quarantine list`")
    if len(found) > 1:
        raise RequestError(f"several pending records have ids that begin with {beginning!r}; give more of it", field="/record_id")
    return str(found[0][0])
