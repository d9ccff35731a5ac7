"""The health of the whole on one page: what the other pages say first, and how fresh all of it is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from features.insights import Card, Column, Page, Section, Table, Unit
from features.insights.look import Look

_OLD = timedelta(days=2)
_ALARMS = Column("what", "What"), Column("value", "Value", Unit.TEXT), Column("page", "Page", link="page")


def overview_page(look: Look, before: Sequence[Page]) -> Page:
    """The first card of every page, what raises an alarm, and what findings come first.

    Parameters
    ----------
    before : the pages that were made already.
    """
    by_name = {page.name: page for page in before}
    cards = [
        replace(card, link=page.name) for page in before for place, card in enumerate(page.cards) if place == 0 or card.alarm
    ]
    return Page(
        name="overview",
        title="Overview",
        lead="How customers, touchpoints and recommendations are doing, and what to look at first.",
        cards=(_freshness(look), *sorted(cards, key=lambda card: not card.alarm)),
        sections=(_alarms(before), *_first(by_name, "findings"), *_first(by_name, "touchpoints"), *_first(by_name, "policy")),
    )


def _freshness(look: Look) -> Card:
    age = look.now - look.known_until
    note = f"history is known up to {look.known_until:%Y-%m-%d %H:%M} UTC"
    return Card(title="Age of what is known", value=age / timedelta(days=1), unit=Unit.DAYS, note=note, alarm=age > _OLD)


def _alarms(before: Sequence[Page]) -> Section:
    raised = [(page, card) for page in before for card in page.cards if card.alarm]
    rows = [{"what": card.title, "value": card.note or str(card.value), "page": page.name} for page, card in raised]
    table = Table.of("alarms", "What somebody should look at", _ALARMS, rows)
    counted = "One thing wants" if len(rows) == 1 else f"{len(rows)} things want"
    words = f"{counted if rows else 'Nothing wants'} somebody to look."
    return Section(
        name="alarms", title="What somebody should look at", words=(words,), tables=(table,), empty="Nothing. All is well."
    )


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
