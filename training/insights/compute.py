"""Makes all pages and keeps them; a page that cannot be made says why, and the others are made all the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as parquet

from features.errors import TouchpointError
from features.insights import Page, Period, Section
from features.insights.look import Look
from features.insights.snapshot import Snapshot, keep_snapshot, one_writer
from features.lake import literal, without_globs
from features.privacy.identity_files import forget_members
from features.workspace import Workspace
from training.insights.made import Made
from training.insights.pages import SUBJECTS, Subject

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What one look found, in short.

    Attributes
    ----------
    pages : how many tables each has.
    words : of the overview, what somebody should know first.
    path : of the report, where one was written.
    run_id : of the MLflow run that keeps it, where one does.
    """

    at: datetime
    period: Period
    pages: Mapping[str, int]
    words: tuple[str, ...]
    path: str | None = None
    run_id: str | None = None

    def in_words(self) -> str:
        """The period, then what should be known first, then where all of it is."""
        where = [*([f"report: {self.path}"] if self.path else []), *([f"MLflow run: {self.run_id}"] if self.run_id else [])]
        return "\n".join([f"{self.period.since:%Y-%m-%d} to {self.period.until:%Y-%m-%d}", *self.words, *where])


def look_at(
    workspace: Workspace, *, now: datetime, on_progress: Say, since: datetime | None = None, until: datetime | None = None
) -> Snapshot:
    """Compute every page over a period and make them the current ones.

    Parameters
    ----------
    since, until : the period; by default the catalogue's `insights.days` before what is known.

    Raises
    ------
    PeriodError
        When the period has no time in it.
    """
    erased = workspace.journal.tombstones()
    known_until = workspace.store.watermark() or now
    end = until or known_until + timedelta(microseconds=1)  # the last that is known is in
    period = Period.last(workspace.catalogue.insights.days, until=end) if since is None else Period(since, end)
    look = Look(
        lake=workspace.lake,
        catalogue=workspace.catalogue,
        period=period,
        now=now,
        known_until=known_until,
        members=workspace.store.members().relation(),
        seed=workspace.settings.seed,
    )
    pages, people = _make_all(look, workspace, on_progress)
    order = {subject.name: subject.shown_at for subject in SUBJECTS}
    shown = sorted(pages, key=lambda page: order[page.name])
    currency = workspace.catalogue.currency
    kept = keep_snapshot(workspace.settings.insights_path, shown, people, at=now, period=period, currency=currency)
    _forget_erased(kept, people, workspace, before=erased)
    return kept


def summarize(snapshot: Snapshot) -> Summary:
    """The snapshot in short."""
    pages = [page for page in map(snapshot.page, snapshot.names) if page is not None]
    words = tuple(word for page in pages if page.name == "overview" for section in page.sections for word in section.words)
    return Summary(snapshot.at, snapshot.period, {page.name: len(list(page.tables)) for page in pages}, words)


def _make_all(look: Look, workspace: Workspace, on_progress: Say) -> tuple[list[Page], dict[str, pa.Table]]:
    pages: list[Page] = []
    people: dict[str, pa.Table] = {}
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        for subject in SUBJECTS:
            on_progress(f"looking at: {subject.title.lower()}")
            made = _make(subject, look, workspace, pages)
            pages.append(made.page)
            people |= made.people
            if "segments" in made.people:
                look = look.with_segments(_segments(made.people["segments"], Path(folder)))
    return pages, people


def _make(subject: Subject, look: Look, workspace: Workspace, before: Sequence[Page]) -> Made:
    try:
        return subject.make(look, workspace, before)
    except TouchpointError as error:
        refused = Section(name="refused", title="Nothing to show yet", empty=str(error))
        return Made(Page(name=subject.name, title=subject.title, lead="", sections=(refused,)))


def _forget_erased(
    kept: Snapshot, people: Mapping[str, pa.Table], workspace: Workspace, *, before: Mapping[str, datetime]
) -> None:
    """Take out who was erased while the pages were made; whoever is erased from now on, the erasure takes out itself."""
    erased = {digest for digest, at in workspace.journal.tombstones().items() if before.get(digest) != at}
    if erased:
        names = {name for rows in people.values() for name in rows["customer_id"].unique().to_pylist()}
        buried = [name for name in names if name is not None and not erased.isdisjoint(workspace.names.tombstones_of(name))]
        with one_writer(workspace.settings.insights_path):
            forget_members(kept.folder, buried)


def _segments(rows: pa.Table, folder: Path) -> str:
    path = folder / "segments.parquet"
    parquet.write_table(rows.select(["customer_id", "segment"]), path)
    return f"(SELECT customer_id, segment FROM read_parquet({literal(without_globs(str(path)))}))"
