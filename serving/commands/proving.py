"""Commands that prove what the touchpoints are worth, and watch the policy: lift, power, alarms, guard."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ConfigurationError
from serving.commands.running import AsJson, Say, now, run, utc

if TYPE_CHECKING:
    from features.workspace import Workspace

app = typer.Typer()


@app.command()
def lift(
    since: Annotated[datetime | None, typer.Option(help="Decisions from then on; default: from the first one on.")] = None,
    until: Annotated[datetime | None, typer.Option(help="What customers did up to then; default: as far as is known.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what the touchpoints are worth, against the holdout and the diagnostic arms; may be looked at every day."""
    from features.refresh import bring_journal_to_lake
    from training.experiment.report import measure_lift

    def measure(workspace: "Workspace", say: Say) -> object:
        bring_journal_to_lake(workspace, on_progress=say)
        members, end = workspace.store.members().relation(), utc(until) or workspace.store.watermark() or now()
        return measure_lift(workspace.lake, workspace.catalogue, since=utc(since), until=end, members=members)

    run(as_json, measure)


@app.command()
def power(
    baseline: Annotated[float, typer.Option(help="Of customers left alone: a share, or with --sd an amount.")],
    effect: Annotated[float | None, typer.Option(help="The smallest difference that matters: asks how many customers.")] = None,
    customers: Annotated[int | None, typer.Option(help="How many there are: asks for the smallest difference.")] = None,
    sd: Annotated[float | None, typer.Option(help="Standard deviation of the amount between customers.")] = None,
    holdout_share: Annotated[float, typer.Option(help="Share of customers left alone.")] = 0.1,
    correlation: Annotated[float, typer.Option(help="With the same figure of the time before; narrows intervals.")] = 0.0,
    chance: Annotated[float, typer.Option("--power", help="P(the difference is seen when it is there).")] = 0.8,
    as_json: AsJson = False,
) -> None:
    """Say how many customers an experiment takes, or how small a difference so many show."""
    from training.experiment.power import Plan, answer

    if (effect is None) == (customers is None):
        raise ConfigurationError("give either --effect, to be told how many customers it takes, or --customers")
    plan = Plan(baseline=baseline, deviation=sd, holdout_share=holdout_share, correlation=correlation, power=chance)
    run(as_json, lambda workspace, say: answer(plan, effect=effect, customers=customers))


@app.command()
def alarms(
    days: Annotated[int, typer.Option(min=1, max=365, help="The days that are compared with as many before.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Look for what goes wrong unseen: no exploration, drift, bad calibration, lost customers, broken guardrails."""
    from features.refresh import bring_journal_to_lake
    from training.monitor.watch import watch
    from training.registry import Registry

    def look(workspace: "Workspace", say: Say) -> object:
        bring_journal_to_lake(workspace, on_progress=say)
        in_force, members = Registry(workspace.settings).in_force(), workspace.store.members().relation()
        known = workspace.store.watermark()
        return watch(
            workspace.lake, workspace.catalogue, in_force, until=now(), known_until=known, days=float(days), members=members
        )

    run(as_json, look)


@app.command()
def guard(as_json: AsJson = False) -> None:
    """Take the champion back if a guardrail of the catalogue broke; 'retrain' does so before it learns."""
    from training.retrain import guard as guard_champion

    run(as_json, lambda workspace, say: guard_champion(workspace, now=now(), on_progress=say))
