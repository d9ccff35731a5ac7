"""Neglected touchpoints: catalogued and without life, never chosen, or where people ask and hear nothing more.

- silent: catalogued touchpoints with no interaction in the period, while the others have some.
- hardly used: fewer than a twentieth of the customers that the median touchpoint of its like has (upper bound of the count).
- hardly chosen: a recommendable touchpoint chosen in less than 1 % of at least 500 decisions in which it was eligible, or
  eligible in none of at least 500 decisions.
- no follow-up: in store, call, chat, ticket and event, of what customers do there (anything but a conversion), the share after
  which a contact or a resolution follows by any channel within `insights.answer_days`. A finding up to half the usual share, and
  from 10 points below it.
"""

from collections.abc import Iterator, Sequence
from statistics import median

from scipy.stats import chi2
from statsmodels.stats.proportion import proportion_confint

from features.domain import UNKNOWN_TOUCHPOINT
from features.insights import Column, Table, Unit
from features.instants import microseconds
from training.findings.evidence import confidence, evidence, within_error
from training.findings.finding import Finding, FindingKind, Found
from training.findings.satisfaction import ATTENDED
from training.findings.scene import Scene
from training.findings.standing import ERROR, Limit, Measured, like, outliers

FOLLOW_UP = Limit(factor=0.5, gap=0.1)
HARDLY_USED = 0.05
HARDLY_CHOSEN = 0.01
LEAST_DECISIONS = 500


def neglected(scene: Scene) -> Found:
    """Touchpoints that nobody looks after."""
    reached = [
        Measured(**row, observations=float(row["customers"]), mean=float(row["customers"]), error=0.0)
        for row in scene.rows(_REACHED)
        if row["subject"] != UNKNOWN_TOUCHPOINT
    ]
    asked, chosen = scene.measured(_FOLLOWED), _choices(scene)
    findings = [*_silent(reached), *_hardly_used(reached), *_hardly_chosen(scene, chosen), *_no_follow_up(scene, asked)]
    notes = () if chosen else (f"fewer than {LEAST_DECISIONS} decisions in the period: what is never chosen cannot be told",)
    compared = len(reached) + len(asked) + len(chosen)
    return Found(what="Neglected touchpoints: use, choice, follow-up", findings=tuple(findings), compared=compared, notes=notes)


def _silent(reached: Sequence[Measured]) -> Iterator[Finding]:
    silent = [each for each in reached if not each.customers]
    if not silent or len(silent) == len(reached):
        return
    names = ", ".join(each.subject for each in silent[:5]) + (f" and {len(silent) - 5} more" if len(silent) > 5 else "")
    columns = (Column("touchpoint", "Touchpoint"), Column("stage", "Stage"), Column("channel", "Channel"))
    rows = tuple((each.subject, each.stage, each.channel) for each in silent)
    yield Finding(
        kind=FindingKind.NEGLECTED,
        subject="silent",
        title="Touchpoints without any interaction",
        sentence=f"{len(silent)} of {len(reached)} catalogued touchpoints had no interaction in the period: {names}.",
        customers=None,
        money=None,
        computed="nobody was met there, so nobody can be counted",
        confidence="counted, not estimated",
        evidence=Table(name="evidence", title="Without any interaction", columns=columns, rows=rows),
        page="touchpoints",
        suggestion="Map the source that knows of them, use them, or take them out of the catalogue.",
    )


def _hardly_used(reached: Sequence[Measured]) -> Iterator[Finding]:
    for one in reached:
        peers, words = like(one, [each for each in reached if each.customers or each is one])
        usual = median(each.customers for each in peers) if peers else 0.0
        most = float(chi2.ppf(1.0 - ERROR / len(reached), 2 * (one.customers + 1))) / 2.0  # Poisson, exact
        if not one.customers or most >= HARDLY_USED * usual:
            continue
        columns = (Column("touchpoint", "Touchpoint"), Column("customers", "Customers", Unit.COUNT, "met there in the period"))
        rows = tuple((each.subject, each.customers) for each in (one, *peers[:10]))
        yield Finding(
            kind=FindingKind.NEGLECTED,
            subject=f"{one.subject} hardly_used",
            title=f"{one.subject} is hardly used",
            sentence=f"{one.subject} met {one.customers:,} customers in the period; {usual:,.0f} is usual ({words}).",
            customers=None,
            money=None,
            computed="what more use of it would bring is not known",
            confidence=f"at most {most:,.0f} customers are to be expected; {within_error(len(reached))}",
            evidence=Table(name="evidence", title="Customers met", columns=columns, rows=rows),
            page="touchpoints",
            suggestion="Show customers the way there, or take it out of the catalogue.",
        )


def _choices(scene: Scene) -> list[dict[str, int | str]]:
    """Of every recommendable touchpoint: in how many decisions it was eligible and chosen, out of how many."""
    look = scene.look
    end = look.now if look.period.until >= look.known_until else look.period.until
    rows = scene.rows(_CHOSEN, {"end": microseconds(end)})
    return [row for row in rows if row["decisions"] >= LEAST_DECISIONS]


def _hardly_chosen(scene: Scene, chosen: Sequence[dict[str, int | str]]) -> Iterator[Finding]:
    for row in chosen:
        name, eligible, times, decisions = str(row["touchpoint"]), *(int(row[key]) for key in ("eligible", "chosen", "decisions"))
        if eligible and eligible < LEAST_DECISIONS:
            continue
        alpha = 2.0 * ERROR / len(chosen)
        most = float(proportion_confint(times, eligible, alpha=alpha, method="beta")[1]) if eligible else 0.0
        if most >= HARDLY_CHOSEN:
            continue
        never = f"{name} was eligible in none of {decisions:,} decisions"
        seldom = f"{name} was chosen in {times:,} of the {eligible:,} decisions in which it was eligible"
        columns = (
            Column("touchpoint", "Touchpoint"),
            Column("decisions", "Decisions", Unit.COUNT, "taken in the period"),
            Column("eligible", "Eligible", Unit.COUNT, "decisions in which it could be chosen"),
            Column("chosen", "Chosen", Unit.COUNT, "decisions in which it was"),
        )
        rows = tuple(tuple(each[column.name] for column in columns) for each in chosen)
        yield Finding(
            kind=FindingKind.NEGLECTED,
            subject=f"{name} hardly_chosen",
            title=f"{name} is never eligible" if not eligible else f"{name} is hardly ever chosen",
            sentence=f"{seldom if eligible else never}, in the period.",
            customers=None,
            money=None,
            computed="what it would bring is not known, since it is not tried",
            confidence=f"chosen in at most {most:.2%}; {within_error(len(chosen))}" if eligible else "counted, not estimated",
            evidence=Table(name="evidence", title="What was chosen", columns=columns, rows=rows),
            page="policy",
            suggestion="Let 'touchpoint explain' say which rule drops it; loosen that rule, raise exploration.floor, or set "
            "recommendable = false.",
        )


def _no_follow_up(scene: Scene, asked: Sequence[Measured]) -> Iterator[Finding]:
    days = scene.look.catalogue.insights.answer_days
    explains = f"what customers did there, without conversions, if followed by a contact or resolution within {days:g} days / all"
    for each in outliers(asked, FOLLOW_UP):
        one, customers = each.one, min(each.excess, each.one.customers)
        if one.channel not in ATTENDED:
            continue
        how = f"{one.observations:,.0f} x ({each.usual:.1%} usual - {one.mean:.1%}), at most every customer once"
        yield Finding(
            kind=FindingKind.NEGLECTED,
            subject=f"{one.subject} no_follow_up",
            title=f"Nobody follows up at {one.subject}",
            sentence=f"Customers came to {one.subject} {one.observations:,.0f} times; after {one.mean:.1%} of these anybody "
            f"contacted them within {days:g} days by any channel; {each.usual:.1%} is usual ({each.alike}).",
            customers=customers,
            money=scene.at_stake(customers),
            computed=scene.at_stake_in_words(how),
            confidence=confidence(each),
            evidence=evidence(each, "Follow-up", Column("followed", "Followed up", Unit.SHARE, explains)),
            page="touchpoints",
            suggestion="Have them thanked, or asked how it went: a touchpoint of stage retention after it.",
        )


_REACHED = """
select touchpoints.touchpoint as subject, any_value(touchpoints.stage) as stage, any_value(touchpoint_channel) as channel,
       count(distinct customer_id) as customers
from touchpoints left join (select touchpoint, customer_id from history where moment >= $since and moment < $until)
    using (touchpoint)
group by touchpoints.touchpoint order by customers desc, subject
"""

_CHOSEN = """
with made as (
    select touchpoint as chosen, candidates from decisions
    where candidates is not null and len(candidates) > 0 and epoch_us("at") >= $since and epoch_us("at") <= $end
), offered as (select unnest(candidates) as touchpoint, chosen from made),
counted as (
    select touchpoint, count(*) as eligible, count(*) filter (chosen = touchpoint) as chosen from offered group by touchpoint)
select touchpoints.touchpoint as touchpoint, coalesce(eligible, 0) as eligible, coalesce(chosen, 0) as chosen,
       (select count(*) from made) as decisions
from touchpoints left join counted using (touchpoint) where recommendable order by chosen, touchpoint
"""

_FOLLOWED = """
with done as (
    select customer_id, touchpoint, moment, false as reply from acts where moment >= $since and not converts
    union all
    select customer_id, null, moment, true from history
    where (kind in ('contact', 'resolution') or direction = 'outbound') and moment >= $since and moment <= $known
), followed as (
    select *, min(case when reply then moment end) over (partition by customer_id order by moment
               range between 1 following and unbounded following) as replied
    from done
)
select touchpoint as subject, customer_id, count(*) as n, count(*) filter (replied - moment <= $answer) as y
from followed where not reply and moment < $until and moment + $answer <= $known group by all
"""
