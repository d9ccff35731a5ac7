"""What is kept, from the command line: a person's export, and refused records given to capture once more."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from features.capture import ingest
from features.capture.preset import load_source
from features.quarantine import ReplayReport, Selection, replay
from features.workspace import Workspace
from serving.assembly import assemble
from serving.customers import Customers
from serving.door import Door
from serving.http.metrics import Metrics
from serving.taking.incoming import raw_record
from serving.taking.intake import SOURCE, Clock, take_interactions


def export_locally(workspace: Workspace, name: str, *, now: datetime) -> dict[str, Any]:
    """All that is known of the customer with that identifier.

    Raises
    ------
    UnknownCustomerError
        When nothing is.
    """
    reader = assemble(workspace).reader
    return Customers(workspace, reader, Door(workspace.names), clock=lambda: now).export(name)


def replay_locally(
    workspace: Workspace,
    selection: Selection,
    *,
    source: str | None,
    folder: Path | None,
    now: datetime,
    on_progress: Callable[[str], None],
) -> ReplayReport:
    """Replay refused records: those of files through the mapping `source`, those posted through the check of the service.

    Raises
    ------
    RequestError
        When what came in files is selected and no mapping is given.
    """
    skew = workspace.settings.clock_skew_seconds
    take_files = partial(
        ingest,
        catalogue=workspace.catalogue,
        names=workspace.names,
        tombstones=workspace.journal.tombstones(),
        now=now,
        clock_skew_seconds=skew,
        on_progress=on_progress,
    )
    return replay(
        workspace.lake,
        selection,
        mapping=None if source is None else load_source(source),
        take_files=take_files,
        post=lambda posted_to, records: _posted(workspace, posted_to, records, Clock(now, skew)),
        folder=folder,
        now=now,
    )


def _posted(workspace: Workspace, source: str, records: Sequence[Any], clock: Clock) -> list[str | None]:
    """The reason why each record is refused again; None once it is durable."""
    if source == SOURCE:
        door = Door(workspace.names)
        taken, _ = take_interactions(records, journal=workspace.journal, catalogue=workspace.catalogue, door=door, clock=clock)
        return [one.reason if one.status == "quarantined" else None for one in taken]
    posting = assemble(workspace).desk(Metrics(), clock=lambda: clock.now).posting
    taken = posting.records(source, [raw_record(record) for record in records])
    return [one.reason if one.status == "quarantined" else None for one in taken]
