"""Contact fatigue: customers who are contacted on and on, and do not answer.

A contact is answered when the customer opens, clicks, redeems or buys anywhere within `insights.answer_days`; only contacts count
whose days are over. `run` is how many contacts by the same channel before it went unanswered in a row.

A finding for each channel, when contacts after four or more unanswered ones are answered less than half as often as those after
fewer, beyond chance, and at least 30 customers have five or more unanswered in a row by now.
"""

from math import sqrt
from typing import Any

from features.domain import ANSWERS
from features.insights import Column, Table, Unit
from training.findings.evidence import within_error
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene, listed
from training.findings.standing import Measured, critical

LONG_RUN = 4
HALF = 0.5


def fatigue(scene: Scene) -> Found:
    """Channels by which customers are contacted who do not answer any more."""
    scene.prepare("contacts", _CONTACTS.format(answers=listed(ANSWERS)))
    channels = [row for row in scene.rows(_TIRED) if row["customers"] >= row["least"]]
    measured = {each.subject: each for each in scene.measured(_ANSWERED.format(run=LONG_RUN))}
    pairs = [(row, measured.get(f"{row['channel']} tired"), measured.get(f"{row['channel']} fresh")) for row in channels]
    findings, cases = [], []
    for row, tired, fresh in pairs:
        if tired is None or fresh is None or not _tires(tired, fresh, len(pairs)):
            continue
        findings.append(_finding(scene, row, tired, fresh, len(pairs)))
        cases.append(scene.cases(FindingKind.FATIGUE, row["channel"], _CASES, {"channel": row["channel"]}))
    notes = () if measured else ("too few contacts whose days are over; nobody can be tired of them",)
    return Found(what="Contact fatigue: channels", findings=tuple(findings), compared=len(pairs), cases=tuple(cases), notes=notes)


def _tires(tired: Measured, fresh: Measured, compared: int) -> bool:
    limit = HALF * fresh.mean
    if not 0.0 < limit < 1.0:
        return False
    own = max(tired.error**2, limit * (1.0 - limit) / tired.observations)
    return limit - tired.mean > critical(compared) * sqrt(own + HALF**2 * fresh.error**2)


def _finding(scene: Scene, row: dict[str, Any], tired: Measured, fresh: Measured, compared: int) -> Finding:
    channel, customers, days = str(row["channel"]), int(row["customers"]), scene.look.catalogue.insights.answer_days
    within = f"contacts by this channel followed by an open, click, redemption or purchase within {days:g} days / all of them"
    columns = (
        Column("after", "After unanswered contacts in a row"),
        Column("customers", "Customers", Unit.COUNT, "contacted so in the period"),
        Column("contacts", "Contacts", Unit.COUNT, "whose days are over"),
        Column("answered", "Answered", Unit.SHARE, within),
        Column("low", "From", Unit.SHARE, "lower end of the 95 % interval"),
        Column("high", "To", Unit.SHARE, "upper end of the 95 % interval"),
    )
    rows = tuple(
        (words, each.customers, round(each.observations), each.mean, max(each.interval[0], 0.0), min(each.interval[1], 1.0))
        for words, each in ((f"{LONG_RUN} or more", tired), (f"fewer than {LONG_RUN}", fresh))
    )
    low, high = tired.interval
    return Finding(
        kind=FindingKind.FATIGUE,
        subject=channel,
        title=f"Customers are tired of contacts by {channel}",
        sentence=f"{customers:,} customers have had {LONG_RUN + 1} or more contacts by {channel} in a row without an answer; "
        f"after {LONG_RUN} such, {tired.mean:.1%} are answered, before {fresh.mean:.1%}.",
        customers=float(customers),
        money=scene.at_stake(customers),
        computed=scene.at_stake_in_words(f"customers with {LONG_RUN + 1} or more unanswered contacts in a row by now"),
        confidence=f"95 % interval {max(low, 0.0):.1%} to {min(high, 1.0):.1%}; {within_error(compared)}",
        evidence=Table(name="evidence", title="Answers", columns=columns, rows=rows),
        page="touchpoints",
        suggestion=f'Leave them alone for a while: a [[suppressions]] or [[caps]] table with channel = "{channel}".',
    )


_CONTACTS = """
with happened as (
    select customer_id, channel, touchpoint, moment, kind = 'contact' as ours from history
    where (kind = 'contact' or list_contains({answers}, kind)) and moment >= $since and moment <= $known
), followed as (
    select *, min(case when not ours then moment end) over (partition by customer_id order by moment
               range between 1 following and unbounded following) as answer
    from happened
), judged as (
    select customer_id, channel, touchpoint, moment, coalesce(answer - moment <= $answer, false) as answered,
           moment + $answer <= $known and moment < $until as closed
    from followed where ours and moment < $until
), parted as (
    select *, coalesce(sum(answered::int) over (way rows between unbounded preceding and 1 preceding), 0) as part
    from judged window way as (partition by customer_id, channel order by moment, touchpoint)
)
select *, row_number() over (partition by customer_id, channel, part order by moment, touchpoint) - 1 as run from parted
"""

_ANSWERED = """
select channel || case when run >= {run} then ' tired' else ' fresh' end as subject, customer_id, count(*) as n,
       count(*) filter (answered) as y
from contacts where closed group by all
"""

_TIRED = f"""
with latest as (
    select customer_id, channel, arg_max(run + case when answered then 0 else 1 end, (moment, touchpoint)) as unanswered,
           arg_max(answered, (moment, touchpoint)) as answered, max(moment) as moment
    from contacts where closed group by all
)
select channel, count(*) as customers, $least as least from latest where not answered and unanswered > {LONG_RUN} group by channel
order by customers desc, channel
"""

_CASES = f"""
select customer_id, arg_max(touchpoint, moment) as touchpoint, max(moment) as moment,
       'had ' || (max(run) + 1) || ' contacts in a row by ' || $channel || ' without an answer' as words
from (select *, max(part) over (partition by customer_id) as latest from contacts where channel = $channel and closed)
where part = latest and not answered group by customer_id having max(run) + 1 > {LONG_RUN}
"""
