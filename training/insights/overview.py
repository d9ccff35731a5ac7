"""The health of the whole on one page: what the other pages say first, and how fresh all of it is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from features.insights import Card, Column, Page, Section, Table, Unit
from features.insights.look import Look

_OLD = timedelta(days=2)
_ALARMS = (
    Column("what", "What"),
    Column("value", "Value"),
    Column("note", "Since when, or what it means"),
    Column("page", "Page", link="page"),
)
_SOURCES = ("Quiet sources", "Alarms of sources")
"""Titles of cards: what comes in wrongly makes all else wrong, so they come right after the findings."""

_Raised = tuple[Page, Card]


def overview_page(look: Look, before: Sequence[Page]) -> Page:
    """The first card of every page, what raises an alarm, and what findings come first.

    Parameters
    ----------
    before : the pages that were made already.
    """
    if not look.lake.exists("interactions"):
        return _page((Card(title=_AGE, value=None, unit=Unit.DAYS, note="no history yet"),), (_NO_HISTORY,))
    by_name = {page.name: page for page in before}
    shown = [(page, card) for page in before for place, card in enumerate(page.cards) if place == 0 or card.alarm]
    cards = [replace(card, link=page.name) for page, card in sorted(shown, key=_urgency)]
    firsts = (section for name in ("findings", "touchpoints", "policy") for section in _first(by_name, name))
    return _page((_freshness(look), *cards), (_alarms(before, look.catalogue.currency), *firsts))


def _page(cards: tuple[Card, ...], sections: tuple[Section, ...]) -> Page:
    return Page(
        name="overview",
        title="Overview",
        lead="How customers, touchpoints and recommendations are doing, and what to look at first.",
        cards=cards,
        sections=sections,
    )


_AGE = "Age of what is known"
_NO_HISTORY = Section(
    name="alarms",
    title="Is anything wrong?",
    words=("There is no history yet: run `touchpoint ingest`.",),
    empty="Then `touchpoint report` has something to look at.",
)


def _freshness(look: Look) -> Card:
    age = look.now - look.known_until
    note = f"history is known up to {look.known_until:%Y-%m-%d %H:%M} UTC"
    return Card(title=_AGE, value=age / timedelta(days=1), unit=Unit.DAYS, note=note, alarm=age > _OLD)


def _alarms(before: Sequence[Page], currency: str) -> Section:
    raised = sorted([(page, card) for page in before for card in page.cards if card.alarm], key=_urgency)
    rows = [
        {"what": card.title, "value": _written(card, currency), "note": card.note, "page": page.name} for page, card in raised
    ]
    table = Table.of("alarms", "Alarms", _ALARMS, rows)
    counted = "One thing wants" if len(rows) == 1 else f"{len(rows)} things want"
    words = f"{counted if rows else 'Nothing wants'} somebody to look."
    return Section(name="alarms", title="Is anything wrong?", words=(words,), tables=(table,), empty="Nothing. All is well.")


def _urgency(raised: _Raised) -> tuple[bool, bool, int]:
    """Alarms before all else; of these first the findings, then sources, then the others as their pages have them."""
    page, card = raised
    if not card.alarm:
        return True, False, 0
    return False, page.name != "findings", _SOURCES.index(card.title) if card.title in _SOURCES else len(_SOURCES)


def _written(card: Card, currency: str) -> str:
    """A card's value in words, since values of one column have many units."""
    if not isinstance(card.value, int | float) or isinstance(card.value, bool):
        return "" if card.value is None else str(card.value)
    match card.unit:
        case Unit.SHARE:
            return f"{card.value:.1%}"
        case Unit.MONEY:
            return f"{card.value:,.0f} {currency}" if abs(card.value) >= 1000 else f"{card.value:,.3g} {currency}"
        case Unit.DAYS:
            return f"{card.value:.1f} days"
        case _:
            return f"{card.value:,.0f}" if abs(card.value) >= 1000 else f"{card.value:.3g}"


def _first(by_name: dict[str, Page], name: str) -> Iterator[Section]:
    """The first section of a page, under that page's title."""
    page = by_name.get(name)
    if page is not None and page.sections:
        section = page.sections[0]
        tables = tuple(replace(table, name=f"{name}_{table.name}") for table in section.tables)
        figures = tuple(replace(figure, table=f"{name}_{figure.table}") for figure in section.figures)
        yield replace(
            section, name=f"{name}_{section.name}", title=f"{page.title}: {section.title}", tables=tables, figures=figures
        )
