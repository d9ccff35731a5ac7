"""Tells the journal of the contacts and answers that arrived in files, so that the rules of contact heed them as well."""

from datetime import datetime, timedelta

from features.catalogue import Catalogue
from features.domain import ANSWERS, Kind
from features.identity.members import Members
from features.journal import Journal, Notice
from features.journal.contacts import OUTCOME
from features.lake import Lake, duckdb_session, literal

TOLD_BY_FILES = f"position IS NULL AND kind IN ({', '.join(literal(kind) for kind in (Kind.CONTACT, *ANSWERS))})"
"""The SQL condition that an interaction or an outcome of the lake is a contact or an answer, and came in a file."""

_BATCH = 10_000


def looks_back(catalogue: Catalogue) -> timedelta:
    """How old a contact or an answer may be that any rule of the catalogue still heeds."""
    caps = [cap.days for cap in catalogue.caps]
    pauses = [cooldown.hours / 24 for cooldown in catalogue.cooldowns]
    suppressions = [rule.within_days + rule.days for rule in catalogue.suppressions]
    exclusions = [exclusion.days for exclusion in catalogue.exclusions]
    return timedelta(days=max([*caps, *pauses, *suppressions, *exclusions], default=0.0))


def bring_contacts(lake: Lake, journal: Journal, *, since: datetime, members: Members) -> int:
    """Add the lake's contacts and answers after `since` to the journal; give how many of the contacts were new.

    A contact that carries out a decision of the service, for its touchpoint and at any identifier of its customer, is left
    out: the journal counts the decision. If the decision was deferred it is not, and makes the decision count. An outcome tells
    the same of the decision that it names. What was brought before is known by its id.

    Parameters
    ----------
    members : which identifiers are whose.
    """
    told = f'{TOLD_BY_FILES} AND "at" > $since'
    query = f"""
        WITH members AS (FROM {members.relation()}),
             interactions AS (FROM {lake.relation("interactions")} WHERE {told}),
             outcomes AS (FROM {lake.relation("outcomes")} WHERE {told}),
             named AS (SELECT decision_id FROM interactions UNION SELECT decision_id FROM outcomes),
             decided AS (
                SELECT decision_id, rows.customer_id, touchpoint, coalesce(members.customer_id, rows.customer_id) AS whose,
                       coalesce(CAST(record ->> '$.deferred' AS BOOLEAN), false) AS deferred
                FROM {lake.relation("decisions")} AS rows SEMI JOIN named USING (decision_id)
                LEFT JOIN members ON identifier = rows.customer_id
                WHERE record IS NOT NULL),
             notices AS (
                SELECT message_id, rows.customer_id, touchpoint, "at", kind, decision_id,
                       coalesce(members.customer_id, rows.customer_id) AS whose
                FROM interactions AS rows LEFT JOIN members ON identifier = rows.customer_id
                UNION ALL
                SELECT {literal(OUTCOME)} || message_id, customer_id, touchpoint, "at", kind, decision_id, whose
                FROM outcomes JOIN decided USING (decision_id))
        SELECT * EXCLUDE whose FROM notices
        ANTI JOIN (FROM decided WHERE NOT deferred) AS counted
        ON notices.kind = {literal(Kind.CONTACT)} AND counted.decision_id = notices.decision_id
           AND counted.touchpoint = notices.touchpoint AND counted.whose = notices.whose
        ORDER BY "at", message_id"""
    with duckdb_session() as connection:
        found = connection.execute(query, {"since": since})
        batches = iter(lambda: found.fetchmany(_BATCH), [])
        return sum(journal.add_contacts(Notice(*row) for row in rows) for rows in batches)
