"""The rows that a mapping's sections see: the file's, with lookups joined, filtered, then grouped."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from features.capture.expressions import HIDDEN, LARGEST_NUMBER, Columns, Typed, condition, escaped, given_text, number
from features.capture.fields import IdentifierField
from features.capture.json_rows import Shape, patch_of, pointer_of
from features.capture.mapping import Group, Lookup
from features.capture.mapping import Mapping as SourceMapping
from features.capture.read import Options, View, open_view
from features.capture.section import Section
from features.errors import CaptureError
from features.lake import literal


@dataclass(frozen=True, slots=True)
class Named:
    """A text that names a person.

    Attributes
    ----------
    text : SQL of it.
    columns : that it is made of.
    """

    type_: str
    text: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A relation ready for the sections.

    Attributes
    ----------
    query : SQL that gives `nth`, `row`, the columns, and for JSON `line` and `element`.
    clear : what a mapping may name in it, as it stands in the file.
    own : of these, the names of the file's own columns.
    is_json : whether a row is the JSON object `line`.
    identity : SQL of what tells a row from others.
    named : the texts that name persons; the identifier of the n-th is in `name_<n>`, that under the key before in `before_<n>`.
    unreadable : as that of the file's `View`.
    """

    query: str
    clear: Columns
    own: tuple[str, ...]
    is_json: bool = False
    identity: str = ""
    named: tuple[Named, ...] = ()
    unreadable: str | None = None

    def hashed(self, section: Section) -> dict[str, str]:
        """The columns that name persons, each with the SQL of the identifier that stands for it: the section's if it has one."""
        own = {each for type_, field in section.named() for each in texts_of(type_, field, self.clear)}
        found: dict[str, str] = {}
        for nth, each in sorted(enumerate(self.named), key=lambda item: item[1] not in own):
            for column in each.columns:
                found.setdefault(column, f"name_{nth}")
        return found

    def columns(self, section: Section) -> Columns:
        """What may be kept of the columns: of those that name persons, the identifiers."""
        hashed = self.hashed(section)
        typed = {name: each for name, each in self.clear.typed.items() if name not in hashed}
        return replace(self.clear, expressions={**self.clear.expressions, **hashed}, typed=typed)

    def refused(self, section: Section) -> str:
        """SQL of a row as the quarantine keeps it: correctable, since an identifier may be given in place of its value."""
        shown = {
            name: f"coalesce({sql}, CASE WHEN {self.clear.text(name, '')} IS NOT NULL THEN '{HIDDEN}' END)"
            for name, sql in self.hashed(section).items()
        }
        if not self.is_json:
            return _json({name: shown.get(name, self.clear.expressions[name]) for name in self.own})
        line = "line"
        for name, sql in shown.items():
            line = _replaced(line, name, sql)
        return f"CAST({line} AS VARCHAR)"

    def kept(self, section: Section, *, without: Collection[str]) -> str:
        """SQL of a row as JSON without the columns that name persons, and without others."""
        left_out = {*self.hashed(section), *without}
        if not self.is_json:
            return _json({name: self.clear.expressions[name] for name in self.own if name not in left_out})
        line = "json(line)"
        for name in sorted(left_out):
            line = _replaced(line, name, "NULL")
        return f"CAST({line} AS VARCHAR)"


def texts_of(type_: str, field: IdentifierField, clear: Columns) -> tuple[Named, ...]:
    """What gives a field its identifiers: its template, or each of its columns that the file has."""
    columns = tuple(column for column in map(clear.found, field.columns) if column is not None)
    if field.template is None:
        return tuple(Named(type_, clear.text(column, ""), (column,)) for column in columns)
    text = given_text(field, clear, f"the template of {type_}")
    for column in columns:  # a record out of the quarantine, where an identifier stands for each of its columns
        given = clear.text(column, "")
        text = f"CASE WHEN {is_identifier(type_, given)} THEN {given} ELSE {text} END"
    return (Named(type_, text, columns),)


def is_identifier(type_: str, text: str) -> str:
    """SQL of whether a text is an identifier of a type, and not a value from which one is made."""
    return f"regexp_full_match({text}, '{type_}:[0-9a-f]{{32}}')"


def open_rows(connection: duckdb.DuckDBPyConnection, path: Path, mapping: SourceMapping, *, folder: Path, beside: Path) -> Rows:
    """Open a file as the mapping wants it.

    Parameters
    ----------
    folder : for copies.
    beside : where lookups lie.

    Raises
    ------
    CaptureError
        When the file or a lookup cannot be read, or lacks a column that the mapping names.
    """
    lookups = {name: _open_lookup(connection, beside, mapping, name, folder) for name in mapping.lookups}
    file = open_view(connection, "file", path, options_of(mapping), wanted=_wanted(mapping, lookups), folder=folder)
    return rows_of(connection, file, mapping, lookups=lookups, file=str(path), folder=folder)


def options_of(mapping: SourceMapping) -> Options:
    """How to read the mapping's files."""
    shape = Shape(mapping.records, mapping.each, mapping.pairs, mapping.missing)
    return Options(mapping.format, mapping.delimiter, mapping.encoding, mapping.header, shape)


def rows_of(
    connection: duckdb.DuckDBPyConnection,
    view: View,
    mapping: SourceMapping,
    *,
    lookups: Mapping[str, View],
    file: str,
    folder: Path | None,
) -> Rows:
    """The rows of an opened file."""
    columns = _columns(file, mapping, view, lookups)
    joins = " ".join(_join(name, lookup, lookups[name], columns) for name, lookup in mapping.lookups.items())
    where = condition(mapping.where, columns, "where", decimal=mapping.decimal)
    relation = f"{view.name} AS file {joins} WHERE {where}"
    if mapping.group is not None and folder is not None:
        return _grouped(connection, relation, mapping.group, columns, mapping.decimal, view, folder)
    texts = {name: f"t{nth}" for nth, name in enumerate(columns.expressions)}
    listed = "".join(f", {columns.expressions[name]} AS {alias}" for name, alias in texts.items())
    listed += "".join(f", {each.sql} AS n{nth}" for nth, each in enumerate(columns.typed.values()))
    typed = {name: Typed(f"n{nth}", each.type_) for nth, (name, each) in enumerate(columns.typed.items())}
    query = f"SELECT file.nth, file.row{', file.line, file.element' if view.is_json else ''}{listed} FROM {relation}"
    own = tuple(view.columns)
    identity = "concat(json(line), element)" if view.is_json else _json({name: texts[name] for name in own})
    clear = Columns(file, texts, mapping.missing, typed, clean=view.is_json and not mapping.lookups)
    return Rows(query, clear, own, view.is_json, identity, unreadable=view.unreadable)


def absent_columns(connection: duckdb.DuckDBPyConnection, rows: Rows, mapping: SourceMapping) -> list[str]:
    """Columns without which a field has no value, and that no line of a JSON file has, where no header lists them."""
    fields = [field for _, _, section in mapping.sections() for _, field in section.fields() if not field.optional]
    needed = sorted({field.columns[0] for field in fields if len(field.columns) == 1} & set(rows.own))
    if not rows.is_json or not needed:
        return []
    counts = ", ".join(f"count({rows.clear.expressions[name]})" for name in needed)
    (found,) = connection.execute(f"SELECT count(*), {counts} FROM ({rows.query})").fetchall()
    return [name for name, count in zip(needed, found[1:], strict=True) if found[0] and not count]


def _wanted(mapping: SourceMapping, lookups: Mapping[str, View]) -> list[str]:
    looked_up = {f"{name}.{column}" for name, view in lookups.items() for column in view.columns}
    looked_up |= {column for name, view in lookups.items() for column in view.columns if column != mapping.lookups[name].key.left}
    return [column for _, column in mapping.columns() if column not in looked_up]


def _open_lookup(connection: duckdb.DuckDBPyConnection, beside: Path, mapping: SourceMapping, name: str, folder: Path) -> View:
    lookup = mapping.lookups[name]
    side_file = beside / lookup.file
    table = f"lookup{list(mapping.lookups).index(name)}"
    fields = {column.removeprefix(f"{name}.") for _, column in mapping.columns()} | {lookup.key.right}
    view = open_view(connection, table, side_file, Options(encoding=mapping.encoding), wanted=fields, folder=folder)
    key = Columns(str(side_file), view.columns, mapping.missing).text(lookup.key.right, f"lookups.{name}.key")
    connection.execute(f"CREATE TEMP TABLE {table}_rows AS SELECT {key} AS key, * FROM {table}")  # it is joined to every row
    if view.unreadable and (bad := connection.execute(f"{view.unreadable} LIMIT 1").fetchall()):
        raise CaptureError(f"{side_file}: line {bad[0][0]}: {bad[0][2]}; correct it, since every row may need it")
    repeated = f"SELECT key FROM {table}_rows WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1 LIMIT 1"
    if bad := connection.execute(repeated).fetchall():
        raise CaptureError(
            f"{side_file}: {lookup.key.right} {bad[0][0]!r} occurs twice, and would double rows; keep one line of it"
        )
    return View(f"{table}_rows", view.columns)


def _columns(file: str, mapping: SourceMapping, view: View, lookups: Mapping[str, View]) -> Columns:
    found = {name: f"file.{identifier}" for name, identifier in view.columns.items()}
    for name, lookup in lookups.items():
        for column, identifier in lookup.columns.items():
            found[f"{name}.{column}"] = f"{lookup.name}.{identifier}"
            found.setdefault(column, f"{lookup.name}.{identifier}")
    typed = {name: Typed(f"file.{each.sql}", each.type_) for name, each in view.typed.items()}
    return Columns(file, found, mapping.missing, typed)


def _join(name: str, lookup: Lookup, view: View, columns: Columns) -> str:
    return f"LEFT JOIN {view.name} ON {view.name}.key = {columns.text(lookup.key.left, f'lookups.{name}.key')}"


def _grouped(
    connection: duckdb.DuckDBPyConnection, relation: str, group: Group, columns: Columns, decimal: str, file: View, folder: Path
) -> Rows:
    by = {name: columns.text(name, "group.by") for name in group.by}
    values = {name: _sum(columns.text(name, "group.sum"), decimal) for name in group.sum}
    values |= {name: _extreme("min", columns.text(name, "group.min"), decimal) for name in group.min}
    values |= {name: _extreme("max", columns.text(name, "group.max"), decimal) for name in group.max}
    values |= {name: f"arg_min({columns.raw(name, 'group.first')}, file.nth)" for name in group.first}
    if group.count is not None:
        values[group.count] = "CAST(count(*) AS VARCHAR)"
    texts = {name: f"t{nth}" for nth, name in enumerate([*by, *values])}
    listed = ", ".join(f"{sql} AS {texts[name]}" for name, sql in {**by, **values}.items())
    groups = f"SELECT min(file.nth) AS nth, min(file.row) AS row, {listed} FROM {relation} GROUP BY {', '.join(by.values())}"
    copy = literal(str(folder / "groups.parquet"))
    connection.execute(f"COPY ({groups}) TO {copy} (FORMAT parquet)")
    identity = _json({name: texts[name] for name in by})
    columns = Columns(columns.file, texts, columns.missing)
    return Rows(f"SELECT * FROM read_parquet({copy})", columns, tuple(texts), False, identity, unreadable=file.unreadable)


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


def _replaced(line: str, name: str, value: str) -> str:
    """A JSON object with another value where a column lies: under its whole name, or with dots reaching into objects."""
    whole = "/" + name.replace("~", "~0").replace("/", "~1")
    for path, patch in {whole: f"json_object({escaped(name)}, {value})", pointer_of(name): patch_of(name, value)}.items():
        # Only where there is something, since a patch makes the objects that lead to its place
        line = f"json_merge_patch({line}, CASE WHEN json_exists(line, {escaped(path)}) THEN {patch} ELSE '{{}}'::JSON END)"
    return line


def _json(texts: Mapping[str, str]) -> str:
    return f"CAST(json_object({', '.join(f'{escaped(name)}, {sql}' for name, sql in texts.items())}) AS VARCHAR)"
