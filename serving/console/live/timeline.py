"""A customer's journey as a timeline: interactions, and decisions with what followed them, newest first, day by day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from features.domain import NONE, Interaction, Outcome, channel_of
from serving.customers import DecisionSummary

_MOST_PROPERTIES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened.

    Attributes
    ----------
    sort : `interaction`, `decision` or `outcome`.
    label : the channel, or what it is.
    details : names and values that say more.
    decision_id : the decision that it is, or that it carries out or answers.
    """

    at: datetime
    sort: str
    label: str
    touchpoint: str
    words: str
    value: float | None = None
    details: tuple[tuple[str, str], ...] = ()
    decision_id: str | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day, UTC, newest first."""

    day: date
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The days.

    Attributes
    ----------
    shown : how many moments they hold.
    more : how many would be shown on the next page; None where there are no more.
    """

    days: tuple[Day, ...]
    shown: int
    more: int | None


def timeline(
    journey: Sequence[Interaction], decisions: Sequence[DecisionSummary], outcomes: Iterable[Outcome], *, limit: int, most: int
) -> Timeline:
    """The last things that happened, newest first.

    Parameters
    ----------
    journey, decisions : newest first, at least `limit` of each where there are as many.
    most : how many may be asked for.
    """
    chosen = {each.decision_id: each.touchpoint for each in decisions}
    moments = [*map(_of_interaction, journey), *map(_of_decision, decisions)]
    moments += [_of_outcome(each, chosen.get(each.decision_id, "")) for each in outcomes]
    moments.sort(key=lambda each: (each.at, each.sort != "decision"), reverse=True)
    cut = moments[:limit]
    is_more = len(moments) > limit or len(journey) >= limit or len(decisions) >= limit
    days = (Day(day, tuple(those)) for day, those in groupby(cut, key=lambda each: each.at.date()))
    return Timeline(days=tuple(days), shown=len(cut), more=min(2 * limit, most) if is_more and limit < most else None)


def _of_interaction(interaction: Interaction) -> Moment:
    return Moment(
        at=interaction.at,
        sort="interaction",
        label=interaction.channel,
        touchpoint=interaction.touchpoint,
        words=_words(interaction),
        value=interaction.value,
        details=tuple(_details(interaction)),
        decision_id=interaction.decision_id,
    )


def _words(interaction: Interaction) -> str:
    if interaction.metric is None or interaction.score is None:
        return interaction.kind.value
    return f"{interaction.kind.value} {interaction.metric.value.upper()} {interaction.score:g}"


def _details(interaction: Interaction) -> Iterable[tuple[str, str]]:
    if interaction.sentiment is not None:
        yield "sentiment", f"{interaction.sentiment:+.2f}"
    yield from _first(interaction.properties)
    yield from _first(interaction.traits)
    yield "source", interaction.source


def _first(values: Mapping[str, str]) -> list[tuple[str, str]]:
    return list(values.items())[:_MOST_PROPERTIES]


def _of_decision(decision: DecisionSummary) -> Moment:
    nothing = decision.touchpoint == NONE
    return Moment(
        at=decision.at,
        sort="decision",
        label="decision" if nothing else channel_of(decision.touchpoint),
        touchpoint=decision.touchpoint,
        words="decided to do nothing" if nothing else "recommended",
        details=(("probability", f"{100 * decision.probability:.1f} %"),),
        decision_id=decision.decision_id,
    )


def _of_outcome(outcome: Outcome, touchpoint: str) -> Moment:
    return Moment(
        at=outcome.at,
        sort="outcome",
        label="outcome",
        touchpoint=touchpoint,
        words=outcome.kind.value,
        value=outcome.value,
        details=(("source", outcome.source),),
        decision_id=outcome.decision_id,
    )
