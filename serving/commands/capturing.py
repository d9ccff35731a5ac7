"""Commands about sources and what came of them: ingest, quality, reconcile."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import CaptureError
from serving.commands.running import AsJson, Say, now, run, settings

if TYPE_CHECKING:
    from features.capture import IngestReport
    from features.workspace import Workspace

app = typer.Typer()


@app.command()
def ingest(
    files: Annotated[list[Path], typer.Argument(help="CSV, JSON or Parquet files, each may be gzipped or in a zip.")],
    source: Annotated[str, typer.Option(help="The source mapping: a TOML file, or preset:NAME.")],
    as_json: AsJson = False,
) -> None:
    """Map records of files to interactions, decisions, outcomes, consents and links; bad ones go to the quarantine."""
    from features.capture import ingest as ingest_files
    from features.capture.preset import load_source
    from features.refresh import tell_journal

    def take(workspace: "Workspace", say: Say) -> "IngestReport":
        report = ingest_files(
            files,
            load_source(source),
            catalogue=workspace.catalogue,
            lake=workspace.lake,
            names=workspace.names,
            tombstones=workspace.journal.tombstones(),
            now=now(),
            clock_skew_seconds=workspace.settings.clock_skew_seconds,
            on_progress=say,
        )
        tell_journal(workspace, now=now())
        return report

    report = run(as_json, take)
    if sum(report.quarantined.values()) and not sum(report.accepted.values()) + sum(report.duplicate.values()):
        raise CaptureError(f"every record went to the quarantine: {next(iter(report.reasons), 'see there')}")


@app.command()
def quality(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back to look.")] = 28,
    as_json: AsJson = False,
) -> None:
    """Tell of every source and day: volumes, rejects, duplicates, lateness, missing fields, drift, and who has gone quiet."""
    from features.quality import quality_report
    from features.refresh import bring_journal_to_lake

    def report(workspace: "Workspace", say: Say) -> object:
        bring_journal_to_lake(workspace, on_progress=say)
        return quality_report(workspace.lake, catalogue=workspace.catalogue, now=now(), days=days)

    run(as_json, report)


@app.command()
def reconcile(
    sample: Annotated[int, typer.Option(min=1, help="How many customers to rebuild.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Rebuild the features of some customers from all that is known, and compare them with those online."""
    import numpy as np

    from features.reconcile import reconcile as reconcile_features

    rng = np.random.default_rng(settings().seed)
    run(
        as_json,
        lambda workspace, say: reconcile_features(
            workspace.lake,
            workspace.journal,
            workspace.store,
            workspace.catalogue,
            sample=sample,
            rng=rng,
            now=now(),
            on_progress=say,
        ),
    )
