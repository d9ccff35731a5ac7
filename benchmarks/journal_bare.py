"""A decision's reads and its record by hand: the same statements over the bare driver of SQLite, with the same PRAGMAs.

It has one connection that nobody shares, knows the SQL of one identifier only, makes no objects of rows, has no other writer
to wait for and no call to share a commit with, and reports no error in words.
"""

import json
import sqlite3

from features.instants import microseconds
from features.journal import RecordedDecision, VolumeLimit
from features.journal.volumes import QUARTER

_SAME = (
    "SELECT identifier, customer_id FROM identities"
    " WHERE customer_id = coalesce((SELECT customer_id FROM identities WHERE identifier = ?1), ?1)"
)
_CONTACTS_SEEN = "SELECT count(*) FROM contacts WHERE customer_id = ?"
_CONSENTS_SEEN = "SELECT count(*) FROM consents WHERE customer_id = ?"
_READS = (
    "SELECT * FROM interactions WHERE customer_id = ? AND position > ? AND NOT superseded ORDER BY position",
    "SELECT touchpoint, at, kind FROM contacts WHERE customer_id = ? AND at >= ? ORDER BY at, position",
    "SELECT * FROM consents WHERE customer_id = ? ORDER BY at, position",
)
_USED = "SELECT sum(contacts) FROM volumes WHERE touchpoint = ? AND quarter >= ? AND quarter < ?"
_DECISION = (
    "INSERT INTO decisions (decision_id, customer_id, touchpoint, at, request_hash, record, candidates, probability, superseded,"
    " deferred, arm, policy_version, fallback) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)"
)
_CONTACT = "INSERT INTO contacts (contact_id, customer_id, touchpoint, at) VALUES (?, ?, ?, ?)"
_VOLUME = (
    "INSERT INTO volumes (touchpoint, quarter, contacts) VALUES (?, ?, 1)"
    " ON CONFLICT (touchpoint, quarter) DO UPDATE SET contacts = contacts + 1"
)


class BareJournal:
    """The journal's file, opened by hand."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._ask = self._connection.execute

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def read(self, customer_id: str, since: int) -> list[object]:
        """What a decision for the customer asks."""
        newer, contacts, consents = _READS
        return [
            self._ask(_SAME, (customer_id,)).fetchall(),
            self._ask(newer, (customer_id, 0)).fetchall(),
            self._ask(_CONTACTS_SEEN, (customer_id,)).fetchall(),
            self._ask(contacts, (customer_id, since)).fetchall(),
            self._ask(consents, (customer_id,)).fetchall(),
        ]

    def record(self, decision: RecordedDecision, limit: VolumeLimit, *, seen: int) -> bool:
        """Record a decision, its contact and its volume, unless something has changed."""
        at, customer, contact = microseconds(decision.at), (decision.customer_id,), f"decision:{decision.decision_id}"
        period = (microseconds(limit.since) // QUARTER, microseconds(limit.until) // QUARTER)
        self._ask("BEGIN IMMEDIATE")
        known = self._ask("SELECT request_hash FROM decisions WHERE decision_id = ?", (decision.decision_id,)).fetchone()
        counted = self._ask("SELECT 1 FROM contacts WHERE contact_id = ?", (contact,)).fetchone()
        same = self._ask(_SAME, customer).fetchall()
        contacts = self._ask(_CONTACTS_SEEN, customer).fetchone()
        consents = self._ask(_CONSENTS_SEEN, customer).fetchone()
        used = self._ask(_USED, (decision.touchpoint, *period)).fetchone()
        if known or counted or same or contacts != (seen,) or consents != (0,) or (used[0] or 0) + 1 > limit.at_most:
            self._ask("ROLLBACK")
            return False
        told = (decision.request_hash, decision.record, json.dumps(decision.candidates), decision.probability, decision.deferred)
        found_by = (decision.arm, decision.policy_version, decision.fallback)
        self._ask(_DECISION, (decision.decision_id, *customer, decision.touchpoint, at, *told, *found_by))
        self._ask(_CONTACT, (contact, *customer, decision.touchpoint, at))
        self._ask(_VOLUME, (decision.touchpoint, at // QUARTER))
        self._ask("COMMIT")
        return True
