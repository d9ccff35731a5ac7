"""Poor ratings: touchpoints that customers rate worse than like ones; offline and in support they are called neglected.

A bad rating is CSAT 1 or 2 of 5, or NPS 0 to 6 of 10 (a detractor). A finding from 1.5 times the usual share of bad ratings and
10 points beyond it.
"""

from collections.abc import Iterator

from features.domain import Channel
from features.insights import Column, Unit
from training.findings.evidence import confidence, evidence
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene
from training.findings.standing import Limit, Outlier, outliers

BAD_RATINGS = Limit(factor=1.5, gap=0.1)

ATTENDED = (Channel.STORE, Channel.CALL, Channel.CHAT, Channel.TICKET, Channel.EVENT)
"""Where people of the brand meet customers."""

BAD = {"csat": 2.0, "nps": 6.0}
"""Ratings up to this are bad."""


def satisfaction(scene: Scene) -> Found:
    """Touchpoints with many bad ratings."""
    findings, compared = [], 0
    for metric, worst in BAD.items():
        measured = scene.measured(_RATINGS.format(metric=metric, worst=worst))
        compared += len(measured)
        findings += list(_told(scene, metric, outliers(measured, BAD_RATINGS)))
    notes = (
        () if compared else ("no touchpoint has ratings (CSAT, NPS) of enough customers; ask for them, and map kind 'rating'",)
    )
    return Found(what="Satisfaction: CSAT and NPS by touchpoint", findings=tuple(findings), compared=compared, notes=notes)


def _told(scene: Scene, metric: str, found: Iterator[Outlier]) -> Iterator[Finding]:
    scale = "CSAT 1 or 2 of 5" if metric == "csat" else "NPS 0 to 6 of 10"
    column = Column("bad", "Bad ratings", Unit.SHARE, f"ratings of {scale} / all ratings of this scale, in the period")
    for each in found:
        one, customers = each.one, min(each.excess, each.one.customers)
        how = f"{one.observations:,.0f} ratings x ({one.mean:.1%} - {each.usual:.1%} usual), at most every customer once"
        yield Finding(
            kind=FindingKind.NEGLECTED if one.channel in ATTENDED else FindingKind.FRICTION,
            subject=f"{one.subject} {metric}",
            title=f"Customers are not satisfied with {one.subject}",
            sentence=f"{one.mean:.1%} of {one.observations:,.0f} ratings of {one.subject} are bad ({scale}); "
            f"{each.usual:.1%} is usual ({each.alike}).",
            customers=customers,
            money=scene.at_stake(customers),
            computed=scene.at_stake_in_words(how),
            confidence=confidence(each),
            evidence=evidence(each, "Bad ratings", column),
            page="touchpoints",
            suggestion="Read what the unsatisfied say, put one person in charge, and ask again after a month.",
        )


_RATINGS = """
select touchpoint as subject, customer_id, count(*) as n, count(*) filter (score <= {worst}) as y
from history where metric = '{metric}' and score is not null and moment >= $since and moment < $until group by all
"""
