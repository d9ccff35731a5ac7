"""The page's section that holds credit against what was drawn by chance, and says which model misleads."""

from collections.abc import Mapping

from features.insights import Column, Figure, Section, Table, Unit
from features.insights.figures import bars
from features.insights.table import Value
from training.attribution.against import Compared, ModelError, Verdict
from training.attribution.known import Known
from training.attribution.lift import LEAST
from training.attribution.models import SHOWN
from training.attribution.returns import RANDOMIZED

_WHAT_TO_DO = (
    "No decision of the period was drawn by chance with a known probability and has a closed outcome window, so nobody knows "
    "which of these conversions the touchpoints caused. Let the service decide ('touchpoint serve'), which logs the probability "
    "of every choice, or import decisions with their probability; then wait until their outcome windows close."
)


def against_section(known: Known) -> Section:
    """Which model can be believed."""
    tables = tuple(table for table in (_beside(known), _lifts(known), _errors(known), _holdout(known)) if table.rows)
    figures: tuple[Figure, ...] = ()
    if known.compared:
        title = "Conversions per contact: credited, and brought as measured"
        figures = (bars(tables[0], title, label="touchpoint", value="per_contact", low="low", high="high", split="model"),)
    return Section(
        name="against_lift",
        title="Does the credit hold against randomized decisions?",
        words=words_on_models(known),
        figures=figures,
        tables=tables,
        empty=_WHAT_TO_DO if not known.decisions else _too_few(known),
    )


def words_on_models(known: Known) -> tuple[str, ...]:
    """Which model misleads, in sentences; none without a lift."""
    if not known.judged:
        return ()
    best, worst = known.judged[0], known.judged[-1]
    words = [
        f"{known.decisions:,} decisions were drawn by chance with known probabilities. {_closest(best)}",
        f"{_sentence(worst)} It misleads most: its error is {worst.error:.3g} conversions per contact.",
    ]
    unclear = {each.touchpoint for each in known.compared if each.low <= 0.0 <= each.high}
    if unclear:
        named = ", ".join(sorted(unclear))
        words.append(f"The effect of {named} cannot be distinguished from nothing yet.")
    return tuple(words)


def _closest(best: ModelError) -> str:
    words = f"Closest to what they changed is '{best.model}', with an error of {best.error:.3g} conversions per contact"
    return (
        f"{words}, no more than chance makes."
        if best.error <= best.noise
        else f"{words}; chance alone would make {best.noise:.3g}."
    )


def _sentence(error: ModelError) -> str:
    if error.factor is None:
        return f"'{error.model}' credits conversions where contacts brought none on balance."
    return f"'{error.model}' credits {error.factor:.2g} times the conversions that contacts brought."


def _too_few(known: Known) -> str:
    return (
        f"Of {known.decisions:,} decisions drawn by chance, no touchpoint has {LEAST}, and {LEAST} for doing nothing where it "
        "could have been chosen; let exploration go on, or raise exploration.floor in the catalogue."
    )


def _beside(known: Known) -> Table:
    """Every touchpoint's lift, and after it the credit by every model of the figures."""
    records: list[Mapping[str, Value]] = []
    for lift in known.lifts:
        rows = [each for each in known.compared if each.touchpoint == lift.touchpoint and each.model in SHOWN]
        if rows:
            records.append(_record(rows[0], RANDOMIZED, rows[0].lift, rows[0].low, rows[0].high, "measured"))
        records += [_record(each, each.model, each.credit, None, None, each.verdict) for each in rows]
    return Table.of("against_lift", "Credit against lift, per contact", _BESIDE_COLUMNS, records)


def _record(row: Compared, model: str, value: float, low: float | None, high: float | None, verdict: str) -> Mapping[str, Value]:
    return {
        "touchpoint": row.touchpoint,
        "model": model,
        "contacts": round(row.contacts),
        "per_contact": value,
        "low": low,
        "high": high,
        "verdict": str(verdict),
    }


_BESIDE_COLUMNS = [
    Column("touchpoint", "Touchpoint"),
    Column("model", "Model", explains=f"'{RANDOMIZED}' is no model: it is what decisions drawn by chance changed"),
    Column("contacts", "Contacts", Unit.COUNT, "in the period"),
    Column(
        "per_contact",
        "Conversions per contact",
        Unit.NUMBER,
        "credited / contacts, or brought by one contact beyond doing nothing",
    ),
    Column("low", "from", Unit.NUMBER, "lower end of the 95 % interval of what was brought"),
    Column("high", "to", Unit.NUMBER, "upper end of the 95 % interval of what was brought"),
    Column(
        "verdict",
        "Credits",
        explains="too much: above the interval; too little: below; agrees: in it; not distinguishable: in it, but so is nothing",
    ),
]


def _lifts(known: Known) -> Table:
    records: list[Mapping[str, Value]] = []
    for lift in known.lifts:
        contacts, found = known.contacts.get(lift.touchpoint, 0.0), lift.conversions
        records.append(
            {
                "touchpoint": lift.touchpoint,
                "decisions": lift.decisions,
                "on": lift.whom.value,
                "lift": found.value,
                "low": found.low,
                "high": found.high,
                "value": lift.value.value,
                "value_low": lift.value.low,
                "value_high": lift.value.high,
                "contacts": round(contacts),
                "incremental": found.value * contacts,
                "incremental_low": found.low * contacts,
                "incremental_high": found.high * contacts,
            }
        )
    return Table.of("lifts", "What contacts brought, as randomized decisions say", _LIFT_COLUMNS, records)


_LIFT_COLUMNS = [
    Column("touchpoint", "Touchpoint"),
    Column("decisions", "Decisions", Unit.COUNT, "for it, drawn with a known probability, whose outcome window closed"),
    Column(
        "on", "Effect on", explains="those contacted, where every probability was logged; else everybody who could be contacted"
    ),
    Column("lift", "Conversions per contact", Unit.NUMBER, "within the outcome window, beyond doing nothing; doubly robust"),
    Column("low", "from", Unit.NUMBER, "lower end of the 95 % interval"),
    Column("high", "to", Unit.NUMBER, "upper end of the 95 % interval"),
    Column("value", "Value per contact", Unit.MONEY, "money of conversions within the outcome window, beyond doing nothing"),
    Column("value_low", "Value from", Unit.MONEY, "lower end of the 95 % interval"),
    Column("value_high", "Value to", Unit.MONEY, "upper end of the 95 % interval"),
    Column("contacts", "Contacts", Unit.COUNT, "in the period, by any decision or none"),
    Column("incremental", "Conversions brought", Unit.NUMBER, "conversions per contact x contacts"),
    Column("incremental_low", "Brought from", Unit.NUMBER, "lower end of the 95 % interval"),
    Column("incremental_high", "Brought to", Unit.NUMBER, "upper end of the 95 % interval"),
]


def _errors(known: Known) -> Table:
    records: list[Mapping[str, Value]] = [
        {
            "model": each.model,
            "error": each.error,
            "noise": each.noise,
            "rank": each.rank_correlation,
            "factor": each.factor,
            "too_much": each.verdicts[Verdict.TOO_MUCH],
            "too_little": each.verdicts[Verdict.TOO_LITTLE],
            "agrees": each.verdicts[Verdict.AGREES],
            "unclear": each.verdicts[Verdict.UNCLEAR],
        }
        for each in known.errors
    ]
    return Table.of("model_errors", "Models, the one closest to the lift first", _ERROR_COLUMNS, records)


_ERROR_COLUMNS = [
    Column("model", "Model"),
    Column(
        "error",
        "Error",
        Unit.NUMBER,
        "root of the mean squared distance of credit and lift, in conversions per contact, weighted by contacts",
    ),
    Column("noise", "By chance", Unit.NUMBER, "the error that a perfect model would have, because the lift itself is not exact"),
    Column(
        "rank",
        "Rank correlation",
        Unit.NUMBER,
        "Spearman's, of credit and lift per contact; 1: the same order; needs 3 touchpoints",
    ),
    Column(
        "factor", "Credited / brought", Unit.NUMBER, "conversions credited over conversions brought, all touchpoints together"
    ),
    Column("too_much", "Too much", Unit.COUNT, "touchpoints credited above the interval of their lift"),
    Column("too_little", "Too little", Unit.COUNT, "touchpoints credited below the interval of their lift"),
    Column("agrees", "Agrees", Unit.COUNT, "touchpoints credited inside the interval, which leaves out 0"),
    Column("unclear", "Not distinguishable", Unit.COUNT, "touchpoints credited inside the interval, which holds 0 as well"),
]


def _holdout(known: Known) -> Table:
    effect = known.holdout
    records: list[Mapping[str, Value]] = []
    if effect is not None:
        records.append(
            {
                "customers": effect.persons,
                "held_out": effect.reference_persons,
                "rate": effect.mean,
                "held_out_rate": effect.reference_mean,
                "difference": effect.difference,
                "low": effect.always_low,
                "high": effect.always_high,
                "incremental": effect.difference * effect.persons,
            }
        )
    return Table.of("holdout", "All touchpoints together, against the holdout", _HOLDOUT_COLUMNS, records)


_HOLDOUT_COLUMNS = [
    Column("customers", "Customers", Unit.COUNT, "under the policy, with a decision in the period"),
    Column("held_out", "Held out", Unit.COUNT, "customers whom the brand left alone, drawn by chance"),
    Column("rate", "Converted", Unit.SHARE, "customers under the policy who converted in the period after their first decision"),
    Column("held_out_rate", "Held out who converted", Unit.SHARE, "the same of those held out"),
    Column("difference", "Difference", Unit.SHARE, "what all touchpoints together change"),
    Column("low", "from", Unit.SHARE, "lower end of the 95 % interval that may be looked at every day"),
    Column("high", "to", Unit.SHARE, "upper end of the 95 % interval that may be looked at every day"),
    Column("incremental", "Customers won", Unit.NUMBER, "difference x customers"),
]
