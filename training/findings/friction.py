"""Friction: touchpoints where customers leave, or do the same again and again, more than at like touchpoints.

- drop-off: steps after which the customer did nothing for `insights.journey_gap_days` and had not bought, of all steps there.
  A finding from 1.5 times the usual and 5 points beyond it.
- repetition: steps followed by one at the same touchpoint, beyond those that the customer's own mix of touchpoints makes one
  expect, of all steps that were followed by another. A finding from 1.5 times the usual and 20 points beyond it.
"""

from collections.abc import Iterator

from features.insights import Column, Unit
from training.findings.evidence import confidence, evidence
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene
from training.findings.standing import Limit, Outlier, outliers

DROP_OFF = Limit(factor=1.5, gap=0.05)
REPETITION = Limit(factor=1.5, gap=0.2)


def friction(scene: Scene) -> Found:
    """Touchpoints where customers leave or repeat themselves."""
    left, repeated = scene.measured(_DROP_OFF), scene.measured(_REPETITION)
    findings = [*_drop_offs(scene, outliers(left, DROP_OFF)), *_repetitions(scene, outliers(repeated, REPETITION))]
    gap = scene.look.catalogue.insights.journey_gap_days
    few = (
        f"no touchpoint has enough steps later than {gap:g} days after a conversion whose next step is known; a longer period "
        "may have, and the page of journeys looks at all steps"
    )
    notes = () if left else (few,)
    return Found(
        what="Friction: steps that end a journey, or go in circles",
        findings=tuple(findings),
        compared=len(left) + len(repeated),
        notes=notes,
    )


def _drop_offs(scene: Scene, found: Iterator[Outlier]) -> Iterator[Finding]:
    days = scene.look.catalogue.insights.journey_gap_days
    explains = f"steps after which the customer did nothing for {days:g} days and had not bought / all steps, in the period"
    for each in found:
        one, customers = each.one, min(each.excess, each.one.customers)
        how = f"{one.observations:,.0f} steps x ({one.mean:.1%} - {each.usual:.1%} usual), at most every customer once"
        yield Finding(
            kind=FindingKind.FRICTION,
            subject=f"{one.subject} drop_off",
            title=f"Customers leave at {one.subject}",
            sentence=f"After {one.mean:.1%} of {one.observations:,.0f} steps at {one.subject} customers did nothing more for "
            f"{days:g} days and had not bought; {each.usual:.1%} is usual ({each.alike}).",
            customers=customers,
            money=scene.at_stake(customers),
            computed=scene.at_stake_in_words(how),
            confidence=confidence(each),
            evidence=evidence(each, "Steps that were the last", Column("drop_off", "Drop-off", Unit.SHARE, explains)),
            page="journeys",
            suggestion="Walk through this step as a customer; look at what those who go on do next, and contact those who left.",
        )


def _repetitions(scene: Scene, found: Iterator[Outlier]) -> Iterator[Finding]:
    explains = (
        "steps followed by one at the same touchpoint, less those expected if each customer's steps came in any order "
        "/ steps followed by another one, in the period"
    )
    for each in found:
        one, customers = each.one, min(each.excess, each.one.customers)
        how = f"{one.observations:,.0f} steps x ({one.mean:.1%} - {each.usual:.1%} usual), at most every customer once"
        yield Finding(
            kind=FindingKind.FRICTION,
            subject=f"{one.subject} repetition",
            title=f"Customers go in circles at {one.subject}",
            sentence=f"Steps at {one.subject} are followed by another one there {one.mean * 100:.1f} points more often than by "
            f"chance; {each.usual * 100:.1f} points are usual ({each.alike}).",
            customers=customers,
            money=scene.at_stake(customers),
            computed=scene.at_stake_in_words(how),
            confidence=confidence(each),
            evidence=evidence(each, "Steps repeated at once", Column("repetition", "Repetition", Unit.SHARE, explains)),
            page="journeys",
            suggestion="Find out what they try again: a form that refuses, a search without results, an answer that is missing.",
        )


_DROP_OFF = """
select touchpoint as subject, customer_id, count(*) as n, count(*) filter (leaves) as y from steps group by all
"""

# Of n steps, m at the touchpoint, a step there is followed by another one there with (m - 1) / (n - 1) if any order is as likely
_REPETITION = """
with own as (
    select customer_id, touchpoint, count(*) as m, count(*) filter (not leaves) as followed,
           count(*) filter (not leaves and next_touchpoint = touchpoint) as repeated
    from steps group by all
), whole as (select customer_id, sum(m) as n from own group by customer_id)
select touchpoint as subject, customer_id, followed as n, repeated - followed * (m - 1) / (n - 1) as y
from own join whole using (customer_id) where n > 1
"""
