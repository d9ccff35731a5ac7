"""The API of touchpoint intelligence: the same numbers as the console, from the same pages."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.insights import Card, Column, Figure, Page, Period, Section, Table, Unit
from features.insights.snapshot import keep_snapshot

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TABLE = Table(
    name="rates",
    title="Rates",
    columns=(Column("touchpoint", "Touchpoint"), Column("rate", "Rate", Unit.SHARE, "of all")),
    rows=(("web.cart", 0.25), ("=cmd", None)),
    note="Few.",
)
FIGURE = Figure(title="Rates", spec={"data": [{"type": "bar", "x": [0.25]}], "layout": {}}, table="rates")
SECTION = Section(name="which", title="Which?", words=("One.",), figures=(FIGURE,), tables=(TABLE,))
PAGE = Page(
    name="touchpoints", title="Touchpoints", lead="All.", cards=(Card(title="N", value=2, unit=Unit.COUNT),), sections=(SECTION,)
)
ABOUT = {
    "at": "2026-01-31T12:00:00Z",
    "period": {"since": "2026-01-01T12:00:00Z", "until": "2026-01-31T12:00:00Z"},
    "currency": "USD",
}


@pytest.fixture
def empty(with_rules: Callable[..., Any], tmp_path: Path) -> Any:
    """The service over a home at whose history nobody looked yet."""
    return with_rules(home=tmp_path)


@pytest.fixture
def looked(empty: Any, tmp_path: Path) -> Any:
    keep_snapshot(tmp_path / "insights", [PAGE], {}, at=NOW, period=Period.last(30, until=NOW), currency="USD")
    return empty


def assert_unknown(response: Any, *words: str) -> None:
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert response.json()["type"] == "/problems/unknown-insight"
    assert all(word in response.json()["detail"] for word in words)


def test_the_contents_name_every_page_and_table(looked: Any) -> None:
    tables = [{"name": "rates", "title": "Rates", "rows": 2}]
    page = {"name": "touchpoints", "title": "Touchpoints", "lead": "All.", "tables": tables}
    assert looked.get("/v1/insights").json() == ABOUT | {"pages": [page]}


def test_a_page_is_what_the_snapshot_keeps_of_it(looked: Any) -> None:
    assert looked.get("/v1/insights/touchpoints").json() == ABOUT | json.loads(json.dumps(PAGE.as_json()))


def test_a_table_comes_as_json_or_as_csv(looked: Any) -> None:
    path = "/v1/insights/touchpoints/rates"
    assert looked.get(path).json() == ABOUT | TABLE.as_json()
    for asked in ({"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}):
        response = looked.get(path, **asked)
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        assert response.headers["content-disposition"] == 'attachment; filename="touchpoints-rates.csv"'
        assert response.text == "touchpoint,rate\r\nweb.cart,0.25\r\n'=cmd,\r\n"
    assert looked.get(path, params={"format": "json"}, headers={"Accept": "text/csv"}).json() == ABOUT | TABLE.as_json()
    assert looked.get(path, params={"format": "xml"}).json()["type"] == "/problems/invalid-request"


def test_what_is_not_there_is_refused_with_what_is(looked: Any) -> None:
    assert_unknown(looked.get("/v1/insights/journeys"), "'journeys'", "touchpoints")
    assert_unknown(looked.get("/v1/insights/touchpoints/weeks"), "'weeks'", "rates")


def test_before_the_first_look_every_call_says_how_to_look(empty: Any) -> None:
    for path in ("/v1/insights", "/v1/insights/touchpoints", "/v1/insights/touchpoints/rates"):
        assert_unknown(empty.get(path), "touchpoint report")


def test_the_calls_are_described(empty: Any) -> None:
    paths = empty.get("/openapi.json").json()["paths"]
    assert {"/v1/insights", "/v1/insights/{page}", "/v1/insights/{page}/{table}"} <= set(paths)
    assert not [path for path in paths if path.startswith("/console")]
