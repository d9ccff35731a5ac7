"""Commands about refused records: `touchpoint quarantine list|show|correct|replay|discard`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.commands.running import AsJson, now, run, utc

if TYPE_CHECKING:
    from features.quarantine import Selection

app = typer.Typer(help="Refused records: look at them, correct them, take them in after all.", no_args_is_help=True)

Source = Annotated[str | None, typer.Option("--of", help="Only records of this source.")]
Reason = Annotated[str | None, typer.Option(help="Only records whose reason contains this.")]
Since = Annotated[datetime | None, typer.Option(help="Only records refused since then.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of records, or beginnings of them; default: all that are selected.")]
Id = Annotated[str, typer.Argument(help="The record's id, or the beginning of it.")]
Mapping = Annotated[str, typer.Option("--source", help="The source mapping: a TOML file, or preset:NAME.")]


@app.command("list")
def list_records(
    of: Source = None,
    reason: Reason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=0, help="How many records to show one by one.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Tell how many records wait, by source and reason, and show the newest."""
    from features.quarantine import list_refused

    run(as_json, lambda workspace, say: list_refused(workspace.lake, _selection(of, reason, since), limit=limit))


@app.command()
def show(record: Id, as_json: AsJson = False) -> None:
    """Show one record as it came, and why it was refused."""
    from features.quarantine import show_refused

    run(as_json, lambda workspace, say: show_refused(workspace.lake, record))


@app.command()
def correct(
    record: Id,
    changes: Annotated[str, typer.Option("--set", help='JSON merge patch of the record, such as \'{"at": "2026-01-31"}\'.')],
    source: Mapping,
    as_json: AsJson = False,
) -> None:
    """Put a corrected copy in the place of a record; replay it then."""
    from features.capture.preset import load_source
    from features.quarantine import correct as correct_record
    from features.quarantine import redactor
    from serving.http.values import parse_json

    patch = parse_json(changes.encode())
    run(
        as_json,
        lambda workspace, say: correct_record(
            workspace.lake, record, patch, redact=redactor(load_source(source), workspace.names), now=now()
        ),
    )


@app.command()
def replay(
    records: Ids = None,
    of: Source = None,
    reason: Reason = None,
    since: Since = None,
    source: Annotated[str | None, typer.Option("--source", help="The source mapping, for what came in files.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the side files of the mapping's lookups lie.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give records to capture once more, after the mapping, the catalogue or they themselves were corrected."""
    from serving.running.keeping import replay_locally

    selection = _selection(of, reason, since, records)
    run(
        as_json,
        lambda workspace, say: replay_locally(workspace, selection, source=source, folder=folder, now=now(), on_progress=say),
    )


@app.command()
def discard(
    records: Ids = None,
    of: Source = None,
    reason: Reason = None,
    since: Since = None,
    because: Annotated[str, typer.Option(help="Why they are of no use; kept with them.")] = "",
    as_json: AsJson = False,
) -> None:
    """Give records up, with a reason; they are kept, and listed no more."""
    from features.quarantine import discard as discard_records

    selection = _selection(of, reason, since, records)
    run(as_json, lambda workspace, say: discard_records(workspace.lake, selection, reason=because, now=now()))


def _selection(of: str | None, reason: str | None, since: datetime | None, records: list[str] | None = None) -> "Selection":
    from features.quarantine import Selection

    return Selection(source=of, reason=reason, since=utc(since), record_ids=tuple(records or ()))
