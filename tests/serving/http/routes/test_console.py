"""The console over HTTP: pages, refusals for people, static files, and the key."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from features.insights import Column, Page, Period, Section, Table
from features.insights.snapshot import keep_snapshot
from serving.console.assets import _asset

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TABLE = Table(name="volumes", title="Volumes", columns=(Column("touchpoint", "Touchpoint"),), rows=(("web.cart",),))
PAGE = Page(name="overview", title="Overview", lead="All.", sections=(Section(name="s", title="S", tables=(TABLE,)),))


@pytest.fixture
def looked(with_rules: Callable[..., Any], tmp_path: Path) -> Any:
    keep_snapshot(tmp_path / "insights", [PAGE], {}, at=NOW, period=Period.last(30, until=NOW), currency="USD")
    return with_rules(home=tmp_path)


def test_the_console_begins_with_the_overview(looked: Any) -> None:
    for path in ("/console", "/console/", "/console/overview"):
        response = looked.get(path)
        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "web.cart" in response.text


def test_a_refusal_is_a_page_for_people(looked: Any) -> None:
    for path in ("/console/nowhere", "/console/overview/nothing.csv", "/console/a/b/c", "/console/static/..%2fsite.py"):
        response = looked.get(path)
        assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8"), path
        assert "Go to the overview" in response.text
        assert "content-security-policy" in response.headers


def test_a_table_comes_as_csv(looked: Any) -> None:
    response = looked.get("/console/overview/volumes.csv")
    assert (response.text, response.headers["content-type"]) == ("touchpoint\r\nweb.cart\r\n", "text/csv; charset=utf-8")


def test_static_files_are_kept_by_the_browser_under_addresses_that_change_with_them(looked: Any) -> None:
    page = looked.get("/console").text
    for name in ("console.css", "console.js", "theme.js", "icon.svg", "plotly.min.js"):
        (address,) = re.findall(rf'"(/console/static/{re.escape(name)}\?v=\w+)"', page)
        response = looked.get(address)
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = looked.get(address, headers={"If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert looked.get("/console/static/console.css?v=old").headers["cache-control"] == "no-cache"


def test_who_asks_for_files_that_are_not_there_fills_no_memory(looked: Any) -> None:
    before = _asset.cache_info().currsize
    for number in range(20):
        assert looked.get(f"/console/static/{number}.css").status_code == 404
    assert _asset.cache_info().currsize == before


def test_plotly_comes_compressed_to_who_takes_it_so(looked: Any) -> None:
    plain = looked.get("/console/static/plotly.min.js", headers={"Accept-Encoding": "identity"})
    small = looked.get("/console/static/plotly.min.js", headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers and small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content  # httpx unpacks
    assert int(small.headers["content-length"]) < len(plain.content) / 3


def test_a_key_is_asked_for_in_the_way_a_browser_understands(with_rules: Callable[..., Any], tmp_path: Path) -> None:
    client = with_rules(home=tmp_path, api_key=SecretStr("key"))
    assert client.get("/console/findings").headers["www-authenticate"] == 'Basic realm="touchpoint", charset="UTF-8"'
    assert client.get("/v1/insights").headers["www-authenticate"] == "Bearer"
    remembered = {"Authorization": "Basic " + base64.b64encode(b"key:").decode()}
    assert client.get("/console/findings", headers=remembered).status_code == 200


def test_another_site_cannot_use_the_key_that_a_browser_remembers(with_rules: Callable[..., Any], tmp_path: Path) -> None:
    client = with_rules(home=tmp_path, api_key=SecretStr("key"))
    remembered = {"Authorization": "Basic " + base64.b64encode(b"key:").decode()}
    asked = {"customer_id": "ann", "dry_run": True}

    def status(**headers: str) -> int:
        return int(client.post("/v1/recommend", asked, headers=remembered | headers).status_code)

    assert status() == 200  # no browser, such as Segment's server-side SDKs
    assert status(Origin="http://service") == 200
    assert status(Origin="https://service", **{"Sec-Fetch-Site": "same-origin"}) == 200
    assert status(Origin="https://elsewhere.example") == 401
    assert status(Origin="http://service", **{"Sec-Fetch-Site": "cross-site"}) == 401
    assert status(Origin="null") == 401  # which forms of the console would say under the Referrer-Policy "no-referrer"
    assert client.get("/console", headers=remembered).headers["referrer-policy"] == "same-origin"
    explicit = {"X-API-Key": "key", "Origin": "https://elsewhere.example"}
    assert client.post("/v1/recommend", asked, headers=explicit).status_code == 200
