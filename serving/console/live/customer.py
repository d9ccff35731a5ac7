"""The page of one customer, put together."""

from dataclasses import dataclass
from datetime import datetime

from features.experiment import Arm
from features.insights import Card, Section, Unit
from features.insights.snapshot import Snapshot
from features.tables import Feature
from serving.console.live.compared import Compared, compared
from serving.console.live.consents import consents_section
from serving.console.live.features import contributions_section, features_section, shown
from serving.console.live.identifiers import identifiers_section
from serving.console.live.preview import Preview, preview
from serving.console.live.rules import rules_section
from serving.console.live.supposing import Form, Supposed
from serving.console.live.timeline import Timeline, timeline
from serving.console.live.worth import segment_of, worth_section
from serving.customers import CustomerView
from serving.desk import Desk

MOST_MOMENTS = 1_000
_ARMS = {
    Arm.HOLDOUT: "left alone, to compare with",
    Arm.RANDOM: "every eligible touchpoint is equally likely",
    Arm.PROPENSITY: "ordered by what is likely anyway",
    Arm.RULES: "only the catalogue's priors count",
    Arm.CHALLENGER: "the challenger decides",
    Arm.TREATMENT: "the policy in force decides",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPage:
    """Everything that the page shows.

    Attributes
    ----------
    preview : what would be recommended now; or why nothing can be.
    form : what may be supposed to be otherwise; None where nothing is recommended.
    moved : what moved the effect of the recommendation.
    sections : the rest, in order.
    """

    view: CustomerView
    cards: tuple[Card, ...]
    preview: Preview | str
    form: Form | None
    compared: Compared | None
    profile: tuple[tuple[str, str], ...]
    moved: Section | None
    sections: tuple[Section, ...]
    timeline: Timeline


def customer_page(
    name: str, desk: Desk, snapshot: Snapshot | None, supposed: Supposed, *, limit: int, now: datetime
) -> CustomerPage:
    """The page of the customer with that identifier.

    Raises
    ------
    UnknownCustomerError
        When nothing is known.
    RequestError, ProblemError, NotReplayableError
        When what is supposed cannot be.
    """
    view = desk.customers.view(name, limit=limit)
    seen = preview(view.customer_id, desk)
    features = _features(desk, seen)
    worth = worth_section(snapshot, (view.customer_id, *(each for each in view.identifiers if each != view.customer_id)))
    outcomes = desk.customers.outcomes([each.decision_id for each in view.decisions])
    days = timeline(view.journey, view.decisions, outcomes, limit=limit, most=MOST_MOMENTS)
    form = None
    if isinstance(seen, Preview):
        form = Form(supposed=supposed, touchpoints=desk.catalogue.arms[1:], features=features)
    return CustomerPage(
        view=view,
        cards=_cards(view, days, worth),
        preview=seen,
        form=form,
        compared=_compared(desk, seen, supposed, features),
        profile=tuple((name, shown(value)) for name, value in view.profile.items() if value is not None),
        moved=_moved(seen, features),
        sections=_sections(view, seen, features, worth, desk, now),
        timeline=days,
    )


def _features(desk: Desk, seen: Preview | str) -> tuple[Feature, ...]:
    return () if isinstance(seen, str) else desk.decisions.features(seen.record)


def _compared(desk: Desk, seen: Preview | str, supposed: Supposed, features: tuple[Feature, ...]) -> Compared | None:
    if isinstance(seen, str) or not supposed.is_anything:
        return None
    return compared(desk.decisions.tried(seen.record, supposed.changes(features)), drawn=False)


def _moved(seen: Preview | str, features: tuple[Feature, ...]) -> Section | None:
    return None if isinstance(seen, str) else contributions_section(seen.record, seen.explanation.contributions, features)


def _sections(
    view: CustomerView, seen: Preview | str, features: tuple[Feature, ...], worth: Section, desk: Desk, now: datetime
) -> tuple[Section, ...]:
    rules = () if isinstance(seen, str) else (rules_section(seen.record, desk.catalogue),)
    status, age = ("unused", None) if isinstance(seen, str) else (seen.record.features.status, seen.record.features.age_seconds)
    return (
        *rules,
        consents_section(view.consents, desk.catalogue, at=now),
        worth,
        identifiers_section(view),
        features_section(view.features, features, status=status, age_seconds=age),
    )


def _cards(view: CustomerView, days: Timeline, worth: Section) -> tuple[Card, ...]:
    segment, value = segment_of(worth)
    last = view.journey[0] if view.journey else None
    cards = [
        Card(
            title="Last interaction",
            value=None if last is None else last.at.date().isoformat(),
            unit=Unit.TIME,
            note="" if last is None else f"{last.kind.value} at {last.touchpoint}",
        ),
        Card(title="Arm of the experiment", value=view.arm, unit=Unit.TEXT, note=_ARMS[Arm(view.arm)]),
    ]
    if segment is not None:
        cards.append(Card(title="Segment", value=segment, unit=Unit.TEXT, link="value"))
    if value is not None:
        cards.append(Card(title="Expected value", value=value, unit=Unit.MONEY, link="value"))
    return tuple(cards)
