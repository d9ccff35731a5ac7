"""What stands in the lake's tables, as values of the domain."""

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from features.domain import ContactForm, Direction, Interaction, Kind, Metric, Stage


def interaction_of(row: Mapping[str, Any]) -> Interaction:
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
