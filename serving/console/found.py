"""What was found out at the last look, for console and API alike: both read the same pages of the same snapshot."""

from dataclasses import dataclass
from pathlib import Path

from features.insights import Page, Table
from features.insights.snapshot import Snapshot, current_snapshot
from serving.http.problems import UNKNOWN_INSIGHT, ProblemError

REMEDY = "run 'touchpoint report', or leave it to 'touchpoint schedule', which looks after every retraining"


@dataclass(frozen=True, slots=True)
class Found:
    """The snapshots of a home.

    Attributes
    ----------
    folder : where they are kept; looked into at every question, so that a new one shows at once.
    """

    folder: Path

    def last(self) -> Snapshot | None:
        """The last look; None before the first."""
        return current_snapshot(self.folder)

    def snapshot(self) -> Snapshot:
        """The last look.

        Raises
        ------
        ProblemError
            `unknown-insight` before the first one.
        """
        snapshot = self.last()
        if snapshot is None:
            raise ProblemError(UNKNOWN_INSIGHT, f"history was not looked at yet: {REMEDY}")
        return snapshot

    def page(self, name: str) -> tuple[Snapshot, Page]:
        """A page of the last look.

        Raises
        ------
        ProblemError
            `unknown-insight` where it has no page of that name, or there was no look yet.
        """
        snapshot = self.snapshot()
        page = snapshot.page(name)
        if page is None:
            raise ProblemError(UNKNOWN_INSIGHT, f"there is no page {name!r}; there are: {', '.join(snapshot.names)}")
        return snapshot, page

    def table(self, page: str, name: str) -> tuple[Snapshot, Table]:
        """A table of a page of the last look.

        Raises
        ------
        ProblemError
            `unknown-insight`, as of a page.
        """
        snapshot, found = self.page(page)
        table = found.table(name)
        if table is None:
            there = ", ".join(each.name for each in found.tables) or "none at all"
            raise ProblemError(UNKNOWN_INSIGHT, f"page {page!r} has no table {name!r}; it has: {there}")
        return snapshot, table
