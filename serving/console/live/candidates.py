"""What could be chosen: every candidate with its standing, the probabilities, and what its value is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from features.domain import NONE
from features.insights import Column, Figure, Section, Table, Unit
from features.insights.figures import bars
from features.insights.table import Value
from serving.deciding.record import DecisionRecord, Parts, ScoredCandidate
from serving.looking_back.explain import CandidateExplained, Explanation, Standing

STANDINGS: Mapping[Standing, str] = {
    Standing.CHOSEN: "chosen",
    Standing.RULED_OUT: "ruled out",
    Standing.OUTVALUED: "worth less",
    Standing.NOT_DRAWN: "not drawn",
}
_COSTS = frozenset({"cost", "incentive", "fatigue"})
_MOST_DRAWN = 12
_COLUMNS = (
    Column("touchpoint", "Touchpoint"),
    Column("standing", "What became of it"),
    Column(
        "probability",
        "Probability",
        Unit.SHARE,
        "P(the policy chooses it) of what is eligible, `none` included; sums to 100 %.",
    ),
    Column("net_value", "Expected value", Unit.MONEY, "What it brings beyond doing nothing, after all costs."),
    Column("propensity", "Converts", Unit.SHARE, "P(the customer converts | this touchpoint), within the objective's window."),
    Column("uplift", "Uplift", Unit.SHARE, "How much likelier that is than when nothing is done, in points."),
    Column("rule", "Dropped by", explains="The first stage of the rules that dropped it, and which rule."),
    Column("until", "Until", Unit.TIME, "When that rule no longer stands in the way, where time alone removes it."),
    Column("lever", "Lever", Unit.NUMBER, "The business's own weight; 1 changes nothing."),
    Column("priority", "Ordered by", Unit.NUMBER, "What the touchpoints are ordered by: expected value, weighed by the lever."),
)
_PARTS = (
    Column("touchpoint", "Touchpoint"),
    Column("part", "Part"),
    Column("money", "Value", Unit.MONEY, "Costs are negative; the parts of a touchpoint sum to its expected value."),
)


def candidates_section(record: DecisionRecord, explanation: Explanation, *, chosen: str = "chosen") -> Section:
    """All candidates, best first, those that are not eligible last.

    Parameters
    ----------
    chosen : the word for the one that was chosen.
    """
    told = {each.touchpoint: each for each in explanation.candidates}
    ordered = sorted(record.candidates, key=lambda each: (not each.eligible, each.touchpoint != record.chosen, -each.priority))
    words = {**STANDINGS, Standing.CHOSEN: chosen}
    rows = [_row(each, told[each.touchpoint], words) for each in ordered]
    shares = Table.of("candidates", "All candidates", _COLUMNS, rows)
    parts = parts_table(ordered)
    likely = Table.of("candidates", "All candidates", _COLUMNS, [row for row in rows if row["probability"]])
    figures = [bars(likely, "How likely each is to be chosen", label="touchpoint", value="probability")]
    if parts.rows:
        figures.append(parts_figure(parts))
    return Section(
        name="candidates",
        title="What could be chosen",
        words=_counted(record),
        figures=tuple(figures),
        tables=(shares, parts),
    )


def parts_table(candidates: Sequence[ScoredCandidate]) -> Table:
    """What the value of each candidate is made of; parts that are nothing are left out."""
    shown = [each for each in candidates if each.touchpoint != NONE][:_MOST_DRAWN]
    records = [
        {"touchpoint": each.touchpoint, "part": part.name, "money": -money if part.name in _COSTS else money}
        for each in shown
        for part in fields(Parts)
        if (money := getattr(each.parts, part.name))
    ]
    return Table.of("parts", "What the values are made of", _PARTS, records)


def parts_figure(table: Table) -> Figure:
    """The parts on one bar per touchpoint: what it brings to the right, what it costs to the left."""
    figure = bars(table, "What the values are made of", label="touchpoint", value="money", split="part")
    height = 130 + 40 * len(set(table.column("touchpoint")))
    return replace(figure, spec={**figure.spec, "layout": {**figure.spec["layout"], "barmode": "relative", "height": height}})


def _row(candidate: ScoredCandidate, told: CandidateExplained, words: Mapping[Standing, str]) -> dict[str, Value]:
    return {
        "touchpoint": candidate.touchpoint,
        "standing": words[told.verdict],
        "probability": candidate.probability,
        "net_value": candidate.net_value,
        "propensity": candidate.propensity,
        "uplift": candidate.uplift,
        "rule": None if candidate.eligible else f"{candidate.stage}: {candidate.rule}",
        "until": candidate.until.isoformat() if candidate.until else None,
        "lever": candidate.lever,
        "priority": candidate.priority,
    }


def _counted(record: DecisionRecord) -> tuple[str, ...]:
    eligible = sum(each.eligible for each in record.candidates)
    dropped = len(record.candidates) - eligible
    ruled = f"; rules leave out {dropped}" if dropped else ""
    return (f"{eligible} of {len(record.candidates)} touchpoints, doing nothing included, may be chosen{ruled}.",)
