"""Templates: what comes from data is text, whatever it looks like."""

import json
import re
from urllib.parse import unquote

from features.insights import Column, Figure, Page, Section, Table, Unit
from serving.console.render import MOST_ROWS, place, render

HOSTILE = "</script><script>alert('x')</script>"


def rendered(page: Page, **context: object) -> str:
    around = {"active": "", "title": page.title, "snapshot": None, "navigation": {}, "currency": "EUR", "base_url": None}
    return render("page.html", page=page, **(around | context))


def page_of(*sections: Section) -> Page:
    return Page(name="journeys", title="Journeys", lead="", sections=sections)


def test_hostile_names_stay_text_everywhere() -> None:
    columns = (Column("name", HOSTILE, explains=HOSTILE, link="customer"),)
    table = Table(name="names", title=HOSTILE, columns=columns, rows=((HOSTILE,),), note=HOSTILE)
    figure = Figure(title=HOSTILE, spec={"data": [{"type": "bar", "y": [HOSTILE], "x": [1]}], "layout": {}}, table="names")
    text = rendered(page_of(Section(name="s", title=HOSTILE, words=(HOSTILE,), figures=(figure,), tables=(table,))))
    assert "alert('x')" not in text
    (spec,) = re.findall(r'<script type="application/json">(.*?)</script>', text)
    assert json.loads(spec)["data"][0]["y"] == [HOSTILE]


def test_a_link_never_leaves_the_console() -> None:
    assert place("customer", "javascript:alert(1)//x?y#z") == "/console/customers/javascript%3Aalert%281%29%2F%2Fx%3Fy%23z"
    assert place("page", "findings#friction_web") == "/console/findings#friction_web"
    assert place("page", "overview#words") == "/console#words"
    assert place("customer", None) is None


def test_a_table_without_a_server_brings_its_csv_along() -> None:
    table = Table(name="t", title="T", columns=(Column("a", "A"),), rows=(("1,2",), ("é",)))
    (address,) = re.findall(
        r'href="data:text/csv;charset=utf-8,([^"]*)"', rendered(page_of(Section(name="s", title="S", tables=(table,))))
    )
    assert unquote(address) == table.csv()


def test_money_is_named_in_the_heading_and_a_missing_value_is_a_dash() -> None:
    table = Table(name="t", title="T", columns=(Column("m", "Revenue", Unit.MONEY),), rows=((1.5,), (None,)))
    text = rendered(page_of(Section(name="s", title="S", tables=(table,))))
    assert re.findall(r"<td[^>]*>(.*?)</td>", text) == ["1.50", "\u2013"]
    assert 'Revenue <span class="unit">EUR</span>' in text


def test_a_huge_table_shows_its_first_rows_and_says_so() -> None:
    rows = tuple((number,) for number in range(MOST_ROWS + 1))
    table = Table(name="t", title="T", columns=(Column("n", "N", Unit.COUNT),), rows=rows)
    text = rendered(page_of(Section(name="s", title="S", tables=(table,))))
    assert text.count("<td") == MOST_ROWS and "The first 500 of 501 rows" in text


def test_a_section_without_rows_says_what_to_do() -> None:
    table = Table(name="t", title="T", columns=(Column("n", "N"),), rows=())
    empty = Section(name="s", title="S", tables=(table,), empty="Map scores in a source.")
    text = rendered(page_of(empty))
    assert "Map scores in a source." in text and "<table" not in text


def test_what_stands_alone_begins_with_a_capital_letter() -> None:
    text = rendered(page_of(Section(name="s", title="S", empty="no decision yet, -0.5% to 2 %")))
    assert "No decision yet, \u22120.5\u00a0% to 2\u00a0%" in text


def test_a_very_long_text_opens_on_demand_so_that_its_row_stays_low() -> None:
    words = "reason; " * 60
    table = Table(name="t", title="T", columns=(Column("a", "A"),), rows=((words,),))
    text = rendered(page_of(Section(name="s", title="S", tables=(table,))))
    assert "...</summary>" + words.strip() in text


def test_a_table_drawn_by_a_figure_is_shown_once() -> None:
    first, second = (Table(name=name, title=name, columns=(Column("a", "A"),), rows=(("x",),)) for name in ("one", "two"))
    figures = tuple(Figure(title=f"of {name}", spec={"data": [], "layout": {}}, table=name) for name in ("one", "two", "two"))
    text = rendered(page_of(Section(name="s", title="S", figures=figures, tables=(first, second))))
    assert (text.count('id="table-one"'), text.count('id="table-two"'), text.count("Numbers as a table")) == (1, 1, 1)


def test_a_long_table_that_a_figure_shows_is_opened_from_it() -> None:
    table = Table(name="one", title="one", columns=(Column("a", "A"),), rows=(("x",),) * 16)
    figure = Figure(title="of one", spec={"data": [], "layout": {}}, table="one")
    text = rendered(page_of(Section(name="s", title="S", figures=(figure,), tables=(table,))))
    assert (text.count('id="table-one"'), text.count("Numbers as a table")) == (1, 1)
    assert text.index("Numbers as a table") < text.index('id="table-one"')
