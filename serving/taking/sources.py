"""Other systems' records, taken online: through the very mapping that takes their files, so that both give the same."""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from features.capture import Mapping as SourceMapping
from features.capture.made import Mapped
from features.capture.online import map_records
from features.capture.preset import PREFIX, load_source, preset_names
from features.catalogue import Catalogue
from features.domain import Consent, Interaction, Outcome
from features.errors import ConfigurationError
from features.journal import Journal, Receipt, SentInteraction, SentOutcome, Status
from serving.deciding.record import Taken, canonical_json
from serving.door import Door
from serving.http.problems import UNKNOWN_SOURCE, UNUSABLE_SOURCE, ProblemError
from serving.taking.incoming import Incoming, digest_of
from serving.taking.intake import accepted_of, append_interactions
from serving.taking.together import Record, Together

_NAME = re.compile("[a-z][a-z0-9_]{0,59}")
_STRONGEST = (Status.ACCEPTED, Status.CONFLICT, Status.ERASED, Status.DUPLICATE)


class Sources:
    """Takes the records of sources by name.

    Parameters
    ----------
    folder : holds `<name>.toml` for sources of one's own; a preset of the same name comes after it.
    """

    def __init__(self, journal: Journal, catalogue: Catalogue, door: Door, folder: Path, *, clock_skew_seconds: float) -> None:
        self._journal = journal
        self._catalogue = catalogue
        self._door = door
        self._folder = folder
        self._skew_seconds = clock_skew_seconds
        self._loaded: dict[str, tuple[float | None, SourceMapping]] = {}
        self._together: defaultdict[str, Together] = defaultdict(Together)

    def take(self, name: str, records: Sequence[Incoming], *, now: datetime) -> tuple[list[Taken], list[Interaction]]:
        """Keep in the journal what the mapping makes of each record; what it refuses goes to the quarantine with the reason.

        Returns
        -------
        What became of each record, in order, all durable; and the interactions that are new.

        Raises
        ------
        ProblemError
            `unknown-source` when there is no such mapping, `unusable-source` when it does not fit the catalogue.
        """
        good = [nth for nth, each in enumerate(records) if each.refused is None]
        sent = [records[nth] for nth in good]
        try:
            mapping = self._mapping(name)
            mapped = self._together[mapping.name].map([each.record for each in sent], partial(self._mapped, mapping, now))
        except ConfigurationError as error:
            raise ProblemError(UNUSABLE_SOURCE, str(error)) from error
        receipts, accepted = self._append(mapped, sent)
        self._quarantine(mapping.name, mapped, records, now)
        reasons = {refused.index: refused.reason for refused in mapped.refused}
        taken = [Taken(message_id=each.message_id, status="quarantined", reason=each.refused) for each in records]
        for index, nth in enumerate(good):
            taken[nth] = _taken(sent[index], receipts[index], reasons.get(index))
        return taken, accepted

    def _mapped(self, mapping: SourceMapping, now: datetime, records: Sequence[Record]) -> Mapped:
        return map_records(
            records,
            mapping,
            catalogue=self._catalogue,
            names=self._door.names,
            now=now,
            clock_skew_seconds=self._skew_seconds,
        )

    def _quarantine(self, source: str, mapped: Mapped, records: Sequence[Incoming], now: datetime) -> None:
        refused = [(each.reason, each.raw) for each in mapped.refused]
        unmapped = [(each.refused, canonical_json(self._door.redacted(each.record))) for each in records if each.refused]
        self._journal.quarantine_all([(source, reason, raw, now) for reason, raw in (*refused, *unmapped)])

    def _append(self, mapped: Mapped, sent: Sequence[Incoming]) -> tuple[list[list[Receipt]], list[Interaction]]:
        """Append all that was made of the records; give the receipts by record, and the interactions that are new.

        What is said about consent comes first, as with posted interactions.
        """
        receipts: list[list[Receipt]] = [[] for _ in sent]

        def note(places: Sequence[int], given: Sequence[Receipt]) -> None:
            for place, receipt in zip(places, given, strict=True):
                receipts[place].append(receipt)

        if mapped.links:
            note([place for place, _ in mapped.links], self._journal.append_links([link for _, link in mapped.links]))
        if consents := self._new_consents(mapped, sent):
            note([place for place, _ in consents], self._journal.append_consents([consent for _, consent in consents]))
        interactions = [_interaction_as_sent(each, sent[place]) for place, each in mapped.interactions]
        given = append_interactions(interactions, journal=self._journal)
        note([place for place, _ in mapped.interactions], given)
        if outcomes := [_outcome_as_sent(each, sent[place]) for place, each in mapped.outcomes]:
            note([place for place, _ in mapped.outcomes], self._journal.append_outcomes(outcomes))
        return receipts, accepted_of(interactions, given)

    def _new_consents(self, mapped: Mapped, sent: Sequence[Incoming]) -> list[tuple[int, Consent]]:
        """Without those of records that were sent again: their time, corrected anew, would make them look like others."""
        again = [consent.customer_id for place, consent in mapped.consents if sent[place].digest is not None]
        known = {consent.message_id for consent in self._journal.consents_of(again)} if again else set()
        return [(place, each) for place, each in mapped.consents if sent[place].digest is None or each.message_id not in known]

    def _mapping(self, name: str) -> SourceMapping:
        own = self._folder / f"{name}.toml"
        changed = own.stat().st_mtime if _NAME.fullmatch(name) and own.exists() else None
        if changed is None and name not in preset_names():
            raise ProblemError(UNKNOWN_SOURCE, "no preset has this name, and no mapping in the home's folder sources")
        if name not in self._loaded or self._loaded[name][0] != changed:
            self._loaded[name] = changed, load_source(f"{PREFIX}{name}" if changed is None else own)
        return self._loaded[name][1]


def _interaction_as_sent(interaction: Interaction, sent: Incoming) -> Interaction:
    if sent.digest is None:
        return interaction
    fields: dict[str, Any] = {field.name: getattr(interaction, field.name) for field in dataclasses.fields(interaction)}
    return SentInteraction(**fields, digest=digest_of([sent.digest, interaction.touchpoint, interaction.kind]))


def _outcome_as_sent(outcome: Outcome, sent: Incoming) -> Outcome:
    if sent.digest is None:
        return outcome
    fields: dict[str, Any] = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    return SentOutcome(**fields, digest=digest_of([sent.digest, outcome.kind]))


def _taken(sent: Incoming, receipts: Sequence[Receipt], refused: str | None) -> Taken:
    """What became of a record as a whole; where a part of it was refused, the reason says so."""
    statuses = {receipt.status for receipt in receipts}
    strongest = next((status for status in _STRONGEST if status in statuses), None)
    reason = refused or next((receipt.reason for receipt in receipts if receipt.reason), None)
    if strongest is None:
        status = "ignored" if refused is None else "quarantined"
    else:
        status = "quarantined" if strongest == Status.CONFLICT else strongest.value
    named = sent.message_id or next((receipt.message_id for receipt in receipts), None)
    return Taken(message_id=named, status=status, reason=reason)
