"""Searches everything under a folder for given texts: the proof that nothing names a person who was erased.

What is compressed or encoded is decoded: Parquet values, SQLite rows, gzip and zip. Every file is also searched as it is on disk,
which finds what SQLite left in pages that it no longer uses, and the texts in Parquet footers.
"""

import gzip
import json
import mmap
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import StoreError

_CHUNK = 1 << 20  # bytes
_ROWS = 50_000


def places_holding(home: Path, texts: Sequence[str]) -> list[str]:
    """Where any of the texts occurs under a folder, in names of files or in what they hold.

    Parameters
    ----------
    texts : none of them empty; upper and lower case differ.

    Returns
    -------
    places : paths relative to the folder, sorted; behind a colon what was searched in them: `bytes`, `rows` or `name`.

    Raises
    ------
    StoreError
        When a file cannot be read, so that nobody can tell what it holds.
    """
    if not all(texts):
        raise StoreError(f"{list(texts)}: an empty text occurs everywhere; give texts to search for")
    # as they are, and as they stand in JSON
    wanted = sorted({form for text in texts for form in (text, json.dumps(text)[1:-1])})
    found: list[str] = []
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if any(text in path.name for text in wanted):
            found.append(f"{name}: name")
        if path.is_file():
            found += [f"{name}: {what}" for what in _kinds_of_hits(path, wanted)]
    return found


def _kinds_of_hits(path: Path, texts: Sequence[str]) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            start = file.read(16)
        if start and _in_bytes(path, texts):
            yield "bytes"
        decode = next((decode for magic, decode in _DECODERS.items() if start.startswith(magic)), None)
        if decode is not None and decode(path, texts):
            yield "rows"
    except FileNotFoundError:
        return  # gone meanwhile: a database's own temporary file
    except (OSError, pa.ArrowException, sqlite3.Error, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise StoreError(f"{path}: cannot be searched: {error}; look at it yourself, or remove it") from error


def _in_bytes(path: Path, texts: Sequence[str]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(text.encode()) >= 0 for text in texts)


def _in_parquet(path: Path, texts: Sequence[str]) -> bool:
    with pq.ParquetFile(path) as file:
        batches = file.iter_batches(batch_size=_ROWS)
        return any(_in_array(column, texts) for batch in batches for column in batch.columns)


def _in_array(array: Any, texts: Sequence[str]) -> bool:
    if isinstance(array, pa.StructArray):
        return any(_in_array(each, texts) for each in array.flatten())
    if isinstance(array, pa.MapArray):
        return _in_array(array.keys, texts) or _in_array(array.items, texts)
    if isinstance(array, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray):
        return _in_array(array.flatten(), texts)
    if isinstance(array, pa.DictionaryArray):
        return _in_array(array.dictionary, texts)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_binary(array.type):
        return any(pc.any(pc.match_substring(array, text)).as_py() for text in texts)
    return False


def _in_sqlite(path: Path, texts: Sequence[str]) -> bool:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        rows = (row for (table,) in tables for row in connection.execute(f'SELECT * FROM "{table.decode()}"'))
        wanted = [text.encode() for text in texts]
        return any(text in value for row in rows for value in row if isinstance(value, bytes) for text in wanted)


def _in_gzip(path: Path, texts: Sequence[str]) -> bool:
    with gzip.open(path) as file:
        return _in_stream(file.read, texts)


def _in_zip(path: Path, texts: Sequence[str]) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(_in_member(archive, member, texts) for member in archive.namelist())


def _in_member(archive: zipfile.ZipFile, member: str, texts: Sequence[str]) -> bool:
    with archive.open(member) as file:
        return _in_stream(file.read, texts)


def _in_stream(read: Callable[[int], bytes], texts: Sequence[str]) -> bool:
    wanted = [text.encode() for text in texts]
    overlap, tail = max(map(len, wanted)) - 1, b""
    while chunk := read(_CHUNK):
        window = tail + chunk
        if any(text in window for text in wanted):
            return True
        tail = window[-overlap:] if overlap else b""
    return False


_DECODERS: dict[bytes, Callable[[Path, Sequence[str]], bool]] = {
    b"PAR1": _in_parquet,
    b"SQLite format 3\x00": _in_sqlite,
    b"\x1f\x8b": _in_gzip,
    b"PK\x03\x04": _in_zip,
}
"""By the first bytes of a file, because names may lie."""
