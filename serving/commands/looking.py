"""Commands that show what happens at the touchpoints: report."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ConfigurationError
from serving.commands.running import AsJson, Say, now, run, utc

if TYPE_CHECKING:
    from features.workspace import Workspace

app = typer.Typer()


@app.command()
def report(
    since: Annotated[datetime | None, typer.Option(help="Begin of the period; default: the catalogue's insights.days.")] = None,
    until: Annotated[datetime | None, typer.Option(help="End of the period; default: as far as is known.")] = None,
    output: Annotated[Path | None, typer.Option(help="The HTML file; default: report.html in the home.")] = None,
    mlflow: Annotated[bool, typer.Option(help="Keep the report as an MLflow run, too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Look at every touchpoint, journey and decision: for the console, as one HTML file, and into MLflow."""
    from dataclasses import replace

    from features.refresh import identify
    from serving.console.report import report_html
    from training.insights import look_at, summarize
    from training.insights.kept import files_of, keep_report, metrics_of
    from training.registry import Registry

    if output is not None and not output.absolute().parent.is_dir():  # told before minutes of work
        raise ConfigurationError(f"--output {output}: there is no such folder; make it, or name a file in another")

    def look(workspace: "Workspace", say: Say) -> object:
        identify(workspace, now=now(), on_progress=say)
        snapshot = look_at(workspace, now=now(), on_progress=say, since=utc(since), until=utc(until))
        path, text = output or workspace.settings.home / "report.html", report_html(snapshot)
        path.write_text(text, encoding="utf-8")
        say(f"the report is {path}")
        run_id = None
        if mlflow:
            files = {"report.html": text} | files_of(snapshot)
            run_id = keep_report(Registry(workspace.settings), files, at=snapshot.at, metrics=metrics_of(snapshot))
        return replace(summarize(snapshot), path=str(path.absolute()), run_id=run_id)

    run(as_json, look)
