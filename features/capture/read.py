"""Opens a CSV, JSON lines or Parquet file as a DuckDB view of texts: `row`, `raw` (the row as JSON) and its columns."""

import codecs
import csv
import gzip
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

from features.capture.expressions import escaped
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


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file; see the keys of the same names in a source mapping."""

    format: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    header: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A file, ready to be queried.

    Attributes
    ----------
    name : the DuckDB view.
    columns : identifiers of its columns by the names in the file.
    unreadable : query for `row`, `raw` and `reason` of the lines that are none; to be asked after the view was read.
    absent : query for the names of wanted columns that no line has, where no header lists them.
    """

    name: str
    columns: Mapping[str, str]
    unreadable: str | None = None
    absent: str | None = None


def open_view(
    connection: duckdb.DuckDBPyConnection, name: str, path: Path, options: Options, *, wanted: Iterable[str], folder: Path
) -> View:
    """Open `path` as the view `name`.

    Parameters
    ----------
    wanted : the columns to take out of JSON lines, where no header lists them.
    folder : where a copy in UTF-8 may be put.

    Raises
    ------
    CaptureError
        When the file is missing, empty, damaged, or of another format or encoding than it should be.
    """
    try:
        if path.stat().st_size == 0:
            raise CaptureError(f"{path}: the file is empty; export it again")
        format_ = options.format or _format_of(path)
        if format_ == "parquet":
            return _open_parquet(connection, name, path)
        text = _as_utf8(path, options.encoding, folder)
        if format_ == "csv":
            return _open_csv(connection, name, path, text, options)
        return _open_json_lines(connection, name, path, text, sorted(set(wanted)))
    except FileNotFoundError:
        raise CaptureError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise CaptureError(f"{path}: not {options.encoding} ({error.reason}); set `encoding` in the mapping") from None
    except (OSError, EOFError, pa.ArrowException, csv.Error) as error:
        raise CaptureError(f"{path}: cannot be read: {error}; export it again, or set `format` in the mapping") from None


def _open_parquet(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> View:
    names = parquet.read_schema(path).names
    identifiers = [f"c{nth}" for nth in range(len(names))]
    source = f"read_parquet({_path(path)}) AS file({', '.join(identifiers)})"
    types = [str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
    texts = ", ".join(f"{_text_of(each, type_)} AS {each}" for each, type_ in zip(identifiers, types, strict=True))
    return _view(connection, name, f"SELECT {texts} FROM {source}", dict(zip(names, identifiers, strict=True)))


def _open_csv(connection: duckdb.DuckDBPyConnection, name: str, path: Path, text: Path, options: Options) -> View:
    first_line, delimiter = _first_line(text, options.delimiter)
    header = options.header or tuple(first_line)
    if not any(header):
        raise CaptureError(f"{path}: line 1 names no columns; export it with a header, or set `header` in the mapping")
    columns = {column: f"c{nth}" for nth, column in enumerate(header)}
    if len(columns) < len(header):
        raise CaptureError(f"{path}: two columns have the same name in line 1; rename one")
    reader = _read_csv(text, list(columns.values()), name, delimiter=delimiter, quote='"', header=options.header is None)
    return _view(connection, name, f"SELECT * FROM {reader}", columns, _rejected(name))


def _open_json_lines(connection: duckdb.DuckDBPyConnection, name: str, path: Path, text: Path, wanted: list[str]) -> View:
    with _open_text(text, "utf-8", errors="replace") as lines:
        if lines.read(4096).lstrip("\ufeff \t\r\n").startswith("["):
            raise CaptureError(f"{path}: is one JSON array; write one object to a line instead")
    # Read as CSV of one column, by a delimiter that no JSON line contains, so that a broken line costs only itself.
    reader = _read_csv(text, ["line"], name, delimiter="\x01", quote="", header=False)
    numbered = f"SELECT row_number() OVER () AS row, line AS raw FROM {reader}"
    is_object = "json_valid(raw) AND json_type(CASE WHEN json_valid(raw) THEN raw END) = 'OBJECT'"
    values = ", ".join(f"{_member(column)} AS c{nth}" for nth, column in enumerate(wanted))
    connection.execute(f"CREATE VIEW {name}_lines AS {numbered}")
    connection.execute(
        f"CREATE VIEW {name} AS SELECT row, raw{', ' if values else ''}{values} "
        f"FROM (SELECT row, CASE WHEN {is_object} THEN raw END AS raw FROM {name}_lines) WHERE raw IS NOT NULL"
    )
    broken = f"""SELECT row, raw, 'not a JSON object' AS reason FROM {name}_lines
        WHERE trim(raw) <> '' AND NOT coalesce({is_object}, false)"""
    columns = {column: f"c{nth}" for nth, column in enumerate(wanted)}
    return View(name, columns, f"{broken} UNION ALL {_rejected(name)}", _absent(name, columns) if columns else None)


def _absent(name: str, columns: Mapping[str, str]) -> str:
    names = ", ".join(escaped(column) for column in columns)
    counts = ", ".join(f"count({identifier})" for identifier in columns.values())
    counted = f"SELECT unnest([{names}]) AS name, unnest([{counts}]) AS n, count(*) AS lines FROM {name}"
    return f"SELECT name FROM ({counted}) WHERE n = 0 AND lines > 0"


def _view(
    connection: duckdb.DuckDBPyConnection, name: str, texts: str, columns: dict[str, str], unreadable: str | None = None
) -> View:
    members = ", ".join(f"{escaped(column)}, {identifier}" for column, identifier in columns.items())
    raw = f"CAST(json_object({members}) AS VARCHAR)"
    connection.execute(f"CREATE VIEW {name} AS SELECT row_number() OVER () AS row, {raw} AS raw, * FROM ({texts})")
    return View(name, columns, unreadable)


def _read_csv(path: Path, columns: list[str], name: str, *, delimiter: str, quote: str, header: bool) -> str:
    types = ", ".join(f"{column}: 'VARCHAR'" for column in columns)
    return f"""read_csv({_path(path)}, auto_detect = false, header = {str(header).lower()}, columns = {{{types}}},
        delim = {escaped(delimiter)}, quote = {literal(quote)}, escape = {literal(quote)}, null_padding = false,
        store_rejects = true, rejects_table = '{name}_rejects', rejects_scan = '{name}_scans')"""


def _rejected(name: str) -> str:
    # A view that was read twice has rejected its bad lines twice, and one line may have several errors.
    return f"""SELECT line AS row, first(csv_line) AS raw,
        'unreadable line: ' || lower(first(error_type::VARCHAR)) || ': ' || first(error_message) AS reason
        FROM {name}_rejects GROUP BY line"""


def _text_of(identifier: str, type_: str) -> str:
    if type_ in ("DOUBLE", "FLOAT"):  # pandas turns whole numbers with gaps into floats: customer 7 must not become 7.0
        whole = f"{identifier} = trunc({identifier}) AND abs({identifier}) < 9007199254740992"
        return f"CASE WHEN {whole} THEN CAST(CAST({identifier} AS BIGINT) AS VARCHAR) ELSE CAST({identifier} AS VARCHAR) END"
    if type_.endswith("[]") or type_.startswith(("STRUCT", "MAP")):
        return f"CAST(to_json({identifier}) AS VARCHAR)"
    return f"CAST({identifier} AS VARCHAR)"


def _member(column: str) -> str:
    whole = column.replace("~", "~0").replace("/", "~1")
    value = f"json_extract_string(raw, {escaped('/' + whole)})"
    if "." not in column:
        return value
    return f"coalesce({value}, json_extract_string(raw, {escaped('/' + whole.replace('.', '/'))}))"


def _format_of(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if not suffixes or suffixes[-1] not in _FORMATS:
        raise CaptureError(
            f"{path}: the name does not tell the format; set `format` in the mapping, or name it .csv, .jsonl or .parquet"
        )
    return _FORMATS[suffixes[-1]]


def _first_line(path: Path, delimiter: str | None) -> tuple[list[str], str]:
    with _open_text(path, "utf-8-sig", errors="replace") as lines:
        line = lines.readline()
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
