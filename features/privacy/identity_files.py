"""Takes a person out of the files of who was whose, which every `touchpoint identify` makes anew of the lake."""

import os
from collections.abc import Iterable
from pathlib import Path

from features.lake import duckdb_session, literal, without_globs
from features.privacy.lake_rows import any_of


def forget_members(folder: Path, identifiers: Iterable[str]) -> int:
    """Write every Parquet file of the folder again without the rows that name an identifier; give how many those were."""
    listed = sorted(identifiers)
    return sum(_forget(path, listed) for path in sorted(folder.glob("*.parquet")))


def _forget(path: Path, identifiers: list[str]) -> int:
    rows, unfinished = f"read_parquet({literal(without_globs(str(path)))})", path.with_name(f"{path.name}.unfinished")
    with duckdb_session() as connection:
        types = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {rows})").fetchall()
        texts = [name for name, type_ in types if type_ == "VARCHAR"]
        # a null is nobody's
        named = " OR ".join(f"coalesce({any_of(name, identifiers)}, false)" for name in texts) or "false"
        count = int(connection.execute(f"SELECT count(*) FROM {rows} WHERE {named}").fetchall()[0][0])
        if count:
            connection.execute(f"COPY (FROM {rows} WHERE NOT ({named})) TO {literal(str(unfinished))} (FORMAT parquet)")
            os.replace(unfinished, path)
    return count
