"""Too much effort: hard to get things done, more attempts than usual, or more steps than usual to get on.

- hard: ratings of CES 1 to 3 of 7, of all CES ratings of the touchpoint. A finding from 1.5 times the usual and 10 points beyond.
- repeated contact: calls and complaints after which the customer calls or complains again within `insights.answer_days`, of all
  whose days are over. A finding from 1.5 times the usual and 10 points beyond.
- steps: steps from the first one at a touchpoint to the first one of a later stage, of customers who get there within
  `insights.journey_gap_days`. Several at the same touchpoint in a row count once, since `friction` tells of these. A finding from
  1.5 times the usual and 2 steps beyond.

References
----------
Matthew Dixon, Karen Freeman and Nicholas Toman, "Stop trying to delight your customers", 2010 (effort, and repeated contacts as
the largest part of it).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from features.insights import Column, Unit
from training.findings.evidence import confidence, evidence
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene
from training.findings.standing import Limit, Outlier, outliers

_SHARE = Limit(factor=1.5, gap=0.1)
_STEPS = Limit(factor=1.5, gap=2.0, share=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One way in which effort shows: its query, its limit, and how it is told."""

    name: str
    query: str
    limit: Limit
    column: Column
    title: str
    sentence: str
    suggestion: str


def effort(scene: Scene) -> Found:
    """Touchpoints that ask too much of customers."""
    findings: list[Finding] = []
    compared, notes = 0, []
    for way in _ways(scene):
        measured = scene.measured(way.query)
        compared += len(measured)
        findings += _told(scene, way, outliers(measured, way.limit))
        if way.name == "ces" and not measured:
            notes.append("no touchpoint has effort ratings (CES) of enough customers; ask for them, and map kind 'rating'")
    return Found(what="Effort: CES, repeated contacts, steps", findings=tuple(findings), compared=compared, notes=tuple(notes))


def _told(scene: Scene, way: _Way, found: Iterator[Outlier]) -> Iterator[Finding]:
    for each in found:
        one = each.one
        # Of steps, everybody who needs them is affected; of shares, those beyond the usual
        customers = min(each.excess, one.customers) if way.limit.share else float(one.customers)
        numbers = ("{:.1%}", "{:.1%}") if way.limit.share else ("{:.1f}", "{:.1f}")
        mean, usual = (form.format(value) for form, value in zip(numbers, (one.mean, each.usual), strict=True))
        how = f"{one.observations:,.0f} x ({mean} - {usual} usual), at most every customer once"
        told = {"mean": mean, "n": f"{one.observations:,.0f}", "subject": one.subject}
        yield Finding(
            kind=FindingKind.EFFORT,
            subject=f"{one.subject} {way.name}",
            title=way.title.format(**told),
            sentence=f"{way.sentence.format(**told)}; {usual} is usual ({each.alike}).",
            customers=customers,
            money=scene.at_stake(customers),
            computed=scene.at_stake_in_words(how if way.limit.share else "all customers who took that way"),
            confidence=confidence(each, share=way.limit.share),
            evidence=evidence(each, way.column.title, way.column),
            page="journeys" if way.name == "steps" else "touchpoints",
            suggestion=way.suggestion,
        )


def _ways(scene: Scene) -> tuple[_Way, ...]:
    days, gap = scene.look.catalogue.insights.answer_days, scene.look.catalogue.insights.journey_gap_days
    again = f"calls and complaints followed by another one of the same customer within {days:g} days / all of them in the period"
    steps = f"steps from the first one here to the first one of a later stage, of customers who get there within {gap:g} days"
    return (
        _Way(
            name="ces",
            query=_HARD,
            limit=_SHARE,
            column=Column("hard", "Found hard", Unit.SHARE, "CES ratings of 1 to 3 of 7 / all CES ratings, in the period"),
            title="Customers find {subject} hard",
            sentence="{mean} of {n} customers' ratings call {subject} hard (CES 1 to 3 of 7)",
            suggestion="Take one step out of it; ask those who found it hard which one.",
        ),
        _Way(
            name="repeated_contact",
            query=_AGAIN,
            limit=_SHARE,
            column=Column("again", "Asked again", Unit.SHARE, again),
            title="Customers have to ask again after {subject}",
            sentence=f"After {{mean}} of {{n}} calls and complaints at {{subject}} customers asked again within {days:g} days",
            suggestion="Look at what they ask the second time, and answer it the first time.",
        ),
        _Way(
            name="steps",
            query=_LONG,
            limit=_STEPS,
            column=Column("steps", "Steps to the next stage", Unit.NUMBER, steps),
            title="It takes many steps to get on from {subject}",
            sentence="From {subject} on, {n} customers needed {mean} steps on average to reach a later stage",
            suggestion="Show the next step there; leave out what most customers skip in the end.",
        ),
    )


_HARD = """
select touchpoint as subject, customer_id, count(*) as n, count(*) filter (score <= 3) as y
from history where metric = 'ces' and score is not null and moment >= $since and moment < $until group by all
"""

_AGAIN = """
with asked as (
    select customer_id, touchpoint, moment, lead(moment) over (partition by customer_id order by moment) as next_moment
    from acts where kind in ('call', 'complaint')
)
select touchpoint as subject, customer_id, count(*) as n, count(*) filter (next_moment - moment <= $answer) as y
from asked where moment >= $since and moment < $until and moment + $answer <= $known group by all
"""

# The stages' order is that of the words; what a customer does later at the same touchpoint is no new beginning. Steps come in the
# order of time, so that the least step and the least time ahead are of the same one
_LONG = """
with moved as (
    select * from acts
    qualify lag(touchpoint) over (partition by customer_id order by moment, touchpoint, kind) is distinct from touchpoint
), placed as (
    select customer_id, touchpoint, moment, list_position(
               ['awareness', 'consideration', 'purchase', 'retention', 'advocacy'], stage) as place,
           row_number() over (partition by customer_id order by moment, touchpoint, kind) as step
    from moved
), ahead as (
    select *, [min(step) filter (place >= 2) over later, min(step) filter (place >= 3) over later,
               min(step) filter (place >= 4) over later, min(step) filter (place >= 5) over later][place] as next_step,
           [min(moment) filter (place >= 2) over later, min(moment) filter (place >= 3) over later,
            min(moment) filter (place >= 4) over later, min(moment) filter (place >= 5) over later][place] as next_moment
    from placed window later as (partition by customer_id order by step rows between 1 following and unbounded following)
), reached as (
    select customer_id, touchpoint, moment, step, next_step, next_moment
    from ahead where moment >= $since and moment < $until and place is not null
    qualify row_number() over (partition by customer_id, touchpoint order by step) = 1
)
select touchpoint as subject, customer_id, 1 as n, next_step - step as y
from reached where moment + $gap <= $known and next_moment - moment <= $gap
"""
