"""A home with hand-made pages, the real service over it behind an API key, and windows of a real browser on it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

import features.insights.page as pages
from features.insights import Card, Column, Period, Section, Table, Unit
from features.insights.figures import bars, heatmap, lines, sankey
from features.insights.snapshot import Snapshot, keep_snapshot
from features.settings import load_settings
from serving.running.launch import free_port, running, service

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PERIOD = Period.last(180, until=NOW)
KEY = "open-sesame"
HOSTILE = "<script>alert('x')</script>"

_RATES = (
    Column("touchpoint", "Touchpoint", explains="Channel and moment."),
    Column("volume", "Volume", Unit.COUNT, "Interactions within the period."),
    Column("rate", "Conversion", Unit.SHARE, "Customers who bought within 28 days of it, of all who were there."),
    Column("low", "from", Unit.SHARE),
    Column("high", "to", Unit.SHARE),
    Column("cost", "Cost", Unit.MONEY),
    Column("seen", "Last seen", Unit.TIME),
    Column("shrunk", "Shrunk", Unit.YES_NO),
)


def rates(rows: int = 20) -> Table:
    """Touchpoint number n has a volume of 7 n modulo 20, and the second has no cost."""
    records = [
        {
            "touchpoint": f"email.reminder_after_an_abandoned_cart_{number}" if number else HOSTILE,
            "volume": 7 * number % 20 * 100,
            "rate": 0.01 * number,
            "low": 0.008 * number,
            "high": 0.012 * number,
            "cost": None if number == 1 else 10.5 * number,
            "seen": "2026-01-30T10:00:00Z",
            "shrunk": number < 3,
        }
        for number in range(rows)
    ]
    return Table.of("rates", "Every touchpoint", _RATES, records, note="Rates of fewer than 30 are drawn to the mean.")


def weeks() -> Table:
    columns = (Column("week", "Week", Unit.TIME), Column("channel", "Channel"), *_RATES[2:5])
    records = [
        {"week": f"2026-01-{day:02d}", "channel": channel, "rate": rate, "low": rate - 0.01, "high": rate + 0.01}
        for channel, rate in (("web", 0.1), ("email", 0.2))
        for day in (5, 12, 19, 26)
    ]
    return Table.of("weeks", "Week by week", columns, records)


def flows() -> Table:
    columns = (Column("source", "From"), Column("target", "To"), Column("customers", "Customers", Unit.COUNT))
    records = [{"source": f"1 {a}", "target": f"2 {b}", "customers": 10} for a in ("web", "email") for b in ("web", "store")]
    return Table.of("flows", "Steps", columns, records)


def touchpoints_page() -> pages.Page:
    """A page with every kind of figure, cards, an empty section and hostile names."""
    every, weekly, steps = rates(), weeks(), flows()
    best = bars(every, "Conversion by touchpoint", label="touchpoint", value="rate", low="low", high="high")
    change = lines(weekly, "Conversion by week", x="week", value="rate", low="low", high="high", split="channel")
    drawn = (
        sankey(steps, "From step to step", source="source", target="target", value="customers"),
        heatmap(steps, "Steps as a matrix", x="target", y="source", value="customers"),
    )
    first = Table.of("short", "In short", (Column("page", "Page", link="page"),), [{"page": "overview"}])
    who = Table.of("who", "Somebody", (Column("customer", "Customer", link="customer"),), [{"customer": "a/b?c"}])
    return pages.Page(
        name="touchpoints",
        title="Touchpoints",
        lead="What each touchpoint does.",
        cards=(
            Card(title="Reached", value=81234, unit=Unit.COUNT, note="95 % of all"),
            Card(title="Revenue", value=1234.5, unit=Unit.MONEY, link="overview"),
            Card(title="Sources gone quiet", value=2, unit=Unit.COUNT, alarm=True),
            Card(title=HOSTILE, value=HOSTILE, unit=Unit.TEXT, note=HOSTILE),
        ),
        sections=(
            Section(name="best", title="Which convert?", words=(f"Best is {HOSTILE}.",), figures=(best,), tables=(every,)),
            Section(name="change", title="Does it change?", figures=(change,), tables=(first, weekly)),
            Section(name="steps", title="What comes next?", figures=drawn, tables=(steps, who)),
            Section(name="said", title="What do they say?", empty="There are no ratings yet: map scores in a source."),
        ),
    )


def overview_page() -> pages.Page:
    section = Section(name="words", title="What to know first", words=("All is well.",), tables=(rates(2),))
    return pages.Page(name="overview", title="Overview", lead="The whole, in short.", sections=(section,))


@pytest.fixture
def keep() -> Callable[[Path], Snapshot]:
    """Keeps a small snapshot in a home."""
    return _keep


def _keep(home: Path) -> Snapshot:
    people: dict[str, pa.Table] = {}
    made = [overview_page(), touchpoints_page()]
    return keep_snapshot(home / "insights", made, people, at=NOW, period=PERIOD, currency="USD")


@dataclass(frozen=True)
class Served:
    """The real service, at its address, behind KEY."""

    url: str
    home: Path
    key: str = KEY


@pytest.fixture(scope="session")
def served(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    own = tmp_path_factory.mktemp("console") / "home"  # its own: services that share a home wipe each other's metrics
    shutil.copytree(home, own)
    (own / "settings.toml").write_text(f'api_key = "{KEY}"\n', encoding="utf-8")
    _keep(own)
    port = free_port(0)
    with running(service(load_settings(home=own), port=port), log=str(own.parent / "service.log")):
        yield Served(f"http://127.0.0.1:{port}", own)


@dataclass
class Visit:
    """A browser window on the console that notes what should not happen."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._complain(message.type in ("error", "warning"), message.text))
        self.page.on("pageerror", lambda error: self._complain(True, str(error)))
        self.page.on("request", lambda request: self._complain(not _is_at_home(request.url, self.url), request.url))

    def go(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def _complain(self, whether: bool, what: str) -> None:
        if whether:
            self.complaints.append(what)


def _is_at_home(address: str, home: str) -> bool:
    return address.startswith((home + "/", "data:", "blob:"))


@pytest.fixture
def visit(browser: Browser, served: Served) -> Iterator[Callable[..., Visit]]:
    """Opens windows that know the key; the test fails where one complained."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_window(**options: Any) -> Visit:
        known = {"http_credentials": {"username": KEY, "password": ""}} | options
        contexts.append(browser.new_context(**known))
        visits.append(Visit(contexts[-1].new_page(), served.url))
        return visits[-1]

    yield open_window
    for context in contexts:
        context.close()
    assert [each.complaints for each in visits] == [[] for _ in visits]
