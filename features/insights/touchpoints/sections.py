"""Tells what the boards hold: touchpoints, stages, channels, segments, weeks, and what customers say."""

from features.insights.figures import Figure, bars, lines
from features.insights.page import Section
from features.insights.table import Table
from features.insights.touchpoints.boards import Board
from features.insights.touchpoints.estimates import Estimate
from features.insights.touchpoints.words import number, share

_SATISFACTION = ("csat", "nps", "ces", "sentiment")
_EFFORT = ("ces_easy", "repeat_contact", "until_resolution")
_LINES = ("engagement", "conversion", "csat")
_RATE = "Ingest ratings: a source's mapping gives `metric` (csat, nps or ces) and `score`, or `text` for sentiment."


def touchpoints_section(board: Board, weekly: Board) -> Section:
    """Every touchpoint with every measure, also week by week."""
    volume = board.measured.volume
    words = (
        f"{len(volume)} touchpoints had {volume.sum():,.0f} interactions, {share(volume[0] / volume.sum())} of them at "
        f"{board.measured.keys[0][0]}.",
        *_best(board, "conversion", "Customers convert most often after"),
        *_best(board, "engagement", "Contacts are answered most often at"),
    )
    return _section(board, "touchpoints", "How do the touchpoints compare?", words, ("engagement", "conversion"), weekly.tables)


def stages_section(board: Board) -> Section:
    """How many go on from each stage, and how many stop."""
    words = ["Going on to a later stage takes something done by the customer there; the last stage has none after it."]
    if ("unknown",) in board.measured.keys:
        words.append("Stage unknown is what happened at touchpoints that the catalogue does not list: add them.")
    title = "Where do customers go on, and where do they stop?"
    return _section(board, "stages", title, tuple(words), ("next_stage", "conversion", "drop_off"))


def channels_section(board: Board) -> Section:
    """The same by channel."""
    words = _best(board, "conversion", "Customers convert most often after")
    return _section(board, "channels", "How do the channels compare?", words, ("conversion",))


def segments_section(board: Board) -> Section:
    """The same by segment."""
    title = "How do the segments compare?"
    if not board.measured.keys:
        empty = "No customer is in a segment yet: the page on customer value makes segments, where it has enough history."
        return Section(name="segments", title=title, empty=empty)
    return _section(board, "segments", title, _best(board, "conversion", "Converting most often are"), ("conversion",))


def weeks_section(board: Board) -> Section:
    """How volume and rates went from week to week."""
    details = [(each, board.detail(each)) for each in map(board.measure, _LINES) if each is not None]
    known = [(each, table) for each, table in details if table.rows]
    volume = lines(board.overview, "Interactions by week", x="week", value="volume")
    rates = (
        lines(table, f"{each.title} by week", x="week", value="value", low="value_low", high="value_high")
        for each, table in known
    )
    return Section(
        name="weeks",
        title="How did it go from week to week?",
        words=(
            "Weeks begin on Monday, UTC. The first and the last may be cut by the period.",
            "Rates end where windows are not over yet.",
        ),
        figures=(volume, *rates),
        tables=(*board.tables, *(table for _, table in known)),
    )


def satisfaction_section(board: Board) -> Section:
    """What customers say, per touchpoint."""
    words = tuple(word for name in _SATISFACTION for word in _lowest(board, name))
    tables, figures = _details(board, (*_SATISFACTION, "csat_mean"))
    title = "How satisfied are customers?"
    return Section(name="satisfaction", title=title, words=words, figures=figures, tables=tables, empty=_RATE)


def effort_section(board: Board) -> Section:
    """How much work it is for customers."""
    tables, figures = _details(board, _EFFORT)
    words = ("Calls and complaints at the same touchpoint are taken to be about the same matter.",) if tables else ()
    empty = "Ingest calls, complaints and resolutions (kinds call, complaint and resolution), or CES ratings."
    title = "How much effort is it for customers?"
    return Section(name="effort", title=title, words=words, figures=figures, tables=tables, empty=empty)


def _section(
    board: Board, name: str, title: str, words: tuple[str, ...], shown: tuple[str, ...], more: tuple[Table, ...] = ()
) -> Section:
    tables, figures = _details(board, shown)
    return Section(name=name, title=title, words=words, figures=figures, tables=(*board.tables, *tables, *more))


def _details(board: Board, names: tuple[str, ...]) -> tuple[tuple[Table, ...], tuple[Figure, ...]]:
    """The tables of measures, as far as anything is known of them, and bars of each."""
    found = [each for each in map(board.measure, names) if each is not None]
    tables = [table for table in map(board.detail, found) if table.rows]
    label = board.measured.grouping.columns[0]
    figures = [bars(table, table.title, label=label, value="value", low="value_low", high="value_high") for table in tables]
    return tuple(tables), tuple(figures)


def _best(board: Board, name: str, words: str) -> tuple[str, ...]:
    known = _known(board, name)
    if len(known) < 2:
        return ()
    key, best = max(known, key=lambda pair: pair[1].value or 0.0)
    _, worst = min(known, key=lambda pair: pair[1].value or 0.0)
    told = f"{words} {key}: {share(best.value)} ({share(best.low)} to {share(best.high)})"
    apart = best.low is not None and worst.high is not None and best.low > worst.high
    return (f"{told}." if apart else f"{told}, which is not distinguishable from the others.",)


def _lowest(board: Board, name: str) -> tuple[str, ...]:
    measure, known = board.measure(name), _known(board, name)
    if measure is None or not known:
        return ()
    key, low = min(known, key=lambda pair: pair[1].value or 0.0)
    value, *ends = (share(each) if measure.is_share else number(each) for each in (low.value, low.low, low.high))
    interval = "" if low.low is None else f" ({ends[0]} to {ends[1]})"
    return (f"{measure.title} is lowest at {key}: {value}{interval}, {low.n:,} {measure.counted}.",)


def _known(board: Board, name: str) -> list[tuple[str, Estimate]]:
    if name not in board.estimates:
        return []
    pairs = zip(board.measured.keys, board.estimates[name], strict=True)
    return [(key[0], estimate) for key, estimate in pairs if estimate.value is not None]
