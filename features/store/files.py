"""The files beside Feast's: what was done last, and how rows leave a file of them."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.lake import duckdb_session, literal, without_globs


class Record:
    """A small JSON file that is replaced whole, and read only when it was.

    Every decision looks at one; another process may write it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int, int], Mapping[str, Any]] | None = None

    def read(self) -> Mapping[str, Any]:
        """What was written; nothing where nothing was."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return {}
        seen, read = (there.st_ino, there.st_mtime_ns, there.st_size), self._read
        if read is None or read[0] != seen:
            # should another version take its place between both, the next look finds that it is not the one looked at
            read = self._read = (seen, dict(json.loads(self._path.read_text(encoding="utf-8"))))
        return read[1]

    def write(self, values: Mapping[str, Any]) -> None:
        """Write all of it, or nothing."""
        unfinished = self._path.with_name(f"{self._path.name}.unfinished")
        unfinished.write_text(json.dumps(values), encoding="utf-8")
        os.replace(unfinished, self._path)


def erase_rows(path: Path, identifiers: Sequence[str]) -> int:
    """Write a Parquet file again without the rows of these identifiers, at once or not at all; give how many those were."""
    if not path.exists():
        return 0
    rows, unfinished = f"read_parquet({literal(without_globs(str(path)))})", path.with_name(f"{path.name}.unfinished")
    with duckdb_session() as connection:
        connection.execute("CREATE TEMP TABLE erased AS SELECT unnest($1::VARCHAR[]) AS customer_id", [list(identifiers)])
        count = int(connection.execute(f"SELECT count(*) FROM {rows} SEMI JOIN erased USING (customer_id)").fetchall()[0][0])
        if count:
            kept = f"SELECT * FROM {rows} ANTI JOIN erased USING (customer_id)"
            connection.execute(f"COPY ({kept}) TO {literal(str(unfinished))} (FORMAT parquet)")
            os.replace(unfinished, path)
    return count
