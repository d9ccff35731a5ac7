"""Statements whose SQL is made once: what is left of asking is the driver's own work, a tenth of making it each time.

SQLAlchemy goes on writing the SQL, opening connections and ending transactions. Several statements asked together are one
round trip to a server.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, Connection, Dialect, bindparam
from sqlalchemy.exc import DBAPIError

MOST_LISTED = 512
"""Values in one statement, below what every database binds."""

Rows = list[tuple[Any, ...]]


class Prepared:
    """One statement; it binds its values by their names.

    Parameters
    ----------
    columns : of an INSERT, those that it is given.
    """

    def __init__(self, statement: ClauseElement, *, columns: Sequence[str] | None = None) -> None:
        self._statement, self._columns = statement, columns
        self._texts: dict[str, str] = {}

    def text(self, dialect: Dialect) -> str:
        """Its SQL for a database."""
        text = self._texts.get(dialect.name)
        if text is None:
            text = self._texts[dialect.name] = self._compiled(dialect)
        return text

    def of(self, **values: object) -> "list[Asked]":
        """It as a question, with what it binds."""
        return [Asked(self, values)]

    def _compiled(self, dialect: Dialect) -> str:
        make: Callable[..., Dialect] = type(dialect)
        by_name = make(paramstyle="named" if dialect.name == "sqlite" else "pyformat")
        return str(self._statement.compile(dialect=by_name, column_keys=self._columns))


class Listed:
    """A statement about lists of values, all as long: one is prepared for every power of two.

    Where there are fewer values the last one stands again, so it must not matter how often it does, as in `IN (…)`.

    Parameters
    ----------
    make : gives the statement for the lists' parameters, each list under its name.
    most : how many values of each list one statement takes.
    """

    def __init__(self, make: Callable[..., ClauseElement], *, most: int = MOST_LISTED) -> None:
        self._make, self._most = make, most
        self._prepared: dict[int, tuple[Prepared, dict[str, list[str]]]] = {}

    def of(self, lists: Mapping[str, Sequence[object]], **others: object) -> "list[Asked]":
        """It as a question about the lists, with what it binds besides; about nothing it is no question."""
        length = max(map(len, lists.values()))
        return [self._part(lists, slice(start, start + self._most), others) for start in range(0, length, self._most)]

    def _part(self, lists: Mapping[str, Sequence[object]], part: slice, others: Mapping[str, object]) -> "Asked":
        chosen = {name: listed[part] for name, listed in lists.items()}
        length = max(map(len, chosen.values()))
        size = 1 << (length - 1).bit_length()
        if size not in self._prepared:
            self._prepared[size] = self._of_size(size, lists)
        prepared, keys = self._prepared[size]
        values = dict(others)
        for name, listed in chosen.items():
            values.update(zip(keys[name], chain(listed, repeat(listed[-1], size - length)), strict=True))
        return Asked(prepared, values)

    def _of_size(self, size: int, names: Iterable[str]) -> tuple[Prepared, dict[str, list[str]]]:
        keys = {name: [f"{name}_{number}" for number in range(size)] for name in names}
        return Prepared(self._make(**{name: list(map(bindparam, keys[name])) for name in names})), keys


class Asked(NamedTuple):
    """A statement, and the values that it binds."""

    statement: Prepared
    values: Mapping[str, object]


Question = Sequence[Asked]
"""What has one answer: a statement, or several where so much is asked that one would bind too many values."""


def ask(connection: Connection, questions: Sequence[Question]) -> list[Rows]:
    """What is found for each question, all of its statements together; empty for those that only write.

    They are run in their order, each seeing what the ones before it wrote.

    Raises
    ------
    DBAPIError
        As SQLAlchemy itself would.
    """
    asked = [(each.statement.text(connection.dialect), each.values) for question in questions for each in question]
    if not asked:
        return [[] for _ in questions]
    driver = connection.connection.driver_connection
    try:
        answers = _run(driver, asked)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(connection, error) from error
    return [[row for _ in question for row in next(answers)] for question in questions]


def _run(driver: Any, asked: Sequence[tuple[str, Mapping[str, object]]]) -> Iterator[Rows]:
    if not hasattr(driver, "pipeline"):
        return iter([driver.execute(text, values).fetchall() for text, values in asked])
    with driver.pipeline():
        cursors = [driver.execute(text, values) for text, values in asked]
    return iter([cursor.fetchall() if cursor.description else [] for cursor in cursors])


def _as_sqlalchemy(connection: Connection, error: Exception) -> Exception:
    """What SQLAlchemy makes of an error of the driver; connections that died are given up, the idle ones with it."""
    dialect = connection.dialect
    is_dead = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]
    if is_dead:
        connection.invalidate(error)
        connection.engine.dispose()
    return DBAPIError.instance(
        None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=is_dead, dialect=dialect
    )
