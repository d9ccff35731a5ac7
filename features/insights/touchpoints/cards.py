"""The numbers that somebody wants to see first."""

from features.insights.page import Card
from features.insights.table import Unit
from features.insights.touchpoints.boards import Board
from features.insights.touchpoints.engagement import Engagement
from features.insights.touchpoints.matching import Rate
from features.insights.touchpoints.words import number, plain, share


def cards(
    board: Board, before: Board, engagement: Engagement, engagement_before: Engagement | None, churn: Rate | None
) -> tuple[Card, ...]:
    """ECE, satisfaction, reach and churn of all touchpoints together.

    Parameters
    ----------
    board, before : of everything, in the period and in the one before it.
    """
    rated = (_rated(board, before, name) for name in ("csat", "nps", "ces"))
    return (_engagement(engagement, engagement_before), *filter(None, rated), _reach(board, before), *_churn(churn))


def _engagement(now: Engagement, before: Engagement | None) -> Card:
    note, fell = f"{number(now.low)} to {number(now.high)} per 1,000 active customers and 30 days", False
    if before is not None:
        fell = now.high < before.low
        note = _against(note, number(before.total), number(now.total), fell)
    return Card(
        title="Effective customer engagement (ECE)", value=now.total, unit=Unit.NUMBER, note=note, link="touchpoints", alarm=fell
    )


def _rated(board: Board, before: Board, name: str) -> Card | None:
    measure = board.measure(name)
    if measure is None:
        return None
    (now,), told = board.estimates[name], share if measure.is_share else number
    interval = "" if now.low is None else f"{told(now.low)} to {told(now.high)}, "
    note, fell = f"{interval}{now.n:,} {measure.counted}", False
    for old in before.estimates[name]:
        if old.value is not None:
            fell = now.high is not None and old.low is not None and now.high < old.low
            note = _against(note, told(old.value), told(now.value), fell)
    return Card(title=measure.title, value=now.value, unit=measure.unit, note=note, link="touchpoints", alarm=fell)


def _against(note: str, before: str, now: str, fell: bool) -> str:
    """What a value was before; a fall is only one where the intervals of both do not overlap."""
    return f"fell from {before} to {now} ({note})" if fell else f"{note}; {before} before"


def _reach(board: Board, before: Board) -> Card:
    note = f"with {board.measured.volume.sum():,.0f} interactions"
    if before.active:
        note += f"; {before.active:,} before"
    return Card(title="Customers reached", value=board.active, unit=Unit.COUNT, note=note, link="touchpoints")


def _churn(churn: Rate | None) -> tuple[Card, ...]:
    if churn is None:
        return ()
    ends = plain(churn.low), plain(churn.high)
    interval = "" if ends[0] is None else f"{share(ends[0])} to {share(ends[1])}, "
    note = f"{interval}of {churn.n:,} customer-weeks"
    return (Card(title="Churn", value=plain(churn.value), unit=Unit.SHARE, note=note, link="touchpoints"),)
