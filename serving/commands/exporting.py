"""Commands that hand over what was decided: log."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from serving.commands.running import AsJson, now, run, utc

app = typer.Typer()


class Format(StrEnum):
    """The formats, without importing what writes them."""

    DSJSON = "dsjson"
    OBP = "obp"


@app.command()
def log(
    file: Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced.")],
    format: Annotated[Format, typer.Option(help="Vowpal Wabbit's dsjson, or Open Bandit Pipeline feedback.")] = Format.DSJSON,
    since: Annotated[datetime | None, typer.Option(help="Only what was decided at or after this time.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only what was decided before this time.")] = None,
    ranks: Annotated[bool, typer.Option("--ranks", help="Events of Personalizer's calls instead of decisions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the log of decisions and their rewards for other tools; only what is closed is in it."""
    from serving.exporting import LogFormat, export_log

    run(
        as_json,
        lambda workspace, say: export_log(
            workspace,
            file,
            LogFormat(format.value),
            now=now(),
            since=utc(since),
            until=utc(until),
            ranks=ranks,
            on_progress=say,
        ),
    )
