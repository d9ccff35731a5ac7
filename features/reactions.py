"""What followed decisions, as far as it is told: in files and online, each record once."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from features.domain import Interaction, Kind, Outcome
from features.journal import Journal
from features.journey import journey_of
from features.lake import Lake, duckdb_session

_MOST_INTERACTIONS = 1_000
_OF_DECISIONS = "SELECT * FROM {outcomes} WHERE decision_id IN (SELECT unnest($decisions::VARCHAR[]))"


def outcomes_of(decision_ids: Sequence[str], *, lake: Lake, journal: Journal) -> tuple[Outcome, ...]:
    """The outcomes that name any of the decisions, oldest first.

    A scan of the lake's outcomes, as `journey_of` is one of its interactions.
    """
    if not decision_ids:
        return ()
    found = {each.message_id: each for each in _in_lake(decision_ids, lake)}
    found |= {each.message_id: each for each in journal.outcomes_of(decision_ids)}
    return tuple(sorted(found.values(), key=lambda each: (each.at, each.message_id)))


def reactions_to(
    decision_id: str, identifiers: Sequence[str], *, lake: Lake, journal: Journal
) -> tuple[Outcome | Interaction, ...]:
    """The outcomes of a decision, and of its customer's last interactions those that name it; oldest first."""
    journey = journey_of(identifiers, lake=lake, journal=journal, limit=_MOST_INTERACTIONS)
    told: list[Outcome | Interaction] = [each for each in journey if each.decision_id == decision_id]
    told += outcomes_of([decision_id], lake=lake, journal=journal)
    return tuple(sorted(told, key=lambda each: (each.at, each.message_id)))


def _in_lake(decision_ids: Sequence[str], lake: Lake) -> list[Outcome]:
    query = _OF_DECISIONS.format(outcomes=lake.relation("outcomes"))
    with duckdb_session() as connection:
        rows = connection.sql(query, params={"decisions": list(decision_ids)}).to_arrow_table().to_pylist()
    return [_outcome(row) for row in rows]


def _outcome(row: dict[str, Any]) -> Outcome:
    return Outcome(
        message_id=row["message_id"],
        decision_id=row["decision_id"],
        kind=Kind(row["kind"]),
        at=row["at"].astimezone(UTC),
        received_at=row["received_at"].astimezone(UTC),
        source=row["source"],
        value=row["value"],
    )
