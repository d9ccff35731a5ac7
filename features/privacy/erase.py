"""Removes a person everywhere, such that nothing on disk names them any more and nothing brings them back.

In order:

1. A note of whom to remove, in the folder of identities: it is all that is left of the links once the journal has forgotten them.
2. Tombstones in the journal, keyed hashes only: who sends or reads the old records again does not bring anybody back.
3. The journal: interactions, decisions, outcomes, contacts, consents, links, refused records.
4. The lake, with its old files and its log.
5. The feature store: history and online.
6. What was found out about single customers.
7. The files of the identities, and the review list. Then the note goes.

Repeat it when it was interrupted: the note says what is left. The service may run meanwhile; what is dated after the erasure
is a new person's, and stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from features.errors import UnknownCustomerError
from features.identity.review import ReviewList
from features.insights.snapshot import one_writer
from features.privacy.erasure_note import ErasureNote, ErasureNotes
from features.privacy.identity_files import forget_members
from features.privacy.known import (
    Record,
    journal_records,
    lake_records,
    naming,
    refused_in_journal,
    refused_in_lake,
    refused_naming,
)
from features.privacy.lake_rows import any_of, delete_rows, not_after
from features.privacy.naming import Naming
from features.privacy.places import Places

_PERSONAL = ("interactions", "decisions", "consents", "links")


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What an erasure removed.

    Attributes
    ----------
    identifiers : how many of them the customer had.
    removed : how many rows, by the place where they were; no rows, no place.
    """

    identifiers: int
    removed: Mapping[str, int]


def erase_customer(customer_id: str, places: Places, *, now: datetime, on_progress: Callable[[str], None]) -> ErasureReport:
    """Remove everything known of a customer, by any of their identifiers; safe to kill at any point and to repeat.

    Of somebody who was erased before and of whom nothing came since, nothing is left to remove, which is no error.

    Raises
    ------
    UnknownCustomerError
        When nothing is known of the customer, and nobody of that id was ever erased.
    StoreError
        When a place does not answer; repeat the call then.
    """
    notes = ErasureNotes(places.identity / "erasing")
    with notes.lock():
        note = _whom(customer_id, places, notes, now)
        if note is None:
            return _nothing_left(customer_id, places)
        notes.write(note, name=places.journal.tombstone(customer_id))
        # The decisions too, so that no outcome of theirs is taken any more
        buried = [places.journal.tombstone(name) for name in (*note.identifiers, *note.decision_ids)]
        places.journal.bury(buried, note.at)
        removed: dict[str, int] = {}
        for place, step in _STEPS.items():
            on_progress(f"erasing: {place}")
            removed |= {f"{place}{what}": count for what, count in step(note, places).items() if count}
        notes.remove(note)
    return ErasureReport(len(note.identifiers), removed)


def unfinished_erasures(places: Places) -> list[str]:
    """One identifier of each erasure that was interrupted: erase these again."""
    return [note.identifiers[0] for note in ErasureNotes(places.identity / "erasing").all()]


def _whom(customer_id: str, places: Places, notes: ErasureNotes, now: datetime) -> ErasureNote | None:
    """Whom to remove, and what of theirs; None when nothing is known of them."""
    begun = notes.naming([customer_id])
    identifiers = places.journal.identity_of(customer_id).identifiers
    records = {table: _records(table, identifiers, places) for table in _PERSONAL}
    who = Naming(identifiers, places.names)
    if not begun and not any(records.values()) and not refused_naming(who, places.lake, places.journal):
        return None
    # A record may be dated a little ahead of the clock: sent again, it has to be known as one of before.
    at = max([now, *(record["at"] for found in records.values() for record in found)])
    decisions = {record["decision_id"] for record in records["decisions"]}
    return ErasureNote(identifiers, tuple(decisions), at).with_(begun)


def _nothing_left(customer_id: str, places: Places) -> ErasureReport:
    if places.journal.tombstones().keys().isdisjoint(places.names.tombstones_of(customer_id)):
        raise UnknownCustomerError("nothing is known of a customer with this identifier, so nothing was removed; check it")
    return ErasureReport(0, {})


def _records(table: str, identifiers: tuple[str, ...], places: Places) -> list[Record]:
    rows = lake_records(places.lake, table, naming(table, identifiers))
    return [*rows, *journal_records(places.journal, table, identifiers)]


def _in_journal(note: ErasureNote, places: Places) -> Mapping[str, int]:
    # Looked through beforehand, because while the journal erases, nobody else can write to it
    refused = refused_in_journal(Naming((*note.identifiers, *note.decision_ids), places.names), places.journal)
    removed = places.journal.erase(note.identifiers, is_theirs=refused.__contains__, decision_ids=note.decision_ids)
    return {f".{table}": count for table, count in removed.items()}


def _in_lake(note: ErasureNote, places: Places) -> Mapping[str, int]:
    who = Naming((*note.identifiers, *note.decision_ids), places.names)
    with places.lake.lock():
        refused = any_of("record_id", refused_in_lake(who, places.lake))
        conditions = {"outcomes": any_of("decision_id", note.decision_ids), "resolutions": refused, "quarantine": refused}
        for table in _PERSONAL:
            conditions[table] = f"({naming(table, note.identifiers)}) AND {not_after('at', note.at)}"
        return {f".{table}": delete_rows(places.lake, table, condition) for table, condition in conditions.items()}


def _in_store(note: ErasureNote, places: Places) -> Mapping[str, int]:
    return {"": places.store.erase(note.identifiers)}


def _in_insights(note: ErasureNote, places: Places) -> Mapping[str, int]:
    with one_writer(places.insights):
        looks = sorted(path for path in places.insights.iterdir() if path.is_dir())
        return {"": sum(forget_members(look, note.identifiers) for look in looks)}


def _in_identities(note: ErasureNote, places: Places) -> Mapping[str, int]:
    reviewed = ReviewList(places.identity / "review.jsonl").forget(note.identifiers)
    with places.lake.lock():  # which `identify` holds while it writes the same file
        return {".members": forget_members(places.identity, note.identifiers), ".review": reviewed}


_STEPS: Mapping[str, Callable[[ErasureNote, Places], Mapping[str, int]]] = MappingProxyType(
    {"journal": _in_journal, "lake": _in_lake, "features": _in_store, "insights": _in_insights, "identity": _in_identities}
)
