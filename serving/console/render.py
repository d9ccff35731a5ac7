"""Fills templates; autoescape is on, so nothing that comes from data is ever taken for markup."""

import re
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from features.insights import Table, Unit
from serving.console.assets import address_of, inlined
from serving.console.navigation import TITLES
from serving.console.shown import shown

MOST_ROWS = 500
"""Rows of one table that a page has; all are in its CSV."""

_CODE = re.compile(r"`([^`]+)`")
_PERCENT = re.compile(r"(?<=\d) ?%")
_MINUS = re.compile(r"(?<![\w.,%/-])-(?=\d)")
_TEXTUAL = frozenset({Unit.TEXT, Unit.TIME, Unit.YES_NO})
_PLACES = {"customer": "/console/customers", "decision": "/console/decisions"}


def render(template: str, **context: Any) -> str:
    """A template of `serving/console/templates`, filled.

    Beside what Jinja has, templates know the filters `shown(unit, currency)`, `iso`, `day`, `prose`, `sentence`, `csv_address`
    and `figures_right`; and the functions `asset(file)`, which gives the address of a static file, `inlined(file)`, which gives
    its text, and `place(link, value)`.
    """
    return _environment().get_template(template).render(context)


def place(link: str | None, value: object) -> str | None:
    """The address in the console of what a value names, or None where it names nothing.

    >>> place("customer", "ann/1"), place("page", "findings#gaps"), place(None, "x")
    ('/console/customers/ann%2F1', '/console/findings#gaps', None)
    """
    if link is None or value is None or value == "":
        return None
    if link == "page":
        page, hash_mark, section = str(value).partition("#")
        return ("/console" if page == "overview" else f"/console/{quote(page, safe='')}") + hash_mark + quote(section)
    return f"{_PLACES.get(link, f'/console/{link}')}/{quote(str(value), safe='')}"


def csv_address(table: Table) -> str:
    """The whole table as an address that needs no server.

    >>> csv_address(Table(name="t", title="T", columns=(), rows=()))
    'data:text/csv;charset=utf-8,%0D%0A'
    """
    return "data:text/csv;charset=utf-8," + quote(table.csv())


def prose(words: str) -> Markup:
    r"""A sentence as markup: what stands between backticks is code; a number stays with its unit, and has a real minus sign.

    >>> str(prose("Run `touchpoint report` <now>, 95 %"))
    'Run <code>touchpoint report</code> &lt;now&gt;, 95\xa0%'
    >>> print(ascii(str(prose("2026-01-31: -7%, `x -1`"))))
    '2026-01-31: \u22127\xa0%, <code>x -1</code>'
    """
    words_and_code = _CODE.split(str(escape(words)))
    return Markup("".join(f"<code>{each}</code>" if place % 2 else _typeset(each) for place, each in enumerate(words_and_code)))


def sentence(words: str) -> str:
    """Words that begin with a capital letter, as what is shown alone does.

    >>> sentence("nothing yet"), sentence("")
    ('Nothing yet', '')
    """
    return f"{words[:1].upper()}{words[1:]}"


def _typeset(words: str) -> str:
    return _MINUS.sub("\u2212", _PERCENT.sub("\u00a0%", words))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("serving.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"shown": shown, "iso": _iso, "day": _day, "prose": prose, "sentence": sentence}
    environment.filters |= {"csv_address": csv_address, "figures_right": _figures_right}
    environment.globals |= {"asset": address_of, "inlined": inlined, "place": place, "titles": TITLES, "most_rows": MOST_ROWS}
    return environment


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _figures_right(unit: Unit) -> bool:
    return unit not in _TEXTUAL
