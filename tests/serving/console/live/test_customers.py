"""The pages of customers: who they are, what may be sent, what would be best; and they look only."""

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from features.experiment import Arm, arm_of
from features.insights import Period
from features.insights.snapshot import keep_snapshot
from serving.console.shown import NOTHING

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"' \u202eltr#?%2f"


def text_of(html: str) -> str:
    """What is to be read, without markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def page(client: Any, name: str, query: str = "") -> str:
    response = client.get(f"/console/customers/{quote(name, safe='')}{query}")
    assert response.status_code == 200, response.text
    return str(response.text)


def look_up(client: Any, value: str, by: str = "customer_id") -> Any:
    return client.post("/console/customers", data={"by": by, "value": value})


def everything(journal: Path) -> dict[str, list[Any]]:
    with sqlite3.connect(journal) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


def test_a_search_leads_to_the_page(client: Any) -> None:
    assert client.get("/console/customers").status_code == 200
    found = look_up(client, "ann")
    assert (found.status_code, found.headers["location"]) == (303, "/console/customers/ann")


def test_who_was_decided_for_lately_is_a_click_away(client: Any) -> None:
    for number, name in enumerate(("ann", "zoe", "ann", "a/b")):
        client.bench.clock.now = NOW + timedelta(minutes=number)
        client.post("/v1/recommend", {"customer_id": name})
    shown = client.get("/console/customers").text
    assert re.findall(r'<li><a href="/console/customers/([^"]+)"', shown) == ["a%2Fb", "ann", "zoe"]
    assert "12:02 UTC" in shown and "12:00 UTC" not in shown


def test_an_address_is_hashed_at_the_door_and_stands_nowhere_in_clear(client: Any) -> None:
    client.post(
        "/v1/interactions", {"identifiers": {"email": "eve@example.com"}, "touchpoint": "store.checkout", "kind": "visit"}
    )
    for found in (
        look_up(client, "eve@example.com", "email"),
        look_up(client, "email=eve@example.com"),
        look_up(client, "eve@example.com"),
    ):
        assert found.status_code == 303 and found.headers["location"].startswith("/console/customers/email%3A")
    straight = client.get("/console/customers/email=eve@example.com")
    assert (straight.status_code, straight.headers["location"]) == (303, found.headers["location"])
    shown = client.get(found.headers["location"])
    assert shown.status_code == 200 and "eve@" not in shown.text
    assert "visit" in text_of(shown.text) and shown.headers["referrer-policy"] == "same-origin"


NOBODY = [
    ("nobody", "customer_id", 404),
    ("eve@example.com", "email", 404),
    ("eve@example.com", "customer_id", 404),
    ("", "customer_id", 400),
    ("eve", "email", 400),
    ("x", "shoe_size", 400),
    ("a\x00b", "customer_id", 400),
    ("x" * 501, "customer_id", 400),
    ("x" * 201, "customer_id", 400),
]


def test_a_search_that_finds_nobody_says_so_and_repeats_nothing(client: Any) -> None:
    for value, by, status in NOBODY:
        found = look_up(client, value, by)
        assert found.status_code == status, value
        assert 'role="alert"' in found.text and "location" not in found.headers
        assert len(value) < 6 or value not in found.text


def test_nobodys_page_is_a_friendly_refusal(client: Any) -> None:
    for path in ("nobody", "x" * 201, "%00", "email=eve@example.com", "a/b"):
        response = client.get(f"/console/customers/{path}", follow_redirects=True)
        assert response.status_code == (400 if path in ("x" * 201, "%00") else 404)
        assert "Look up a customer" in response.text


def test_the_page_says_what_is_known_and_what_would_be_best(ruled: Any) -> None:
    shown = text_of(page(ruled, "ann"))
    record = ruled.post("/v1/recommend", {"customer_id": "ann", "dry_run": True, "limit": 9}).json()
    likeliest = max(record["recommendations"], key=lambda each: each["probability"])
    assert likeliest["touchpoint"] == "mail.offer"
    assert "Next best touchpoint mail.offer" in shown
    assert likeliest["reasons"][0] in shown
    assert "age: 41" in shown and "tier: gold" in shown
    assert "Number of purchases" in shown or "kind_purchase_lifetime_count" in shown
    assert "What moved the effect of mail.offer" in shown
    assert "purchase at store.checkout USD 60.00" in shown


def test_rules_are_told_by_the_policys_own_code(ruled: Any) -> None:
    journal = ruled.bench.workspace.journal
    journal.add_contacts(
        [("c1", "ann", "mail.offer", NOW - timedelta(days=3)), ("c2", "ann", "email.news", NOW - timedelta(hours=6))]
    )
    shown = text_of(page(ruled, "ann"))
    assert "2 of 1 contacts in 7 days; next possible on 2026-02-07 at 06:00 UTC." in shown
    assert "1 of 1 mail.offer contacts in 30 days; next possible on 2026-02-27 at 12:00 UTC." in shown
    assert f"no email for 48 hours after email cool-down {NOTHING} sent on 2026-01-31 at 06:00 UTC 2 Feb 2026, 06:00 UTC" in shown
    assert f"no any touchpoint between 22:00 and 07:00 quiet hours {NOTHING} open" in shown
    assert "one of mail.offer, email.news in 2 days exclusion" in shown
    assert "not eligible (contacts: at most 1 x mail.offer in 30 days: sent on 2026-01-28)" in shown
    ruled.bench.clock.now = NOW + timedelta(hours=11)
    assert f"quiet hours {NOTHING} it is 23:00 in UTC 1 Feb 2026, 07:00 UTC" in text_of(page(ruled, "ann"))


def test_consent_is_told_by_channel_and_purpose_with_its_statements(client: Any) -> None:
    said = {"customer_id": "ann", "status": "withdrawn", "channel": "email", "at": "2026-01-30T09:00:00Z"}
    assert client.post("/v1/consents", said).status_code == 202
    shown = text_of(page(client, "ann"))
    assert "1 of 2 combinations of channel and purpose are forbidden." in shown
    assert "email marketing no" in shown and "withdrawn on 2026-01-30" in shown
    assert "30 Jan 2026, 09:00 UTC withdrawn email every purpose ann" in shown


def test_identifiers_tell_who_linked_them_and_how_to_part_them(client: Any) -> None:
    link = {"left": {"customer_id": "ann"}, "right": {"email": "ann@example.com"}}
    (linked,) = client.post("/v1/links", [link]).json()
    shown = text_of(page(client, "ann"))
    assert "Known by 2 identifiers, by 1 facts of the link log." in shown
    assert f"touchpoint unlink ann {linked['right']}" in shown
    assert f"ann {linked['right']} person" in shown
    assert "ann@" not in shown
    client.post("/v1/links", [link | {"action": "block"}])
    assert "never are (blocked)" in text_of(page(client, "ann"))


def test_who_is_held_out_is_told_so(with_rules: Any) -> None:
    client = with_rules("[holdout]\nshare = 0.5\n")
    names = (f"c{number}" for number in range(99))
    somebody = next(name for name in names if arm_of([name], client.bench.workspace.catalogue) is Arm.HOLDOUT)
    client.post("/v1/recommend", {"customer_id": somebody})
    shown = text_of(page(client, somebody))
    assert "Arm of the experiment holdout left alone, to compare with" in shown
    assert "Next best touchpoint do nothing" in shown
    assert "not eligible (holdout: in the holdout of 50 % of all customers)" in shown


def test_the_journey_is_grouped_by_day_with_decisions_and_outcomes_among_it(client: Any) -> None:
    client.post("/v1/recommend", {"customer_id": "ann", "decision_id": "d/1"})
    client.bench.clock.now += timedelta(hours=1)
    client.post("/v1/outcomes", {"decision_id": "d/1", "kind": "purchase", "value": 12.5})
    shown = page(client, "ann")
    assert shown.index("12.50") < shown.index('href="/console/decisions/d%2F1"') < shown.index("60.00") < shown.index("40.00")
    assert [each[:10] for each in re.findall(r'<h3><time datetime="([^"]+)"', shown)] == [
        "2026-01-31",
        "2026-01-26",
        "2026-01-11",
    ]


def test_a_longer_journey_is_a_click_away(client: Any) -> None:
    shown = page(client, "ann", "?limit=1")
    assert "60.00" in shown and "40.00" not in shown
    assert 'href="/console/customers/ann?limit=2#journey"' in shown
    assert '#journey">Show' not in page(client, "ann", "?limit=1000")


def test_a_bad_number_is_a_page_that_says_so(client: Any) -> None:
    for limit in ("0", "1001", "x", "\u00b2", "-1", "9" * 30):
        response = client.get(f"/console/customers/ann?limit={limit}")
        assert response.status_code == 400 and "whole number from 1 to 1,000" in response.text


def test_leaving_out_the_best_shows_the_next_best(ruled: Any) -> None:
    shown = text_of(page(ruled, "ann", "?exclude=mail.offer"))
    before, after = re.search(r"Before (\S+|do nothing) probability .* After (\S+|do nothing) probability", shown).groups()  # type: ignore[union-attr]
    assert before == "mail.offer" and after != "mail.offer"
    assert "mail.offer: not eligible (available: excluded by the request); it was eligible." in shown


SUPPOSED = [
    ("feature=kind_purchase_lifetime_count&value=0", "mail.offer: expected"),
    ("feature=trait_tier_category&value=basic", "Before and after"),
    ("feature=trait_age_number&value=", "Before and after"),
    ("key=weather&holds=sun", "mail.offer: not eligible (eligible: context.weather must be rain"),
    ("only=email.news", "mail.offer: not eligible (available: not among the candidates of the request)"),
    ("consents=withdrawn", "mail.offer: not eligible (consent:"),
    ("at=2026-01-31T23:00", "mail.offer: not eligible (quiet_hours:"),
    ("contacts=none", "Nothing changes"),
]
IMPOSSIBLE = [
    "at=yesterday",
    "at=3026-01-31T23:00",
    "feature=shoe&value=1",
    "feature=trait_tier_category&value=tin",
    "exclude=mail.nothing",
    "consents=maybe",
    "feature=trait_age_number&value=old",
    "feature=trait_age_number&value=inf",
]


def test_anything_may_be_supposed(ruled: Any) -> None:
    for query, told in SUPPOSED:
        assert told in text_of(page(ruled, "ann", f"?{query}")), query


def test_what_cannot_be_supposed_is_told_beside_the_form(ruled: Any) -> None:
    for query in IMPOSSIBLE:
        response = ruled.get(f"/console/customers/ann?{query}")
        assert response.status_code == 400, query
        assert 'role="alert"' in response.text and "Next best touchpoint" in response.text


def test_looking_leaves_no_trace(ruled: Any, tmp_path: Path) -> None:
    ruled.post("/v1/recommend", {"customer_id": "ann", "decision_id": "d1"})
    before, counted = everything(tmp_path / "journal.db"), ruled.metrics.exposition()
    page(ruled, "ann", "?exclude=mail.offer&contacts=none")
    look_up(ruled, "ann")
    assert everything(tmp_path / "journal.db") == before

    def without_requests(exposition: bytes) -> list[bytes]:
        return [line for line in exposition.splitlines() if b"http_request" not in line]

    assert without_requests(ruled.metrics.exposition()) == without_requests(counted)


def test_hostile_names_traits_and_ids_are_only_text(client: Any) -> None:
    posted = {
        "customer_id": HOSTILE,
        "touchpoint": "store.checkout",
        "kind": "profile",
        "traits": {"tier": HOSTILE, "x": HOSTILE},
        "properties": {HOSTILE: HOSTILE},
        "decision_id": f"{HOSTILE}/2",
    }
    assert client.post("/v1/interactions", posted).status_code == 202
    shown = page(client, HOSTILE)
    assert "<script>alert" not in shown and "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert quote(f"{HOSTILE}/2", safe="") in shown
    assert "onerror" not in shown


def test_a_look_at_history_adds_value_segment_and_cases(client: Any, home: Path, tmp_path: Path) -> None:
    application = client.app
    while not hasattr(application, "state"):  # guards and meters stand around it
        application = application.app
    console = application.state.console
    people = {
        "segments": pa.table({"customer_id": ["ann", "zoe"], "segment": ["loyal", "new"], "expected_value": [123.4, 5.0]}),
        "cases": pa.table(
            {"customer_id": ["ann"], "finding": ["unanswered"], "words": ["A complaint of 3 January has no answer."]}
        ),
    }
    before = console.found
    console.found = type(before)(tmp_path / "insights")
    keep_snapshot(tmp_path / "insights", [], people, at=NOW, period=Period.last(180, until=NOW), currency="USD")
    shown = text_of(page(client, "ann"))
    assert "Segment loyal" in shown and "Expected value USD 123.40" in shown
    assert "A complaint of 3 January has no answer." in shown
    assert "As of the look on 2026-01-31 12:00 UTC." in shown
