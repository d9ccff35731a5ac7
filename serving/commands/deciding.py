"""Commands that decide, look back at decisions, and serve: demo, recommend, explain, replay, serve, ui."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from features.errors import RequestError
from serving.commands.running import AsJson, At, identifier_of, now, run, settings, utc

app = typer.Typer()


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the recommendation instead of serving on.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the service; 0 takes a free one.")] = 3000,
    ui_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the MLflow UI; 0 takes a free one.")] = 5000,
    as_json: AsJson = False,
) -> None:
    """Real data in, a running service and a recommendation out."""
    from serving.demo.run import run_demo
    from serving.running.terminal import Terminal

    with Terminal(as_json=as_json) as terminal:
        run_demo(settings(), now=now(), once=once, port=port, ui_port=ui_port, terminal=terminal)


@app.command()
def recommend(
    customer: Annotated[
        str | None, typer.Argument(help="A customer_id, an identifier, or a type and value such as email=ada@example.com.")
    ] = None,
    at: At = None,
    record: Annotated[bool, typer.Option("--record", help="Keep what is decided as if it had been carried out.")] = False,
    decision_id: Annotated[str | None, typer.Option(help="Same id, same answer.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Decide for everybody who is known, into the file --to.")] = False,
    to: Annotated[Path | None, typer.Option(help="Parquet file for --all; one that is there is replaced.")] = None,
    customers: Annotated[
        Path | None, typer.Option(help="With --all: only these; one a line, or a CSV or Parquet file with a column customer_id.")
    ] = None,
    touchpoint: Annotated[list[str] | None, typer.Option(help="With --all: a touchpoint to choose from; default: all.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="With --all: a touchpoint that is ruled out.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="With --all: how many touchpoints to rank.")] = 1,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="With --all: that of every touchpoint as well.")] = False,
    defer: Annotated[bool, typer.Option("--defer", help="With --all --record: no contact before it is told of.")] = False,
    run_name: Annotated[
        str | None, typer.Option("--run", help="With --all: name of the run; same run, same answers; default: today's date.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take one decision, or one for everybody, without the service; nothing is kept unless --record."""
    of_one = [name for name, given in (("CUSTOMER", customer), ("--at", at), ("--decision-id", decision_id)) if given is not None]
    of_all: dict[str, object] = {"--to": to, "--customers": customers, "--touchpoint": touchpoint, "--exclude": exclude}
    of_all |= {"--run": run_name, "--limit": limit > 1, "--probabilities": probabilities, "--defer": defer}
    _check_either(everybody, of_one, [name for name, given in of_all.items() if given])
    if customer is None:
        from serving.batch import Asked, recommend_home

        asked = Asked(
            run=run_name or f"{now():%Y-%m-%d}",
            candidates=tuple(touchpoint) if touchpoint else None,
            exclude=tuple(exclude or ()),
            limit=limit,
            recorded=record,
            deferred=defer,
        )
        file = to or Path()
        run(
            as_json,
            lambda workspace, say: recommend_home(
                workspace, file, asked, now=now(), customers=customers, probabilities=probabilities, on_progress=say
            ),
        )
        return
    from serving.running.local import recommend_locally

    run(
        as_json,
        lambda workspace, say: recommend_locally(
            workspace, identifier_of(workspace, customer), at=utc(at), now=now(), record=record, decision_id=decision_id
        ),
    )


def _check_either(everybody: bool, of_one: Sequence[str], of_all: Sequence[str]) -> None:
    """Refuse a mixture of what is about one customer and what is about all."""
    if everybody and (of_one or "--to" not in of_all):
        raise RequestError(f"--all goes with --to FILE and without {' or '.join(of_one or ['CUSTOMER'])}", field="/customer")
    if not everybody and (of_all or "CUSTOMER" not in of_one):
        raise RequestError(f"give CUSTOMER without {' or '.join(of_all or ['--to'])}, or --all with --to FILE", field="/customer")


@app.command()
def explain(decision: Annotated[str, typer.Argument(help="The decision's id.")], as_json: AsJson = False) -> None:
    """Why this touchpoint, why not each other one, and what would have to change for it."""
    from serving.running.local import explain_decision

    run(as_json, lambda workspace, say: explain_decision(workspace, decision))


@app.command()
def replay(
    decision: Annotated[str, typer.Argument(help="The decision's id.")],
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="What is supposed to have been otherwise: a feature's name=value, trait.age=15, or context.key=value."
        ),
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A touchpoint that is supposed to have been ruled out.")] = None,
    without_contacts: Annotated[
        bool, typer.Option("--without-contacts", help="As if the customer had never been contacted.")
    ] = False,
    at: Annotated[
        datetime | None, typer.Option(help="As if it had been then (UTC unless it names a zone); default: the recorded time.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take a recorded decision again on paper, as it was or with changes; nothing is kept."""
    from serving.running.local import changes_of, replay_decision

    changes = changes_of(change or (), exclude=exclude, without_contacts=without_contacts, at=utc(at))
    run(as_json, lambda workspace, say: replay_decision(workspace, decision, changes))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Beyond loopback only with an API key in the settings.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 3000,
    workers: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Run the service until interrupted."""
    from serving.running.launch import replace_process_by_service

    replace_process_by_service(settings(), host=host, port=port, workers=workers)


@app.command()
def ui(port: Annotated[int, typer.Option(min=0, max=65535)] = 5000) -> None:
    """Run the MLflow UI on this machine until interrupted."""
    from serving.running.launch import replace_process_by_ui

    replace_process_by_ui(settings(), port=port)
