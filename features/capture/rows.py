"""The rows that a mapping's sections see: the file's, with lookups joined, filtered, then grouped."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.capture.expressions import LARGEST_NUMBER, Columns, condition, escaped, number
from features.capture.mapping import Group, Lookup, Mapping
from features.capture.read import Options, View, open_view
from features.errors import CaptureError


@dataclass(frozen=True, slots=True)
class Rows:
    """A relation ready for the sections.

    Attributes
    ----------
    query : SQL that gives `row`, `raw` (the row as JSON), `identity` (what tells it from others) and the columns.
    columns : what a mapping may name in it.
    unreadable, absent : as those of the file's `View`.
    """

    query: str
    columns: Columns
    unreadable: str | None
    absent: str | None


def open_rows(connection: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping, folder: Path) -> Rows:
    """Open a file as the mapping wants it.

    Raises
    ------
    CaptureError
        When the file or a lookup cannot be read, or lacks a column that the mapping names.
    """
    lookups = {name: _open_lookup(connection, path, mapping, name, folder) for name in mapping.lookups}
    looked_up = {f"{name}.{column}" for name, view in lookups.items() for column in view.columns}
    looked_up |= {column for name, view in lookups.items() for column in view.columns if column != mapping.lookups[name].key.left}
    wanted = [column for _, column in mapping.columns() if column not in looked_up]
    options = Options(mapping.format, mapping.delimiter, mapping.encoding, mapping.header)
    file = open_view(connection, "file", path, options, wanted=wanted, folder=folder)
    columns = _columns(path, mapping, file, lookups)
    joins = " ".join(_join(name, lookup, lookups[name], columns) for name, lookup in mapping.lookups.items())
    where = condition(mapping.where, columns, "where", decimal=mapping.decimal)
    relation = f"file {joins} WHERE {where}"
    if mapping.group is not None:
        return _grouped(relation, mapping.group, columns, mapping.decimal, file)
    texts = {name: f"t{nth}" for nth, name in enumerate(columns.expressions)}
    listed = ", ".join(f"{columns.expressions[name]} AS {alias}" for name, alias in texts.items())
    query = f"SELECT file.row, file.raw, file.raw AS identity, {listed or 'NULL AS t'} FROM {relation}"
    return Rows(query, Columns(str(path), texts, mapping.missing), file.unreadable, file.absent)


def _open_lookup(connection: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping, name: str, folder: Path) -> View:
    lookup = mapping.lookups[name]
    side_file = path.parent / lookup.file
    table = f"lookup{list(mapping.lookups).index(name)}"
    fields = {column.removeprefix(f"{name}.") for _, column in mapping.columns()} | {lookup.key.right}
    view = open_view(connection, table, side_file, Options(encoding=mapping.encoding), wanted=fields, folder=folder)
    key = Columns(str(side_file), view.columns, mapping.missing).text(lookup.key.right, f"lookups.{name}.key")
    # Copied, because it is joined to every row; and the copy finds the lines that cannot be read.
    connection.execute(f"CREATE TEMP TABLE {table}_rows AS SELECT {key} AS key, * FROM {table}")
    if view.unreadable and (bad := connection.execute(f"{view.unreadable} LIMIT 1").fetchall()):
        raise CaptureError(f"{side_file}: line {bad[0][0]}: {bad[0][2]}; correct it, since every row may need it")
    repeated = f"SELECT key FROM {table}_rows WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1 LIMIT 1"
    if bad := connection.execute(repeated).fetchall():
        raise CaptureError(
            f"{side_file}: {lookup.key.right} {bad[0][0]!r} occurs twice, and would double rows; keep one line of it"
        )
    return View(f"{table}_rows", view.columns)


def _columns(path: Path, mapping: Mapping, file: View, lookups: dict[str, View]) -> Columns:
    found = {name: f"file.{identifier}" for name, identifier in file.columns.items()}
    for name, view in lookups.items():
        for column, identifier in view.columns.items():
            found[f"{name}.{column}"] = f"{view.name}.{identifier}"
            found.setdefault(column, f"{view.name}.{identifier}")
    return Columns(str(path), found, mapping.missing)


def _join(name: str, lookup: Lookup, view: View, columns: Columns) -> str:
    return f"LEFT JOIN {view.name} ON {view.name}.key = {columns.text(lookup.key.left, f'lookups.{name}.key')}"


def _grouped(relation: str, group: Group, columns: Columns, decimal: str, file: View) -> Rows:
    by = {name: columns.text(name, "group.by") for name in group.by}
    values = {name: _sum(columns.text(name, "group.sum"), decimal) for name in group.sum}
    values |= {name: _extreme("min", columns.text(name, "group.min"), decimal) for name in group.min}
    values |= {name: _extreme("max", columns.text(name, "group.max"), decimal) for name in group.max}
    values |= {name: f"arg_min({columns.raw(name, 'group.first')}, file.row)" for name in group.first}
    if group.count is not None:
        values[group.count] = "CAST(count(*) AS VARCHAR)"
    texts = {name: f"t{nth}" for nth, name in enumerate([*by, *values])}
    listed = ", ".join(f"{sql} AS {texts[name]}" for name, sql in {**by, **values}.items())
    inner = f"SELECT min(file.row) AS row, {listed} FROM {relation} GROUP BY {', '.join(by.values())}"
    identity = _json({name: texts[name] for name in by})
    query = f"SELECT row, {_json(texts)} AS raw, {identity} AS identity, * EXCLUDE (row) FROM ({inner})"
    return Rows(query, Columns(columns.file, texts, columns.missing), file.unreadable, file.absent)


def _sum(text: str, decimal: str) -> str:
    # Decimals add up to the same sum in any order: floats would not, and a file given again would look changed.
    value = number(text, decimal=decimal)
    exact = f"sum(CASE WHEN abs({value}) <= {LARGEST_NUMBER!r} THEN CAST({value} AS DECIMAL(38, 10)) END)"
    total = f"replace(CAST(CAST({exact} AS DOUBLE) AS VARCHAR), '.', {escaped(decimal)})"
    refused = f"bool_or({text} IS NOT NULL AND NOT coalesce(abs({value}) <= {LARGEST_NUMBER!r}, false))"
    return f"CASE WHEN {refused} THEN 'a sum of what is not a number' ELSE {total} END"


def _extreme(name: str, text: str, decimal: str) -> str:
    value = number(text, decimal=decimal)
    numeric = f"arg_{name}({text}, ({value}, {text})) FILTER ({value} IS NOT NULL)"
    return f"CASE WHEN count({text}) = count({value}) THEN {numeric} ELSE {name}({text}) END"


def _json(texts: dict[str, str]) -> str:
    return f"CAST(json_object({', '.join(f'{escaped(name)}, {alias}' for name, alias in texts.items())}) AS VARCHAR)"
