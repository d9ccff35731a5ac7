"""One customer's journey, as far as it is known: what came by file and what came online, each interaction once."""

import json
from datetime import UTC
from typing import Any

from features.domain import Interaction, Kind, Metric, Stage
from features.journal import Journal
from features.lake import Lake, duckdb_session


def journey_of(customer_id: str, *, lake: Lake, journal: Journal, limit: int) -> tuple[Interaction, ...]:
    """The customer's last interactions, newest first.

    A scan of the lake: tens of milliseconds for a small one. Decisions never need it, they read states.
    """
    found = {interaction.message_id: interaction for interaction in _in_lake(customer_id, lake, limit)}
    found |= {interaction.message_id: interaction for interaction in journal.interactions_of(customer_id, limit)}
    newest = sorted(found.values(), key=lambda interaction: (interaction.at, interaction.message_id), reverse=True)
    return tuple(newest[:limit])


def _in_lake(customer_id: str, lake: Lake, limit: int) -> list[Interaction]:
    query = f'SELECT * FROM {lake.relation("interactions")} WHERE customer_id = $customer ORDER BY "at" DESC LIMIT $limit'
    with duckdb_session() as connection:
        rows = connection.sql(query, params={"customer": customer_id, "limit": limit}).to_arrow_table().to_pylist()
    return [_interaction(row) for row in rows]


def _interaction(row: dict[str, Any]) -> Interaction:
    return Interaction(
        message_id=row["message_id"],
        customer_id=row["customer_id"],
        touchpoint=row["touchpoint"],
        kind=Kind(row["kind"]),
        at=row["at"].astimezone(UTC),
        received_at=row["received_at"].astimezone(UTC),
        source=row["source"],
        stage=None if row["stage"] is None else Stage(row["stage"]),
        value=row["value"],
        metric=None if row["metric"] is None else Metric(row["metric"]),
        score=row["score"],
        decision_id=row["decision_id"],
        traits=json.loads(row["traits"] or "{}"),
        properties=json.loads(row["properties"] or "{}"),
    )
