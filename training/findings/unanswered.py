"""Feedback nobody answered: complaints and bad ratings without an answer within `insights.answer_days`.

Feedback is a complaint, or a rating of CSAT 1 or 2, NPS 0 to 6, CES 1 to 3. The next newsletter is no answer. After the feedback,
within the days, it takes one of the following for the same customer:

- a resolution, wherever;
- a contact, or anything else with direction outbound, at a catalogued touchpoint whose message_class is not marketing;
- such a contact at a touchpoint that is not catalogued, by e-mail, call, chat or ticket;
- such a contact at the very touchpoint of the feedback;
- such a contact by the channel of the feedback, where that is call, chat, ticket or store.

Only feedback counts whose days are over. A finding for each touchpoint with at least 5 unanswered customers, when the share
without an answer is surely above a tenth (95 %, Wilson).
"""

from typing import Any

from features.domain import Channel
from features.insights import Column, Table, Unit
from features.insights.intervals import wilson_of
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene, listed

LEAST_CUSTOMERS = 5
TOLERATED = 0.1
SERVICE = (Channel.CALL, Channel.CHAT, Channel.TICKET, Channel.STORE)
"""Where people answer people: a contact there answers feedback that came by the same channel."""

PERSONAL = (Channel.EMAIL, Channel.CALL, Channel.CHAT, Channel.TICKET)
"""By these, a contact of which the catalogue says nothing is taken for an answer."""

_MOST = 10


def unanswered(scene: Scene) -> Found:
    """Touchpoints where feedback is not answered."""
    scene.prepare("feedback", _FEEDBACK.format(service=listed(SERVICE), personal=listed(PERSONAL)))
    rows = scene.rows(_BY_TOUCHPOINT)
    told = [row for row in rows if row["customers"] >= LEAST_CUSTOMERS and _interval(row)[0] > TOLERATED][:_MOST]
    cases = [scene.cases(FindingKind.UNANSWERED, row["touchpoint"], _CASES, {"at": row["touchpoint"]}) for row in told]
    notes = () if rows else ("no complaint and no bad rating whose days are over; map kinds 'complaint' and 'rating'",)
    findings = tuple(_finding(scene, row) for row in told)
    return Found(what="Feedback nobody answered", findings=findings, compared=len(rows), cases=tuple(cases), notes=notes)


def _interval(row: dict[str, Any]) -> tuple[float, float]:
    return wilson_of(row["open"], row["feedback"])


def _finding(scene: Scene, row: dict[str, Any]) -> Finding:
    days, share = scene.look.catalogue.insights.answer_days, row["open"] / row["feedback"]
    low, high = _interval(row)
    within = f"without a resolution, a service message or a contact by the same way within {days:g} days"
    columns = (
        Column("what", "Feedback"),
        Column("feedback", "Given", Unit.COUNT, "in the period, if its days are over"),
        Column("open", "Unanswered", Unit.COUNT, within),
        Column("share", "Share", Unit.SHARE, f"{within} / all of it"),
    )
    parts = scene.rows(_BY_METRIC, {"at": row["touchpoint"]})
    rows = tuple((each["what"], each["feedback"], each["open"], each["open"] / each["feedback"]) for each in parts)
    return Finding(
        kind=FindingKind.UNANSWERED,
        subject=row["touchpoint"],
        title=f"Feedback at {row['touchpoint']} is not answered",
        sentence=f"{row['open']:,} of {row['feedback']:,} complaints and bad ratings ({share:.0%}) had no answer within "
        f"{days:g} days, of {row['customers']:,} customers.",
        customers=float(row["customers"]),
        money=scene.at_stake(row["customers"]),
        computed=scene.at_stake_in_words("customers with unanswered feedback"),
        confidence=f"95 % interval {low:.1%} to {high:.1%} of the feedback",
        evidence=Table(name="evidence", title="Feedback without an answer", columns=columns, rows=rows),
        page="touchpoints",
        suggestion="Answer those of the last weeks now; have every complaint and bad rating open a ticket.",
    )


# An answer is at `anywhere`, or there only for feedback at the same touchpoint, or by the same channel
_FEEDBACK = """
with given as (
    select customer_id, touchpoint, channel, moment, coalesce(metric, 'complaint') as what from history
    where (kind = 'complaint' or metric = 'csat' and score <= 2 or metric = 'nps' and score <= 6 or metric = 'ces' and score <= 3)
        and moment >= $since and moment < $until and moment + $answer <= $known
), replied as (
    select customer_id, touchpoint, channel, moment,
           kind = 'resolution' or coalesce(message_class <> 'marketing', list_contains({personal}, channel)) as anywhere
    from history left join (select touchpoint, message_class from touchpoints) using (touchpoint)
    where (kind in ('contact', 'resolution') or direction = 'outbound') and moment >= $since and moment <= $known
        and customer_id in (select customer_id from given)
), happened as (
    select *, false as reply, false as anywhere from given
    union all by name select *, true as reply from replied
), followed as (
    select *, least(
        min(case when anywhere then moment end) over (partition by customer_id order by moment
            range between 1 following and unbounded following),
        min(case when reply then moment end) over (partition by customer_id, touchpoint order by moment
            range between 1 following and unbounded following),
        min(case when reply and list_contains({service}, channel) then moment end)
            over (partition by customer_id, channel order by moment range between 1 following and unbounded following)) as next
    from happened
)
select customer_id, touchpoint, moment, what, coalesce(next - moment > $answer, true) as open from followed where not reply
"""

_BY_TOUCHPOINT = """
select touchpoint, count(*) as feedback, count(*) filter (open) as open, count(distinct customer_id) filter (open) as customers
from feedback group by touchpoint order by customers desc, touchpoint
"""

_BY_METRIC = """
select what, count(*) as feedback, count(*) filter (open) as open from feedback where touchpoint = $at group by what order by what
"""

_CASES = """
select customer_id, touchpoint, moment, 'gave feedback (' || what || ') that nobody answered' as words
from feedback where open and touchpoint = $at
"""
