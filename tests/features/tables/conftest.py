from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest

from features.catalogue import Catalogue, parse_catalogue
from features.domain import Interaction, Kind
from features.journal.rows import json_object
from features.lake import SCHEMAS
from features.tables import Feature, as_of, feature_list, history, latest

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return parse_catalogue(
        {
            "touchpoints": [
                {"name": "web.product_page", "stage": "consideration"},
                {"name": "store.checkout", "stage": "purchase"},
                {"name": "email.offer", "stage": "retention", "recommendable": True},
            ],
            "traits": {"age": {"type": "category", "categories": ["young", "old"]}, "income": {"type": "number"}},
        }
    )


@pytest.fixture(scope="session")
def features(catalogue: Catalogue) -> tuple[Feature, ...]:
    return feature_list(catalogue)


@pytest.fixture(scope="session")
def interaction() -> Callable[..., Interaction]:
    """Makes an interaction `day` days after the start, received `delay` days later."""

    def make(
        day: float = 0.0, kind: str = "view", touchpoint: str = "web.product_page", delay: float = 0.0, **more: Any
    ) -> Interaction:
        at = START + timedelta(days=day)
        given = {"message_id": f"{touchpoint}/{kind}/{day}/{delay}", "customer_id": "ann", "source": "test", **more}
        return Interaction(touchpoint=touchpoint, kind=Kind(kind), at=at, received_at=at + timedelta(days=delay), **given)

    return make


@pytest.fixture(scope="session")
def over_table(features: tuple[Feature, ...]) -> Iterator[Callable[[Sequence[Interaction]], tuple[list[Any], list[Any]]]]:
    """Runs history and latest over interactions; gives the rows of both. The SQL is made once, since that takes longest."""
    connection = ibis.duckdb.connect()
    connection.con.register("interactions", _lake_rows([]))
    table = connection.table("interactions")
    statements = [connection.compile(made(features, table)) for made in (history, latest)]

    def run(interactions: Sequence[Interaction]) -> tuple[list[Any], list[Any]]:
        connection.con.register("interactions", _lake_rows(interactions))
        past, now = (connection.con.sql(statement).to_arrow_table().to_pylist() for statement in statements)
        return past, now

    yield run
    connection.disconnect()


@pytest.fixture(scope="session")
def as_of_times(features: tuple[Feature, ...]) -> Iterator[Callable[..., dict[int, Any]]]:
    """Runs as_of over interactions and questions (row, customer_id, until); gives rows by question."""
    connection = ibis.duckdb.connect()
    columns = pa.schema([("row", pa.int64()), ("customer_id", pa.string()), ("until", pa.int64())])
    connection.con.register("interactions", _lake_rows([]))
    connection.con.register("asked", columns.empty_table())
    statement = connection.compile(as_of(features, connection.table("interactions"), connection.table("asked")))

    def run(interactions: Sequence[Interaction], asked: Sequence[tuple[int, str, int]]) -> dict[int, Any]:
        connection.con.register("interactions", _lake_rows(interactions))
        rows = [dict(zip(columns.names, question, strict=True)) for question in asked]
        connection.con.register("asked", pa.Table.from_pylist(rows, schema=columns))
        return {row["row"]: row for row in connection.con.sql(statement).to_arrow_table().to_pylist()}

    yield run
    connection.disconnect()


def _lake_rows(interactions: Sequence[Interaction]) -> pa.Table:
    rows = [
        {
            "message_id": each.message_id,
            "customer_id": each.customer_id,
            "touchpoint": each.touchpoint,
            "channel": each.channel,
            "kind": each.kind.value,
            "stage": each.stage,
            "at": each.at,
            "received_at": each.received_at,
            "value": each.value,
            "metric": each.metric,
            "score": each.score,
            "sentiment": each.sentiment,
            "traits": json_object(each.traits),
        }
        for each in interactions
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"])
