"""Tells a recorded decision: why this touchpoint, why not each other one, and what would have to change for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from features.domain import NONE
from features.errors import NotReplayableError
from features.tables import Feature
from serving.deciding.judge import contributions, row_of
from serving.deciding.reasons import described, percent, span
from serving.deciding.record import DecisionRecord, ScoredCandidate
from serving.deciding.situations import Fact
from serving.looking_back.archive import Archive
from serving.looking_back.remedies import Remedies
from training.policy import Policy, Terms, variant

_MOST_FEATURES = 5
_WORTH_SAYING = 0.01  # points of conversion


class Standing(StrEnum):
    """What became of a candidate."""

    CHOSEN = "chosen"
    RULED_OUT = "ruled_out"  # by a rule
    OUTVALUED = "outvalued"  # another one looked better
    NOT_DRAWN = "not_drawn"  # it looked best, or as good as any, and chance chose another one


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateExplained:
    """One touchpoint: what became of it, why, and what would have to change for it; nothing for the one that was chosen."""

    touchpoint: str
    verdict: Standing
    sentence: str
    would_need: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one feature adds to the uplift of the chosen touchpoint, in points of conversion."""

    feature: str
    value: Fact
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision explained.

    Attributes
    ----------
    contributions : of every feature, the strongest first; empty for `none`, and where the policy cannot tell.
    words : the whole of it, a line each.
    """

    decision_id: str
    customer_id: str
    arm: str
    chosen: str
    candidates: tuple[CandidateExplained, ...]
    contributions: tuple[Contribution, ...]
    words: tuple[str, ...]

    def in_words(self) -> str:
        """The words, a line each."""
        return "\n".join(self.words)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is still to be had of the time of a decision: its policy, features and terms; and why not, where they are not."""

    policy: Policy | None = None
    features: tuple[Feature, ...] = ()
    terms: Terms | None = None
    missing: str | None = None


def explain(record: DecisionRecord, archive: Archive) -> Explanation:
    """Explain a decision from its record; what features contributed is computed again with the policy that decided."""
    known = _known(record, archive)
    moved = tuple(_contributions(record, known))
    candidates = tuple(_explained(record, Remedies(record, known.terms)))
    return Explanation(
        decision_id=record.decision_id,
        customer_id=record.customer_id,
        arm=record.arm,
        chosen=record.chosen,
        candidates=candidates,
        contributions=moved,
        words=tuple(_words(record, known, candidates, moved)),
    )


def _known(record: DecisionRecord, archive: Archive) -> _Known:
    try:
        judge = archive.judge_of(record)
    except NotReplayableError as error:
        return _Known(missing=str(error))
    try:
        policy = variant(archive.policy_of(record), record.arm, judge.catalogue)
    except NotReplayableError as error:
        return _Known(features=judge.features, terms=Terms.of(judge.catalogue), missing=str(error))
    return _Known(policy, judge.features, policy.terms)


def _contributions(record: DecisionRecord, known: _Known) -> Iterator[Contribution]:
    policy, features = known.policy, known.features
    if policy is None or record.chosen == NONE:
        return
    row = row_of(features, record.features.values)
    effects = contributions(policy, row, policy.arms.index(record.chosen), len(features))
    if effects is None:
        return
    for index in np.argsort(-np.abs(effects), kind="stable"):
        name = features[index].name
        yield Contribution(feature=name, value=record.features.values.get(name), points=100 * float(effects[index]))


def _explained(record: DecisionRecord, remedies: Remedies) -> Iterator[CandidateExplained]:
    for candidate in record.candidates:
        standing = _standing(candidate, record, remedies)
        yield CandidateExplained(
            touchpoint=candidate.touchpoint,
            verdict=standing,
            sentence=_sentence(candidate, standing, remedies.best, record.currency),
            would_need=_would_need(candidate, standing, remedies),
        )


def _standing(candidate: ScoredCandidate, record: DecisionRecord, remedies: Remedies) -> Standing:
    if candidate.touchpoint == record.chosen:
        return Standing.CHOSEN
    if not candidate.eligible:
        return Standing.RULED_OUT
    as_good = record.arm == "random" or candidate.touchpoint == remedies.best.touchpoint
    return Standing.NOT_DRAWN if as_good else Standing.OUTVALUED


def _sentence(candidate: ScoredCandidate, standing: Standing, best: ScoredCandidate, currency: str) -> str:
    if standing is Standing.RULED_OUT:
        return f"not eligible ({candidate.stage}: {candidate.rule})"
    worth = "does nothing, worth 0.00" if candidate.touchpoint == NONE else f"expected {candidate.net_value:.2f}"
    chance = f"{worth} {currency}; had probability {percent(candidate.probability)}"
    if standing is Standing.OUTVALUED:
        return f"{chance}; {best.touchpoint} looked better"
    return f"{chance}; chance chose another" if standing is Standing.NOT_DRAWN else chance


def _would_need(candidate: ScoredCandidate, standing: Standing, remedies: Remedies) -> str | None:
    if standing is Standing.CHOSEN:
        return None
    if standing is Standing.RULED_OUT:
        return remedies.of_rule(candidate)
    return remedies.of_chance(candidate) if standing is Standing.NOT_DRAWN else remedies.of_value(candidate)


def _words(
    record: DecisionRecord, known: _Known, candidates: Sequence[CandidateExplained], moved: Sequence[Contribution]
) -> Iterator[str]:
    chosen = next(candidate for candidate in record.candidates if candidate.touchpoint == record.chosen)
    yield f"Decision {record.decision_id} for customer {record.customer_id} at {record.at:%Y-%m-%d %H:%M:%S} UTC:"
    yield f"{record.chosen}, chosen with probability {percent(chosen.probability)} (draw {record.draw.u:.4g})."
    yield "Why:"
    yield from (f"  {reason}" for reason in record.recommendations[0].reasons)
    yield from (f"  {sentence}" for sentence in money_sentences(chosen, currency=record.currency))
    if told := [each for each in moved if abs(each.points) >= _WORTH_SAYING][:_MOST_FEATURES]:
        yield f"What moved the effect of {record.chosen} most, in points of conversion:"
        features = {feature.name: feature for feature in known.features}
        for each in told:
            yield f"  {each.points:+.2f}: {described(features[each.feature], each.value, currency=record.currency)}"
    yield "Why not the others:"
    for other in candidates:
        if other.verdict is not Standing.CHOSEN:
            yield f"  {other.touchpoint}: {other.sentence}" + (f"; {other.would_need}" if other.would_need else "")
    yield from _grounds(record, known)


def money_sentences(candidate: ScoredCandidate, *, currency: str) -> Iterator[str]:
    """A sentence for each part of the money that is not nothing, beside gain and cost, which the first reason has.

    >>> from serving.deciding.record import Parts
    >>> candidate = ScoredCandidate(touchpoint="mail.a", eligible=True, stage=None, rule=None, propensity=0.1, uplift=0.03,
    ...     value=200.0, parts=Parts(gain=1.5, incentive=0.52), net_value=0.98, cost=0.0, probability=0.8)
    >>> list(money_sentences(candidate, currency="USD"))
    ['What converters are given costs 0.52 USD, those included who would have converted anyway.']
    """
    parts = candidate.parts
    if abs(parts.retention) >= 0.005:
        keeps = "keeps customers who would leave, worth" if parts.retention > 0.0 else "drives customers away, at a loss of"
        yield f"The contact {keeps} {abs(parts.retention):.2f} {currency}."
    if parts.incentive >= 0.005:
        yield f"What converters are given costs {parts.incentive:.2f} {currency}, those included who would have converted anyway."
    if parts.fatigue >= 0.005:
        yield f"That it tires the customer, who may unsubscribe, costs {parts.fatigue:.2f} {currency}."
    if candidate.lever != 1.0:
        weighs = "favours it" if candidate.lever > 1.0 else "holds it back"
        yield f"A lever of the business {weighs}: it is ordered by {candidate.priority:.2f}, not by {candidate.net_value:.2f}."


def _grounds(record: DecisionRecord, known: _Known) -> Iterator[str]:
    features = record.features
    age = "" if features.age_seconds is None else f", complete until {span(features.age_seconds)} before"
    yield (
        f"Policy {record.policy.name} {record.policy.version}, catalogue {record.catalogue_version}; "
        f"features {features.status}{age}."
    )
    if record.consent is not None:
        yield f"Consent: {record.consent}."
    if record.slate is not None:
        where = f", placement {record.slate.placement}" if record.slate.placement else ""
        yield f"Slot {record.slate.slot} of slate {record.slate.id}{where}."
    if record.deferred:
        yield "Deferred: it counts as a contact once it is activated."
    if record.fallback:
        yield f"Fallback: {record.fallback}."
    if known.missing:
        yield f"What features contributed is not known: {known.missing}."
