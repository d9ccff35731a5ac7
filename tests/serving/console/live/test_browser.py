"""The main flow in a real browser, on a wide screen and on a phone: nothing complains, and nothing leaves the machine."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DARK = {"color_scheme": "dark"}


def ask(site: str, question: dict[str, Any]) -> None:
    assert httpx.post(f"{site}/v1/recommend", json=question).status_code == 200


def is_no_wider_than_the_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def see_drawn(page: Page, where: str) -> None:
    page.locator(f"{where} .plot").first.scroll_into_view_if_needed()
    page.locator(f"{where} .plot .canvas svg").first.wait_for()


@pytest.mark.parametrize("kind", [{}, PHONE | DARK], ids=["desk", "phone"])
def test_from_a_customer_to_what_if_to_a_replayed_decision(site: str, window: Callable[..., Any], kind: dict[str, Any]) -> None:
    ask(site, {"customer_id": "ann", "decision_id": "d/1", "defer": True})  # which counts as no contact yet
    page = window(**kind).go("/console/customers")
    page.get_by_label("Value").fill("ann")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Customer ann")
    best = page.locator("#best .answer")
    expect(best).to_be_visible()
    chosen = best.inner_text()

    see_drawn(page, "#candidates")
    assert is_no_wider_than_the_window(page)
    page.get_by_role("group", name="Leave out").get_by_label(chosen).check()
    page.get_by_role("button", name="See what changes").click()
    result = page.locator("#what-if-result")
    expect(result.locator(".before .what")).to_have_text(chosen)
    expect(result.locator(".after .what")).not_to_have_text(chosen)
    expect(result.get_by_text("excluded by the request").first).to_be_visible()
    expect(page.get_by_role("group", name="Leave out").get_by_label(chosen)).to_be_checked()
    assert is_no_wider_than_the_window(page)

    page.locator("#journey").get_by_role("link", name="why d/1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Decision d/1")
    page.get_by_role("button", name="Take it again").click()
    expect(page.get_by_text("The same answer, to the last digit")).to_be_visible()
    recorded, again = page.locator("#replayed .what").all_inner_texts()
    assert recorded == again
    assert is_no_wider_than_the_window(page)


def test_a_search_with_an_address_leaves_none_in_the_browser(site: str, window: Callable[..., Any]) -> None:
    ask(site, {"identifiers": {"email": "eve@example.com"}, "decision_id": "d1"})
    page = window().go("/console/decisions")
    page.get_by_label("Customer", exact=True).fill("eve@example.com")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("a[href='/console/decisions/d1']")).to_be_visible()
    assert "eve" not in page.url and "eve" not in page.content().replace("every", "").replace("Every", "")
    page.locator("a[href='/console/decisions/d1']").click()
    page.go_back()
    expect(page.locator("a[href='/console/decisions/d1']")).to_be_visible()
    assert "eve" not in page.url


def test_what_may_be_supposed_is_reached_with_the_keyboard_alone(site: str, window: Callable[..., Any]) -> None:
    page = window().go("/console/customers/ann")
    page.get_by_role("checkbox", name="mail.offer").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#what-if-result")).to_be_visible()
    page.get_by_text("More to suppose").press("Enter")
    page.get_by_label("Feature").first.fill("kind_purchase_lifetime_count")
    page.locator("input[name=value]").first.fill("0")
    page.locator("input[name=value]").first.press("Enter")
    expect(page.locator("input[name=feature]").first).to_have_value("kind_purchase_lifetime_count")
    expect(page.locator("#what-if-result .differences")).to_contain_text("mail.offer")


def test_a_page_is_read_without_scripts(site: str, window: Callable[..., Any]) -> None:
    page = window(java_script_enabled=False).go("/console/customers/ann?exclude=mail.offer")
    expect(page.locator("#what-if-result")).to_be_visible()
    expect(page.get_by_role("table").first).to_be_visible()
