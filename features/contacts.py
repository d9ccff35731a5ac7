"""Tells the journal of the contacts that arrived in files, so that contact caps count them as well."""

from datetime import datetime

from features.domain import Kind
from features.identity.members import Members
from features.journal import Journal
from features.lake import Lake, duckdb_session, literal

_BATCH = 10_000


def bring_contacts(lake: Lake, journal: Journal, *, since: datetime, members: Members) -> int:
    """Add the lake's contacts after `since` to the journal; give how many were new.

    A contact that carries out a decision of the service, for its touchpoint and at any identifier of its customer, is left
    out: the journal counts the decision. One that was brought before is known by its id.

    Parameters
    ----------
    members : which identifiers are whose.
    """
    query = f"""
        WITH members AS (FROM {members.relation()}),
             contacts AS (
                SELECT rows.*, coalesce(members.customer_id, rows.customer_id) AS whose
                FROM {lake.relation("interactions")} AS rows LEFT JOIN members ON identifier = rows.customer_id
                WHERE kind = {literal(Kind.CONTACT)} AND position IS NULL AND "at" > ?),
             decided AS (
                SELECT decision_id, touchpoint, coalesce(members.customer_id, rows.customer_id) AS whose
                FROM {lake.relation("decisions")} AS rows LEFT JOIN members ON identifier = rows.customer_id
                WHERE record IS NOT NULL)
        SELECT message_id, customer_id, touchpoint, "at" FROM contacts ANTI JOIN decided USING (decision_id, touchpoint, whose)"""
    with duckdb_session() as connection:
        found = connection.execute(query, [since])
        return sum(journal.add_contacts(rows) for rows in iter(lambda: found.fetchmany(_BATCH), []))
