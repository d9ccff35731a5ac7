"""Texts that name persons, hashed: every distinct one once, in Python, since the rules are those of libraries."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from features.capture.mapping import Mapping as SourceMapping
from features.capture.rows import Named, Rows, texts_of
from features.identity import Names
from features.lake import literal

_AT_ONCE = 100_000
_SCHEMA = pa.schema([(column, pa.string()) for column in ("value", "name", "before")])


def with_identifiers(
    connection: duckdb.DuckDBPyConnection, rows: Rows, mapping: SourceMapping, names: Names, folder: Path
) -> Rows:
    """The rows with the identifiers of all that names persons in them, as `Rows.named` says; NULL for what is, say, no e-mail."""
    named = texts_that_name(mapping, rows)
    for type_ in dict.fromkeys(each.type_ for each in named):
        fill_names(connection, type_, rows.query, [each.text for each in named if each.type_ == type_], names)
    found = joined(rows, named)
    if sum(1 for _ in mapping.sections()) == 1:
        return found
    copy = literal(str(folder / "named.parquet"))  # so that not every section joins anew
    connection.execute(f"COPY ({found.query}) TO {copy} (FORMAT parquet)")
    return replace(found, query=f"SELECT * FROM read_parquet({copy})")


def texts_that_name(mapping: SourceMapping, rows: Rows) -> tuple[Named, ...]:
    """Every text that names a person in a section of the mapping."""
    sections = (section for _, _, section in mapping.sections())
    return tuple(dict.fromkeys(each for section in sections for use in section.named() for each in texts_of(*use, rows.clear)))


def fill_names(connection: duckdb.DuckDBPyConnection, type_: str, query: str, texts: list[str], names: Names) -> None:
    """Make the table of the identifiers of a type by the texts that they stand for, of a query's rows."""
    connection.execute(f"CREATE TEMP TABLE names_of_{type_} (value VARCHAR, name VARCHAR, before VARCHAR)")
    union = " UNION ALL ".join(f"SELECT {text} AS value FROM ({query})" for text in texts)
    distinct = f"SELECT DISTINCT value FROM ({union}) WHERE value IS NOT NULL"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE distinct_values AS {distinct}")
    for values in _batches(connection):
        hashed = hashed_texts(type_, values, names)
        columns = {"value": values, "name": [name for name, _ in hashed], "before": [before for _, before in hashed]}
        connection.register("named_values", pa.table(columns, schema=_SCHEMA))
        connection.execute(f"INSERT INTO names_of_{type_} SELECT * FROM named_values")
        connection.unregister("named_values")


def hashed_texts(type_: str, values: Sequence[str], names: Names) -> list[tuple[str | None, str | None]]:
    """The identifier of each text, and the one under the key before; an identifier in place of a text stands for itself."""
    is_name = re.compile(f"{type_}:[0-9a-f]{{32}}").fullmatch
    hashed = zip(values, names.names_of(type_, values), names.before_of(type_, values), strict=True)
    return [(value, None) if is_name(value) else (name, before) for value, name, before in hashed]


def joined(rows: Rows, named: tuple[Named, ...]) -> Rows:
    """The rows with their identifiers out of these tables."""
    if not named:
        return rows
    found = "".join(f", name{nth}.name AS name_{nth}, name{nth}.before AS before_{nth}" for nth, _ in enumerate(named))
    joins = " ".join(
        f"LEFT JOIN names_of_{each.type_} AS name{nth} ON name{nth}.value = {each.text}" for nth, each in enumerate(named)
    )
    return replace(rows, query=f"SELECT given.*{found} FROM ({rows.query}) AS given {joins}", named=named)


def _batches(connection: duckdb.DuckDBPyConnection) -> Iterator[list[str]]:
    (count,) = connection.execute("SELECT count(*) FROM distinct_values").fetchall()[0]
    for start in range(0, count, _AT_ONCE):
        part = f"SELECT value FROM distinct_values WHERE rowid BETWEEN {start} AND {start + _AT_ONCE - 1}"
        yield connection.sql(part).to_arrow_table()["value"].to_pylist()
