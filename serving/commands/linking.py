"""Commands about who is who: identify, link, unlink, block, suggest, review."""

from pathlib import Path
from typing import Annotated

import typer

from features.domain import LinkAction
from serving.commands.running import AsJson, Who, now, run

app = typer.Typer()

Other = Annotated[str, typer.Argument(help="The other one, named in the same ways.")]


@app.command()
def identify(as_json: AsJson = False) -> None:
    """Make customers of all links known; tell of merges and splits since the last time."""
    from training.retrain import identify as identify_all

    run(as_json, lambda workspace, say: identify_all(workspace, now=now(), on_progress=say))


@app.command()
def link(one: Who, other: Other, as_json: AsJson = False) -> None:
    """Say that two identifiers are of one person; of their customers the oldest stays."""
    _state(LinkAction.LINK, one, other, as_json)


@app.command()
def unlink(one: Who, other: Other, as_json: AsJson = False) -> None:
    """Say that two identifiers are not of one person; each gets its own history back."""
    _state(LinkAction.UNLINK, one, other, as_json)


@app.command()
def block(one: Who, other: Other, as_json: AsJson = False) -> None:
    """Say that two identifiers are never of one person, whatever is observed later."""
    _state(LinkAction.BLOCK, one, other, as_json)


@app.command()
def suggest(
    profiles: Annotated[Path, typer.Argument(help="CSV or Parquet: customer_id, and names, birth dates, addresses in clear.")],
    threshold: Annotated[float | None, typer.Option(help="Probability from which two are linked.")] = None,
    review_threshold: Annotated[float | None, typer.Option(help="Probability from which a person should look.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare profiles with each other (Splink): link what is sure, and list for review what may be. No value is kept."""
    from serving.running.matching import suggest_locally

    run(
        as_json,
        lambda workspace, say: suggest_locally(
            workspace, profiles, threshold=threshold, review_threshold=review_threshold, now=now()
        ),
    )


@app.command()
def review(
    accept: Annotated[list[str] | None, typer.Option(help="Ids of pairs that are one person.")] = None,
    reject: Annotated[list[str] | None, typer.Option(help="Ids of pairs that are two people.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the pairs that wait for a person's verdict, or give verdicts."""
    from serving.running.matching import review_locally

    run(as_json, lambda workspace, say: review_locally(workspace, accept=accept or (), reject=reject or (), now=now()))


def _state(action: LinkAction, one: str, other: str, as_json: bool) -> None:
    from serving.running.local import state_link

    run(as_json, lambda workspace, say: state_link(workspace, action, one, other, now=now()))
