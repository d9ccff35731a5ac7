"""The application over a real store and journal, asked without a server, or by a real browser."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from serving.running.launch import free_port

RULES = """
[exploration]
sharpness = 5.0
floor = 0.02
[[cooldowns]]
channel = "email"
hours = 48
[[quiet_hours]]
start = "22:00"
end = "07:00"
[[suppressions]]
channel = "mail"
ignored = 2
[[exclusions]]
touchpoints = ["mail.offer", "email.news"]
days = 2
[[conditions]]
touchpoint = "mail.offer"
value = "context.weather"
equals = "rain"
unknown = "allow"
"""


@pytest.fixture
def ruled(with_rules: Any) -> Any:
    """A client of a service with a rule of every sort, caps among them."""
    return with_rules(RULES)


@dataclass
class Window:
    """A browser window that notes what should not happen."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._complain(message.type in ("error", "warning"), message.text))
        self.page.on("pageerror", lambda error: self._complain(True, str(error)))
        at_home = (self.url + "/", "data:", "blob:")
        self.page.on("request", lambda request: self._complain(not request.url.startswith(at_home), request.url))

    def go(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def _complain(self, whether: bool, what: str) -> None:
        if whether:
            self.complaints.append(what)


@pytest.fixture
def site(ruled: Any) -> Iterator[str]:
    """The address of a server of that application."""
    port = free_port(0)
    server = uvicorn.Server(uvicorn.Config(ruled.app, host="127.0.0.1", port=port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def window(browser: Browser, site: str) -> Iterator[Callable[..., Window]]:
    """Opens windows; the test fails where one complained."""
    contexts: list[BrowserContext] = []
    opened: list[Window] = []

    def open_window(**options: Any) -> Window:
        contexts.append(browser.new_context(**options))
        opened.append(Window(contexts[-1].new_page(), site))
        return opened[-1]

    yield open_window
    for context in contexts:
        context.close()
    assert [each.complaints for each in opened] == [[] for _ in opened]
