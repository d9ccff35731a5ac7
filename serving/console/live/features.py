"""What is known of a customer: traits and features, and what of them moved an effect."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from features.domain import NONE
from features.insights import Column, Section, Table, Unit
from features.insights.figures import bars
from features.insights.table import Value
from features.tables import Feature
from serving.deciding.reasons import span
from serving.deciding.record import DecisionRecord
from serving.deciding.situations import Fact
from serving.looking_back.explain import Contribution

_MOST_DRAWN = 12
_FEATURES = (
    Column("feature", "Feature"),
    Column("value", "Value"),
    Column("unit", "Unit"),
    Column("meaning", "What it is"),
)
_MOVED = (
    Column("feature", "Feature"),
    Column("points", "Points of conversion", Unit.NUMBER, "What its value adds to the uplift of the touchpoint."),
    Column("value", "Value"),
    Column("meaning", "What it is"),
)


def features_section(
    values: Mapping[str, Fact], features: Sequence[Feature], *, status: str, age_seconds: float | None
) -> Section:
    """All features with their values; `features` says what they mean, where that is known."""
    known = {each.name: each for each in features}
    rows = [_row(name, value, known.get(name)) for name, value in values.items()]
    told = sum(value is not None for value in values.values())
    age = "" if age_seconds is None else f", complete until {span(age_seconds)} before"
    return Section(
        name="features",
        title="Features",
        words=(f"{told} of {len(values)} features are known. They were {status}{age}.",),
        tables=(Table.of("features", "Every feature", _FEATURES, rows),),
        empty="Nothing is known: features are made of interactions, as they are posted or by 'touchpoint materialize'.",
    )


def contributions_section(record: DecisionRecord, moved: Sequence[Contribution], features: Sequence[Feature]) -> Section:
    """What moved the effect of the chosen touchpoint, the strongest first."""
    known = {each.name: each for each in features}
    rows = [_moved(each, known.get(each.feature)) for each in moved if each.points]
    table = Table.of("contributions", f"What moved the effect of {record.chosen}", _MOVED, rows)
    drawn = replace(table, rows=table.rows[:_MOST_DRAWN])
    title = f"What moved the effect of {record.chosen}, in points of conversion"
    return Section(
        name="contributions",
        title="What moved it",
        words=_strongest(rows, record.chosen),
        figures=(bars(drawn, title, label="feature", value="points"),) if rows else (),
        tables=(table,),
        empty=_why_nothing(record),
    )


def _row(name: str, value: Fact, feature: Feature | None) -> dict[str, Value]:
    unit, meaning = ("", "") if feature is None else (feature.unit, feature.meaning)
    return {"feature": name, "value": shown(value), "unit": unit, "meaning": meaning}


def _moved(contribution: Contribution, feature: Feature | None) -> dict[str, Value]:
    return {
        "feature": contribution.feature,
        "points": contribution.points,
        "value": shown(contribution.value),
        "meaning": "" if feature is None else feature.meaning,
    }


def shown(value: Fact) -> str:
    """A value as people write it; `unknown` where there is none.

    >>> shown(41.0), shown("gold"), shown(None)
    ('41', 'gold', 'unknown')
    """
    if value is None:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _strongest(rows: Sequence[Mapping[str, Value]], touchpoint: str) -> tuple[str, ...]:
    if not rows:
        return ()
    first = rows[0]
    points = float(first["points"] or 0.0)
    verb = "raises" if points > 0 else "lowers"
    meaning = str(first["meaning"]).rstrip(".")
    return (f"{meaning} ({first['value']}) {verb} the effect of {touchpoint} most: by {abs(points):.2f} points.",)


def _why_nothing(record: DecisionRecord) -> str:
    if record.chosen == NONE:
        return "Doing nothing has no effect that features could move."
    return "This policy sees the same effect for every customer, or cannot tell what moved it."
