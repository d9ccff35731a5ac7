"""When a row gives no valid record, and the words for it, which say the value, the rule and the remedy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.capture.expressions import LARGEST_NUMBER
from features.capture.fields import NumberField, TextField, TimeField
from features.capture.mapping import Mapping as SourceMapping
from features.capture.section import Personal, Section
from features.capture.sections import PURPOSES, DecisionSection
from features.catalogue import Catalogue
from features.domain import (
    EARLIEST,
    LONGEST_ID,
    METRIC_RANGE,
    NOBODY,
    NONE,
    UNKNOWN_TOUCHPOINT,
    Channel,
    ConsentStatus,
    ContactForm,
    Direction,
    Kind,
    LinkAction,
    Metric,
    Stage,
)
from features.identity import Names
from features.lake import SCHEMAS, literal

_PERSONS = ("customer_id", "left", "right")
_IDS = (*_PERSONS, "decision_id", "message_id", "wave")
_REQUIRED = {
    "interactions": ("touchpoint", "kind", "at", "message_id"),
    "decisions": ("touchpoint", "at", "decision_id"),
    "outcomes": ("decision_id", "kind", "at", "message_id"),
    "consents": ("status", "at", "message_id"),
    "links": ("action", "at"),
}
_WORDS: Mapping[str, Sequence[str]] = {
    "kind": list(Kind),
    "metric": list(Metric),
    "stage": list(Stage),
    "direction": list(Direction),
    "contact_form": list(ContactForm),
    "status": list(ConsentStatus),
    "channel": list(Channel),
    "purpose": PURPOSES,
    "action": list(LinkAction),
}
_NOBODY = ", ".join(literal(each) for each in NOBODY)
_UNUSABLE = "stands for nobody or is not what its type asks; correct it"  # its value is not shown, since reasons are kept


@dataclass(frozen=True, slots=True)
class Setting:
    """What a record is judged by.

    Attributes
    ----------
    names : what hashes identifiers; None is whatever comes with a request.
    latest : SQL of the time after which nothing can have happened yet; default: now, and the clock skew.
    """

    mapping: SourceMapping
    catalogue: Catalogue
    now: datetime
    clock_skew: timedelta
    names: Names | None = None
    latest: str | None = None

    @property
    def rotated(self) -> bool:
        """Whether identifiers may have another name, under the key before."""
        return self.names is None or self.names.rotated


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
    if isinstance(section, Personal):
        yield _somebody_rule(section)
    if table == "links":
        yield from (Rule(f"party_{key} IS NULL", literal(f"no {key}, or it {_UNUSABLE}")) for key in ("left", "right"))
    for key in _REQUIRED[table]:
        yield Rule(f'"{key}" IS NULL AND {_unsaid(key, fields)}', literal(f"no {key}"))
    yield from _id_rules(table)
    if "touchpoint" in fields:
        yield _one_of("touchpoint", touchpoints_of(table, setting.catalogue), "is not in the catalogue; add it there, or map it")
    for key, values in _WORDS.items():
        if key in fields:
            yield _one_of(key, values, f"is not one of {', '.join(values)}; map it")
    for key, field in fields.items():
        if isinstance(field, TimeField):
            yield from _time_rules(key, setting)
        elif isinstance(field, NumberField):
            yield from _number_rules(key)
    yield from _rating_rules() if "score" in fields else ()
    yield from _money_rules(setting.catalogue) if "currency" in fields else ()
    if "sentiment" in fields:
        yield Rule("NOT value_sentiment BETWEEN -1 AND 1", _words("sentiment", "is outside -1 to 1; scale it"))
    if table == "links":
        yield Rule('"left" = "right"', literal("left and right are the same; a link is about two identifiers"))
    if isinstance(section, DecisionSection):
        yield from _decision_rules("probability" in fields)
    if table == "interactions":
        for key in ("traits", "properties"):
            yield Rule(f"contains({key}, '\\u0000')", literal(f"{key} contain a NUL character"))


def _unsaid(key: str, fields: Mapping[str, TextField]) -> str:
    return f"text_{key} IS NULL" if key in fields else "true"


def _somebody_rule(section: Personal) -> Rule:
    if not section.identifiers:
        return Rule("customer_id IS NULL AND text_customer_id IS NULL", literal("no customer_id"))
    types = section.identifiers
    given = " ".join(f"WHEN gives_{type_} THEN {literal(f'no customer_id, and {type_} {_UNUSABLE}')}" for type_ in types)
    return Rule("customer_id IS NULL", f"CASE {given} ELSE {literal('no customer_id and no identifiers')} END")


def _id_rules(table: str) -> Iterator[Rule]:
    for key in (key for key in _IDS if key in SCHEMAS[table].names):
        yield Rule(f'length("{key}") > {LONGEST_ID}', literal(f"{key} is longer than {LONGEST_ID} characters"))
        yield Rule(f'contains("{key}", chr(0))', literal(f"{key} contains a NUL character"))
    for key in (key for key in _PERSONS if key in SCHEMAS[table].names):
        yield Rule(
            f"regexp_matches(\"{key}\", '^\\s*[{{\\[]')", literal(f"{key} is an object or a list; name the member that is meant")
        )
        words = literal("' stands for nobody; filter such rows, or correct them")
        yield Rule(f'lower("{key}") IN ({_NOBODY})', f"""{literal(f"{key} '")} || "{key}" || {words}""")


def _money_rules(catalogue: Catalogue) -> Iterator[Rule]:
    known = ", ".join(literal(each) for each in (catalogue.currency, *catalogue.rates))
    yield Rule(f"upper(text_currency) NOT IN ({known})", _words("currency", "has no rate in the catalogue; add it to rates"))
    yield Rule(f"abs(value) > {LARGEST_NUMBER!r}", _words("value", f"is beyond {LARGEST_NUMBER:g} in {catalogue.currency}"))


def _one_of(key: str, values: Sequence[str], problem: str) -> Rule:
    return Rule(f'"{key}" NOT IN ({", ".join(literal(value) for value in values)})', _words(key, problem))


def _time_rules(key: str, setting: Setting) -> Iterator[Rule]:
    latest = setting.latest or f"{literal((setting.now + setting.clock_skew).isoformat())}::TIMESTAMPTZ"
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
    return [NONE, *names] if table == "decisions" else [*names, UNKNOWN_TOUCHPOINT]


def typed_column(key: str) -> str:
    """The SQL name of a field's typed value."""
    return f"value_{key}"
