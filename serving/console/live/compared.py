"""Two answers side by side: as it was, and as it would be if something were otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.insights import Column, Figure, Table, Unit
from features.insights.figures import bars
from features.insights.table import Value
from serving.deciding.record import ScoredCandidate
from serving.looking_back.replay import Replayed, Side

_COLUMNS = (
    Column("touchpoint", "Touchpoint"),
    Column("probability_before", "Probability before", Unit.SHARE),
    Column("probability_after", "after", Unit.SHARE),
    Column("value_before", "Expected value before", Unit.MONEY),
    Column("value_after", "after", Unit.MONEY),
    Column("standing_before", "Standing before"),
    Column("standing_after", "after"),
)
_DRAWN = (Column("touchpoint", "Touchpoint"), Column("answer", "Answer"), Column("probability", "Probability", Unit.SHARE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What one of the answers comes to."""

    touchpoint: str
    probability: float
    expected_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Both answers.

    Attributes
    ----------
    same : whether they are, to the last digit.
    differences : what is not, in words.
    """

    same: bool
    differences: tuple[str, ...]
    before: Choice
    after: Choice
    table: Table
    figure: Figure


def compared(replayed: Replayed, *, drawn: bool) -> Compared:
    """Both answers of a decision that was taken again.

    Parameters
    ----------
    drawn : whether a draw chose, which is the same one in both; else the likeliest is what each comes to.
    """
    before, after = replayed.recorded, replayed.replayed
    now = {each.touchpoint: each for each in after.candidates}
    rows = [_row(was, now[was.touchpoint]) for was in before.candidates]
    # Of a preview nothing was drawn, so that nothing is to be said of the draw.
    told = replayed.differences if drawn else tuple(each for each in replayed.differences if not _is_of_draw(each))
    return Compared(
        same=not told,
        differences=told,
        before=_choice(before, drawn=drawn),
        after=_choice(after, drawn=drawn),
        table=Table.of("compared", "Before and after", _COLUMNS, rows),
        figure=_figure(before.candidates, now),
    )


def _figure(before: Sequence[ScoredCandidate], now: dict[str, ScoredCandidate]) -> Figure:
    records: list[dict[str, Value]] = []
    for was in before:
        for answer, each in (("before", was), ("after", now[was.touchpoint])):
            if was.probability or now[was.touchpoint].probability:
                records.append({"touchpoint": was.touchpoint, "answer": answer, "probability": each.probability})
    table = Table.of("compared", "Before and after", _DRAWN, records)
    return bars(table, "How likely each is, before and after", label="touchpoint", value="probability", split="answer")


def _choice(side: Side, *, drawn: bool) -> Choice:
    if drawn:
        found = next(each for each in side.candidates if each.touchpoint == side.chosen)
    else:
        found = max(side.candidates, key=lambda each: (each.probability, each.priority))
    return Choice(touchpoint=found.touchpoint, probability=found.probability, expected_value=found.net_value)


def _is_of_draw(difference: str) -> bool:
    return difference.startswith(("Chosen: ", "The draw: "))


def _row(was: ScoredCandidate, now: ScoredCandidate) -> dict[str, Value]:
    return {
        "touchpoint": was.touchpoint,
        "standing_before": _standing(was),
        "standing_after": _standing(now),
        "probability_before": was.probability,
        "probability_after": now.probability,
        "value_before": was.net_value,
        "value_after": now.net_value,
    }


def _standing(candidate: ScoredCandidate) -> str:
    return "eligible" if candidate.eligible else f"{candidate.stage}: {candidate.rule}"
