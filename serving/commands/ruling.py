"""Commands about rules: rehearse."""

from pathlib import Path
from typing import Annotated

import typer

from serving.commands.running import AsJson, now, run

app = typer.Typer()


@app.command()
def rehearse(
    new_catalogue: Annotated[Path, typer.Argument(help="The catalogue with the changed rules; that in force stays in force.")],
    days: Annotated[float, typer.Option(min=0, max=3650, help="How far back: decisions of the last days.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Dry run of a rule change: what it would have done to the decisions of the last days."""
    from serving.looking_back.rehearse import rehearse as rehearse_rules

    run(as_json, lambda workspace, say: rehearse_rules(workspace, new_catalogue, days=days, now=now(), on_progress=say))
