"""Takes a recorded decision again on paper, from its record alone: as it was, or with something changed; writes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from importlib.metadata import version

from features.domain import ANSWERS, Consent, Contact, Kind
from features.errors import NotReplayableError, RequestError
from features.tables import Feature
from serving.deciding.judge import Basis, Verdict, row_of
from serving.deciding.reasons import percent
from serving.deciding.record import DecisionRecord, ScoredCandidate
from serving.deciding.situations import Fact, KeptSituation, facts_of, trait_of
from serving.http.wire import Changes, ConsentSupposed
from serving.looking_back.archive import Archive
from training.policy.eligibility import Situation

_SOURCE = "what-if"
_FARTHEST = timedelta(days=36_525)  # a century either way: beyond the calendar no rule can be worked out


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two answers.

    Attributes
    ----------
    order : the touchpoints, best first, those that are not eligible last; only of an answer taken again.
    """

    chosen: str
    candidates: tuple[ScoredCandidate, ...]
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What was decided then, and what is decided now.

    Attributes
    ----------
    same : whether choice, eligibility, probabilities and money are identical, to the last digit.
    differences : what is not, in words.
    """

    decision_id: str
    same: bool
    differences: tuple[str, ...]
    recorded: Side
    replayed: Side

    def in_words(self) -> str:
        """The result, a line each."""
        if self.same:
            return f"Decision {self.decision_id}: the same answer, {self.recorded.chosen}, to the last digit."
        return "\n".join([f"Decision {self.decision_id}: another answer.", *(f"  {each}" for each in self.differences)])


def replay(record: DecisionRecord, changes: Changes, archive: Archive) -> Replayed:
    """Take a decision again.

    Without changes the answer is the very same, unless the software has changed what it computes; then the differences say so.
    With changes it is what would have been decided. The draw is the same one in both.

    Raises
    ------
    NotReplayableError
        When the record is of before situations were kept, or its catalogue, features or policy cannot be had.
    RequestError
        When the changes name a feature or touchpoint that there was not, a value that a feature cannot have, or a time a century
        away.
    """
    if record.situation is None:
        raise NotReplayableError(f"decision {record.decision_id!r} was recorded before situations were; it can only be explained")
    judge, policy = archive.judge_of(record), archive.policy_of(record)
    values = _values(record.features.values, changes, judge.features)
    verdict = judge.judge(
        Basis(
            decision_id=record.decision_id,
            situation=_situation(record, record.situation, changes, values),
            values=values,
            row=row_of(judge.features, values),
            policy=policy,
            arm=record.arm,
            seed=record.draw.seed,
            limit=len(record.recommendations),
            slate=record.slate,
        )
    )
    differences = tuple(_differences(record, verdict))
    if differences and changes == Changes() and record.software_version != version("next-best-touchpoint"):
        differences += (f"It was taken by version {record.software_version} of the software; this is another one.",)
    return Replayed(
        decision_id=record.decision_id,
        same=not differences,
        differences=differences,
        recorded=Side(chosen=record.chosen, candidates=record.candidates),
        replayed=Side(chosen=verdict.chosen, candidates=verdict.candidates, order=verdict.order),
    )


def _values(recorded: Mapping[str, Fact], changes: Changes, features: Sequence[Feature]) -> dict[str, Fact]:
    known = {feature.name: feature for feature in features}
    known |= {f"trait.{trait}": feature for feature in features if (trait := trait_of(feature.name)) is not None}
    supposed: dict[str, Fact] = {}
    for name, value in changes.features.items():
        if name not in known:
            near = "".join(f"; did you mean {each!r}?" for each in get_close_matches(name, known, n=1))
            given = f"/changes/features: {name!r} is no feature{near or '; the record names them all'}"
            raise RequestError(given, field="/changes/features")
        _check_value(known[name], value)
        supposed[known[name].name] = value
    return {**recorded, **supposed}


def _check_value(feature: Feature, value: Fact) -> None:
    where = f"/changes/features/{feature.name}"
    if feature.dtype == "category" and value not in (None, *feature.categories):
        given = f"{value!r} is none of its categories {', '.join(feature.categories)}"
        raise RequestError(f"{where}: {given}; null is unknown", field=where)
    if feature.dtype != "category" and (isinstance(value, str)):
        raise RequestError(f"{where}: {value!r} is no number; null is unknown", field=where)


def _situation(record: DecisionRecord, kept: KeptSituation, changes: Changes, values: Mapping[str, Fact]) -> Situation:
    was = kept.restored(record.features.values)
    if changes.at is not None and abs(changes.at - was.at) > _FARTHEST:
        given = f"/changes/at: {changes.at.isoformat()} is more than a century from the decision; give a time nearer to it"
        raise RequestError(given, field="/changes/at")
    facts = facts_of(values, {**record.context, **changes.context})
    before = record.slate.before if record.slate else ()
    changed = replace(was, at=changes.at or was.at, facts=facts)
    if changes.candidates is not None:
        changed = replace(changed, candidates=changes.candidates)
    if changes.exclude is not None:
        changed = replace(changed, exclude=(*changes.exclude, *before))
    if changes.contacts is not None:
        contacts, answers = _contacts(changes)
        changed = replace(changed, contacts=contacts, answers=answers)
    if changes.consents is not None:
        said = tuple(_consent(each, index, record) for index, each in enumerate(changes.consents))
        changed = replace(changed, consents=said)
    return changed


def _contacts(changes: Changes) -> tuple[tuple[Contact, ...], tuple[Contact, ...]]:
    """Contacts and answers, each oldest first."""
    supposed = sorted(changes.contacts or (), key=lambda each: each.at)
    wrong = next((each.kind for each in supposed if each.kind not in (Kind.CONTACT, *ANSWERS)), None)
    if wrong is not None:
        given = f"/changes/contacts: kind {wrong.value!r} is neither contact nor one of {', '.join(ANSWERS)}"
        raise RequestError(given, field="/changes/contacts")
    every = [Contact(each.touchpoint, each.at, each.kind) for each in supposed]
    return (
        tuple(each for each in every if each.kind == Kind.CONTACT),
        tuple(each for each in every if each.kind != Kind.CONTACT),
    )


def _consent(supposed: ConsentSupposed, index: int, record: DecisionRecord) -> Consent:
    at: datetime = supposed.at or record.at
    return Consent(
        message_id=f"{_SOURCE}:{index}",
        customer_id=record.customer_id,
        status=supposed.status,
        at=at,
        received_at=at,
        source=_SOURCE,
        channel=supposed.channel,
        purpose=supposed.purpose,
    )


def _differences(record: DecisionRecord, verdict: Verdict) -> Iterator[str]:
    if record.chosen != verdict.chosen:
        yield f"Chosen: {verdict.chosen} instead of {record.chosen}."
    now = {candidate.touchpoint: candidate for candidate in verdict.candidates}
    for was in record.candidates:
        yield from _changes_of(was, now[was.touchpoint], record.currency)
    if record.draw != verdict.draw:
        yield f"The draw: {verdict.draw.u} instead of {record.draw.u}."


def _changes_of(was: ScoredCandidate, now: ScoredCandidate, currency: str) -> Iterator[str]:
    name = was.touchpoint
    if (was.eligible, was.stage, was.rule, was.until) != (now.eligible, now.stage, now.rule, now.until):
        yield f"{name}: {_standing(now)}; it was {_standing(was)}."
    if was.net_value != now.net_value:
        yield f"{name}: expected {_money(now.net_value, was.net_value)} {currency}."
    if was.probability != now.probability:
        yield f"{name}: probability {percent(now.probability)} instead of {percent(was.probability)}."
    said = ("net_value", "probability", "eligible", "stage", "rule", "until", "touchpoint")
    others = [part.name for part in fields(was) if part.name not in said and getattr(was, part.name) != getattr(now, part.name)]
    if others and was.net_value == now.net_value:
        yield f"{name}: other {', '.join(others)}."


def _standing(candidate: ScoredCandidate) -> str:
    if candidate.eligible:
        return "eligible"
    until = f", until {candidate.until:%Y-%m-%d %H:%M} UTC" if candidate.until else ""
    return f"not eligible ({candidate.stage}: {candidate.rule}{until})"


def _money(now: float, was: float) -> str:
    """Two digits, or as many as it takes to see a difference."""
    short = f"{now:.2f} instead of {was:.2f}"
    return short if f"{now:.2f}" != f"{was:.2f}" else f"{now!r} instead of {was!r}"
