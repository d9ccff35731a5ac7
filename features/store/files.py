"""The files beside Feast's: what was done last, and how rows leave a file of them."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.lake import duckdb_session, literal, without_globs


def read_json(path: Path) -> dict[str, Any]:
    """What was written; nothing where nothing was."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write all of it, or nothing."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(json.dumps(values), encoding="utf-8")
    os.replace(unfinished, path)


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
