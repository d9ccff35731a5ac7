"""What arrived or was decided online, durable before it is acknowledged; SQLite on one machine, PostgreSQL beyond it.

Rows get positions that grow in the order of their commits, so a reader that remembers the last position it has seen misses
nothing. Writers therefore take turns; many rows in one call, or calls of many threads at once, cost little more than one.
"""

from features.journal.journal import Journal
from features.journal.recording import ProposedDecision
from features.journal.records import (
    Contacts,
    Identity,
    Notice,
    Quarantined,
    Receipt,
    RecordedDecision,
    SentInteraction,
    SentOutcome,
    Status,
    Surroundings,
    VolumeLimit,
)

__all__ = [
    "Contacts",
    "Identity",
    "Journal",
    "Notice",
    "ProposedDecision",
    "Quarantined",
    "Receipt",
    "RecordedDecision",
    "SentInteraction",
    "SentOutcome",
    "Status",
    "Surroundings",
    "VolumeLimit",
]
