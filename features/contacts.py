"""Tells the journal of the contacts that arrived in files, so that contact caps count them as well."""

from datetime import datetime

from features.domain import Kind
from features.journal import Journal
from features.lake import Lake, duckdb_session, literal

_BATCH = 10_000


def bring_contacts(lake: Lake, journal: Journal, *, since: datetime) -> int:
    """Add the lake's contacts after `since` to the journal; give how many were new.

    A contact that carries out a decision of the service, for its customer and touchpoint, is left out: the journal counts the
    decision. One that was brought before is known by its id.
    """
    columns = "decision_id, customer_id, touchpoint"
    query = f"""SELECT message_id, customer_id, touchpoint, "at" FROM {lake.relation("interactions")}
        ANTI JOIN (SELECT {columns} FROM {lake.relation("decisions")} WHERE record IS NOT NULL) USING ({columns})
        WHERE kind = {literal(Kind.CONTACT)} AND position IS NULL AND "at" > ?"""
    with duckdb_session() as connection:
        found = connection.execute(query, [since])
        return sum(journal.add_contacts(rows) for rows in iter(lambda: found.fetchmany(_BATCH), []))
