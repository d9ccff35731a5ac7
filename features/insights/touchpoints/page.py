"""The page about touchpoints: what each of them engages, pleases, converts, loses, costs and brings."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from features.insights.history import open_history
from features.insights.look import Look
from features.insights.page import Page, Section
from features.insights.period import Period
from features.insights.touchpoints.answers import ENGAGEMENT
from features.insights.touchpoints.boards import Board
from features.insights.touchpoints.cards import cards
from features.insights.touchpoints.engagement import Engagement, engagement
from features.insights.touchpoints.events import create_events
from features.insights.touchpoints.measure import Measure
from features.insights.touchpoints.measures import MEASURES
from features.insights.touchpoints.measuring import (
    CHANNEL,
    EVERYTHING,
    SEGMENT,
    STAGE,
    TOUCHPOINT,
    TOUCHPOINT_WEEKLY,
    WEEKLY,
    Grouping,
    Measured,
    measured,
)
from features.insights.touchpoints.money import money
from features.insights.touchpoints.retention import churned_in, compared, create_panel
from features.insights.touchpoints.section_engagement import engagement_section
from features.insights.touchpoints.section_money import money_section
from features.insights.touchpoints.section_retention import retention_section
from features.insights.touchpoints.sections import (
    channels_section,
    effort_section,
    satisfaction_section,
    segments_section,
    stages_section,
    touchpoints_section,
    weeks_section,
)
from features.insights.touchpoints.stages import CONVERSION
from features.instants import DAY, microseconds

_TITLE = "Touchpoints"
_LEAD = "What happens at every touchpoint: whom it reaches, engages, pleases, converts and loses, what it costs and brings."
_EMPTY = (
    "No interaction in this period. Ingest some with `touchpoint ingest`, or look further back: the catalogue's insights.days."
)


@dataclass(frozen=True, slots=True)
class _Times:
    """The period, or the one before it: what was measured in it, and the part of it that history covers."""

    period: Period
    everything: Measured
    days: float

    @property
    def active(self) -> int:
        """Customers with any interaction."""
        return int(self.everything.customers.sum())


def touchpoints_page(look: Look) -> Page:
    """All metrics by touchpoint, channel, stage, segment and week; effective customer engagement first."""
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        create_events(connection, look)
        now, before = _times(connection, look, look.period), _times(connection, look, look.period.before)
        if not now.active:
            section = Section(name="interactions", title="What happened?", empty=_EMPTY)
            return Page(name="touchpoints", title=_TITLE, lead=_LEAD, sections=(section,))
        return _page(connection, look, now, before)


def _times(connection: Any, look: Look, period: Period) -> _Times:
    ((first,),) = connection.execute("select min(moment) from history where kind <> 'profile'").fetchall()
    since = max(microseconds(period.since), microseconds(period.since) if first is None else first)
    until = min(microseconds(period.until), microseconds(look.known_until))
    return _Times(period, measured(connection, EVERYTHING, MEASURES, period), max(until - since, 0) / DAY)


def _page(connection: Any, look: Look, now: _Times, before: _Times) -> Page:
    known = tuple(each for each in MEASURES if _is_known(each, now.everything))
    small = look.catalogue.insights.small_count

    def board(grouping: Grouping) -> Board:
        found = measured(connection, grouping, known, look.period)
        return Board.of(found, known, active=now.active, small_count=small)

    touchpoints, everything = board(TOUCHPOINT), Board.of(now.everything, known, active=now.active, small_count=small)
    effective = _effective(connection, look, now, before, touchpoints.measured)
    panel = create_panel(connection, look)
    retention = retention_section(
        {each: compared(connection, each, look) for each in ("touchpoint", "channel", "stage")},
        {each: churned_in(connection, each) for each in ("segment", "week")},
        panel,
        churn_days=look.catalogue.objective.churn_days,
    )
    spent = {
        each.name: money(connection, each, look.catalogue, look.period) for each in (TOUCHPOINT, CHANNEL, STAGE, SEGMENT, WEEKLY)
    }
    sections = (
        engagement_section(*effective),
        touchpoints_section(touchpoints, board(TOUCHPOINT_WEEKLY)),
        stages_section(board(STAGE)),
        channels_section(board(CHANNEL)),
        segments_section(board(SEGMENT)),
        weeks_section(board(WEEKLY)),
        satisfaction_section(touchpoints),
        effort_section(touchpoints),
        retention,
        money_section(spent),
    )
    earlier = Board.of(before.everything, known, active=before.active, small_count=small)
    churn = churned_in(connection).get("")
    return Page(
        name="touchpoints", title=_TITLE, lead=_LEAD, cards=cards(everything, earlier, *effective, churn), sections=sections
    )


def _is_known(measure: Measure, everything: Measured) -> bool:
    sums = everything.sums[measure.name]
    return measure == CONVERSION or bool(sums.n.sum() > 0 and not (measure.needs_one and sums.x.sum() == 0))


def _effective(
    connection: Any, look: Look, now: _Times, before: _Times, touchpoints: Measured
) -> tuple[Engagement, Engagement | None]:
    """ECE in the period and in the one before, where it has history; both judge behaviour by the same usual rate."""
    answered = [each.everything.sums[ENGAGEMENT.name] for each in (now, before)]
    contacts = sum(float(sums.n.sum()) for sums in answered)
    of = partial(
        engagement,
        usual=sum(float(sums.x.sum()) for sums in answered) / contacts if contacts else 0.0,
        margin=look.catalogue.objective.margin,
        small_count=look.catalogue.insights.small_count,
    )
    after = of(touchpoints, active=now.active, days=now.days)
    if not before.active or not before.days:
        return after, None
    measures = [each for each in MEASURES if each.name in touchpoints.sums]
    earlier = measured(connection, TOUCHPOINT, measures, before.period)
    return after, of(earlier, active=before.active, days=before.days, later=after)
