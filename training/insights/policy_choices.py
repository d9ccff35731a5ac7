"""The policy page's part about decisions: what was chosen, how much was tried, and whether conversions are as expected."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from features.experiment import Arm
from features.identified import identified
from features.insights import Card, Column, Section, Table, Unit
from features.insights.figures import bars, lines
from features.insights.intervals import wilson_of
from features.insights.look import Look
from features.instants import microseconds
from training.experiment.decided import Decisions, decided
from training.experiment.measures import Measure

_CALIBRATED_DAYS = 28.0
_GROUPS = 10
_LEAST = 30


def decided_until(look: Look) -> datetime:
    """Decisions are the brand's own and known at once: those of a period that reaches up to what is known count up to now."""
    return look.now if look.period.until >= look.known_until else look.period.until


def exploration(look: Look) -> tuple[Section, list[Card]]:
    """How probabilities are spread over touchpoints, and how often what looks best is chosen."""
    parameters = {"since": microseconds(look.period.since), "until": microseconds(decided_until(look))}
    with identified(look.lake) as connection:
        connection.execute(f"create temp table told as {_TOLD}", parameters)
        by_touchpoint = connection.sql(_BY_TOUCHPOINT).to_arrow_table().to_pylist()
        spread = connection.sql(_SPREAD).to_arrow_table().to_pylist()
        whole = connection.sql(_WHOLE).to_arrow_table().to_pylist()[0]
    title, empty = "How much is tried?", "The policy recorded no decision in the period: ask it, by POST /v1/recommend."
    if not whole["decisions"]:
        return Section(name="exploration", title=title, empty=empty), []
    table, other = _choices(by_touchpoint), whole["decisions"] - whole["best"]
    low, high = wilson_of(other, whole["decisions"])
    words = (
        f"The policy really chose between {whole['choices']:.2f} touchpoints on average (exp of the entropy of the "
        f"probabilities); 1 would be no exploration. Decisions with a choice: {whole['decisions']:,}.",
        f"In {other / whole['decisions']:.1%} of them (95 %: {low:.1%} to {high:.1%}) it chose another than what looked best.",
    )
    section = Section(
        name="exploration",
        title=title,
        words=words,
        figures=(
            bars(table, "How often each touchpoint is chosen", label="touchpoint", value="share", low="low", high="high"),
            bars(_histogram(spread), "Probability of what was chosen", label="probability", value="decisions"),
        ),
        tables=(table, _histogram(spread)),
        empty=empty,
    )
    note = f"touchpoints really chosen between, on average; 1 is no exploration. Decisions: {whole['decisions']:,}"
    return section, [Card(title="Effective choices", value=whole["choices"], unit=Unit.NUMBER, note=note)]


def _choices(rows: list[dict[str, Any]]) -> Table:
    columns = (
        Column("touchpoint", "Touchpoint"),
        Column("eligible", "Eligible", Unit.COUNT, "decisions of the period in which it could be chosen, with another one"),
        Column("chosen", "Chosen", Unit.COUNT, "of these"),
        Column("share", "Chosen share", Unit.SHARE, "chosen / eligible"),
        Column("low", "From", Unit.SHARE, "lower end of the 95 % interval (Wilson)"),
        Column("high", "To", Unit.SHARE, "upper end of the 95 % interval (Wilson)"),
        Column("best", "Looked best", Unit.SHARE, "decisions in which it had the highest priority / eligible"),
        Column("probability", "Mean probability", Unit.SHARE, "that the policy gave it where it was eligible"),
    )
    records = []
    for row in rows:
        low, high = wilson_of(row["chosen"], row["eligible"])
        share, best = row["chosen"] / row["eligible"], row["best"] / row["eligible"]
        records.append({**row, "share": share, "low": low, "high": high, "best": best})
    return Table.of(
        "choices", "What was chosen", columns, records, note="Decisions of arm treatment that the policy itself took."
    )


def _histogram(rows: list[dict[str, Any]]) -> Table:
    columns = (
        Column("probability", "Probability"),
        Column("decisions", "Decisions", Unit.COUNT, "in which what was chosen had such a probability"),
    )
    counts = {row["bin"]: row["decisions"] for row in rows}
    told = tuple((f"{10 * each} to {10 * each + 10} %", counts.get(each, 0)) for each in range(10))
    return Table(name="probabilities", title="Probability of what was chosen", columns=columns, rows=told)


def calibration(look: Look) -> Section:
    """Whether as many converted as the policy expected, in ten groups of customers by what it expected."""
    title = "Do as many convert as expected?"
    window = look.catalogue.objective.window_days
    since = max(look.period.since, look.known_until - timedelta(days=window + _CALIBRATED_DAYS))
    made = decided(look.lake, look.catalogue, since=since, until=look.known_until, days=window, members=look.members)
    told = (
        (made.arm == Arm.TREATMENT) & ~np.isnan(made.propensity) & np.array([each is None for each in made.fallback], dtype=bool)
    )
    first = _first_of_each_customer(made.where(told))
    if len(first) < _LEAST:
        words = f"{len(first)} customers have a decision of the policy whose {window:g} days are over; {_LEAST} are needed."
        return Section(name="calibration", title=title, empty=words)
    table = _groups(first)
    outside = sum(not low <= expected <= high for _, _, expected, _, low, high in table.rows)  # type: ignore[operator]
    return Section(
        name="calibration",
        title=title,
        words=(
            f"Of {len(first):,} customers the first decision since {since:%Y-%m-%d} counts, if its {window:g} days are over.",
            f"{outside} of {len(table.rows)} groups have what was expected outside their 95 % interval; by chance one of 20 has.",
        ),
        figures=(lines(table, "Converted over expected", x="expected", value="converted", low="low", high="high"),),
        tables=(table,),
    )


def _groups(made: Decisions) -> Table:
    edges = np.unique(np.quantile(made.propensity, np.arange(1, _GROUPS) / _GROUPS))
    group = np.searchsorted(edges, made.propensity, side="left")
    columns = (
        Column("group", "Group"),
        Column("customers", "Customers", Unit.COUNT),
        Column("expected", "Expected", Unit.SHARE, "mean propensity of the chosen touchpoint"),
        Column("converted", "Converted", Unit.SHARE, "customers who converted in the outcome window / customers"),
        Column("low", "From", Unit.SHARE, "lower end of the 95 % interval (Wilson)"),
        Column("high", "To", Unit.SHARE, "upper end of the 95 % interval (Wilson)"),
    )
    return Table(name="calibration", title="By expected propensity", columns=columns, rows=tuple(_rows(made, group)))


def _rows(made: Decisions, group: Any) -> Iterator[tuple[str, int, float, float, float, float]]:
    for number, each in enumerate(np.unique(group), start=1):
        inside = made.where(group == each)
        converted = int(inside.of(Measure.CONVERSION).sum())
        expected, share = float(inside.propensity.mean()), converted / len(inside)
        yield str(number), len(inside), expected, share, *wilson_of(converted, len(inside))


def _first_of_each_customer(made: Decisions) -> Decisions:
    """They are in the order of time; several of one customer are no independent draws."""
    first = np.unique(made.customer_id.astype(str), return_index=True)[1]
    return made.where(np.isin(np.arange(len(made)), first))


# Where only one touchpoint is eligible nothing is chosen; fallbacks and other arms say nothing of the policy
_TOLD = """
with read as (
    select decision_id, touchpoint as chosen, from_json(record, '{"arm": "VARCHAR", "fallback": "VARCHAR", "candidates": [{
        "touchpoint": "VARCHAR", "eligible": "BOOLEAN", "probability": "DOUBLE", "priority": "DOUBLE", "net_value": "DOUBLE"
    }]}') as told
    from decisions where record is not null and epoch_us("at") >= $since and epoch_us("at") <= $until
), chosen as (
    select decision_id, chosen, list_filter(told.candidates, lambda each: each.eligible) as offered from read
    where coalesce(told.arm, 'treatment') = 'treatment' and told.fallback is null
), offers as (select decision_id, chosen, unnest(offered) as each from chosen where len(offered) > 1)
select decision_id, chosen, each.touchpoint as touchpoint, coalesce(each.probability, 0) as probability,
       row_number() over best_first = 1 as best
from offers
window best_first as (partition by decision_id order by coalesce(each.priority, 0) desc, each.net_value desc, each.touchpoint)
"""

_BY_TOUCHPOINT = """
select touchpoint, count(*) as eligible, count(*) filter (chosen = touchpoint) as chosen, count(*) filter (best) as best,
       avg(probability) as probability
from told group by touchpoint order by chosen desc, touchpoint
"""

_SPREAD = """
select least(floor(probability * 10), 9)::int as bin, count(*) as decisions from told where chosen = touchpoint group by bin
"""

_WHOLE = """
with each_one as (
    select decision_id, exp(-sum(case when probability > 0 then probability * ln(probability) else 0 end)) as choices,
           bool_or(best and chosen = touchpoint) as best
    from told group by decision_id
)
select count(*) as decisions, avg(choices) as choices, count(*) filter (best) as best from each_one
"""
