"""Tells of paths: the typical ones, what tells converters from others, and after which moments chances change."""

from features.insights.figures import bars
from features.insights.journeys.converters import Contrast
from features.insights.journeys.paths import LONGEST
from features.insights.journeys.told import Told
from features.insights.page import Section
from features.insights.table import Column, Table, Unit, Value

_MOST_ROWS = 100


def paths_section(told: Told) -> Section:
    """Typical paths."""
    columns = (
        Column("path", "Path", explains="steps of the whole journey, touchpoint and kind each"),
        Column("steps", "Steps", Unit.COUNT),
        Column("journeys", "Journeys", Unit.COUNT),
        Column("customers", "Customers", Unit.COUNT),
        Column("share", "Share", Unit.SHARE, "of all journeys"),
        Column("conversion", "Conversion", Unit.SHARE, "of these journeys, those that ended with a conversion"),
        Column("low", "Low", Unit.SHARE, "lower end of its 95 % interval (Wilson); journeys of one customer count together"),
        Column("high", "High", Unit.SHARE, "upper end"),
        Column("median_days", "Median days", Unit.DAYS, "from first to last interaction; half of these journeys took no longer"),
        Column("mean_value", "Mean value", Unit.MONEY, "of their conversions, where one has a value"),
        Column("value_low", "Low", Unit.MONEY, "lower end of its 95 % interval"),
        Column("value_high", "High", Unit.MONEY, "upper end"),
        Column(
            "shrunk", "Shrunk", Unit.YES_NO, "whether the conversion is drawn to that of these paths, because journeys are few"
        ),
    )
    records: list[dict[str, Value]] = [
        {
            "path": told.name(*path.places),
            "steps": len(path.places),
            "journeys": path.journeys,
            "customers": path.customers,
            "share": path.share,
            "conversion": path.conversion.value,
            "low": path.conversion.low,
            "high": path.conversion.high,
            "median_days": path.median_days,
            "mean_value": path.mean_value,
            "value_low": path.value_low,
            "value_high": path.value_high,
            "shrunk": path.conversion.shrunk,
        }
        for path in told.paths
    ]
    table = Table.of("paths", f"Most frequent paths of up to {LONGEST} steps", columns, records, note=told.note_on_small)
    covered = sum(path.share for path in told.paths)
    return Section(
        name="paths",
        title="Which paths are typical?",
        words=(f"The {len(told.paths)} most frequent paths are {covered:.1%} of all journeys.",) if told.paths else (),
        tables=(table,),
        empty=f"No journey has {LONGEST} steps or fewer.",
    )


def converters_section(told: Told) -> Section:
    """Converters against others."""
    columns = (
        Column("what", "Place or move"),
        Column("sort", "Sort", explains="place or move; each sort is compared within itself"),
        Column("converters", "Converters", Unit.COUNT, "how often in journeys that converted, before the conversion itself"),
        Column("others", "Others", Unit.COUNT, "how often in journeys that did not convert"),
        Column("converters_share", "Share of converters'", Unit.SHARE, "of all their places, or moves, before the conversion"),
        Column("others_share", "Share of others'", Unit.SHARE, "of all their places, or moves"),
        Column("log_odds", "Log-odds ratio", Unit.NUMBER, "above 0: more typical of converters; shrunk to 0 where there are few"),
        Column("low", "Low", Unit.NUMBER, "lower end of its 95 % interval; visits of one customer count as if all went alike"),
        Column("high", "High", Unit.NUMBER, "upper end"),
        Column("verdict", "Verdict", explains="distinguishable with a false discovery rate of 5 % within its sort, or not"),
    )
    kinds = (("place", told.contrasts.places), ("move", told.contrasts.moves))
    records: list[dict[str, Value]] = [
        {
            "what": told.name(*one.places),
            "sort": kind,
            "converters": one.converters,
            "others": one.others,
            "converters_share": one.converters_share,
            "others_share": one.others_share,
            "log_odds": one.log_odds,
            "low": one.low,
            "high": one.high,
            "verdict": _typical(one.log_odds) if one.distinguishable else "not distinguishable",
        }
        for kind, found in kinds
        for one in _ends_of(found)
    ]
    note = "Log-odds ratios with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008). Association, not effect."
    table = Table.of("converters", "Converters against others", columns, records, note=note)
    sure = [one for one in told.contrasts.places if one.distinguishable]
    words = []
    if sure and sure[0].log_odds > 0:
        words.append(f"Most typical of journeys that convert is {told.name(*sure[0].places)}.")
    if sure and sure[-1].log_odds < 0:
        words.append(f"Most typical of those that do not is {told.name(*sure[-1].places)}.")
    return Section(
        name="converters",
        title="What tells journeys that convert from others?",
        words=tuple(words) or (("No place tells them apart for sure.",) if records else ()),
        tables=(table,),
        empty="There is nothing to compare: no journey converts after another step, or every journey converts.",
    )


def _ends_of(found: tuple[Contrast, ...]) -> tuple[Contrast, ...]:
    return found if len(found) <= _MOST_ROWS else found[: _MOST_ROWS // 2] + found[-_MOST_ROWS // 2 :]


def _typical(log_odds: float) -> str:
    return "typical of converters" if log_odds > 0 else "typical of others"


def critical_section(told: Told) -> Section:
    """Critical moments."""
    columns = (
        Column("what", "Place or move"),
        Column("journeys", "Journeys", Unit.COUNT, "passages here, by step 1 to 8"),
        Column("others", "Others", Unit.COUNT, "at the same steps, elsewhere (move: from the same place, elsewhere)"),
        Column("with_it", "Conversion after it", Unit.SHARE, "passages whose journey converted later / passages"),
        Column("without", "Conversion of others", Unit.SHARE, "the same of the others, by step weighted as those here"),
        Column("difference", "Difference", Unit.SHARE, "Mantel-Haenszel risk difference over steps"),
        Column("low", "Low", Unit.SHARE, "lower end of its 95 % interval; journeys of one customer count together"),
        Column("high", "High", Unit.SHARE, "upper end"),
        Column("verdict", "Verdict", explains="distinguishable with a false discovery rate of 5 %, or not"),
    )
    records: list[dict[str, Value]] = [
        {
            "what": told.name(*moment.places),
            "journeys": moment.journeys,
            "others": moment.others,
            "with_it": moment.with_it,
            "without": moment.without,
            "difference": moment.difference,
            "low": moment.low,
            "high": moment.high,
            "verdict": ("higher" if moment.difference > 0 else "lower") if moment.distinguishable else "not distinguishable",
        }
        for moment in sorted(told.critical, key=lambda one: not one.distinguishable)[:_MOST_ROWS]
    ]
    note = "Compared with journeys at the same step. An association: who comes here may be others anyway."
    table = Table.of("critical", "Critical moments", columns, records, note=note)
    sure = [one for one in told.critical if one.distinguishable]
    words = [
        f"After {told.name(*one.places)}, {one.with_it:.1%} convert, against {one.without:.1%} of others who came as far "
        f"({one.low:+.1%} to {one.high:+.1%})."
        for one in sure[:3]
    ]
    drawn = Table(name=table.name, title=table.title, columns=columns, rows=table.rows[:15])
    figure = bars(drawn, "Difference in conversion", label="what", value="difference", low="low", high="high")
    last = "This is association, not effect." if records else ""
    return Section(
        name="critical",
        title="After which moments do chances change?",
        words=tuple(filter(None, [*(words or ["No moment is distinguishable." if records else ""]), last])),
        figures=(figure,) if records else (),
        tables=(table,),
        empty="Journeys take only one way so far: there is nothing to compare.",
    )
