"""Opens the lake with every row under whoever its customer is today."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from features.lake import Lake, duckdb_session

NOBODY_LINKED = "(select null::varchar as identifier, null::varchar as customer_id where false)"
"""As DuckDB SQL: nobody has more than one identifier."""

_IDENTIFIED = """
create temp view {table} as
select rows.* replace (coalesce(members.customer_id, rows.customer_id) as customer_id)
from {rows} as rows left join members on members.identifier = rows.customer_id
"""


@contextmanager
def identified(lake: Lake, members: str = NOBODY_LINKED) -> Iterator[Any]:
    """A DuckDB connection with the views `members`, `decisions`, `interactions`, `consents` and `outcomes`.

    Parameters
    ----------
    members : DuckDB SQL of (identifier, customer_id) as of today; an identifier that is not in it is its own customer.
    """
    with duckdb_session() as connection:
        connection.execute(f"create temp table members as from {members}")
        for table in ("decisions", "interactions", "consents"):
            connection.execute(_IDENTIFIED.format(table=table, rows=lake.relation(table)))
        connection.execute(f"create temp view outcomes as from {lake.relation('outcomes')}")
        yield connection
