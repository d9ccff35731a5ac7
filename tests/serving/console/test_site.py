"""The console's pages come from the current snapshot, and say what to do where there is none."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from features.insights import Page
from features.insights.snapshot import Snapshot, keep_snapshot
from serving.console.navigation import NAVIGATION
from serving.console.site import Console
from serving.http.problems import ProblemError
from training.insights.pages import SUBJECTS

Keep = Callable[[Path], Snapshot]


def test_every_page_that_is_made_can_be_gone_to_in_the_order_in_which_pages_are_shown() -> None:
    entries = [entry for group in NAVIGATION.values() for entry in group]
    made = {subject.name: subject.title for subject in sorted(SUBJECTS, key=lambda subject: subject.shown_at)}
    assert {entry.name: entry.title for entry in entries if entry.name in made} == made
    assert [entry.name for entry in entries if entry.name in made] == list(made)


def test_before_the_first_look_a_page_says_what_to_do(tmp_path: Path) -> None:
    answer = Console(tmp_path).page("findings")
    assert answer.status_code == 200
    assert b"<h1>Findings</h1>" in answer.body and b"touchpoint report" in answer.body


def test_a_page_that_never_is_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="no page 'nowhere'"):
        Console(tmp_path).page("nowhere")


def test_a_new_look_shows_at_once(tmp_path: Path, keep: Keep) -> None:
    console, before = Console(tmp_path / "insights"), keep(tmp_path)
    assert b"What each touchpoint does." in console.page("touchpoints").body
    page = Page(name="touchpoints", title="Touchpoints", lead="All is new.")
    keep_snapshot(console.found.folder, [page], {}, at=before.at + timedelta(days=1), period=before.period, currency="USD")
    assert b"All is new." in console.page("touchpoints").body


def test_no_page_lets_the_browser_ask_another_host(tmp_path: Path, keep: Keep) -> None:
    keep(tmp_path)
    console = Console(tmp_path / "insights")
    for answer in (console.page("touchpoints"), console.page("journeys")):
        assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
        assert b"http://" not in answer.body.replace(b"http://www.w3.org/", b"") and b"https://" not in answer.body
