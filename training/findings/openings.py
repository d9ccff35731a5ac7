"""Upsell and cross-sell openings: customers who bought one thing and not another that alike customers bought.

What was bought is a property of purchases: `category`, `product`, `product_id`, `item_id` or `item`, whichever most purchases
have. The 50 with the most customers are compared in pairs, in two ways: among customers with as many purchases of the 50, and
among customers with as many different ones; in both, in relation to what independence gives (see `independence`). The lesser lift
counts. It takes four things at least: of fewer, who has how many says who has which.

A finding when the lower bound of the lift (see `association`) is above 1.5, beyond chance for all pairs together, at least 30
customers have both, and at least 30 the first alone. The pair is told in the direction with more at stake; it is an upsell where
the second costs at least a quarter more, else a cross-sell.
"""

from dataclasses import dataclass
from itertools import combinations
from math import exp, log
from typing import Any

from features.insights import Column, Table, Unit
from training.findings.alike import MOST_PURCHASES, least_association, surely, views_of
from training.findings.association import Association
from training.findings.evidence import within_error
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene
from training.findings.standing import critical

KEYS = ("category", "product", "product_id", "item_id", "item")
MOST_THINGS = 50
LEAST_THINGS = 4
LEAST_LIFT = 1.5
_MOST = 10
_DEARER = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """Who has the first may want the second."""

    first: str
    second: str
    found: Association
    price: float | None
    dearer: bool

    @property
    def subject(self) -> str:
        return f"{self.first} > {self.second}"

    @property
    def buyers(self) -> float:
        """How many of those without the second would buy it, if they were as likely to as others who have the first."""
        return self.found.first * self.found.more


def openings(scene: Scene) -> Found:
    """What customers may want who do not have it."""
    key = _key(scene)
    if key is None:
        told = f"purchases say nothing of what was bought; map it to the property '{KEYS[0]}' or '{KEYS[1]}' of purchases"
        return Found(what="Upsell and cross-sell: pairs of what was bought", notes=(told,))
    scene.prepare("bought", _BOUGHT.format(key=key, most=MOST_THINGS))
    things = scene.rows(_THINGS)
    views = views_of(scene, [each["times"] for each in things]) if len(things) >= LEAST_THINGS else ()
    pairs = list(combinations(range(len(things)), 2)) if views else []
    least, edge = scene.rows("select $least as least")[0]["least"], critical(len(pairs))
    found = []
    for one, other in pairs:
        for first, second in ((one, other), (other, one)):
            association = least_association(views, first, second, edge)
            if association and min(association.both, association.first) >= least and surely(association, edge) > log(LEAST_LIFT):
                found.append(_opening(things[first], things[second], association))
    best = {frozenset((each.first, each.second)): each for each in sorted(found, key=lambda each: _stake(scene, each))}
    chosen = sorted(best.values(), key=lambda each: _stake(scene, each), reverse=True)[:_MOST]
    cases = [
        scene.cases(FindingKind.OPENING, each.subject, _CASES, {"first": each.first, "second": each.second}) for each in chosen
    ]
    findings = tuple(_finding(scene, each, key, len(pairs)) for each in chosen)
    few = f"{len(things)} different '{key}' have enough customers; it takes {LEAST_THINGS} to tell a bond of two from chance"
    notes = () if pairs else (few,)
    return Found(
        what="Upsell and cross-sell: pairs of what was bought",
        findings=findings,
        compared=len(pairs),
        cases=tuple(cases),
        notes=notes,
    )


def _key(scene: Scene) -> str | None:
    counts = scene.rows("select " + ", ".join(f"count({_value(key)}) as {key}" for key in KEYS) + f" from ({_PURCHASES})")[0]
    best = max(KEYS, key=lambda key: (counts[key], -KEYS.index(key)))
    return best if counts[best] else None


def _value(key: str) -> str:
    return f"nullif(json_extract_string(properties, '$.{key}'), '')"


def _opening(first: dict[str, Any], second: dict[str, Any], found: Association) -> _Opening:
    prices = first["price"], second["price"]
    dearer = None not in prices and prices[1] >= _DEARER * prices[0]
    return _Opening(first=first["name"], second=second["name"], found=found, price=prices[1], dearer=dearer)


def _stake(scene: Scene, opening: _Opening) -> tuple[float, float, str]:
    return opening.buyers * (opening.price or 0.0), opening.buyers, opening.subject


def _finding(scene: Scene, opening: _Opening, key: str, compared: int) -> Finding:
    found, look = opening.found, scene.look
    low, high = (exp(log(found.lift) + sign * 1.96 * found.error) for sign in (-1.0, 1.0))
    columns = (
        Column("both", "With both", Unit.COUNT, "customers who bought both in the period"),
        Column("first", "With the first alone", Unit.COUNT, "the opening"),
        Column("second", "With the second alone", Unit.COUNT, ""),
        Column(
            "lift",
            "Lift",
            Unit.NUMBER,
            "odds of the second with the first / without it, among alike customers, in relation to independence",
        ),
        Column("low", "From", Unit.NUMBER, "lower end of the 95 % interval"),
        Column("high", "To", Unit.NUMBER, "upper end of the 95 % interval"),
        Column("more", "More likely by", Unit.SHARE, "P(second | first), beyond what independence gives alike customers"),
        Column("price", "A purchase of the second", Unit.MONEY, "mean value of such a purchase"),
    )
    rows = ((found.both, found.first, found.second, found.lift, low, high, found.more, opening.price),)
    how = f"{found.first:,.0f} customers x {found.more:.1%} more likely than if {opening.first} told nothing of it"
    money = None if opening.price is None else opening.buyers * opening.price * look.catalogue.objective.margin
    return Finding(
        kind=FindingKind.OPENING,
        subject=opening.subject,
        title=f"{'Upsell' if opening.dearer else 'Cross-sell'}: {opening.second} to customers with {opening.first}",
        sentence=f"{found.first:,.0f} customers bought {opening.first} and not {opening.second}; the odds of {opening.second} "
        f"are {found.lift:.1f} times what customers alike in purchases would have if {opening.first} told nothing of it.",
        customers=opening.buyers,
        money=money,
        computed=how if money is None else f"{how}; a purchase brings {opening.price:,.2f} x margin",
        confidence=f"lift 95 % interval {low:.1f} to {high:.1f}; {within_error(compared)}; an association: test it on some first",
        evidence=Table(name="evidence", title=f"Who bought which {key}", columns=columns, rows=rows),
        page="value",
        suggestion=f"Offer {opening.second} to some of them, and measure against the others ('touchpoint lift').",
    )


_PURCHASES = """
select customer_id, moment, value, properties from history where converts and moment >= $since and moment < $until
"""

# Only the things that most customers bought; k of them each has, from n purchases: lines of one moment are one of a thing
_BOUGHT = f"""
with named as (
    select customer_id, nullif(json_extract_string(properties, '$.{{key}}'), '') as name, max(moment) as moment,
           sum(value) as value, count(*) as rows, count(distinct moment) as times
    from ({_PURCHASES}) group by all having name is not null
), things as (
    select name, row_number() over (order by count(*) desc, name) - 1 as thing, sum(value) / sum(rows) as price from named
    group by name having count(*) >= $least qualify thing < {{most}}
)
select customer_id, name, thing, price, moment, times, count(*) over (partition by customer_id) as k,
       sum(times) over (partition by customer_id)::bigint as n
from named join things using (name)
"""

# Shares of the purchases of those who are compared by them
_THINGS = f"""
select name, any_value(price) as price, coalesce(sum(times) filter (n <= {MOST_PURCHASES}), 0)::bigint as times
from bought group by name, thing order by thing
"""

_CASES = """
select customer_id, null::varchar as touchpoint, moment,
       'has ' || $first || ' and not ' || $second || ', which alike customers also buy' as words
from bought where name = $first and customer_id not in (select customer_id from bought where name = $second)
"""
