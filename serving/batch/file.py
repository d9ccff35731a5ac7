"""Writes the file, row group by row group; what is not finished never stands under its name."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from features.errors import ConfigurationError, StoreError

_ROWS_IN_GROUP = 20_000


class RowGroups:
    """Takes rows in any portions and writes them in groups that are worth reading."""

    def __init__(self, writer: parquet.ParquetWriter) -> None:
        self._writer = writer
        self._waiting: list[pa.RecordBatch] = []

    def write(self, rows: pa.RecordBatch) -> None:
        """Write some rows, now or with later ones."""
        self._waiting.append(rows)
        if sum(each.num_rows for each in self._waiting) >= _ROWS_IN_GROUP:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting))
            self._waiting = []


@contextmanager
def written(file: Path, schema: pa.Schema, *, about: Mapping[str, str]) -> Iterator[RowGroups]:
    """A Parquet file to write, which takes its name at the end, where nothing went wrong.

    Parameters
    ----------
    about : what the file says of itself.

    Raises
    ------
    ConfigurationError
        When it is not called `.parquet`.
    StoreError
        When it cannot be written.
    """
    if file.suffix.lower() != ".parquet":
        raise ConfigurationError(f"--to {file}: must be a Parquet file; give a name that ends in .parquet")
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with parquet.ParquetWriter(unfinished, schema.with_metadata(dict(about)), compression="zstd") as writer:
            groups = RowGroups(writer)
            yield groups
            groups.flush()
        os.replace(unfinished, file)
    except OSError as error:
        raise StoreError(f"--to {file}: cannot be written ({error}); give another file") from None
    finally:
        unfinished.unlink(missing_ok=True)
