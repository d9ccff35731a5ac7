"""Sources gone quiet: nothing came for longer than the source's usual pauses allow, or than the catalogue says.

The rule is that of `touchpoint quality` (`features.quality`): twice the median of each last week's longest pause, or
`sources.<name>.quiet_hours`.
"""

from features.insights import Column, Table, Unit
from features.instants import DAY, microseconds
from features.quality import AlarmKind, quality_report
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene


def quiet(scene: Scene) -> Found:
    """Sources from which nothing comes any more."""
    look = scene.look
    report = quality_report(look.lake, catalogue=look.catalogue, now=look.now)
    findings = []
    for alarm in report.alarms:
        if alarm.kind is not AlarmKind.QUIET:
            continue
        last = report.last[alarm.source]
        daily = float(scene.rows(_DAILY, {"source": alarm.source, "last": microseconds(last), "day": DAY})[0]["customers"] or 0.0)
        silent = (look.now - last).total_seconds() / 86_400
        missed = min(daily * silent, float(scene.customers))
        columns = (
            Column("source", "Source"),
            Column("last", "Last sign of life", Unit.TIME),
            Column("silent", "Silent for", Unit.DAYS, "from then until the look"),
            Column("daily", "Customers a day", Unit.NUMBER, "of its interactions in the 28 days before, on average"),
        )
        rows = ((alarm.source, last.isoformat(), silent, daily),)
        finding = Finding(
            kind=FindingKind.QUIET,
            subject=alarm.source,
            title=f"The source {alarm.source} has gone quiet",
            sentence=f"{alarm.source}: {alarm.message}.",
            customers=missed,
            money=scene.at_stake(missed),
            computed=scene.at_stake_in_words(
                f"{daily:,.1f} customers a day x {silent:,.1f} days may be missing, at most all there are"
            ),
            confidence=f"{alarm.excess:.1f} times its limit",
            evidence=Table(name="evidence", title="The source", columns=columns, rows=rows),
            page="quality",
            suggestion="Look at the export and its key; what it missed can be sent later, nothing counts twice.",
        )
        findings.append(finding)
    notes = () if report.last else ("no source gave a sign of life in the last 28 days",)
    return Found(what="Sources gone quiet", findings=tuple(findings), compared=len(report.last), notes=notes)


_DAILY = """
select sum(n) / 28 as customers from (
    select count(distinct customer_id) as n from history
    where source = $source and epoch_us(received_at) > $last - 28 * $day and epoch_us(received_at) <= $last
    group by received_at::date)
"""
