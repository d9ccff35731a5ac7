"""Finds out whether a text, as a rule a refused record in whatever shape it came, names one of given identifiers."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from urllib.parse import unquote

from features.domain import LONGEST_ID
from features.errors import IdentifierError
from features.identity import Names, type_of

_BORDERS = (r"[,;|\t]", r"[\s,;|\"'\[\](){}<>]+", r"[\s,;|\"'\[\](){}<>=&?/:]+")
"""A line of a table is cut at its delimiters, free text at blanks, an address on the web at what parts its parameters."""

_NUMBER = re.compile(r"[-+]?[\d.]+")
_NAMES_PERSONS = re.compile(
    r"id|no|nr|num|key|user|client|customer|account|member|person|contact|household|card|profile|who", re.IGNORECASE
)
_LONG_NUMBER = 6
"""Digits from which on a number is no price or count; a shorter one counts where its member's name is one of those above."""

_REMEMBERED = 100_000


class Naming:
    """Tells who is named in texts: a customer_id as it is, an e-mail address or cookie by its keyed hash.

    Parameters
    ----------
    wanted : the identifiers.
    """

    def __init__(self, wanted: Iterable[str], names: Names) -> None:
        self._wanted = frozenset(wanted)
        self._names = names
        self._types = sorted({type_ for each in self._wanted if (type_ := type_of(each, names.types)) is not None})
        self._is_wanted = lru_cache(_REMEMBERED)(self._is_one)  # the same few values fill most records

    def names_one(self, text: str) -> bool:
        """Whether the text, or any value in it where it is JSON, is or holds one of the identifiers."""
        return any(self._is_wanted(part) for name, value in _values(text) for part in _parts(value) if _may_name(name, part))

    def _is_one(self, part: str) -> bool:
        return part in self._wanted or any(self._is_of(type_, part) for type_ in self._types)

    def _is_of(self, type_: str, part: str) -> bool:
        with suppress(IdentifierError):
            return not self._wanted.isdisjoint(self._names.both(type_, part))
        return False


def _may_name(name: str | None, part: str) -> bool:
    """Whether a part of the value of that member may be somebody's name: a price of 12 is not customer 12."""
    short_number = len(part) < _LONG_NUMBER and _NUMBER.fullmatch(part) is not None
    return name is None or not short_number or _NAMES_PERSONS.search(name) is not None


def _values(text: str, member: str | None = None) -> Iterator[tuple[str | None, str]]:
    """What a text holds, each with the member it stands in: where it is JSON, names and values, JSON within JSON as well."""
    with suppress(ValueError, RecursionError):
        if text[:1] in ("{", "[", '"'):
            yield from _leaves(json.loads(text), member)
            return
    yield member, text


def _leaves(value: object, member: str | None) -> Iterator[tuple[str | None, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name, name
            yield from _leaves(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, member)
    elif isinstance(value, str):
        yield from _values(value, member)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield member, f"{value:.15g}"


def _parts(value: str) -> Iterator[str]:
    texts = {value, unquote(value)} if "%" in value else {value}
    parts = {part.strip(" \"'") for text in texts for border in _BORDERS for part in (text, *re.split(border, text))}
    return (part for part in parts if 0 < len(part) <= LONGEST_ID)
