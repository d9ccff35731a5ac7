"""Commands about what is kept of people: export, erase, retention."""

import typer

from serving.commands.running import AsJson, Who, identifier_of, now, run

app = typer.Typer()


@app.command()
def export(customer: Who) -> None:
    """Print all that is known of one person, as JSON."""
    from serving.running.keeping import export_locally

    run(True, lambda workspace, say: export_locally(workspace, identifier_of(workspace, customer), now=now()))


@app.command()
def erase(customer: Who, as_json: AsJson = False) -> None:
    """Remove one person everywhere, old files included, such that no replay brings them back; tell what was removed."""
    from features.privacy.erase import erase_customer

    run(
        as_json,
        lambda workspace, say: erase_customer(identifier_of(workspace, customer), workspace.places, now=now(), on_progress=say),
    )


@app.command()
def retention(as_json: AsJson = False) -> None:
    """Delete what is older than the catalogue's sources allow; `touchpoint materialize` and `retrain` do it too."""
    from features.privacy.retention import apply_retention

    run(
        as_json,
        lambda workspace, say: apply_retention(
            workspace.lake, workspace.journal, workspace.store, catalogue=workspace.catalogue, now=now(), on_progress=say
        ),
    )
