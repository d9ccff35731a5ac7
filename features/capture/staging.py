"""The records of a file, made and put aside outside the lake: one view `staged_<table>` for each table that they are of."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from features.capture.expressions import HIDDEN, masked
from features.capture.identifying import with_identifiers
from features.capture.records import select_records, texts_query
from features.capture.rows import Rows
from features.capture.rules import Setting
from features.capture.sections import InteractionSection
from features.capture.sentiments import create_sentiments, insert_sentiments
from features.errors import ConfigurationError
from features.identity import Names
from features.instants import microseconds
from features.lake import SCHEMAS, literal

_NAMES = ("customer_id", "left", "right", "decision_id")
_AT_ONCE = 100_000


def identified(connection: duckdb.DuckDBPyConnection, rows: Rows, setting: Setting, folder: Path) -> Rows:
    """The rows with the identifiers of the persons that they name.

    Raises
    ------
    ConfigurationError
        When the mapping has identifiers, and there is no key under which to hash them.
    """
    names = names_for(setting)
    return rows if names is None else with_identifiers(connection, rows, setting.mapping, names, folder)


def names_for(setting: Setting) -> Names | None:
    """What hashes the mapping's identifiers; None when it has none.

    Raises
    ------
    ConfigurationError
        When it has some, and there is nothing to hash them.
    """
    if not any(True for _, _, section in setting.mapping.sections() for _ in section.named()):
        return None
    if setting.names is None:
        raise ConfigurationError(f"source mapping {setting.mapping.name}: it has identifiers; give the names that hash them")
    return setting.names


def stage(connection: duckdb.DuckDBPyConnection, rows: Rows, setting: Setting, folder: Path) -> list[str]:
    """Make the views, and the table `refused_lines` of what could not be read; give the names of the tables."""
    if (texts := all_texts(rows, setting)) is not None:
        create_sentiments(connection)
        insert_sentiments(connection, texts)
    connection.execute("SET preserve_insertion_order = false")  # ordinals tell it, and without it writing is cheaper
    tables = {}
    for table, query in record_queries(rows, setting).items():
        path = literal(str(folder / f"{table}.parquet"))
        connection.execute(f"COPY ({query}) TO {path} (FORMAT parquet)")
        connection.execute(f"CREATE VIEW staged_{table} AS SELECT * FROM read_parquet({path})")
        tables[table] = path
    hidden = f"'{HIDDEN}'" if rows.named else masked("raw")  # which part of a line that is none names a person cannot be told
    unreadable = rows.unreadable or "SELECT 0::BIGINT AS row, '' AS raw, '' AS reason WHERE false"
    lines = f"SELECT row::BIGINT AS ordinal, row::BIGINT AS row, raw AS identity, {hidden} AS raw, reason FROM ({unreadable})"
    connection.execute(f"CREATE TEMP TABLE refused_lines AS {lines}")
    return list(tables)


def record_queries(rows: Rows, setting: Setting) -> Mapping[str, str]:
    """The query for the records of every table; their ordinals tell row and section."""
    queries: dict[str, list[str]] = {}
    for table, query in section_queries(rows, setting):
        queries.setdefault(table, []).append(query)
    return {table: " UNION ALL ".join(f"({part})" for part in parts) for table, parts in queries.items()}


def section_queries(rows: Rows, setting: Setting) -> Iterator[tuple[str, str]]:
    """The query for the records of every section, with the table that they are of."""
    sections = list(setting.mapping.sections())
    for nth, (table, name, section) in enumerate(sections):
        yield table, select_records(table, section, rows, setting, name=name, ordinal=f"nth * {len(sections)} + {nth}")


def leave_out_erased(
    connection: duckdb.DuckDBPyConnection, table: str, names: Names | None, tombstones: Mapping[str, datetime], folder: Path
) -> int:
    """Take out of a view the records of who has been erased since they happened; give how many these were.

    Raises
    ------
    ConfigurationError
        When there are tombstones, and no key under which to know their owners again.
    """
    if not tombstones:
        return 0
    if names is None:
        raise ConfigurationError("there are tombstones; give the names under which they were made")
    told = [f'["{name}"]' for name in _NAMES if name in SCHEMAS[table].names]
    named = f'SELECT ordinal, "at", unnest(list_concat({", ".join(["others", *told])})) AS name FROM staged_{table}'
    connection.execute("CREATE OR REPLACE TEMP TABLE buried (name VARCHAR, erased_at BIGINT)")
    for found in _buried(connection, f"SELECT DISTINCT name FROM ({named}) WHERE name IS NOT NULL", names, tombstones):
        connection.register("found", found)
        connection.execute("INSERT INTO buried SELECT * FROM found")
        connection.unregister("found")
    until = 'coalesce(epoch_us("at") <= erased_at, true)'
    erased = f"SELECT DISTINCT ordinal FROM ({named}) JOIN buried USING (name) WHERE {until}"
    connection.execute(f"CREATE TEMP TABLE erased_{table} AS {erased}")
    staged = f"read_parquet({literal(str(folder / f'{table}.parquet'))})"
    connection.execute(
        f"CREATE OR REPLACE VIEW staged_{table} AS SELECT * FROM {staged} ANTI JOIN erased_{table} USING (ordinal)"
    )
    return int(connection.execute(f"SELECT count(*) FROM erased_{table}").fetchall()[0][0])


def _buried(
    connection: duckdb.DuckDBPyConnection, query: str, names: Names, tombstones: Mapping[str, datetime]
) -> Iterator[pa.Table]:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE distinct_names AS {query}")
    (count,) = connection.execute("SELECT count(*) FROM distinct_names").fetchall()[0]
    for start in range(0, count, _AT_ONCE):
        part = f"SELECT name FROM distinct_names WHERE rowid BETWEEN {start} AND {start + _AT_ONCE - 1}"
        listed = connection.sql(part).to_arrow_table()["name"].to_pylist()
        times = {name: [tombstones[digest] for digest in names.tombstones_of(name) if digest in tombstones] for name in listed}
        found = {name: microseconds(max(erased)) for name, erased in times.items() if erased}
        yield pa.table({"name": pa.array(found, pa.string()), "erased_at": pa.array(found.values(), pa.int64())})


def all_texts(rows: Rows, setting: Setting) -> str | None:
    """The query for every `text` whose sentiment is to be found; None where there is none."""
    sections = [(name, section) for _, name, section in setting.mapping.sections() if isinstance(section, InteractionSection)]
    queries = [texts_query(section, rows, setting.mapping, name) for name, section in sections]
    return " UNION ALL ".join(f"({query})" for query in queries if query is not None) or None
