"""What the lake's tables hold: their columns, their keys, and what of a row is its content."""

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

_TIME = pa.timestamp("us", tz="UTC")


def _schema(**types: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, type_) for name, type_ in types.items()])


SCHEMAS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        "interactions": _schema(
            message_id=pa.string(),
            customer_id=pa.string(),
            touchpoint=pa.string(),
            channel=pa.string(),
            kind=pa.string(),
            stage=pa.string(),
            at=_TIME,
            received_at=_TIME,
            value=pa.float64(),
            metric=pa.string(),
            score=pa.float64(),
            decision_id=pa.string(),
            identifiers=pa.list_(pa.string()),
            direction=pa.string(),
            contact_form=pa.string(),
            sentiment=pa.float64(),
            original_at=pa.string(),
            traits=pa.string(),
            properties=pa.string(),
            source=pa.string(),
            position=pa.int64(),
        ),
        "decisions": _schema(
            decision_id=pa.string(),
            customer_id=pa.string(),
            touchpoint=pa.string(),
            at=_TIME,
            received_at=_TIME,
            source=pa.string(),
            wave=pa.string(),
            candidates=pa.list_(pa.string()),
            probability=pa.float64(),
            record=pa.string(),
            position=pa.int64(),
        ),
        "outcomes": _schema(
            message_id=pa.string(),
            decision_id=pa.string(),
            kind=pa.string(),
            at=_TIME,
            received_at=_TIME,
            value=pa.float64(),
            source=pa.string(),
            position=pa.int64(),
        ),
        "links": _schema(
            link_id=pa.string(),
            left=pa.string(),
            right=pa.string(),
            action=pa.string(),
            at=_TIME,
            received_at=_TIME,
            source=pa.string(),
            position=pa.int64(),
        ),
        "consents": _schema(
            message_id=pa.string(),
            customer_id=pa.string(),
            channel=pa.string(),
            purpose=pa.string(),
            status=pa.string(),
            at=_TIME,
            received_at=_TIME,
            source=pa.string(),
            position=pa.int64(),
        ),
        "quarantine": _schema(
            record_id=pa.string(),
            source=pa.string(),
            received_at=_TIME,
            file=pa.string(),
            row=pa.int64(),
            reason=pa.string(),
            raw=pa.string(),
        ),
        "resolutions": _schema(record_id=pa.string(), resolution=pa.string(), at=_TIME, message=pa.string()),
        "arrivals": _schema(
            arrival_id=pa.string(),
            source=pa.string(),
            file=pa.string(),
            received_at=_TIME,
            target=pa.string(),
            rows=pa.int64(),
            accepted=pa.int64(),
            duplicate=pa.int64(),
            quarantined=pa.int64(),
            erased=pa.int64(),
            missing=pa.string(),
        ),
    }
)
"""The columns of every table.

`traits`, `properties`, `record`, `raw` and `missing` are JSON text; `position` is the journal's, null for what came in files.
`arrivals` has a row for every file taken and table it filled: how many records, and of the accepted ones how many lack a field.
"""

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "interactions": "message_id",
        "decisions": "decision_id",
        "outcomes": "message_id",
        "links": "link_id",
        "consents": "message_id",
        "quarantine": "record_id",
        "resolutions": "record_id",
        "arrivals": "arrival_id",
    }
)
"""The column that names a row: of two rows with the same one, the first is kept."""

# Of JSON the members, wherever they stand: a journal sorts them, and an exporter may at any time
_MEMBERS = """list_sort(string_split(translate("{name}", '{{}}', ',,'), ','))"""
_WITHOUT_ORDER = {
    "identifiers": 'list_sort("identifiers")',
    **{name: _MEMBERS.format(name=name) for name in ("traits", "properties")},
}
_DESCRIBES_CAPTURE = ("received_at", "original_at", "source", "position", "record")

DUCKDB_TYPES: Mapping[pa.DataType, str] = MappingProxyType(
    {
        pa.string(): "VARCHAR",
        pa.float64(): "DOUBLE",
        pa.int64(): "BIGINT",
        pa.list_(pa.string()): "VARCHAR[]",
        _TIME: "TIMESTAMPTZ",
    }
)
"""What DuckDB calls the types of the columns."""


def content_digest(table: str) -> str:
    """DuckDB SQL of a digest of what a row says; copies of a record have the same, however they were captured."""
    names = [name for name in SCHEMAS[table].names if name not in _DESCRIBES_CAPTURE]
    content = ", ".join(_WITHOUT_ORDER.get(name, f'"{name}"') for name in names)
    # 16 bytes each instead of texts, so that files and lakes of many millions of rows are compared in little memory
    return f"md5_number(to_json(row({content}))::VARCHAR)"
