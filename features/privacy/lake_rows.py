"""Deletes rows of the lake such that nothing on disk holds them any more: neither old files nor the table's log.

A Delta table keeps the files of its earlier versions, and its log keeps the smallest and largest texts of every file and the
conditions of every deletion. So what is deleted is deleted in one commit, which readers see whole or not at all, and then `purge`
leaves nothing but the newest version.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from features.errors import StoreError
from features.lake import Lake, duckdb_session, literal


def count_rows(lake: Lake, table: str, condition: str) -> int:
    """How many rows of the table fulfil the condition, which is SQL."""
    with duckdb_session() as connection:
        query = f"SELECT count(*) FROM {lake.relation(table)} WHERE {condition}"
        return int(connection.execute(query).fetchall()[0][0])


def delete_rows(lake: Lake, table: str, condition: str) -> int:
    """Delete the rows that fulfil the condition, in one commit, and what earlier versions keep of them; give how many it was.

    Parameters
    ----------
    condition : SQL that DuckDB and DataFusion read alike: comparisons, IN, AND, OR, and times as text.

    Raises
    ------
    StoreError
        When the table cannot be read or written; then nothing was deleted, or it was and the next call removes the old files.
    """
    with lake.lock():
        unfinished = lake.path / f".purge-{table}"  # outlives a kill between the deletion and the removal of old files
        count = count_rows(lake, table, condition)
        if count:
            unfinished.touch()
            _delete(lake.path / table, condition)
        if unfinished.exists():
            purge(lake, table)
            unfinished.unlink()
    return count


def purge(lake: Lake, table: str) -> None:
    """Remove from disk whatever the table's newest version does not need, that of interrupted writes as well.

    Whoever is reading an older version in that moment gets an error, and can read again.
    """
    path = lake.path / table
    with lake.lock():
        try:
            delta = DeltaTable(path)
            delta.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)
            delta.create_checkpoint()
        except (DeltaError, OSError) as error:
            raise StoreError(f"{path}: old versions not removed: {error}; repeat the command") from error
        _keep_only(path / "_delta_log", int(delta.version()))


def any_of(column: str, values: Iterable[str]) -> str:
    r"""The condition that a column has one of the values.

    >>> any_of("left", ["it's"])
    '"left" IN (\'it\'\'s\')'
    """
    listed = ", ".join(literal(value) for value in sorted(values))
    return f'"{column}" IN ({listed})' if listed else "false"


def not_after(column: str, at: datetime) -> str:
    """The condition that a time is not later than `at`."""
    return f"\"{column}\" <= '{at.isoformat()}'"


def before(column: str, at: datetime) -> str:
    """The condition that a time is earlier than `at`."""
    return f"\"{column}\" < '{at.isoformat()}'"


def _delete(path: Path, condition: str) -> None:
    try:
        DeltaTable(path).delete(condition)
    except (DeltaError, OSError) as error:
        # without its words, which may repeat the condition and thereby whom it names
        raise StoreError(f"{path}: nothing was deleted, for a {type(error).__name__}; repeat the command") from None


def _keep_only(log: Path, version: int) -> None:
    """A checkpoint holds all that the log before it said, so Delta lets everything older go; unfinished commits nobody needs."""
    needed = f"{version:020}."
    for file in log.iterdir():
        if file.is_file() and not file.name.startswith((needed, "_last_checkpoint")):
            file.unlink()
