"""Who belongs to which segment: rules on quantities that can be understood, so that names mean the same at every look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.insights.table import Column, Table


@dataclass(frozen=True, slots=True)
class Rule:
    """A segment.

    Attributes
    ----------
    name : stays the same from look to look.
    words : who is in it, for people.
    holds : DuckDB SQL over what is known of a customer; `{churn}` are the catalogue's churn_days.
    """

    name: str
    words: str
    holds: str


PROSPECTS = "prospects"
ABSENT = "absent"

VALUE_RULES = (
    Rule(PROSPECTS, "Has not converted yet.", "conversions is null"),
    Rule(
        "lost",
        "Silent for more than two times churn_days, or less than 20 % likely to be still a customer.",
        "silent > 2 * {churn} or coalesce(alive, 1) < 0.2",
    ),
    Rule(
        "slipping away",
        "Silent for more than churn_days, or less than 50 % likely to be still a customer.",
        "silent > {churn} or coalesce(alive, 1) < 0.5",
    ),
    Rule("new", "Converted for the first time within the last churn_days.", "age <= {churn}"),
    Rule(
        "at risk",
        "Less than 80 % likely to be still a customer, or silent for more than half of churn_days and more than twice as long as "
        "between their conversions so far.",
        "coalesce(alive, 1) < 0.8 or (silent > {churn} / 2 and silent > 2 * recency / greatest(repeats, 1))",
    ),
    Rule("champions", "Expected to bring at least twice the mean of all who converted.", "worth >= 2"),
    Rule("loyal", "Expected to bring at least the mean of all who converted.", "worth >= 1"),
    Rule("promising", "Still a customer, and expected to bring less than the mean.", "true"),
)
"""By value; the first that holds counts. `alive` is P(still a customer), `worth` expected value over its mean."""

VALUE_ORDER = ("champions", "loyal", "promising", "new", "at risk", "slipping away", "lost", PROSPECTS)
"""From the best to the worst."""

JOURNEY_RULES = (
    Rule(ABSENT, "Did nothing and was not contacted.", "coalesce(acts, 0) = 0 and coalesce(contacts, 0) = 0"),
    Rule("contacted only", "Was contacted, and did nothing.", "acts = 0"),
    Rule("service seekers", "At least a third of what they did was to call, chat, write in or complain.", "service * 3 >= acts"),
    Rule("browsers who do not buy", "Did something, and did not convert.", "conversions = 0"),
    Rule(
        "responders",
        "Converted, and opened, clicked or redeemed at least once for every three contacts.",
        "answers > 0 and answers * 3 >= contacts",
    ),
    Rule("multichannel buyers", "Converted, and did things in two or more channels, answers to contacts aside.", "channels >= 2"),
    Rule("store only", "Converted, in stores or at events only.", "in_stores = conversions"),
    Rule("remote only", "Converted, in one channel that is no store: web, app, call or another.", "true"),
)
"""By behaviour in a period; the first that holds counts."""

JOURNEY_ORDER = (
    "multichannel buyers",
    "responders",
    "store only",
    "remote only",
    "service seekers",
    "browsers who do not buy",
    "contacted only",
    ABSENT,
)


def as_case(rules: Sequence[Rule], *, churn_days: float) -> str:
    """The rules as one DuckDB expression, the name of the first that holds.

    >>> as_case((Rule("a", "", "silent > {churn}"), Rule("b", "", "true")), churn_days=56)
    "case when silent > 56 then 'a' when true then 'b' end"
    """
    branches = " ".join(f"when {rule.holds.format(churn=f'{churn_days:g}')} then '{rule.name}'" for rule in rules)
    return f"case {branches} end"


def rules_table(name: str, title: str, rules: Sequence[Rule], *, note: str = "") -> Table:
    """The rules for people, in the order in which they are tried."""
    columns = (
        Column("segment", "Segment", explains="Rules are tried from top to bottom; the first that holds counts."),
        Column("rule", "Who is in it"),
    )
    records: list[Mapping[str, str]] = [{"segment": rule.name, "rule": rule.words} for rule in rules]
    return Table.of(name, title, columns, records, note=note)
