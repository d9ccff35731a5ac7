"""Commands of the loop: materialize, train, evaluate, promote, rollback, retrain, schedule."""

from contextlib import nullcontext
from typing import Annotated, Any

import typer

from serving.commands.running import AsJson, now, run, settings

app = typer.Typer()


@app.command()
def materialize(
    spark: Annotated[str | None, typer.Option(help='Let Spark make the states: its master, e.g. "local[*]".')] = None,
    as_json: AsJson = False,
) -> None:
    """Bring journal and lake into the feature store, offline and online."""
    from features.spark import opened
    from training.retrain import materialize as materialize_all

    def work(workspace: Any, say: Any) -> Any:
        with opened(spark) if spark else nullcontext() as session:
            return materialize_all(workspace, now=now(), on_progress=say, spark=session)

    run(as_json, work)


@app.command()
def train(as_json: AsJson = False) -> None:
    """Fit conversion, churn and value models and the policy; register them, the policy as challenger."""
    from training.retrain import train as train_challenger

    run(as_json, lambda workspace, say: train_challenger(workspace, now=now(), on_progress=say))


@app.command()
def evaluate(as_json: AsJson = False) -> None:
    """Compare challenger, champion and every constant policy on the same log; new data make a new challenger."""
    from training.retrain import train as train_and_judge

    run(as_json, lambda workspace, say: train_and_judge(workspace, now=now(), on_progress=say))


@app.command()
def promote(
    force: Annotated[bool, typer.Option("--force", help="Promote although the gate refuses; recorded as forced.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the challenger champion if the gate passes; a running service picks it up within seconds."""
    from training.retrain import promote as promote_challenger

    run(as_json, lambda workspace, say: promote_challenger(workspace, force=force, now=now(), on_progress=say))


@app.command()
def rollback(as_json: AsJson = False) -> None:
    """Give the alias champion back to the policy that had it before."""
    from training.retrain import rollback as roll_back

    run(as_json, lambda workspace, say: roll_back(workspace, now=now(), on_progress=say))


@app.command()
def retrain(as_json: AsJson = False) -> None:
    """Compact, identify, materialize, train, evaluate, and promote if the gate passes; fit for cron."""
    from training.retrain import retrain as retrain_all

    run(as_json, lambda workspace, say: retrain_all(workspace, now=now(), on_progress=say))


@app.command()
def schedule(
    cron: Annotated[str, typer.Option(help='When to retrain, e.g. "0 3 * * *", in UTC.')],
    as_json: AsJson = False,
) -> None:
    """Retrain and report on a schedule until interrupted; a run that is still going when the next is due is not doubled."""
    from serving.running.schedule import run_schedule
    from serving.running.terminal import Terminal

    with Terminal(as_json=as_json) as terminal:
        run_schedule(settings(), cron=cron, terminal=terminal)
