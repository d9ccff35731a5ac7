"""Opens a CSV, JSON or Parquet file as a DuckDB view of texts: `nth`, `row`, its columns, and for JSON `line` and `element`.

What is not Parquet is parsed once, into a Parquet file in a temporary folder, because it is read several times.
"""

import codecs
import csv
import gzip
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

from features.capture.documents import is_document, write_lines
from features.capture.expressions import Typed, escaped
from features.capture.json_rows import Shape, select_rows
from features.errors import CaptureError
from features.lake import literal, without_globs

_FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_DELIMITERS = ",;\t|"
_LONGEST_HEADER = 1 << 20  # characters; a small archive may hold a line that fills the memory


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file; see the keys of the same names in a source mapping."""

    format: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    header: tuple[str, ...] | None = None
    shape: Shape = field(default_factory=Shape)


@dataclass(frozen=True, slots=True)
class View:
    """A file, ready to be queried.

    Attributes
    ----------
    name : the DuckDB view; its `nth` tells rows apart, its `row` is the one in the file.
    columns : identifiers of its columns by the names in the file.
    is_json : whether it has `line` and `element`.
    typed : those of the columns that are no texts in the file, as they are there.
    unreadable : query for `row`, `raw` and `reason` of the lines that are none.
    """

    name: str
    columns: Mapping[str, str]
    is_json: bool = False
    unreadable: str | None = None
    typed: Mapping[str, Typed] = field(default_factory=dict)


def open_view(
    connection: duckdb.DuckDBPyConnection, name: str, path: Path, options: Options, *, wanted: Iterable[str], folder: Path
) -> View:
    """Open `path` as the view `name`.

    Parameters
    ----------
    wanted : the columns to take out of JSON, where no header lists them.
    folder : where copies may be put.

    Raises
    ------
    CaptureError
        When the file is missing, empty, damaged, or of another format or encoding than it should be.
    """
    names = sorted(set(wanted))
    try:
        if path.stat().st_size == 0:
            raise CaptureError(f"{path}: the file is empty; export it again")
        format_ = options.format or _format_of(path)
        if format_ == "parquet":
            return _open_parquet(connection, name, path, options.shape, names, folder)
        text = _as_utf8(path, options.encoding, folder)
        if format_ == "csv":
            return _open_csv(connection, name, path, text, options, folder)
        return _open_json(connection, name, path, text, options.shape, names, folder)
    except FileNotFoundError:
        raise CaptureError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise CaptureError(f"{path}: not {options.encoding} ({error.reason}); set `encoding` in the mapping") from None
    except (OSError, EOFError, pa.ArrowException, csv.Error) as error:
        raise CaptureError(f"{path}: cannot be read: {error}; export it again, or set `format` in the mapping") from None


def _open_parquet(
    connection: duckdb.DuckDBPyConnection, name: str, path: Path, shape: Shape, wanted: list[str], folder: Path
) -> View:
    names = parquet.read_schema(path).names
    columns = {column: f"c{nth}" for nth, column in enumerate(names)}
    listed = ", ".join(columns.values())
    numbered = f"SELECT *, row_number() OVER () - 1 AS nth FROM read_parquet({_path(path)}) AS file({listed})"
    if "file_row_number" not in names:  # else a column hides the fast way
        numbered = f"SELECT * FROM read_parquet({_path(path)}, file_row_number = true) AS file({listed}{', ' * bool(names)}nth)"
    types = {row[0]: str(row[1]) for row in connection.execute(f"DESCRIBE {numbered}").fetchall()}
    texts = {column: _text_of(each, types[each]) for column, each in columns.items()}
    if shape.each or shape.pairs or any(_reaches_into(column, columns, types) for column in wanted):
        members = ", ".join(f"{escaped(column)}, {_json_of(each, types[each])}" for column, each in columns.items())
        lines = f"(SELECT nth + 1 AS row, CAST(json_object({members}) AS VARCHAR) AS line FROM ({numbered}))"
        return _json_view(connection, name, lines, shape, wanted, folder)
    typed = {column: Typed(f"as_{each}", types[each]) for column, each in columns.items() if _is_typed(types[each])}
    selected = "".join(f", {text} AS {columns[column]}" for column, text in texts.items())
    selected += "".join(f", {columns[column]} AS {each.sql}" for column, each in typed.items())
    connection.execute(f"CREATE VIEW {name} AS SELECT nth, nth + 1 AS row{selected} FROM ({numbered})")
    return View(name, columns, typed=typed)


def _open_csv(connection: duckdb.DuckDBPyConnection, name: str, path: Path, text: Path, options: Options, folder: Path) -> View:
    first_line, delimiter = _first_line(text, options.delimiter)
    header = options.header or tuple(first_line)
    if not any(header):
        raise CaptureError(f"{path}: line 1 names no columns; export it with a header, or set `header` in the mapping")
    columns = {column: f"c{nth}" for nth, column in enumerate(header)}
    if len(columns) < len(header):
        raise CaptureError(f"{path}: two columns have the same name in line 1; rename one")
    reader = _read_csv(text, list(columns.values()), name, delimiter=delimiter, quote='"', header=options.header is None)
    _create_view(connection, name, f"SELECT row_number() OVER () AS row, * FROM {reader}", folder)
    return View(name, columns, unreadable=_rejected(name))


def _open_json(
    connection: duckdb.DuckDBPyConnection, name: str, path: Path, text: Path, shape: Shape, wanted: list[str], folder: Path
) -> View:
    with _open_text(text, "utf-8", errors="replace") as start:
        document = is_document(start, records=shape.records)
    if document:
        lines = folder / f"{name}.jsonl"
        with _open_text(text, "utf-8", errors="strict") as source, lines.open("w", encoding="utf-8", newline="") as target:
            write_lines(source, target, records=shape.records, path=path)
        text, shape = lines, replace(shape, records=None)
    # Read as CSV of one column, by a delimiter that no JSON line contains, so that a broken line costs only itself.
    reader = _read_csv(text, ["line"], name, delimiter="\x01", quote="", header=False)
    view = _json_view(connection, name, f"(SELECT row_number() OVER () AS row, line FROM {reader})", shape, wanted, folder)
    return View(name, view.columns, True, f"{view.unreadable} UNION ALL {_rejected(name)}")


def _json_view(
    connection: duckdb.DuckDBPyConnection, name: str, lines: str, shape: Shape, wanted: list[str], folder: Path
) -> View:
    query, columns = select_rows(lines, shape, wanted)
    _create_view(connection, f"{name}_lines", query, folder)
    connection.execute(f"CREATE VIEW {name} AS SELECT * EXCLUDE (bad) FROM {name}_lines WHERE bad IS NULL")
    broken = f"SELECT row, bad AS raw, 'not a JSON object' AS reason FROM {name}_lines WHERE bad IS NOT NULL"
    return View(name, columns, True, broken)


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, query: str, folder: Path) -> None:
    copy = literal(str(folder / f"{name}.parquet"))
    connection.execute(f"COPY ({query}) TO {copy} (FORMAT parquet)")
    numbered = f"SELECT file_row_number AS nth, * EXCLUDE (file_row_number) FROM read_parquet({copy}, file_row_number = true)"
    connection.execute(f"CREATE VIEW {name} AS {numbered}")


def _read_csv(path: Path, columns: list[str], name: str, *, delimiter: str, quote: str, header: bool) -> str:
    types = ", ".join(f"{column}: 'VARCHAR'" for column in columns)
    return f"""read_csv({_path(path)}, auto_detect = false, header = {str(header).lower()}, columns = {{{types}}},
        delim = {escaped(delimiter)}, quote = {literal(quote)}, escape = {literal(quote)}, null_padding = false,
        store_rejects = true, rejects_table = '{name}_rejects', rejects_scan = '{name}_scans')"""


def _rejected(name: str) -> str:
    # One line may have several errors
    return f"""SELECT line AS row, first(csv_line) AS raw,
        'unreadable line: ' || lower(first(error_type::VARCHAR)) || ': ' || first(error_message) AS reason
        FROM {name}_rejects GROUP BY line"""


def _reaches_into(column: str, columns: Mapping[str, str], types: Mapping[str, str]) -> bool:
    """Whether a name that is no column leads into one that has parts."""
    head = column.partition(".")[0]
    return column not in columns and head != column and head in columns and _has_parts(types[columns[head]])


def _has_parts(type_: str) -> bool:
    return type_.endswith("[]") or type_.startswith(("STRUCT", "MAP", "JSON"))


def _is_typed(type_: str) -> bool:
    return not _has_parts(type_) and type_ not in ("VARCHAR", "BLOB")


def _json_of(identifier: str, type_: str) -> str:
    return f"to_json({identifier})" if _has_parts(type_) else _text_of(identifier, type_)


def _text_of(identifier: str, type_: str) -> str:
    if type_ in ("DOUBLE", "FLOAT"):  # pandas turns whole numbers with gaps into floats: customer 7 must not become 7.0
        # Statistics of Parquet leave NaN out, and DuckDB believes them: hence isfinite
        whole = f"isfinite({identifier}) AND {identifier} = trunc({identifier}) AND abs({identifier}) < 9007199254740992"
        return f"CASE WHEN {whole} THEN CAST(TRY_CAST({identifier} AS BIGINT) AS VARCHAR) ELSE CAST({identifier} AS VARCHAR) END"
    return f"CAST(to_json({identifier}) AS VARCHAR)" if _has_parts(type_) else f"CAST({identifier} AS VARCHAR)"


def _format_of(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if not suffixes or suffixes[-1] not in _FORMATS:
        raise CaptureError(
            f"{path}: the name does not tell the format; set `format` in the mapping, or name it .csv, .jsonl or .parquet"
        )
    return _FORMATS[suffixes[-1]]


def _first_line(path: Path, delimiter: str | None) -> tuple[list[str], str]:
    with _open_text(path, "utf-8-sig", errors="replace") as lines:
        line = lines.readline(_LONGEST_HEADER)
        if len(line) == _LONGEST_HEADER:
            raise CaptureError(f"{path}: line 1 has more than {_LONGEST_HEADER:,} characters; it is no table, export it again")
        lines.seek(0)
        chosen = delimiter or max(_DELIMITERS, key=line.count)
        return next(csv.reader(lines, delimiter=chosen), []), chosen


def _as_utf8(path: Path, encoding: str, folder: Path) -> Path:
    """The file itself when it is UTF-8, else a copy that is."""
    if codecs.lookup(encoding).name == "utf-8":
        return path
    copy = folder / f"{len(list(folder.iterdir()))}.txt"
    with _open_text(path, encoding, errors="strict") as source, copy.open("w", encoding="utf-8", newline="") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return copy


def _open_text(path: Path, encoding: str, *, errors: str) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding=encoding, errors=errors, newline="")
    return path.open(encoding=encoding, errors=errors, newline="")


def _path(path: Path) -> str:
    return literal(without_globs(str(path.absolute())))
