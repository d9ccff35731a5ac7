"""Everybody who is known here, once each, with all their identifiers; streamed, so that memory does not grow with them."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as parquet

from features.errors import ConfigurationError
from features.journal import Identity
from features.lake import duckdb_session
from features.workspace import Workspace

Find = Callable[[str], str]
"""Makes the identifier of what a file calls a customer: type=value is hashed."""

_COLUMN = "customer_id"
_MEMORY = "400MB"  # beyond it, the list lies on disk
_AT_ONCE = 10_000
_CAPTURED = ("interactions", "consents")


class Everybody:
    """The customers of a run, in the order of their ids.

    Attributes
    ----------
    count : how many there are.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.count = int(connection.execute("SELECT count(*) FROM customers").fetchall()[0][0])

    def batches(self, size: int) -> Iterator[list[Identity]]:
        """All of them, so many at a time."""
        yield from self._in("SELECT customer_id, others FROM customers ORDER BY customer_id", size)

    def weigh(self, identities: Sequence[Identity], worths: Sequence[float]) -> None:
        """Remember what customers are worth; each is weighed once."""
        rows = pa.table({_COLUMN: [each.customer_id for each in identities], "worth": pa.array(worths, pa.float64())})
        self._connection.register("incoming", rows)
        self._connection.execute("INSERT INTO worths SELECT * FROM incoming")
        self._connection.unregister("incoming")

    def by_worth(self, size: int) -> Iterator[list[Identity]]:
        """All that were weighed, those of the greatest worth first; alike ones in the order of their ids."""
        query = "SELECT customer_id, others FROM customers JOIN worths USING (customer_id) ORDER BY worth DESC, customer_id"
        yield from self._in(query, size)

    def _in(self, query: str, size: int) -> Iterator[list[Identity]]:
        found = self._connection.cursor().execute(query)
        while rows := found.fetchmany(size):
            yield [Identity(customer_id, tuple(sorted({customer_id, *(others or ())}))) for customer_id, others in rows]


@contextmanager
def everybody(workspace: Workspace, *, only: Iterable[str] | None = None) -> Iterator[Everybody]:
    """Whoever an interaction or a consent was captured of, in the lake or online; or whoever some names are.

    Customers are resolved as serving does: by the journal's index of identities as it is now.
    """
    many = workspace.journal.many
    with duckdb_session() as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        _register(connection, "identities", ("identifier", _COLUMN), many.identities())
        names = chain.from_iterable(many.named()) if only is None else only
        _register(connection, "named", ("identifier",), _pages((name,) for name in names))
        lake = [f"SELECT customer_id FROM {workspace.lake.relation(table)}" for table in _CAPTURED] if only is None else []
        named = " UNION ".join(["SELECT identifier FROM named", *lake])
        connection.execute(f"""
            CREATE TABLE customers AS
            WITH who AS (
                SELECT DISTINCT coalesce(identities.customer_id, identifier) AS customer_id
                FROM ({named}) LEFT JOIN identities USING (identifier))
            SELECT customer_id, list(identifier) FILTER (identifier IS NOT NULL) AS others
            FROM who LEFT JOIN identities USING (customer_id) GROUP BY customer_id""")
        connection.execute("CREATE TABLE worths (customer_id VARCHAR, worth DOUBLE)")
        yield Everybody(connection)


def names_in(file: Path, find: Find) -> Iterator[str]:
    """The customers that a file lists: in the column customer_id of a Parquet or CSV file, or one in each line of any other.

    Raises
    ------
    ConfigurationError
        When the file cannot be read, or has no such column.
    RequestError
        When an identifier is not what its type has.
    """
    kinds = {".parquet": _of_parquet, ".csv": _of_csv}
    try:
        for name in kinds.get(file.suffix.lower(), _of_lines)(file):
            if name:
                yield find(name)
    except KeyError:
        raise ConfigurationError(f"--customers {file}: no column {_COLUMN!r}; name the column of ids so") from None
    except (OSError, UnicodeError, csv.Error, pa.ArrowException) as error:
        raise ConfigurationError(f"--customers {file}: cannot be read ({error}); give a list, a CSV or a Parquet file") from None


def _of_parquet(file: Path) -> Iterator[str]:
    with parquet.ParquetFile(file) as source:
        if _COLUMN not in source.schema_arrow.names:
            raise KeyError(_COLUMN)
        for batch in source.iter_batches(columns=[_COLUMN]):
            yield from batch.column(0).cast(pa.string()).drop_null().to_pylist()


def _of_csv(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            yield (row[_COLUMN] or "").strip()


def _of_lines(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8-sig") as lines:
        yield from (line.strip() for line in lines)


def _pages(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    page: list[tuple[Any, ...]] = []
    for row in rows:
        page.append(row)
        if len(page) == _AT_ONCE:
            yield page
            page = []
    if page:
        yield page


def _register(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str], pages: Iterable[list[tuple[Any, ...]]]
) -> None:
    """Make a table of rows, page by page."""
    connection.execute(f"CREATE TABLE {name} ({', '.join(f'{column} VARCHAR' for column in columns)})")
    for page in pages:
        rows = pa.table(dict(zip(columns, zip(*page, strict=True), strict=True)))
        connection.register("incoming", rows)
        connection.execute(f"INSERT INTO {name} SELECT * FROM incoming")
        connection.unregister("incoming")
