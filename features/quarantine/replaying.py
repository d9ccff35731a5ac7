"""Gives refused records to capture once more, after the mapping, the catalogue or they themselves were corrected.

What came in files is written as JSON lines and taken by the very machinery of `ingest`; what was posted goes through the check of
the service, which the caller passes in, since nothing here may import it. What is taken is in the lake, or the journal, before
the quarantine hears of it. So to be killed in between loses nothing: replayed again, such a record is a duplicate.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from features.capture.mapping import Mapping as SourceMapping
from features.errors import ConfigurationError, RequestError
from features.lake import Lake
from features.lake_tables import SCHEMAS
from features.quality.life import REPLAYED
from features.quarantine.correcting import as_object
from features.quarantine.listing import RefusedRecord, Resolution, Selection, pending_records, resolve

Post = Callable[[str, Sequence[Any]], Sequence[str | None]]
"""Takes JSON records of a source as if they were posted: for each, None once it is durable, or the reason why it is refused."""

_POSTED_AT_ONCE = 500


class TakeFiles(Protocol):
    """`features.capture.ingest` with everything but the files, the mapping and the lake given."""

    def __call__(self, files: Sequence[Path], mapping: SourceMapping, *, lake: Lake) -> object:
        """Take the files into the lake."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What became of the records.

    Attributes
    ----------
    replayed : taken now, duplicates of what was taken before, or left out by a changed mapping.
    refused : refused again, and pending under the new reason; what was posted is listed again after the next compaction.
    unreadable : no JSON objects, and so not replayed; to be corrected first.
    reasons : of those refused again, with their numbers.
    """

    replayed: int
    refused: int
    unreadable: int
    reasons: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Replayed:
    """A record and how it was refused again; not at all, when it was taken."""

    record: RefusedRecord
    again: tuple[RefusedRecord, ...] = ()

    @property
    def resolution(self) -> tuple[str, Resolution, str] | None:
        """None when the very same refusal is pending already."""
        if any(each.record_id == self.record.record_id for each in self.again):
            return None
        words = "; ".join(f"refused again: {each.reason}" for each in self.again) or "taken"
        return self.record.record_id, Resolution.REPLAYED, words


def replay(
    lake: Lake,
    selection: Selection,
    *,
    mapping: SourceMapping | None = None,
    take_files: TakeFiles | None = None,
    post: Post | None = None,
    folder: Path | None = None,
    now: datetime,
) -> ReplayReport:
    """Replay the selected pending records; what is taken is pending no longer, so that doing it twice does nothing more.

    Parameters
    ----------
    mapping, take_files : for what came in files, all of it from the mapping's source.
    post : for what was posted.
    folder : where the side files of the mapping's lookups lie.

    Raises
    ------
    UnknownRecordError, RequestError
        When an id is of no pending record, or a record came in a way for which nothing is given to take it.
    ConfigurationError
        When the mapping is of another source, or has lookups and no folder is given.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for records in pending_records(lake, selection):
        readable = [record for record in records if as_object(record.raw) is not None]
        counts["unreadable"] += len(records) - len(readable)
        filed = [record for record in readable if not record.posted]
        posted = [record for record in readable if record.posted]
        replayed = [*_take(filed, mapping, take_files, lake, folder), *_post(posted, post)]
        resolve(lake, [each.resolution for each in replayed if each.resolution is not None], now=now)
        counts.update("refused" if each.again else "replayed" for each in replayed)
        reasons.update(again.reason for each in replayed for again in each.again[:1])
    return ReplayReport(counts["replayed"], counts["refused"], counts["unreadable"], dict(reasons.most_common()))


def _post(records: Sequence[RefusedRecord], post: Post | None) -> Iterator[_Replayed]:
    if records and post is None:
        raise RequestError(f"record {records[0].record_id} was posted; give the check of the service", field="/post")
    for source in sorted({record.source for record in records}):
        of_source = [record for record in records if record.source == source]
        for k in range(0, len(of_source), _POSTED_AT_ONCE):
            chunk = of_source[k : k + _POSTED_AT_ONCE]
            answers = post(source, [as_object(record.raw) for record in chunk]) if post else []
            for record, reason in zip(chunk, answers, strict=True):
                yield _Replayed(record) if reason is None else _Replayed(record, (_refused_again(record, reason),))


def _refused_again(record: RefusedRecord, reason: str) -> RefusedRecord:
    same = reason == record.reason
    return replace(record, reason=reason, record_id=record.record_id if same else "")


def _take(
    records: Sequence[RefusedRecord], mapping: SourceMapping | None, take_files: TakeFiles | None, lake: Lake, folder: Path | None
) -> Iterator[_Replayed]:
    if not records:
        return
    first = next((each for each in records if mapping is None or each.source != mapping.name), records[0])
    if mapping is None or take_files is None:
        raise RequestError(
            f"record {first.record_id} came in {first.file}; give the mapping of source {first.source!r}", field="/mapping"
        )
    if first.source != mapping.name:
        raise ConfigurationError(
            f"record {first.record_id} is of source {first.source!r}, the mapping of {mapping.name!r}; select one source"
        )
    of_lines = _for_lines(mapping, folder)
    for raws in _rounds({record.raw: record for record in records}, mapping):
        collecting = _Collecting(lake.path, list(raws.values()))
        with TemporaryDirectory(prefix="touchpoint-") as scratch:
            lines = Path(scratch) / REPLAYED
            lines.write_text("".join(f"{_one_line(raw)}\n" for raw in raws), encoding="utf-8")
            take_files([lines], of_lines, lake=collecting)
        again: dict[str, tuple[RefusedRecord, ...]] = {raw: () for raw in raws}
        for origin, refused in collecting.refused:
            again[origin.raw] += (refused,)
        yield from (_Replayed(record, again[record.raw]) for record in records if record.raw in again)


class _Collecting(Lake):
    """The lake, hearing which line is refused again, and naming the place where its record first came from."""

    def __init__(self, path: Path, origins: Sequence[RefusedRecord]) -> None:
        super().__init__(path)
        self._origins = origins
        self.refused: list[tuple[RefusedRecord, RefusedRecord]] = []

    def append(
        self, table: str, rows: pa.Table | pa.RecordBatchReader, *, connection: duckdb.DuckDBPyConnection | None = None
    ) -> int:
        if table != "quarantine":
            return super().append(table, rows, connection=connection)
        said = (rows if isinstance(rows, pa.Table) else rows.read_all()).to_pylist()
        for row in said:
            origin = self._origins[row["row"] - 1]
            row.update(file=origin.file, row=origin.row)
            self.refused.append((origin, RefusedRecord(**row)))
        return super().append(table, pa.Table.from_pylist(said, schema=SCHEMAS[table]))


def _rounds(records: dict[str, RefusedRecord], mapping: SourceMapping) -> Iterator[dict[str, RefusedRecord]]:
    """The raw records in files of their own where grouping would make one of them."""
    if mapping.group is None:
        yield records
        return
    by, seen = mapping.group.by, Counter[str]()
    rounds: list[dict[str, RefusedRecord]] = []
    for raw, record in records.items():
        values = as_object(raw) or {}
        name = json.dumps([values.get(column) for column in by])
        if seen[name] == len(rounds):
            rounds.append({})
        rounds[seen[name]][raw] = record
        seen[name] += 1
    yield from rounds


def _for_lines(mapping: SourceMapping, folder: Path | None) -> SourceMapping:
    """The mapping for what it kept of its rows: JSON lines, each a row as the sections saw it."""
    as_lines = {"format": "jsonl", "encoding": "utf-8", "delimiter": None, "header": None, "records": None}
    if mapping.group is not None:
        # A group that was refused is one line: looked up, filtered, added up and counted already.
        count = mapping.group.count
        group = {"count": None, "first": (*mapping.group.first, *([] if count is None else [count]))}
        return mapping.model_copy(
            update={**as_lines, "where": (), "lookups": {}, "group": mapping.group.model_copy(update=group)}
        )
    if mapping.lookups and folder is None:
        raise ConfigurationError(f"source mapping {mapping.name} has lookups; say in which folder their side files lie")
    where = folder or Path()
    lookups = {
        name: each.model_copy(update={"file": str((where / each.file).absolute())}) for name, each in mapping.lookups.items()
    }
    return mapping.model_copy(update={**as_lines, "lookups": lookups})


def _one_line(raw: str) -> str:
    # As it is wherever possible: a record without an id is known by a hash of this very text.
    return raw if "\n" not in raw else json.dumps(json.loads(raw), ensure_ascii=False)
