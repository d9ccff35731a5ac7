"""When a row gives no valid record, and the words for it, which say the value, the rule and the remedy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.capture.expressions import LARGEST_NUMBER
from features.capture.fields import NumberField, TextField, TimeField
from features.capture.mapping import Mapping as SourceMapping
from features.capture.sections import DecisionSection, Section
from features.catalogue import Catalogue
from features.domain import EARLIEST, LONGEST_ID, METRIC_RANGE, NOBODY, NONE, Kind, Metric, Stage
from features.lake import SCHEMAS, literal

_IDS = ("customer_id", "decision_id", "message_id", "wave")
_REQUIRED = {
    "interactions": ("customer_id", "touchpoint", "kind", "at", "message_id"),
    "decisions": ("customer_id", "touchpoint", "at", "decision_id"),
    "outcomes": ("decision_id", "kind", "at", "message_id"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a record is judged by."""

    mapping: SourceMapping
    catalogue: Catalogue
    now: datetime
    clock_skew: timedelta


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that refuses a row, and the words for it, both SQL.

    For a field `x` the SQL may use `given_x` (what the row says), `text_x` (after map and default) and `value_x` (typed); besides
    them the columns of the table.
    """

    refused_if: str
    words: str


def rules(table: str, section: Section, fields: Mapping[str, TextField], setting: Setting) -> Iterator[Rule]:
    """The rules for a section's records, in the order in which they are asked; the first that refuses a row gives the reason."""
    for key, field in fields.items():
        if field.map is not None:
            yield Rule(f"given_{key} IS NOT NULL AND text_{key} IS NULL", _words(key, "is not in its map; add it, or a default"))
    for key in _REQUIRED[table]:
        yield Rule(f'"{key}" IS NULL AND {_unsaid(key, fields)}', literal(f"no {key}"))
    yield from _id_rules(table)
    if "touchpoint" in fields:
        yield _one_of("touchpoint", touchpoints_of(table, setting.catalogue), "is not in the catalogue; add it there, or map it")
    for key, values in (("kind", Kind), ("metric", Metric), ("stage", Stage)):
        if key in fields:
            yield _one_of(key, list(values), f"is not one of {', '.join(values)}; map it")
    for key, field in fields.items():
        if isinstance(field, TimeField):
            yield from _time_rules(key, setting)
        elif isinstance(field, NumberField):
            yield from _number_rules(key)
    yield from _rating_rules() if "score" in fields else ()
    if isinstance(section, DecisionSection):
        yield from _decision_rules("probability" in fields)
    if table == "interactions":
        for key in ("traits", "properties"):
            yield Rule(f"contains({key}, '\\u0000')", literal(f"{key} contain a NUL character"))


def _unsaid(key: str, fields: Mapping[str, TextField]) -> str:
    return f"text_{key} IS NULL" if key in fields else "true"


def _id_rules(table: str) -> Iterator[Rule]:
    for key in (key for key in _IDS if key in SCHEMAS[table].names):
        yield Rule(f"length({key}) > {LONGEST_ID}", literal(f"{key} is longer than {LONGEST_ID} characters"))
        yield Rule(f"contains({key}, chr(0))", literal(f"{key} contains a NUL character"))
    if "customer_id" in SCHEMAS[table].names:
        nobody = ", ".join(literal(each) for each in NOBODY)
        yield Rule(
            f"lower(customer_id) IN ({nobody})", _words("customer_id", "stands for nobody; filter such rows, or correct them")
        )


def _one_of(key: str, values: Sequence[str], problem: str) -> Rule:
    return Rule(f"{key} NOT IN ({', '.join(literal(value) for value in values)})", _words(key, problem))


def _time_rules(key: str, setting: Setting) -> Iterator[Rule]:
    latest = f"{literal((setting.now + setting.clock_skew).isoformat())}::TIMESTAMPTZ"
    value = typed_column(key)
    yield Rule(f"text_{key} IS NOT NULL AND {value} IS NULL", _words(key, "is not a time; give its format, or its unit"))
    yield Rule(
        f"{value} < '{EARLIEST.isoformat()}'::TIMESTAMPTZ",
        _words(key, f"is before {EARLIEST.year}; correct it, or check format and unit"),
    )
    yield Rule(f"{value} > {latest}", _words(key, "is in the future; correct it, or check format and timezone"))


def _number_rules(key: str) -> Iterator[Rule]:
    value = typed_column(key)
    yield Rule(f"text_{key} IS NOT NULL AND {value} IS NULL", _words(key, "is not a finite number; check decimal"))
    yield Rule(f"abs({value}) > {LARGEST_NUMBER!r}", _words(key, f"is beyond {LARGEST_NUMBER:g}"))


def _rating_rules() -> Iterator[Rule]:
    yield Rule("(metric IS NULL) <> (score IS NULL)", literal("a rating has both metric and score"))
    for metric, (low, high) in METRIC_RANGE.items():
        outside = f"metric = {literal(metric)} AND NOT score BETWEEN {low!r} AND {high!r}"
        yield Rule(outside, _words("score", f"is outside {low:g} to {high:g}, the range of {metric}"))


def _decision_rules(logged: bool) -> Iterator[Rule]:
    if logged:
        yield Rule("probability <= 0 OR probability > 1", _words("probability", "is not above 0 and at most 1"))
    yield Rule("NOT list_contains(candidates, touchpoint)", _words("touchpoint", "is not among the candidates"))


def _words(key: str, problem: str) -> str:
    shown = f"left(coalesce(given_{key}, text_{key}, ''), 80)"
    return f"{literal(key)} || ' ''' || {shown} || ''' ' || {literal(problem)}"


def touchpoints_of(table: str, catalogue: Catalogue) -> list[str]:
    """What a record of the table may have as its touchpoint."""
    names = [touchpoint.name for touchpoint in catalogue.touchpoints]
    return [NONE, *names] if table == "decisions" else names


def typed_column(key: str) -> str:
    """The SQL name of a field's typed value."""
    return f"value_{key}"
