"""The command `touchpoint`: each command parses, calls one function and prints its result; the work is elsewhere.

Heavy packages are imported inside the commands, so that `--help` is instant.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import CaptureError, TouchpointError
from features.settings import Settings, load_settings

app = typer.Typer(
    help="Next-best-touchpoint service: capture, learn, recommend.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
At = Annotated[datetime | None, typer.Option(help="As if it were then (UTC unless it names a zone); default: now.")]


def main() -> None:
    """Run a command; bad input ends with one clear line and exit code 2.

    Feast imports three times faster with optimization on, so commands start again with it; asking for help does not.
    """
    arguments = sys.argv[1:]
    if sys.flags.optimize == 0 and arguments and not {"--help", "-h"} & set(arguments):
        environment = os.environ | {"PYTHONOPTIMIZE": "1"}
        os.execve(sys.executable, [sys.executable, "-m", "serving.cli", *arguments], environment)
    try:
        app(prog_name="touchpoint")
    except TouchpointError as error:
        sys.stderr.write(f"touchpoint: {error}\n")
        raise SystemExit(2) from None


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the recommendation instead of serving on.")] = False,
    port: Annotated[int, typer.Option(help="Port of the service; 0 takes a free one.")] = 3000,
    ui_port: Annotated[int, typer.Option(help="Port of the MLflow UI; 0 takes a free one.")] = 5000,
    as_json: AsJson = False,
) -> None:
    """Real data in, a running service and a recommendation out."""
    from serving.demo.run import run_demo
    from serving.terminal import Terminal

    with Terminal(as_json=as_json) as terminal:
        run_demo(_settings(), now=datetime.now(UTC), once=once, port=port, ui_port=ui_port, terminal=terminal)


@app.command()
def ingest(
    files: Annotated[list[Path], typer.Argument(help="CSV, JSON lines or Parquet files.")],
    source: Annotated[Path, typer.Option(help="The source mapping, a TOML file.")],
    as_json: AsJson = False,
) -> None:
    """Map records of files to interactions, decisions and outcomes in the lake; bad ones go to the quarantine."""
    from features.capture import Mapping
    from features.capture import ingest as ingest_files
    from features.catalogue import parse_toml

    report = _run(
        as_json,
        lambda workspace, say: ingest_files(
            files,
            parse_toml(Mapping, source),
            catalogue=workspace.catalogue,
            lake=workspace.lake,
            now=datetime.now(UTC),
            clock_skew_seconds=workspace.settings.clock_skew_seconds,
            on_progress=say,
        ),
    )
    if sum(report.quarantined.values()) and not sum(report.accepted.values()) + sum(report.duplicate.values()):
        raise CaptureError(f"every record went to the quarantine: {next(iter(report.reasons), 'see there')}")


@app.command()
def materialize(as_json: AsJson = False) -> None:
    """Bring journal and lake into the feature store, offline and online."""
    from training.retrain import materialize as materialize_all

    _run(as_json, lambda workspace, say: materialize_all(workspace, now=datetime.now(UTC), on_progress=say))


@app.command()
def train(as_json: AsJson = False) -> None:
    """Fit conversion, churn and value models and the policy; register them, the policy as challenger."""
    from training.retrain import train as train_challenger

    _run(as_json, lambda workspace, say: train_challenger(workspace, now=datetime.now(UTC), on_progress=say))


@app.command()
def evaluate(as_json: AsJson = False) -> None:
    """Compare challenger, champion and every constant policy on the same log; new data make a new challenger."""
    from training.retrain import train as train_and_judge

    _run(as_json, lambda workspace, say: train_and_judge(workspace, now=datetime.now(UTC), on_progress=say))


@app.command()
def promote(
    force: Annotated[bool, typer.Option("--force", help="Promote although the gate refuses; recorded as forced.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the challenger champion if the gate passes; a running service picks it up within seconds."""
    from training.retrain import promote as promote_challenger

    _run(as_json, lambda workspace, say: promote_challenger(workspace, force=force, on_progress=say))


@app.command()
def rollback(as_json: AsJson = False) -> None:
    """Give the alias champion back to the policy that had it before."""
    from training.retrain import rollback as roll_back

    _run(as_json, lambda workspace, say: roll_back(workspace, on_progress=say))


@app.command()
def retrain(as_json: AsJson = False) -> None:
    """Compact, materialize, train, evaluate, and promote if the gate passes; fit for cron."""
    from training.retrain import retrain as retrain_all

    _run(as_json, lambda workspace, say: retrain_all(workspace, now=datetime.now(UTC), on_progress=say))


@app.command()
def schedule(
    cron: Annotated[str, typer.Option(help='When to retrain, e.g. "0 3 * * *", in UTC.')],
    as_json: AsJson = False,
) -> None:
    """Retrain on a schedule until interrupted; a run that is still going when the next is due is not doubled."""
    from serving.schedule import run_schedule
    from serving.terminal import Terminal

    with Terminal(as_json=as_json) as terminal:
        run_schedule(_settings(), cron=cron, terminal=terminal)


@app.command()
def recommend(
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    at: At = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the decision as if it had been carried out.")] = False,
    decision_id: Annotated[str | None, typer.Option(help="Same id, same answer.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take one decision without the service; nothing is kept unless --record."""
    from serving.local import recommend_locally

    _run(
        as_json,
        lambda workspace, say: recommend_locally(
            workspace, customer, at=_utc(at), now=datetime.now(UTC), record=record, decision_id=decision_id
        ),
    )


@app.command()
def explain(decision: Annotated[str, typer.Argument(help="The decision's id.")], as_json: AsJson = False) -> None:
    """Tell a recorded decision in words."""
    from serving.local import explain_decision

    _run(as_json, lambda workspace, say: explain_decision(workspace, decision))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Beyond loopback only with an API key in the settings.")] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 3000,
    workers: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Run the service until interrupted."""
    from serving.launch import replace_process_by_service

    replace_process_by_service(_settings(), host=host, port=port, workers=workers)


@app.command()
def ui(port: Annotated[int, typer.Option()] = 5000) -> None:
    """Run the MLflow UI on this machine until interrupted."""
    from serving.launch import replace_process_by_ui

    replace_process_by_ui(_settings(), port=port)


def _settings() -> Settings:
    return load_settings()


def _run(as_json: bool, work: Any) -> Any:
    from features.workspace import Workspace
    from serving.terminal import Terminal

    with Terminal(as_json=as_json) as terminal:
        result = work(Workspace(_settings()), terminal.say)
        terminal.result(result)
    return result


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


if __name__ == "__main__":
    main()
