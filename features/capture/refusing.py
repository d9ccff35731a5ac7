"""What of a file goes to the quarantine, with its reason and the row as it was, without what names persons in clear.

To correct a record, change its row and give it to the mapping again: an identifier that stands for a value is taken as it is,
and only where `…` stands the value has to be looked up in the file, by its row, and written in its place.
"""

from collections.abc import Sequence

import duckdb

from features.capture.expressions import escaped, masked
from features.capture.rows import Rows
from features.capture.rules import Setting
from features.lake import KEYS, Lake, literal


def quarantine(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[str], rows: Rows, setting: Setting, lake: Lake, *, file: str
) -> None:
    """Append to the lake what was refused of the tables, and of the lines that are none; tables `refused_<table>` tell of it."""
    for table in tables:
        _refuse(connection, table, rows, setting)
    union = [f"SELECT {literal(table)} AS target, * FROM refused_{table}" for table in [*tables, "lines"]]
    if not connection.execute(f"SELECT 1 FROM ({' UNION ALL BY NAME '.join(union)}) LIMIT 1").fetchall():
        return
    source, now = escaped(setting.mapping.name), f"{literal(setting.now.isoformat())}::TIMESTAMPTZ"
    # By the row itself as well, since rows that differ may look the same without what names persons
    record_id = f"sha256(to_json([{source}, target, identity, raw, reason])::VARCHAR)"
    records = f"""
        SELECT {record_id} AS record_id, {source} AS source, {now} AS received_at, {literal(file)} AS file, row, reason, raw
        FROM ({" UNION ALL BY NAME ".join(union)}) ORDER BY target, ordinal"""
    lake.append("quarantine", connection.sql(records).to_arrow_reader(100_000))


def _refuse(connection: duckdb.DuckDBPyConnection, table: str, rows: Rows, setting: Setting) -> None:
    key = KEYS[table]
    words = f"""'{key} ''' || left({key}, 80) || ''' was used before for another record, which is kept; '
        || 'name this one differently, or, after a change of the mapping, start a new lake'"""
    connection.execute(f"""
        CREATE TEMP TABLE reasons_{table} AS
        SELECT ordinal, reason FROM staged_{table} WHERE reason IS NOT NULL
        UNION ALL
        SELECT ordinal, {words} FROM staged_{table}
        SEMI JOIN (FROM dropped_{table} WHERE verdict = 'conflict') USING (ordinal)""")
    count = int(connection.execute(f"SELECT count(*) FROM reasons_{table}").fetchall()[0][0])
    # Rows are read again for their text, because as a rule few are refused, and often none
    connection.execute(f"CREATE TEMP TABLE refused_{table} AS {_with_rows(table, rows, setting)} LIMIT {count}")


def _with_rows(table: str, rows: Rows, setting: Setting) -> str:
    sections = list(setting.mapping.sections())
    parts = []
    for nth, (of, _, section) in enumerate(sections):
        if of == table:
            numbered = f"SELECT nth * {len(sections)} + {nth} AS ordinal, * FROM ({rows.query})"
            texts = f"{rows.identity} AS identity, {rows.refused(section)} AS raw"
            parts.append(f"SELECT ordinal, row, {texts}, reason FROM ({numbered}) JOIN reasons_{table} USING (ordinal)")
    hidden = f"{masked('raw')} AS raw, {masked('reason')} AS reason"
    return f"SELECT * REPLACE ({hidden}) FROM ({' UNION ALL '.join(parts)})"
