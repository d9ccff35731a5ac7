"""A page of results: cards on top, then sections of words, a figure and tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from features.insights.figures import Figure
from features.insights.table import Table, Unit, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One number that somebody wants to see first.

    Attributes
    ----------
    note : its interval, or what it is compared with.
    link : the page that has more, as its name.
    alarm : whether somebody should look.
    """

    title: str
    value: Value
    unit: Unit
    note: str = ""
    link: str | None = None
    alarm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question and its answer.

    Attributes
    ----------
    name : unique within its page; snake_case.
    words : what the numbers say, or how to read them; a sentence each.
    tables : the first is shown, the others can be opened.
    empty : what to do so that there will be something here; shown where no table has a row.
    """

    name: str
    title: str
    words: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    empty: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything about one subject.

    Attributes
    ----------
    name : part of addresses; snake_case.
    lead : what can be learnt here, in a sentence.
    """

    name: str
    title: str
    lead: str
    cards: tuple[Card, ...] = ()
    sections: tuple[Section, ...] = ()

    @property
    def tables(self) -> Iterator[Table]:
        """All tables of the page."""
        for section in self.sections:
            yield from section.tables

    def table(self, name: str) -> Table | None:
        """The table of that name, or None."""
        return next((table for table in self.tables if table.name == name), None)

    def as_json(self) -> dict[str, Any]:
        """In values that JSON has."""
        return {
            "name": self.name,
            "title": self.title,
            "lead": self.lead,
            "cards": [_card_json(card) for card in self.cards],
            "sections": [_section_json(section) for section in self.sections],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Page":
        """The page that `as_json` told of."""
        cards = tuple(Card(**{**card, "unit": Unit(card["unit"])}) for card in told["cards"])
        sections = tuple(map(_section_from, told["sections"]))
        return cls(name=told["name"], title=told["title"], lead=told["lead"], cards=cards, sections=sections)


def _card_json(card: Card) -> dict[str, Any]:
    return {
        "title": card.title,
        "value": card.value,
        "unit": card.unit.value,
        "note": card.note,
        "link": card.link,
        "alarm": card.alarm,
    }


def _section_json(section: Section) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "words": list(section.words),
        "figures": [{"title": each.title, "spec": each.spec, "table": each.table} for each in section.figures],
        "tables": [table.as_json() for table in section.tables],
        "empty": section.empty,
    }


def _section_from(told: Mapping[str, Any]) -> Section:
    return Section(
        name=told["name"],
        title=told["title"],
        words=tuple(told["words"]),
        figures=tuple(Figure(**figure) for figure in told["figures"]),
        tables=tuple(map(Table.from_json, told["tables"])),
        empty=told["empty"],
    )
