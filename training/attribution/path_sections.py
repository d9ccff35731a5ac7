"""The page's sections on paths: how customers go from touchpoint to touchpoint, which paths there are, and what was left out."""

from collections.abc import Iterator, Mapping

import numpy as np

from features.insights import Column, Section, Table, Unit
from features.insights.figures import heatmap
from features.insights.intervals import wilson_of
from features.insights.table import Value
from training.attribution.bootstrap import steps_of_groups
from training.attribution.known import LONGEST_PATH, Known
from training.attribution.paths import Floats, Ints

_MOST_ROWS = 14


def transitions_section(known: Known) -> Section:
    """The transition matrix of the Markov chain of order 1."""
    names, steps = known.names, steps_of_groups(known.journeys.paths).sum(axis=0)[:, :-1]
    order = np.argsort(-steps[:-1].sum(axis=1), kind="stable")[:_MOST_ROWS]
    table = Table.of(
        "transitions",
        "Transition matrix of order 1",
        _STEP_COLUMNS,
        _step_records(names, steps, order, share=known.journeys.share),
        note=f"The {len(order)} touchpoints met most, of {len(names)}.",
    )
    title = "From each touchpoint: where paths go next"
    return Section(
        name="transitions",
        title="How do paths go on?",
        words=("Each row is a touchpoint, each column what comes next; rows sum to 100 %.", _strongest(table)),
        figures=(heatmap(table, title, x="to", y="from", value="probability"),),
        tables=(table,),
    )


def paths_section(known: Known) -> Section:
    """The paths that credit rests on, and what it leaves out."""
    share = known.journeys.share
    sampled = "" if share >= 1.0 else f" A sample of {share:.1%} of all customers was looked at, and scaled up."
    lengths, ended = known.journeys.paths.lengths, known.journeys.paths.conversions + known.journeys.paths.nulls
    mean = float(lengths @ ended) / float(ended.sum())
    return Section(
        name="paths",
        title="Which paths does this rest on?",
        words=(f"Touches on a path, on average: {mean:.2f}.{sampled}",),
        tables=(_frequent(known), _coverage(known)),
    )


def _step_records(names: tuple[str, ...], steps: Floats, order: Ints, *, share: float) -> Iterator[Mapping[str, Value]]:
    rows = [len(names), *(int(code) for code in order)]
    columns = [*(int(code) for code in order), len(names), len(names) + 1]
    source, target = (*names, "(beginning)"), (*names, "(conversion)", "(none)")
    for row in rows:
        total = float(steps[row].sum())
        for column in columns:
            if steps[row, column] > 0.0:
                chance = steps[row, column] / total
                low, high = wilson_of(steps[row, column] * share, total * share)
                yield {
                    "from": source[row],
                    "to": target[column],
                    "probability": float(chance),
                    "low": low,
                    "high": high,
                    "steps": round(float(steps[row, column])),
                }


def _strongest(table: Table) -> str:
    inside = [each for each in table.records if each["from"] != "(beginning)" and not str(each["to"]).startswith("(")]
    if not inside:
        return "No path has two touches."
    most = max(inside, key=lambda each: float(each["steps"] or 0))
    return f"The most frequent step is from {most['from']} to {most['to']}: {most['steps']:,} times."


_STEP_COLUMNS = [
    Column("from", "From"),
    Column("to", "To"),
    Column("probability", "Probability", Unit.SHARE, "steps from there to here / all steps from there"),
    Column("low", "from", Unit.SHARE, "lower end of the 95 % interval (Wilson), as if paths were independent"),
    Column("high", "to", Unit.SHARE, "upper end of the 95 % interval"),
    Column("steps", "Steps", Unit.COUNT, "how often paths of the period went so"),
]


def _frequent(known: Known) -> Table:
    records: list[Mapping[str, Value]] = []
    for each in known.frequent:
        low, high = wilson_of(each.conversions, each.times)
        records.append(
            {
                "path": " > ".join(each.touches),
                "times": round(each.times / known.journeys.share),
                "conversions": round(each.conversions / known.journeys.share),
                "rate": each.conversions / each.times,
                "low": low,
                "high": high,
            }
        )
    note = f"Of paths with more than {LONGEST_PATH} touches, all that begin alike count together."
    return Table.of("paths", "Most frequent paths", _PATH_COLUMNS, records, note=note)


_PATH_COLUMNS = [
    Column("path", "Path", explains="touches in order, since the conversion before and within insights.attribution_days"),
    Column(
        "times", "Times", Unit.COUNT, "how often it ended in the period, in a conversion or because its window closed without one"
    ),
    Column("conversions", "Conversions", Unit.COUNT, "how often it ended in one"),
    Column("rate", "Converted", Unit.SHARE, "conversions / times"),
    Column("low", "from", Unit.SHARE, "lower end of the 95 % interval (Wilson), as if paths were independent"),
    Column("high", "to", Unit.SHARE, "upper end of the 95 % interval"),
]


def _coverage(known: Known) -> Table:
    journeys = known.journeys
    rows = {
        "customers": (journeys.customers, "with a touch or a conversion since the attribution window before the period"),
        "conversions": (journeys.conversions, "of the period; all that one customer converted at one moment is one"),
        "conversions after a touch": (float(journeys.paths.conversions.sum()), "these are credited"),
        "conversions after no touch": (journeys.alone, "these are nobody's"),
        "journeys without conversion": (float(journeys.paths.nulls.sum()), "touches that no conversion followed in time"),
        "touches": (
            float((journeys.paths.lengths * (journeys.paths.conversions + journeys.paths.nulls)).sum()),
            "on all these paths",
        ),
        "decisions drawn by chance": (float(known.decisions), "with a known probability and a closed outcome window"),
    }
    records: list[Mapping[str, Value]] = [
        {"what": what, "count": round(count), "explained": explained} for what, (count, explained) in rows.items()
    ]
    columns = [Column("what", "What"), Column("count", "How many", Unit.COUNT), Column("explained", "That is")]
    return Table.of("coverage", "What credit rests on", columns, records)
