"""Puts pages into the console's layout: navigation, what they are made from, and headers that keep the browser at home."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse

from features.insights import Page
from features.insights.snapshot import Snapshot
from serving.console.found import Found
from serving.console.navigation import NAVIGATION, TITLES
from serving.console.render import render
from serving.http.problems import UNKNOWN_PATH, ProblemError

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "  # inline styles: plotly's
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Addresses of pages may name customers. With "no-referrer", forms would come from "null" and not from here, which the guard
    # takes for another site where browsers say nothing else, which they do over HTTPS and on localhost only.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


def is_console(path: str) -> bool:
    """Whether a path is the console's: people look at it with a browser.

    >>> is_console("/console"), is_console("/console/findings"), is_console("/consoles")
    (True, True, False)
    """
    return path == "/console" or path.startswith("/console/")


class Console:
    """The pages of a home.

    Parameters
    ----------
    insights : the folder where snapshots are kept.
    currency : of money that no snapshot tells of.
    """

    def __init__(self, insights: Path, *, currency: str = "") -> None:
        self.found = Found(insights)
        self.currency = currency

    @property
    def snapshot(self) -> Snapshot | None:
        """The last look; None before the first."""
        return self.found.last()

    def show(self, template: str, *, active: str, title: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page in the layout.

        Parameters
        ----------
        template : one that extends `layout.html`; it also gets `currency`, `snapshot` and `navigation`.
        active : the name of the page in the navigation that it belongs to.
        """
        around = {"active": active, "title": title, "snapshot": self.snapshot, "navigation": NAVIGATION}
        text = render(template, currency=self.currency, **around, **context)
        return HTMLResponse(text, status_code=status, headers=HEADERS)

    def page(self, name: str) -> HTMLResponse:
        """A page of the snapshot; what to do where it has none yet.

        Raises
        ------
        ProblemError
            `unknown-path` where there never is a page of that name.
        """
        snapshot = self.snapshot
        if snapshot is not None and name in snapshot.names:
            return HTMLResponse(_rendered(snapshot, name), headers=HEADERS)
        if name in TITLES:
            return self.show("nothing.html", active=name, title=TITLES[name])
        raise ProblemError(UNKNOWN_PATH, f"the console has no page {name!r}")

    def refused(self, problem: ProblemError) -> HTMLResponse:
        """Why there is no such page, and where to go instead."""
        kind = problem.kind
        return self.show("refused.html", active="", title=kind.title, status=kind.status, detail=str(problem), code=kind.status)


@lru_cache(maxsize=64)
def _rendered(snapshot: Snapshot, name: str) -> str:
    """A look never changes, so its pages are rendered once."""
    page: Page | None = snapshot.page(name)
    title = "" if page is None else page.title
    around = {"active": name, "title": title, "snapshot": snapshot, "navigation": NAVIGATION, "currency": snapshot.currency}
    return render("page.html", page=page, base_url=f"/console/{name}", **around)
