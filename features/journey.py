"""One customer's journey, as far as it is known: what came by file and what came online, each interaction once."""

import json
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from features.domain import ContactForm, Direction, Interaction, Kind, Metric, Stage
from features.journal import Journal
from features.lake import Lake, duckdb_session


def journey_of(identifiers: Sequence[str], *, lake: Lake, journal: Journal, limit: int) -> tuple[Interaction, ...]:
    """The last interactions of a customer, captured under any of the identifiers, newest first.

    A scan of the lake: tens of milliseconds for a small one. Decisions never need it, they read states.
    """
    found = {interaction.message_id: interaction for interaction in _in_lake(identifiers, lake, limit)}
    found |= {interaction.message_id: interaction for interaction in journal.interactions_of(identifiers, limit)}
    newest = sorted(found.values(), key=lambda interaction: (interaction.at, interaction.message_id), reverse=True)
    return tuple(newest[:limit])


def _in_lake(identifiers: Sequence[str], lake: Lake, limit: int) -> list[Interaction]:
    among = "customer_id IN (SELECT unnest($identifiers::VARCHAR[]))"
    query = f'SELECT * FROM {lake.relation("interactions")} WHERE {among} ORDER BY "at" DESC LIMIT $limit'
    with duckdb_session() as connection:
        rows = connection.sql(query, params={"identifiers": list(identifiers), "limit": limit}).to_arrow_table().to_pylist()
    return [interaction_of(row) for row in rows]


def interaction_of(row: dict[str, Any]) -> Interaction:
    """The interaction of a row of the lake."""
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
        identifiers=tuple(row["identifiers"] or ()),
        direction=None if row["direction"] is None else Direction(row["direction"]),
        contact_form=None if row["contact_form"] is None else ContactForm(row["contact_form"]),
        sentiment=row["sentiment"],
        original_at=row["original_at"],
        traits=json.loads(row["traits"] or "{}"),
        properties=json.loads(row["properties"] or "{}"),
    )
