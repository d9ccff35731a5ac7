"""What subscribing and unsubscribing says about consent, of one interaction and of all that came in files.

Whoever records interactions online records `consents_from` them as well. After every ingest, those of files are brought to the
journal (`bring_consents`), which is asked when decisions are taken.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from features.domain import Channel, Consent, ConsentStatus, Interaction, Kind
from features.journal import Journal
from features.lake import Lake, duckdb_session

_STATUS = {Kind.SUBSCRIBE: ConsentStatus.GRANTED, Kind.UNSUBSCRIBE: ConsentStatus.WITHDRAWN}
_PURPOSE = "marketing"
_BATCH = 10_000


def consents_from(interaction: Interaction) -> Consent | None:
    """The consent that an interaction states: to subscribe on a channel grants marketing there, to unsubscribe withdraws it.

    Where nobody says on which channel, to unsubscribe withdraws marketing on all of them, and to subscribe says nothing.
    """
    status = _STATUS.get(interaction.kind)
    unknown = interaction.channel == Channel.UNKNOWN
    if status is None or (unknown and status == ConsentStatus.GRANTED):
        return None
    return Consent(
        # hashed, because an id may be as long as an id can be
        message_id=f"subscription:{sha256(interaction.message_id.encode()).hexdigest()}",
        customer_id=interaction.customer_id,
        status=status,
        at=interaction.at,
        received_at=interaction.received_at,
        source=interaction.source,
        channel=None if unknown else interaction.channel,
        purpose=_PURPOSE,
    )


def consents_query(lake: Lake) -> str:
    """DuckDB SQL of every consent in the lake: those stated as such, and those that `consents_from` makes of interactions."""
    columns = 'message_id, customer_id, channel, purpose, status, "at", received_at, source, position'
    return f"""
        SELECT {columns} FROM {lake.relation("consents")}
        UNION ALL
        SELECT 'subscription:' || sha256(message_id) AS message_id, customer_id, nullif(channel, '{Channel.UNKNOWN}') AS channel,
            '{_PURPOSE}' AS purpose,
            CASE kind WHEN '{Kind.SUBSCRIBE}' THEN '{ConsentStatus.GRANTED}' ELSE '{ConsentStatus.WITHDRAWN}' END AS status,
            "at", received_at, source, position
        FROM {lake.relation("interactions")}
        WHERE kind = '{Kind.UNSUBSCRIBE}' OR (kind = '{Kind.SUBSCRIBE}' AND channel <> '{Channel.UNKNOWN}')"""


def bring_consents(lake: Lake, journal: Journal, *, since: datetime, until: datetime | None = None) -> int:
    """Tell the journal the consents that files have brought since then; give how many of them there were.

    Those it has already change nothing.

    Parameters
    ----------
    since, until : when they were received; without `until`, up to now.
    """
    received = "received_at >= $since AND received_at <= coalesce($until, received_at)"
    query = f"SELECT * EXCLUDE (position) FROM ({consents_query(lake)}) WHERE position IS NULL AND {received}"
    with duckdb_session() as connection:
        found = connection.execute(query, {"since": since, "until": until})
        names = [column[0] for column in found.description]
        batches: Iterator[Sequence[Any]] = iter(lambda: found.fetchmany(_BATCH), [])
        return sum(len(journal.append_consents([_consent(names, row) for row in rows])) for rows in batches)


def _consent(names: Sequence[str], row: Sequence[Any]) -> Consent:
    values = dict(zip(names, row, strict=True))
    times = {name: values[name].astimezone(UTC) for name in ("at", "received_at")}
    return Consent(**{**values, **times, "status": ConsentStatus(values["status"])})
