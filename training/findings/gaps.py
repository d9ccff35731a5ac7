"""Gaps in the journey: stages without a touchpoint, and stages after which customers hear nothing for long, and leave.

- missing: a stage for which the catalogue has no touchpoint, although it has touchpoints of two stages at least.
- silence: the mean time from a step of a stage to the customer's next interaction, contacts included, of those that came within
  `insights.journey_gap_days`, and the share after which nothing came for so long. A finding when both are at least 1.5 times
  those of the other stages, the share by 5 points and the time by half a day.
"""

from collections.abc import Iterator

from features.domain import Stage
from features.insights import Column, Table, Unit
from training.findings.evidence import confidence, evidence
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene
from training.findings.standing import Limit, outliers

LEAVING = Limit(factor=1.5, gap=0.05)
WAITING = Limit(factor=1.5, gap=0.5, share=False)


def gaps(scene: Scene) -> Found:
    """Stages that nobody serves."""
    scene.prepare("waits", _WAITS)
    left, waited = scene.measured(_LEFT), scene.measured(_WAITED)
    longest = {each.one.subject: each for each in outliers(waited, WAITING)}
    findings = list(_missing(scene))
    days = scene.look.catalogue.insights.journey_gap_days
    explains = f"steps of the stage after which nothing happened for {days:g} days, contacts included / all steps of the stage"
    for each in outliers(left, LEAVING):
        wait = longest.get(each.one.subject)
        if wait is None:
            continue
        one, customers = each.one, min(each.excess, each.one.customers)
        how = f"{one.observations:,.0f} steps x ({one.mean:.1%} - {each.usual:.1%} usual), at most every customer once"
        finding = Finding(
            kind=FindingKind.GAP,
            subject=one.subject,
            title=f"Customers hear nothing after the stage {one.subject}, and leave",
            sentence=f"After steps of {one.subject} it takes {wait.one.mean:.1f} days until anything happens "
            f"({wait.usual:.1f} is usual in other stages), and after {one.mean:.1%} nothing does for {days:g} days "
            f"({each.usual:.1%} is usual).",
            customers=customers,
            money=scene.at_stake(customers),
            computed=scene.at_stake_in_words(how),
            confidence=confidence(each),
            evidence=evidence(each, "Silence by stage", Column("silent", "Silent", Unit.SHARE, explains), subject="Stage"),
            page="journeys",
            suggestion="Plan a touchpoint for the days after this stage, and let the policy choose whom it helps.",
        )
        findings.append(finding)
    notes = () if len(left) > 2 else ("fewer than three stages have enough steps, so none can be compared with the others",)
    return Found(what="Gaps in the journey: stages", findings=tuple(findings), compared=len(left) + len(Stage), notes=notes)


def _missing(scene: Scene) -> Iterator[Finding]:
    stages = {each.stage for each in scene.look.catalogue.touchpoints}
    if len(stages) < 2:
        return
    columns = (Column("stage", "Stage"), Column("touchpoints", "Touchpoints", Unit.COUNT, "in the catalogue"))
    counts = [(stage.value, sum(each.stage is stage for each in scene.look.catalogue.touchpoints)) for stage in Stage]
    for stage in Stage:
        if stage not in stages:
            yield Finding(
                kind=FindingKind.GAP,
                subject=f"{stage} missing",
                title=f"No touchpoint serves the stage {stage}",
                sentence=f"The catalogue has touchpoints for {', '.join(each for each in Stage if each in stages)}, "
                f"and none for {stage}.",
                customers=None,
                money=None,
                computed="nobody is met there, so nobody can be counted",
                confidence="counted, not estimated",
                evidence=Table(name="evidence", title="Touchpoints by stage", columns=columns, rows=tuple(counts)),
                page="journeys",
                suggestion=f'Add a touchpoint with stage = "{stage}" to the catalogue, or map the source that knows of one.',
            )


_WAITS = """
with happened as (
    select customer_id, moment from acts
    union all select customer_id, moment from history where kind = 'contact' and moment >= $since and moment <= $known
), ordered as (select distinct customer_id, moment from happened),
following as (select *, lead(moment) over (partition by customer_id order by moment) - moment as wait from ordered)
select steps.customer_id as customer_id, steps.stage as stage, wait, wait is null or wait > $gap as silent
from steps join following using (customer_id, moment) where steps.stage is not null
"""

_LEFT = """
select stage as subject, customer_id, count(*) as n, count(*) filter (silent) as y from waits group by all
"""

_WAITED = """
select stage as subject, customer_id, count(*) as n, sum(wait) / 86400e6 as y from waits where not silent group by all
"""
