"""The pages of decisions: found, told, taken again, and tried otherwise; and they look only."""

import html
import json
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest

from features.journal.compressed import told
from serving.console.live.sought import Sought

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"' \u202eltr#?%2f"


def text_of(shown: str) -> str:
    """What is to be read, without markup."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", shown).split()))


def page(client: Any, decision_id: str, query: str = "") -> str:
    response = client.get(f"/console/decisions/{quote(decision_id, safe='')}{query}")
    assert response.status_code == 200, response.text
    return str(response.text)


def ids(client: Any, query: str = "") -> list[str]:
    response = client.get(f"/console/decisions{query}")
    assert response.status_code == 200, response.text
    return [unquote(each) for each in re.findall(r'<td><a href="/console/decisions/([^"]+)"', response.text)]


@pytest.fixture
def decided(ruled: Any) -> Any:
    """Four decisions, an hour apart, of ann and zoe in turn; then a slate of two of somebody nobody knows."""
    for number in range(4):
        ruled.bench.clock.now = NOW + timedelta(hours=number)
        ruled.post("/v1/recommend", {"customer_id": "ann" if number % 2 else "zoe", "decision_id": f"d{number}"})
    ruled.post("/v1/recommend", {"identifiers": {"email": "new@example.com"}, "decision_id": "s", "slots": 2})
    return ruled


def test_decisions_are_listed_newest_first_and_narrowed(decided: Any) -> None:
    assert ids(decided) == ["s/2", "s", "d3", "d2", "d1", "d0"]
    assert 'href="/console/decisions/s%2F2"' in decided.get("/console/decisions").text
    assert ids(decided, "?customer=ann") == ["d3", "d1"]
    assert ids(decided, "?fallback=any") == ["s/2", "s"]
    assert ids(decided, "?since=2026-01-31T13:00&until=2026-01-31T15:00&arm=treatment&policy=1") == ["d2", "d1"]
    assert ids(decided, "?until=2026-01-31") == []
    assert "No decision is like this" in decided.get("/console/decisions?touchpoint=mail.nothing").text


def test_older_ones_are_a_click_away(decided: Any) -> None:
    first = decided.get("/console/decisions?limit=4&fallback=none").text
    (following,) = re.findall(r'rel="next" href="([^"]+)#found"', decided.get("/console/decisions?limit=3").text)
    assert 'rel="next"' not in first
    assert ids(decided, html.unescape(following).removeprefix("/console/decisions")) == ["d2", "d1", "d0"]


def test_a_search_is_sent_as_a_form_and_leads_to_an_address_without_names_in_clear(decided: Any) -> None:
    sent = {"decision": "", "customer": "new@example.com", "touchpoint": "", "arm": "treatment", "since": ""}
    found = decided.post("/console/decisions", data=sent)
    assert found.status_code == 303
    assert re.fullmatch(r"/console/decisions\?customer=email%3A[0-9a-f]{32}&arm=treatment", found.headers["location"])
    assert ids(decided, found.headers["location"].removeprefix("/console/decisions")) == ["s/2", "s"]
    straight = decided.get("/console/decisions?customer=email%3Dnew%40example.com&arm=treatment")
    assert (straight.status_code, straight.headers["location"]) == (303, found.headers["location"])


def test_a_decision_is_found_by_its_id(decided: Any) -> None:
    found = decided.post("/console/decisions", data={"decision": " s/2 ", "customer": ""})
    assert (found.status_code, found.headers["location"]) == (303, "/console/decisions/s%2F2")
    assert decided.post("/console/decisions", data={"decision": "nope"}).status_code == 404


def test_a_bad_search_is_a_page_that_says_so(client: Any) -> None:
    for query in (
        "since=yesterday",
        "until=2026-13-01",
        "limit=0",
        "limit=999",
        "cursor=x",
        "customer=" + "x" * 201,
        "arm=%00",
        "policy=a%00",
    ):
        response = client.get(f"/console/decisions?{query}")
        assert response.status_code == 400 and "This cannot be shown" in response.text, query
    assert client.get("/console/decisions").status_code == 200  # of no decision at all
    assert "No decision was taken here yet" in client.get("/console/decisions").text


def test_what_followed_stands_in_the_list_and_on_the_page(decided: Any) -> None:
    decided.post("/v1/outcomes", {"decision_id": "d1", "kind": "purchase", "value": 12.5})
    visit = {"customer_id": "ann", "touchpoint": "store.checkout", "kind": "visit", "decision_id": "d1"}
    decided.post("/v1/interactions", visit)
    assert "purchase 12.50 USD" in decided.get("/console/decisions?customer=ann").text
    shown = text_of(page(decided, "d1"))
    assert "2 records name this decision." in shown
    assert "outcome purchase" in shown and "interaction visit store.checkout" in shown


def test_the_page_tells_what_the_api_tells(decided: Any) -> None:
    shown = text_of(page(decided, "d1"))
    for line in decided.get("/v1/decisions/d1/explanation").json()["words"]:
        assert " ".join(line.split()) in shown
    record = decided.get("/v1/decisions/d1").json()
    assert record["catalogue_version"] in shown and record["software_version"] in shown
    whole = re.search(r"<pre tabindex=\"0\"><code>(.*?)</code></pre>", page(decided, "d1"), flags=re.DOTALL)
    assert whole is not None and json.loads(html.unescape(whole[1])) == record
    assert 'href="/v1/decisions/d1"' in page(decided, "d1")


def test_a_slot_tells_its_slate(decided: Any) -> None:
    shown = page(decided, "s/2")
    assert "slot 2 of s" in text_of(shown) and 'href="/console/decisions/s"' in shown
    assert 'href="/v1/decisions/s%2F2"' in shown and decided.get("/v1/decisions/s%2F2").status_code == 200


def test_a_replay_says_the_same_to_the_last_digit(decided: Any) -> None:
    assert "Take it again" in page(decided, "d1")
    for decision_id in ("d0", "d1", "s/2"):
        assert "The same answer, to the last digit" in text_of(page(decided, decision_id, "?replay=1"))


def test_something_else_may_be_supposed_of_a_decision(decided: Any) -> None:
    record = decided.get("/v1/decisions/d1").json()
    changed = {"changes": {"exclude": ["mail.offer", "email.news"]}}
    replayed = decided.post("/v1/decisions/d1/replay", changed).json()
    shown = text_of(page(decided, "d1", "?exclude=mail.offer&exclude=email.news"))
    for difference in replayed["differences"]:
        assert difference in shown
    assert replayed["differences"] and record["candidates"]
    assert decided.get("/console/decisions/d1?exclude=mail.nothing").status_code == 400
    assert "not in the catalogue" in decided.get("/console/decisions/d1?exclude=mail.nothing").text


def test_a_decision_that_cannot_be_taken_again_is_still_told(decided: Any, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        (record,) = connection.execute("SELECT record FROM decisions WHERE decision_id = 'd1'").fetchone()
        old = json.loads(told(record)) | {"catalogue_version": "0" * 12}
        connection.execute("UPDATE decisions SET record = ? WHERE decision_id = 'd1'", (json.dumps(old),))
    for query in ("", "?replay=1"):
        shown = text_of(page(decided, "d1", query))
        assert "only decisions taken here are replayed" in shown and "What could be chosen" in shown
    assert decided.get("/console/decisions/d1?exclude=mail.offer").status_code == 400


def test_an_unknown_or_impossible_id_is_a_friendly_refusal(client: Any) -> None:
    for decision_id, status in (("nope", 404), ("a/b/2", 404), ("x" * 201, 400), ("%00", 400)):
        response = client.get(f"/console/decisions/{decision_id}")
        assert response.status_code == status and "search decisions" in response.text


def test_hostile_ids_and_contexts_are_only_text(ruled: Any) -> None:
    asked = {"customer_id": HOSTILE, "decision_id": HOSTILE, "context": {HOSTILE: HOSTILE, "weather": HOSTILE}}
    assert ruled.post("/v1/recommend", asked).status_code == 200
    for shown in (
        page(ruled, HOSTILE),
        page(ruled, HOSTILE, f"?replay=1&key={quote(HOSTILE)}&holds=1"),
        ruled.get("/console/decisions").text,
    ):
        assert "<script>alert" not in shown and "&lt;script&gt;" in shown
    assert f'href="/console/customers/{quote(HOSTILE, safe="")}"' in page(ruled, HOSTILE)


def test_addresses_of_any_search_are_read_back() -> None:
    sought = Sought(customer="a&b=c #?/é", touchpoint="mail.a", cursor="1.2")
    query = sought.address.removeprefix("/console/decisions?")
    assert Sought.of(dict(parse_qsl(query))) == sought
    assert sought.is_narrow and not Sought(limit="3", cursor="1.2").is_narrow
