"""The policy page's first part: which policy decides, what the gate said of the others, what each would earn, and their runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from features.insights import Card, Column, Section, Table, Unit
from features.insights.figures import bars
from features.settings import Settings
from training.registered import InForce, RegisteredPolicy, Verdict
from training.registry import Registry
from training.runs import LoggedRun

_MOST_VERSIONS = 20
_MOST_RUNS = 20

_TRAIN = "There is no policy yet: run 'touchpoint retrain'."


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What the registry knows, read once.

    Attributes
    ----------
    in_force : the versions in force one after the other, the champion last.
    versions : newest first.
    verdicts, left : what the gate said last, and whether it was rolled back, by version.
    names : what the champion and the challenger are, by version.
    evaluation : of the challenger, else of the champion, on the decisions that judged it; None where none was kept.
    address : of the MLflow server, where there is one.
    """

    in_force: tuple[InForce, ...] = ()
    versions: tuple[RegisteredPolicy, ...] = ()
    challenger: int | None = None
    verdicts: Mapping[int, Verdict | None]
    left: frozenset[int] = frozenset()
    names: Mapping[int, str]
    evaluation: Mapping[str, Any] | None = None
    evaluated: int | None = None
    runs: tuple[LoggedRun, ...] = ()
    address: str | None = None

    @property
    def champion(self) -> int | None:
        """The version that decides."""
        return self.in_force[-1].version if self.in_force else None


def read_registry(settings: Settings) -> Registered:
    """Everything the page needs; of a home without any training, nothing, and nothing is made there."""
    if settings.tracking_uri is None and not (settings.home / "mlflow.db").exists():
        return Registered(verdicts={}, names={})
    registry = Registry(settings)
    versions, challenger = registry.versions()[:_MOST_VERSIONS], registry.challenger()
    in_force = registry.in_force()
    current = [None if challenger is None else challenger.version, in_force[-1].version if in_force else None]
    told = {each.version: _read(registry, each, "policy/policy.json") or {} for each in versions if each.version in current}
    by_version = {each.version: each for each in versions}
    judged = {version: _read(registry, by_version[version], "evaluation.json") for version in current if version in by_version}
    evaluated = next((version for version, evaluation in judged.items() if evaluation is not None), None)
    uri = settings.effective_tracking_uri
    return Registered(
        in_force=in_force,
        versions=versions,
        challenger=current[0],
        verdicts={each.version: registry.verdict(each.version) for each in versions},
        left=frozenset(each.version for each in versions if registry.is_rolled_back(each.version)),
        names={version: str(policy.get("name", "")) for version, policy in told.items()},
        evaluation=None if evaluated is None else judged[evaluated],
        evaluated=evaluated,
        runs=registry.runs().latest(_MOST_RUNS),
        address=uri.rstrip("/") if uri.startswith(("http://", "https://")) else None,
    )


def _read(registry: Registry, policy: RegisteredPolicy, file: str) -> dict[str, Any] | None:
    text = registry.runs().text(policy.run_id, file)
    return None if text is None else dict(json.loads(text))


def policy_cards(known: Registered) -> list[Card]:
    """Who decides, and who would like to."""
    if known.champion is None:
        return [Card(title="Champion", value="none", unit=Unit.TEXT, note=_TRAIN, alarm=True)]
    champion, challenger = known.champion, known.challenger
    since = known.in_force[-1].since
    told = f"since {since:%Y-%m-%d %H:%M} UTC" if since else "since when is not known"
    name = known.names.get(champion, "")
    cards = [Card(title="Champion", value=f"policy {champion}", unit=Unit.TEXT, note=f"{name}, {told}".removeprefix(", "))]
    if challenger is not None and challenger != champion:
        verdict = known.verdicts.get(challenger)
        said = "not judged" if verdict is None else "passed the gate" if verdict.passed else "refused by the gate"
        cards.append(Card(title="Challenger", value=f"policy {challenger}", unit=Unit.TEXT, note=said))
    return cards


def versions_section(known: Registered) -> Section:
    """Champion and challenger, with what the gate said and why."""
    since = {each.version: each.since for each in known.in_force}
    columns = [
        Column("version", "Version", Unit.COUNT),
        Column("role", "Role"),
        Column("name", "Name"),
        Column("since", "In force since", Unit.TIME),
        Column("verdict", "Gate"),
        Column("against", "Judged against", Unit.COUNT, "the version that was champion then"),
        Column("run", "Run in MLflow"),
        *([Column("url", "Address")] if known.address else []),
        Column("reasons", "Reasons"),
    ]
    records = [
        {
            "version": policy.version,
            "role": _role(known, policy.version),
            "name": known.names.get(policy.version, ""),
            "since": _time(since.get(policy.version)),
            **_verdict(known.verdicts.get(policy.version)),
            "run": f"mlflow:{policy.run_id}",
            "url": f"{known.address}/#/runs/{policy.run_id}",
        }
        for policy in known.versions
    ]
    verdict = known.verdicts.get(known.challenger or -1)
    reasons = () if verdict is None else verdict.reasons
    rows = tuple((reason,) for reason in reasons)
    why = Table(name="reasons", title="What the gate said of the challenger", columns=(Column("reason", "Reason"),), rows=rows)
    return Section(
        name="versions",
        title="Which policy decides, and why?",
        words=tuple(f"{reason[:1].upper()}{reason[1:]}." for reason in reasons[:2]),
        tables=(Table.of("versions", "Versions", columns, records, note=f"The latest {_MOST_VERSIONS} at most."), why),
        empty=_TRAIN,
    )


def _role(known: Registered, version: int) -> str:
    roles = [name for name, one in (("champion", known.champion), ("challenger", known.challenger)) if one == version]
    return ", ".join([*roles, *(["rolled back"] if version in known.left else [])])


def _verdict(verdict: Verdict | None) -> dict[str, str | int | None]:
    if verdict is None:
        return {"verdict": "not judged", "against": None, "reasons": ""}
    return {
        "verdict": "passed" if verdict.passed else "refused",
        "against": verdict.champion,
        "reasons": "; ".join(verdict.reasons),
    }


def values_section(known: Registered) -> Section:
    """What challenger, champion and constant policies would have earned on the same decisions."""
    title, empty = (
        "What would each policy have earned?",
        "No evaluation is kept: run 'touchpoint retrain'; the reasons above say more.",
    )
    if known.evaluation is None:
        return Section(name="values", title=title, empty=empty)
    values = known.evaluation["values"]
    columns = [
        Column("policy", "Policy"),
        Column("value", "Doubly robust", Unit.MONEY, "profit per decision in the outcome window, by the estimator that judges"),
        Column("low", "From", Unit.MONEY, "lower end of its 95 % interval"),
        Column("high", "To", Unit.MONEY, "upper end of its 95 % interval"),
        Column("snips", "SNIPS", Unit.MONEY, "self-normalised inverse propensity scoring"),
        Column("ips", "IPS", Unit.MONEY, "inverse propensity scoring"),
        Column("dm", "Direct", Unit.MONEY, "by the reward model alone"),
        Column("effective", "Effective decisions", Unit.NUMBER, "equally weighted decisions that would tell as much"),
        Column("support", "Doubts"),
    ]
    records = [
        {
            "policy": each["name"],
            "value": _number(each["dr"]["value"]),
            "low": _number(each["dr"]["low"]),
            "high": _number(each["dr"]["high"]),
            "snips": None if each["snips"] is None else _number(each["snips"]["value"]),
            "ips": _number(each["ips"]["value"]),
            "dm": _number(each["dm"]["value"]),
            "effective": _number(each["support"]["effective_sample_size"]),
            "support": "; ".join(each["support"]["reasons"]),
        }
        for each in values
    ]
    table = Table.of(
        "values", "Off-policy values", columns, records, note="Policies are compared in pairs; see the reasons above."
    )
    figure = bars(table, "Off-policy values with 95 % intervals", label="policy", value="value", low="low", high="high")
    words = (
        f"Evaluated when policy {known.evaluated} was registered, on {known.evaluation['decisions']:,} decisions that it had not "
        f"seen; {known.evaluation['trimmed']:,} were left out for want of overlap or of a choice.",
        *known.evaluation["notes"],
    )
    return Section(name="values", title=title, words=words, figures=(figure,), tables=(table,), empty=empty)


def runs_section(known: Registered) -> Section:
    """The runs that made them, by which MLflow finds them."""
    columns = [
        Column("run", "Run in MLflow"),
        Column("name", "Name"),
        Column("started", "Started", Unit.TIME),
        Column("status", "Status"),
        Column("decisions", "Decisions", Unit.COUNT, "closed ones that were learnt from"),
    ]
    if known.address:
        columns.append(Column("url", "Address"))
    records = [
        {
            "run": f"mlflow:{each.run_id}",
            "name": each.name,
            "started": _time(each.started),
            "status": each.status.lower(),
            "decisions": round(each.figures["decisions"]) if "decisions" in each.figures else None,
            "url": f"{known.address}/#/runs/{each.run_id}",
        }
        for each in known.runs
    ]
    table = Table.of("runs", "Latest runs", columns, records, note="'touchpoint ui' opens MLflow, which finds a run by its id.")
    return Section(name="runs", title="What ran when?", tables=(table,), empty=_TRAIN)


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _number(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else float(value)
