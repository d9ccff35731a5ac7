"""Upsell and cross-sell openings: customers who bought one thing and not another that alike customers bought.

What was bought is a property of purchases: `category`, `product`, `product_id`, `item_id` or `item`, whichever most purchases
have. The 50 with the most customers are compared in pairs, each among customers who bought equally many others of the 50.

A finding when the lower bound of the lift (see `association`) is above 1.5, beyond chance for all pairs together, at least 30
customers have both, and at least 30 the first alone. The pair is told in the direction with more at stake; it is an upsell where
the second costs at least a quarter more, else a cross-sell.
"""

from dataclasses import dataclass
from itertools import combinations
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.insights import Column, Table, Unit
from training.findings.association import Association, associate
from training.findings.evidence import within_error
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene
from training.findings.standing import critical

KEYS = ("category", "product", "product_id", "item_id", "item")
MOST_THINGS = 50
LEAST_LIFT = 1.5
_MOST = 10
_DEARER = 1.25

Floats = NDArray[np.float64]


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
        """How many of those without the second would buy it, if they were as likely to as the others who have the first."""
        return self.found.first * self.found.more


def openings(scene: Scene) -> Found:
    """What customers may want who do not have it."""
    key = _key(scene)
    if key is None:
        told = f"purchases say nothing of what was bought; map it to the property '{KEYS[0]}' or '{KEYS[1]}' of purchases"
        return Found(what="Upsell and cross-sell: pairs of what was bought", notes=(told,))
    scene.prepare("bought", _BOUGHT.format(key=key, most=MOST_THINGS))
    things = scene.rows(_THINGS)
    pairs = list(combinations(range(len(things)), 2))
    alone, together, everybody = _counts(scene, len(things))
    least, edge = scene.rows("select $least as least")[0]["least"], critical(len(pairs))
    found = []
    for one, other in pairs:
        for first, second in ((one, other), (other, one)):
            association = _of(first, second, alone, together, everybody)
            if association and min(association.both, association.first) >= least and _surely(association, edge):
                found.append(_opening(things[first], things[second], association))
    best = {frozenset((each.first, each.second)): each for each in sorted(found, key=lambda each: _stake(scene, each))}
    chosen = sorted(best.values(), key=lambda each: _stake(scene, each), reverse=True)[:_MOST]
    cases = [
        scene.cases(FindingKind.OPENING, each.subject, _CASES, {"first": each.first, "second": each.second}) for each in chosen
    ]
    findings = tuple(_finding(scene, each, key, len(pairs)) for each in chosen)
    notes = () if pairs else (f"all purchases have the same '{key}', or too few customers bought",)
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


def _counts(scene: Scene, things: int) -> tuple[Floats, Floats, Floats]:
    """Customers by how many things they have: with each thing, with each two, and all of them."""
    size = things + 1
    alone, together, everybody = np.zeros((things, size)), np.zeros((things, things, size)), np.zeros(size)
    for row in scene.rows(_ALONE):
        alone[row["thing"], row["k"]] = row["customers"]
    for row in scene.rows(_TOGETHER):
        together[row["one"], row["other"], row["k"]] = together[row["other"], row["one"], row["k"]] = row["customers"]
    for row in scene.rows(_EVERYBODY):
        everybody[row["k"]] = row["customers"]
    return alone, together, everybody


def _of(first: int, second: int, alone: Floats, together: Floats, everybody: Floats) -> Association | None:
    """Customers are alike who have equally many other things, at least one: who has none at all is not known."""
    with_both, a, b = together[first, second], alone[first], alone[second]
    others = np.arange(1, len(everybody) - 2)
    return associate(
        with_both[others + 2],
        a[others + 1] - with_both[others + 1],
        b[others + 1] - with_both[others + 1],
        everybody[others] - a[others] - b[others] + with_both[others],
    )


def _surely(found: Association, edge: float) -> bool:
    return log(found.lift) - edge * found.error > log(LEAST_LIFT)


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
        Column("both", "With both", Unit.COUNT, "customers who bought both in the period and at least one other thing"),
        Column("first", "With the first alone", Unit.COUNT, "the opening"),
        Column("second", "With the second alone", Unit.COUNT, ""),
        Column("lift", "Lift", Unit.NUMBER, "odds of the second with the first / without it, among alike customers"),
        Column("low", "From", Unit.NUMBER, "lower end of the 95 % interval"),
        Column("high", "To", Unit.NUMBER, "upper end of the 95 % interval"),
        Column("more", "More likely by", Unit.SHARE, "P(second | first) - P(second | not first), among alike customers"),
        Column("price", "A purchase of the second", Unit.MONEY, "mean value of such a purchase"),
    )
    rows = ((found.both, found.first, found.second, found.lift, low, high, found.more, opening.price),)
    how = f"{found.first:,.0f} customers x {found.more:.1%} more likely than alike customers without {opening.first}"
    money = None if opening.price is None else opening.buyers * opening.price * look.catalogue.objective.margin
    return Finding(
        kind=FindingKind.OPENING,
        subject=opening.subject,
        title=f"{'Upsell' if opening.dearer else 'Cross-sell'}: {opening.second} to customers with {opening.first}",
        sentence=f"{found.first:,.0f} customers bought {opening.first} and not {opening.second}; the odds of {opening.second} "
        f"are {found.lift:.1f} times those of alike customers without {opening.first}.",
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

# Only the things that most customers bought; k of them each has
_BOUGHT = f"""
with named as (
    select customer_id, nullif(json_extract_string(properties, '$.{{key}}'), '') as name, max(moment) as moment,
           sum(value) as value, count(*) as times
    from ({_PURCHASES}) group by all having name is not null
), things as (
    select name, row_number() over (order by count(*) desc, name) - 1 as thing, sum(value) / sum(times) as price from named
    group by name having count(*) >= $least qualify thing < {{most}}
)
select customer_id, name, thing, price, moment, count(*) over (partition by customer_id) as k from named join things using (name)
"""

_THINGS = "select name, any_value(price) as price from bought group by name, thing order by thing"

_ALONE = "select thing, k, count(*) as customers from bought group by all"

_TOGETHER = """
select a.thing as one, b.thing as other, a.k as k, count(*) as customers
from bought as a join bought as b using (customer_id) where a.thing < b.thing group by all
"""

_EVERYBODY = "select k, count(distinct customer_id) as customers from bought group by k"

_CASES = """
select customer_id, null::varchar as touchpoint, moment,
       'has ' || $first || ' and not ' || $second || ', which alike customers also buy' as words
from bought where name = $first and customer_id not in (select customer_id from bought where name = $second)
"""
