"""The lake's record of what arrived, for the report on the quality of sources: one row for every file and table."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import duckdb
import pyarrow as pa

from features.capture.judging import new_records
from features.capture.rules import Setting
from features.lake import SCHEMAS, Lake

_NEVER_MISSING = ("source", "received_at", "channel", "position")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records of a table a file has, and what became of them."""

    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    erased: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.accepted + self.duplicate + self.quarantined + self.erased


def record_arrival(
    connection: duckdb.DuckDBPyConnection,
    counts: Mapping[str, Counts],
    missing: Mapping[str, Mapping[str, int]],
    setting: Setting,
    lake: Lake,
    *,
    file: str,
) -> None:
    """Append the rows of a file; given again at the same time, it arrived once."""
    source, at = setting.mapping.name, setting.now
    rows = [
        {
            "arrival_id": sha256(json.dumps([source, file, target, at.isoformat()]).encode()).hexdigest(),
            "source": source,
            "file": file,
            "received_at": at,
            "target": target,
            "rows": each.rows,
            "accepted": each.accepted,
            "duplicate": each.duplicate,
            "quarantined": each.quarantined,
            "erased": each.erased,
            "missing": json.dumps(missing.get(target, {}), sort_keys=True),
        }
        for target, each in counts.items()
    ]
    lake.append("arrivals", pa.Table.from_pylist(rows, schema=SCHEMAS["arrivals"]), connection=connection)


def missing_fields(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Of the fields of new records that may be missing, those that are, each with how many records lack it."""
    fields = [name for name in SCHEMAS[table].names if name not in _NEVER_MISSING]
    counts = ", ".join(f'count(*) - count("{name}")' for name in fields)
    (found,) = connection.execute(f"SELECT {counts} FROM ({new_records(table)})").fetchall()
    return {name: count for name, count in zip(fields, found, strict=True) if count}
