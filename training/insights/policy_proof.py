"""The policy page's part about proof: the measured lift, alarms and guardrails, all as the commands tell them."""

from features.errors import TrainingError
from features.experiment import Arm
from features.insights import Card, Column, Section, Table, Unit
from features.insights.figures import bars
from features.insights.look import Look
from training.experiment.lift import Effect
from training.experiment.measures import Measure
from training.experiment.report import LiftReport, measure_lift
from training.insights.policy_choices import decided_until
from training.monitor.alarm import Level
from training.monitor.watch import AlarmReport, watch
from training.registered import InForce

_LIFT = "Lift against holdout"


def lift(look: Look) -> tuple[Section, list[Card]]:
    """What the touchpoints change, against customers who are left alone."""
    title = "What do touchpoints change?"
    try:
        report = measure_lift(look.lake, look.catalogue, since=None, until=look.known_until, members=look.members)
    except TrainingError as error:
        unknown = Card(title=_LIFT, value=None, unit=Unit.MONEY, note=f"not measured yet; '{title}' says why")
        return Section(name="lift", title=title, empty=f"{error}"), [unknown]
    tables = (_per_customer(report, (Measure.VALUE,), "lift", "Profit"), _per_customer(report, tuple(Measure), "measures", "All"))
    figure = bars(tables[0], "Profit per customer beyond", label="reference", value="difference", low="low", high="high")
    section = Section(
        name="lift",
        title=title,
        words=(report.sample_ratio.sentence, *(each.sentence for each in report.effects[:1]), *report.notes),
        figures=(figure,) if tables[0].rows else (),
        tables=(*tables, _sizes(report)),
    )
    return section, [_lift_card(each) for each in report.effects if _is_the_lift(each)]


def _is_the_lift(effect: Effect) -> bool:
    return effect.reference is Arm.HOLDOUT and effect.measure is Measure.VALUE


def _lift_card(effect: Effect) -> Card:
    note = f"per customer, 95 % {effect.always_low:+.4g} to {effect.always_high:+.4g}: {_said(effect)}"
    worse = effect.always_high < 0.0
    return Card(title=_LIFT, value=effect.difference, unit=Unit.MONEY, note=note, alarm=worse)


def _said(effect: Effect) -> str:
    if effect.always_low <= 0.0 <= effect.always_high:
        return "not distinguishable"
    return "better" if (effect.difference > 0.0) == effect.measure.more_is_better else "worse"


def _per_customer(report: LiftReport, measures: tuple[Measure, ...], name: str, what: str) -> Table:
    unit = Unit.MONEY if measures == (Measure.VALUE,) else Unit.NUMBER
    columns = (
        Column("reference", "Against"),
        Column("measure", "Measure"),
        Column("customers", "Customers", Unit.COUNT, "of arm treatment"),
        Column("reference_customers", "Customers there", Unit.COUNT),
        Column("mean", "Per customer", unit, "from the first decision on, corrected by what they did before"),
        Column("reference_mean", "Per customer there", unit),
        Column("difference", "Difference", unit),
        Column("low", "From", unit, "95 % interval of the difference that may be looked at every day"),
        Column("high", "To", unit, "its upper end"),
        Column("relative", "Relative", Unit.SHARE, "difference / mean there; nothing where that may be 0"),
        Column("said", "Finding"),
    )
    records = [
        {
            "reference": str(each.reference),
            "measure": str(each.measure),
            "customers": each.persons,
            "reference_customers": each.reference_persons,
            "mean": each.mean,
            "reference_mean": each.reference_mean,
            "difference": each.difference,
            "low": each.always_low,
            "high": each.always_high,
            "relative": each.relative,
            "said": _said(each),
        }
        for each in report.effects
        if each.measure in measures
    ]
    return Table.of(name, f"{what} of treatment against other arms", columns, records, note="As 'touchpoint lift' tells it.")


def _sizes(report: LiftReport) -> Table:
    columns = (
        Column("arm", "Arm"),
        Column("customers", "Customers", Unit.COUNT, "found"),
        Column("expected", "Due", Unit.NUMBER, "by the shares of the catalogue"),
    )
    sizes = report.sample_ratio
    rows = tuple((str(arm), count, float(sizes.expected[arm])) for arm, count in sizes.counts.items())
    return Table(name="arms", title="Sizes of the arms", columns=columns, rows=rows, note=f"{sizes.sentence}.")


def alarms(look: Look, in_force: tuple[InForce, ...]) -> tuple[list[Section], list[Card]]:
    """What somebody should look at, and how the champion stands under its guardrails."""
    report = watch(
        look.lake, look.catalogue, in_force, until=decided_until(look), known_until=look.known_until, members=look.members
    )
    urgent = any(alarm.level is Level.CRITICAL for alarm in report.alarms)
    note = f"decisions in the last {report.days:g} days: {report.decisions:,}"
    card = Card(title="Alarms of the policy", value=len(report.alarms), unit=Unit.COUNT, note=note, alarm=urgent)
    return [_alarms(report), _guardrails(report)], [card]


def _alarms(report: AlarmReport) -> Section:
    columns = (
        Column("level", "Level"),
        Column("alarm", "Alarm"),
        Column("figure", "Found", Unit.NUMBER),
        Column("threshold", "Threshold", Unit.NUMBER),
        Column("words", "What is wrong"),
    )
    rows = tuple((str(each.level), each.name, float(each.figure), float(each.threshold), each.words) for each in report.alarms)
    empty = f"No alarm. Decisions in the last {report.days:g} days: {report.decisions:,}."
    table = Table(name="alarms", title="Alarms", columns=columns, rows=rows, note="As 'touchpoint alarms' tells it.")
    return Section(name="alarms", title="Is anything wrong with the decisions?", tables=(table,), empty=empty)


def _guardrails(report: AlarmReport) -> Section:
    columns = (
        Column("measure", "Measure"),
        Column("reference", "Against"),
        Column("figure", "Champion", Unit.NUMBER, "per decision"),
        Column("reference_figure", "There", Unit.NUMBER, "per decision"),
        Column("worse_by", "Surely worse by", Unit.NUMBER, "at least; negative where it may be better"),
        Column("allowed", "Allowed", Unit.NUMBER),
        Column("broken", "Broken", Unit.YES_NO),
    )
    told = report.guardrails
    rows = tuple(
        (str(each.measure), each.reference, each.figure, each.reference_figure, each.worse_by, each.allowed, each.broken)
        for each in told.findings
    )
    empty = (
        "There is no champion to guard." if told.champion is None else f"Nothing can be judged yet about policy {told.champion}."
    )
    table = Table(name="guardrails", title="Guardrails", columns=columns, rows=rows)
    return Section(
        name="guardrails", title="Does the champion hold its guardrails?", words=told.notes, tables=(table,), empty=empty
    )
