"""The page: how journeys run and end, where they stall, which ways lead to a conversion, and what changed."""

from features.insights.journeys.comparison_sections import changes_section, segments_section
from features.insights.journeys.flow_section import flow_section
from features.insights.journeys.path_sections import converters_section, critical_section, paths_section
from features.insights.journeys.place_sections import ends_section, friction_section, matrix_section
from features.insights.journeys.summary import Summary
from features.insights.journeys.told import Told, tell
from features.insights.journeys.window import JourneyWindow
from features.insights.look import Look
from features.insights.page import Card, Page, Section
from features.insights.table import Unit
from features.instants import moment

_LEAD = (
    "A journey is what a customer and the brand do in a row; it ends with a conversion, or where nothing happens for {gap:g} "
    "days. These are the journeys that ended between {since:%Y-%m-%d} and {until:%Y-%m-%d}{open}."
)


def journeys_page(look: Look) -> Page:
    """Count journeys and tell of them."""
    told = tell(look)
    if told is None:
        return Page(name="journeys", title="Journeys", lead=_lead(look), cards=(), sections=(_nothing(look),))
    return Page(name="journeys", title="Journeys", lead=_lead(look), cards=_cards(told.whole), sections=_sections(told))


def _sections(told: Told) -> tuple[Section, ...]:
    return (
        flow_section(told),
        ends_section(told),
        friction_section(told),
        matrix_section(told),
        paths_section(told),
        converters_section(told),
        critical_section(told),
        changes_section(told),
        segments_section(told),
    )


def _cards(whole: Summary) -> tuple[Card, ...]:
    rate = whole.conversion
    told = "" if rate is None else f"95 %: {rate.low:.1%} to {rate.high:.1%}"
    return (
        Card(title="Journeys", value=whole.journeys, unit=Unit.COUNT, note=f"of {whole.customers:,} customers"),
        Card(title="Journeys that convert", value=None if rate is None else rate.value, unit=Unit.SHARE, note=told),
        Card(title="Median steps", value=whole.median_steps, unit=Unit.NUMBER, note="of a journey"),
        Card(title="Median duration", value=whole.median_days, unit=Unit.DAYS, note="of journeys with more than one interaction"),
    )


def _lead(look: Look) -> str:
    window, gap = JourneyWindow.of(look), look.catalogue.insights.journey_gap_days
    if window.empty:
        return "How customers move from touchpoint to touchpoint."
    still_open = "" if moment(window.until) >= look.period.until else "; what was later may yet go on"
    return _LEAD.format(gap=gap, since=look.period.since, until=moment(window.until), open=still_open)


def _nothing(look: Look) -> Section:
    gap = look.catalogue.insights.journey_gap_days
    if JourneyWindow.of(look).empty:
        why = (
            f"A journey has ended once nothing happened for {gap:g} days, and the period begins less than that before the last "
            "that is known: look further back, or lower insights.journey_gap_days in the catalogue."
        )
    else:
        why = "No journey ended in the period: take in interactions with `touchpoint ingest`, or look at another period."
    return Section(name="map", title="How do journeys run?", empty=why)
