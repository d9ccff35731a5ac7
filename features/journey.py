"""One customer's journey, as far as it is known: what came by file and what came online, each interaction once."""

from collections.abc import Sequence

from features.domain import Interaction
from features.journal import Journal
from features.lake import Lake, duckdb_session
from features.lake_values import interaction_of


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
