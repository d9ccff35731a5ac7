"""The pages of a snapshot in a real browser, served by the real service, which asks for a key."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Error, Page, expect

PAGES = ["/console", "/console/touchpoints", "/console/journeys"]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 812}


def draw_all(page: Page) -> None:
    for index in range(page.locator(".plot").count()):
        page.locator(".plot").nth(index).scroll_into_view_if_needed()
    expect(page.locator(".plot[data-drawn]")).to_have_count(page.locator(".plot").count())


def opened(page: Page) -> Page:
    """The same, with the numbers of the first figure open."""
    page.get_by_text("Numbers as a table: Conversion by touchpoint").click()
    return page


def volumes(page: Page) -> list[str]:
    return page.locator("#table-rates tbody td:nth-child(2)").all_inner_texts()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desktop", "phone"])
def test_pages_render_without_complaints_and_fit_the_width(visit: Callable[..., Any], size: dict[str, int]) -> None:
    window = visit(viewport=size)
    for path in PAGES:
        page = window.go(path)
        draw_all(page)
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_something_is_painted_within_a_second(visit: Callable[..., Any]) -> None:
    window = visit()
    window.go("/console")  # the first page of a process fills caches
    page = window.go("/console/touchpoints")
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")  # noted a moment after it was painted
    assert page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") < 1000


def test_headings_go_down_by_one_figures_are_named_and_ids_are_unique(visit: Callable[..., Any]) -> None:
    page = visit().go("/console/touchpoints")
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(each => Number(each.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= before + 1 for before, later in pairwise(levels))
    assert page.locator("[role=img]:not([aria-label])").count() == 0
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == page.locator("[id]").count()
    for landmark in ("main", "banner", "contentinfo"):
        expect(page.get_by_role(landmark)).to_have_count(1)  # type: ignore[arg-type]
    assert page.locator("nav a[aria-current=page]").all_inner_texts() == ["Touchpoints"]


def test_the_keyboard_alone_skips_to_the_content_and_its_place_is_seen(visit: Callable[..., Any]) -> None:
    page = visit().go("/console/touchpoints")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_table_sorts_by_click_and_by_keyboard_and_nothing_comes_last(visit: Callable[..., Any]) -> None:
    page = opened(visit().go("/console/touchpoints"))
    heading = page.locator("#table-rates th", has_text="Volume")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert volumes(page)[:2] == ["1,900", "1,800"]
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert volumes(page)[:2] == ["0", "100"]
    cost = page.locator("#table-rates th", has_text="Cost")
    for _ in range(2):
        cost.get_by_role("button").click()
        assert page.locator("#table-rates tbody tr").last.locator("td").nth(5).inner_text() == "\u2013"


def test_a_long_table_is_short_at_first(visit: Callable[..., Any]) -> None:
    page = opened(visit().go("/console/touchpoints"))
    rows = page.locator("#table-rates tbody tr")
    expect(rows.nth(12)).to_be_hidden()
    page.get_by_role("button", name="Show all 20 rows").click()
    expect(rows.nth(19)).to_be_visible()


def test_the_numbers_of_a_figure_open_as_a_table(visit: Callable[..., Any]) -> None:
    page = visit().go("/console/touchpoints")
    numbers = page.locator("#table-weeks")
    expect(numbers).to_be_hidden()
    page.get_by_text("Numbers as a table: Conversion by week").click()
    expect(numbers.get_by_text("12 Jan 2026").first).to_be_visible()


def test_a_csv_from_the_console_is_the_csv_of_the_api(visit: Callable[..., Any], served: Any) -> None:
    page = opened(visit().go("/console/touchpoints"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Every touchpoint as CSV").click()
    api = httpx.get(f"{served.url}/v1/insights/touchpoints/rates?format=csv", headers={"X-API-Key": served.key})
    assert Path(download.value.path()).read_bytes() == api.content
    assert api.text.startswith("touchpoint,volume,rate,low,high,cost,seen,shrunk\r\n<script>")


def test_a_theme_is_chosen_and_remembered_and_figures_follow(visit: Callable[..., Any]) -> None:
    page = visit().go("/console/touchpoints")
    draw_all(page)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator(".plot[data-drawn=dark]")).to_have_count(4)
    dark = page.evaluate(ground)
    page.reload()
    assert page.evaluate(ground) == dark != light


def test_the_menu_of_a_phone_opens_and_leads_on(visit: Callable[..., Any]) -> None:
    page = visit(viewport=PHONE).go("/console")
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Touchpoints")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Touchpoints")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_enough_to_be_read(visit: Callable[..., Any], scheme: str) -> None:
    page = visit(color_scheme=scheme).go("/console/touchpoints")
    assert page.evaluate(_CONTRASTS) == []


# WCAG 2.2, success criterion 1.4.3: 4.5 to 1; relative luminance as defined there
_CONTRASTS = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parts(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const each of document.querySelectorAll("body *:not(script):not(svg):not(svg *)")) {
    const text = [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!text || !each.checkVisibility() || each.closest(".skip, .canvas")) continue;
    const [a, b] = [light(parts(getComputedStyle(each).color)), light(ground(each))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(each.outerHTML.slice(0, 80));
  }
  return bad;
}"""


def test_a_browser_is_asked_for_the_key_and_a_wrong_one_shows_nothing(browser: Browser, served: Any) -> None:
    with browser.new_context() as context, pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
        context.new_page().goto(served.url + "/console")  # nobody is there to type it
    with browser.new_context(http_credentials={"username": "guessed", "password": ""}) as context:
        answer = context.new_page().goto(served.url + "/console")
        assert answer is not None and answer.status == 401


def test_the_report_opens_from_a_file_and_asks_nobody(browser: Browser, served: Any, tmp_path: Path) -> None:
    from features.insights.snapshot import current_snapshot
    from serving.console.report import report_html

    snapshot = current_snapshot(served.home / "insights")
    assert snapshot is not None
    path = tmp_path / "report.html"
    path.write_text(report_html(snapshot), encoding="utf-8")
    with browser.new_context(viewport=PHONE) as context:
        page, asked, complaints = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        draw_all(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        opened(page)
        with page.expect_download() as download:
            page.locator("#touchpoints-table-rates").get_by_role("link", name="CSV").click()
        table = snapshot.page("touchpoints").table("rates")  # type: ignore[union-attr]
        assert Path(download.value.path()).read_bytes().decode() == table.csv()  # type: ignore[union-attr]
    assert [address for address in asked if not address.startswith("data:")] == [path.as_uri()]
    assert complaints == []
