"""Inconsistent messages: different offers to one customer within `insights.conflict_days`.

Two marketing contacts conflict when they came at different touchpoints and promise different things: both of them an incentive or
discount by the catalogue, and not the same; or by different channels, with different offers as their property `offer` or
`campaign` says. A contact that promises nothing conflicts with none.

A finding for each pair of touchpoints from 5 customers on, when they are surely more than 1 % of those whom the rarer of both
contacted (95 %, Wilson).
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from features.insights import Column, Table, Unit
from features.insights.intervals import wilson_of
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene

LEAST_CUSTOMERS = 5
LEAST_SHARE = 0.01
_MOST = 10


def messages(scene: Scene) -> Found:
    """Pairs of touchpoints that promise customers different things."""
    scene.connection.register("terms", _terms(scene))
    scene.prepare("offers", _OFFERS)
    scene.prepare("conflicts", _CONFLICTS)
    rows = scene.rows(_PAIRS)
    enough = [row for row in rows if row["customers"] >= LEAST_CUSTOMERS and _interval(row)[0] > LEAST_SHARE]
    told = enough[:_MOST]
    cases = [scene.cases(FindingKind.MESSAGES, _subject(row), _CASES, {"one": row["one"], "other": row["other"]}) for row in told]
    return Found(
        what="Inconsistent messages: pairs of offers",
        findings=tuple(_finding(scene, row) for row in told),
        compared=len(rows),
        cases=tuple(cases),
        notes=tuple(_left_out(few=len(rows) - len(enough), more=len(enough) - len(told))),
    )


def _left_out(*, few: int, more: int) -> Iterator[str]:
    if few:
        yield (
            f"{few:,} conflicting pairs left out: fewer than {LEAST_CUSTOMERS} customers got both, or not surely more than "
            f"{LEAST_SHARE:.0%} of those whom the rarer contacted"
        )
    if more:
        yield f"{more:,} more pairs have fewer customers than the {_MOST} that are told"


def _interval(row: dict[str, Any]) -> tuple[float, float]:
    return wilson_of(row["customers"], min(row["contacted_one"], row["contacted_other"]))


def _finding(scene: Scene, row: dict[str, Any]) -> Finding:
    days, customers = scene.look.catalogue.insights.conflict_days, int(row["customers"])
    columns = (
        Column("touchpoint", "Touchpoint"),
        Column("contacted", "Customers contacted", Unit.COUNT, "in the period"),
        Column("incentive", "Incentive", Unit.MONEY, "given with every conversion, by the catalogue"),
        Column("discount", "Discount", Unit.SHARE, "given with every conversion, by the catalogue"),
        Column("conflicting", "With both", Unit.COUNT, f"customers who got both within {days:g} days"),
    )
    low, high = _interval(row)
    touchpoints = {each.name: each for each in scene.look.catalogue.touchpoints}
    pair = [(touchpoints[row[side]], row[f"contacted_{side}"]) for side in ("one", "other")]
    rows = tuple((each.name, contacted, each.incentive, each.discount, customers) for each, contacted in pair)
    return Finding(
        kind=FindingKind.MESSAGES,
        subject=_subject(row),
        title=f"{row['one']} and {row['other']} promise the same customers different things",
        sentence=f"{customers:,} customers got both within {days:g} days, {row['share']:.1%} of those whom the rarer of both "
        f"contacted; they differ in {'incentive or discount' if row['terms'] else 'offer and channel'}.",
        customers=float(customers),
        money=scene.at_stake(customers),
        computed=scene.at_stake_in_words("customers with both contacts"),
        confidence=f"counted; 95 % interval {low:.1%} to {high:.1%} of those whom the rarer contacted",
        evidence=Table(name="evidence", title="The two contacts", columns=columns, rows=rows),
        page="touchpoints",
        suggestion="Agree on one offer, or keep them apart by an [[exclusions]] or [[cooldowns]] table of the catalogue.",
    )


def _subject(row: dict[str, Any]) -> str:
    return f"{row['one']} {row['other']}"


def _terms(scene: Scene) -> pa.Table:
    """What marketing contacts promise by the catalogue, as a text; null where that is nothing."""
    offered = [each for each in scene.look.catalogue.touchpoints if each.message_class == "marketing"]
    terms = [f"{each.incentive} {each.discount}" if each.incentive or each.discount else None for each in offered]
    return pa.table(
        {
            "touchpoint": pa.array([each.name for each in offered], pa.string()),
            "terms": pa.array(terms, pa.string()),
        }
    )


_OFFERS = """
select distinct customer_id, touchpoint, channel, moment, terms,
       coalesce(json_extract_string(properties, '$.offer'), json_extract_string(properties, '$.campaign')) as offer
from history join terms using (touchpoint)
where kind = 'contact' and moment >= $since and moment < $until and (terms is not null or offer is not null)
"""

_CONFLICTS = """
select customer_id, least(a.touchpoint, b.touchpoint) as one, greatest(a.touchpoint, b.touchpoint) as other,
       max(b.moment) as moment, coalesce(bool_or(a.terms <> b.terms), false) as terms
from offers as a join offers as b using (customer_id)
where a.touchpoint <> b.touchpoint and b.moment between a.moment and a.moment + $conflict
    and (coalesce(a.terms <> b.terms, false) or coalesce(a.channel <> b.channel and a.offer <> b.offer, false))
group by all
"""

_PAIRS = """
with contacted as (select touchpoint, count(distinct customer_id) as n from offers group by touchpoint),
paired as (
    select one, other, count(*) as customers, bool_or(terms) as terms from conflicts group by all)
select paired.*, a.n as contacted_one, b.n as contacted_other, customers / least(a.n, b.n) as share
from paired join contacted as a on a.touchpoint = one join contacted as b on b.touchpoint = other
order by customers desc, one, other
"""

_CASES = """
select customer_id, one as touchpoint, moment, 'got conflicting offers at ' || one || ' and ' || other as words
from conflicts where one = $one and other = $other
"""
