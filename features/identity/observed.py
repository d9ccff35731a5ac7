"""Reads the lake's links as numbers: DuckDB names and counts, in bounded memory, before NumPy sees anything."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.catalogue.identifiers import IdentifierType
from features.domain import PERSON, LinkAction
from features.identity.chronicle import Fact
from features.identity.growing import Nodes, Pairs
from features.identity.members import memberships_in
from features.identity.timeline import Codes
from features.instants import microseconds
from features.lake import Lake, duckdb_session, literal


class Observed:
    """What the links of a lake name, within one DuckDB session: tables `pairs` and `nodes`, and the arrays made of them."""

    def __init__(self, connection: Any, lake: Lake, types: Mapping[str, IdentifierType], *, before: Path, now: datetime) -> None:
        self._connection, self._types = connection, types
        # A link may be dated a little ahead: it counts when its time has come
        visible = f'greatest("at", received_at) <= make_timestamptz({microseconds(now)})'
        self._links = f'(SELECT *, greatest("at", received_at) AS visible FROM {lake.relation("links")} WHERE {visible})'
        connection.execute(f"CREATE TEMP TABLE pairs AS {_PAIRS.format(links=self._links)}")
        known = f"SELECT identifier, min(since) AS since FROM {memberships_in(before)} GROUP BY identifier"
        # as the journal has it, so that who is the oldest online is the oldest here
        records = " UNION ALL ".join(
            f'SELECT customer_id, greatest("at", received_at) AS seen FROM {lake.relation(table)}'
            for table in ("interactions", "consents")
        )
        seen = f"SELECT customer_id, min(seen) AS seen FROM ({records}) GROUP BY ALL"
        listed = ", ".join(map(literal, types))
        connection.execute(f"CREATE TEMP TABLE nodes AS {_NODES.format(known=known, seen=seen, types=listed)}")

    def nodes(self) -> Nodes:
        """The identifiers, in the order of their codes."""
        types = list(self._types)
        position = f"list_position([{', '.join(map(literal, types))}], type)"
        columns = self._connection.sql(
            f"SELECT epoch_us(named) AS named, {position} AS type FROM nodes ORDER BY code"
        ).fetchnumpy()
        type_ = np.ma.filled(columns["type"], 0)  # NULL, of customer_ids, comes masked
        proof = np.array([True, *(self._types[each].proof for each in types)])
        most = np.array([1, *(self._types[each].most_customers for each in types)], np.int64)
        return Nodes(int(np.count_nonzero(type_ == 0)), _plain(columns["named"]), proof[type_], most[type_])

    def pairs(self) -> Pairs:
        """The pairs, each once; only the first call gives them, because then their table makes room."""
        columns = self._connection.sql(_CODED).fetchnumpy()
        self._connection.execute("DROP TABLE pairs")
        return Pairs(*(_plain(columns[name]) for name in ("one", "other", "first", "plain")))

    def names(self, codes: Codes) -> dict[int, str]:
        """The identifiers of some codes."""
        with self._given(code=codes):
            rows = self._connection.execute("SELECT code, name FROM nodes SEMI JOIN given USING (code)").fetchall()
        return dict(rows)

    def facts(self, pairs: Pairs) -> Iterator[Fact]:
        """All that is said of some pairs, in the order in which it counts."""
        with self._given(one=pairs.one, other=pairs.other):
            rows = self._connection.execute(_FACTS.format(links=self._links)).fetchall()
        return (Fact(at, (one, other), action, source == PERSON) for at, one, other, action, source in rows)

    @contextmanager
    def _given(self, **columns: Codes) -> Iterator[None]:
        self._connection.register("given", pa.table(columns))
        try:
            yield
        finally:
            self._connection.unregister("given")


@contextmanager
def observed(lake: Lake, types: Mapping[str, IdentifierType], *, before: Path, now: datetime) -> Iterator[tuple[Observed, Any]]:
    """The links that count by `now`, and the DuckDB connection that holds them.

    Parameters
    ----------
    before : the memberships found the last time, whose `since` stays; the file need not exist.
    """
    with duckdb_session() as connection:
        yield Observed(connection, lake, types, before=before, now=now), connection


_PAIRS = f"""
    SELECT least("left", "right") AS low, greatest("left", "right") AS high, min(visible) AS first,
           bool_and("action" = '{LinkAction.LINK}') AS plain
    FROM {{links}} GROUP BY ALL"""

_NODES = """
    WITH ends AS (SELECT low AS name, first FROM pairs UNION ALL SELECT high, first FROM pairs),
         named AS (SELECT name, min(first) AS named FROM ends GROUP BY name),
         aged AS (
            SELECT name, named, coalesce(known.since, epoch_us(least(named, seen.seen))) AS since,
                   CASE WHEN regexp_full_match(name, '[a-z][a-z0-9_]*:[0-9a-f]{{32}}') AND split_part(name, ':', 1) IN ({types})
                        THEN split_part(name, ':', 1) END AS type
            FROM named
            LEFT JOIN ({known}) AS known ON known.identifier = name
            LEFT JOIN ({seen}) AS seen ON seen.customer_id = name)
    SELECT row_number() OVER () - 1 AS code, * FROM (FROM aged ORDER BY type IS NOT NULL, since, name)"""

_CODED = """
    SELECT least(a.code, b.code) AS one, greatest(a.code, b.code) AS other, epoch_us(first) AS first, plain
    FROM pairs JOIN nodes AS a ON a.name = low JOIN nodes AS b ON b.name = high"""

_FACTS = """
    WITH asked AS (
        SELECT least(a.name, b.name) AS low, greatest(a.name, b.name) AS high
        FROM given JOIN nodes AS a ON a.code = one JOIN nodes AS b ON b.code = other)
    SELECT epoch_us(visible), low, high, "action", source
    FROM {links} AS links JOIN asked ON low = least("left", "right") AND high = greatest("left", "right")
    ORDER BY visible, link_id"""


def _plain(column: Any) -> Any:
    return np.ma.getdata(column)
