"""Decisions and statements without the service: the same code that answers requests, called from the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from features.domain import LinkAction
from features.errors import RequestError
from features.workspace import Workspace
from serving.assembly import assemble
from serving.deciding.answer import Answer
from serving.deciding.live import LoadedPolicy
from serving.door import CUSTOMER_ID, Door
from serving.http.metrics import Metrics
from serving.http.problems import problem_of_validation
from serving.http.wire import Changes, PostedLink, RecommendRequest
from serving.looking_back.archive import Archive
from serving.looking_back.decisions import Decisions
from serving.looking_back.explain import Explanation
from serving.looking_back.replay import Replayed
from serving.taking.facts import TakenLink, link_from, take_links
from serving.taking.intake import Clock


def recommend_locally(
    workspace: Workspace, customer: str, *, at: datetime | None, now: datetime, record: bool, decision_id: str | None
) -> Answer:
    """Take one decision; nothing is kept unless `record`.

    Raises
    ------
    ProblemError
        When the id is empty or too long, or anything that the service would refuse as well.
    """
    assembly = assemble(workspace)
    assembly.live.refresh()
    desk = assembly.desk(Metrics(), clock=lambda: now)
    try:
        asked = RecommendRequest(customer_id=customer, at=at, decision_id=decision_id, dry_run=not record, limit=50)
    except ValidationError as error:
        raise problem_of_validation(error) from None
    return desk.recommend(asked)


def state_link(workspace: Workspace, action: LinkAction, one: str, other: str, *, now: datetime) -> TakenLink:
    """Say that two identifiers are of one person, are not, or never are; from now on, until somebody says otherwise.

    Parameters
    ----------
    one, other : a customer_id, a hashed identifier, or a type and value such as `email=ada@example.com`.

    Raises
    ------
    RequestError, ProblemError
        When a value is empty, too long or not of its type, or both are the same identifier.
    """
    door, clock = Door(workspace.names), Clock(now, skew_seconds=0.0)
    sides = {"left": {CUSTOMER_ID: door.names_of(one)[0]}, "right": {CUSTOMER_ID: door.names_of(other)[0]}}
    try:
        posted = PostedLink(action=action, **sides)
    except ValidationError as error:
        raise problem_of_validation(error) from None
    link_from(posted, door=door, clock=clock)
    return take_links([posted.model_dump(mode="json")], journal=workspace.journal, door=door, clock=clock)[0]


def explain_decision(workspace: Workspace, decision_id: str) -> Explanation:
    """Tell a recorded decision in words.

    Raises
    ------
    UnknownDecisionError
        When it was not taken here.
    """
    return _decisions(workspace).explanation(decision_id)


def replay_decision(workspace: Workspace, decision_id: str, changes: Mapping[str, Any]) -> Replayed:
    """Take a recorded decision again on paper, as it was or with changes; nothing is written.

    Raises
    ------
    UnknownDecisionError
        When it was not taken here.
    ProblemError, RequestError, NotReplayableError
        When the changes are not possible, or it cannot be taken again.
    """
    try:
        asked = Changes.model_validate(changes)
    except ValidationError as error:
        raise problem_of_validation(error) from None
    return _decisions(workspace).replayed(decision_id, asked)


def changes_of(
    settings: Sequence[str], *, exclude: Sequence[str] | None, without_contacts: bool, at: datetime | None
) -> dict[str, Any]:
    """What the command line says was otherwise, as the API takes it.

    Raises
    ------
    RequestError
        When a setting is not `name=value`.

    Examples
    --------
    >>> changes_of(["tenure_lifetime_days=3", "context.weather=rain"], exclude=None, without_contacts=True, at=None)
    {'features': {'tenure_lifetime_days': 3.0}, 'context': {'weather': 'rain'}, 'contacts': []}
    """
    changes: dict[str, Any] = {"features": {}, "context": {}}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not name or not sign:
            raise RequestError(f"--set {setting!r} must be name=value, such as tenure_lifetime_days=3", field="/changes/features")
        table, key = ("context", name.removeprefix("context.")) if name.startswith("context.") else ("features", name)
        changes[table][key] = _typed(value)
    if exclude:
        changes["exclude"] = list(exclude)
    if without_contacts:
        changes["contacts"] = []
    if at is not None:
        changes["at"] = at
    return changes


def _typed(text: str) -> float | str | None:
    """A number where it is one, nothing for `null`, else the text."""
    if text == "null":
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _decisions(workspace: Workspace) -> Decisions:
    return Decisions(workspace.journal, Archive(workspace.settings, workspace.journal, workspace.catalogue, _NothingInForce()))


@dataclass(frozen=True, slots=True)
class _NothingInForce:
    """Where no service runs: every policy is had from the registry."""

    current: LoadedPolicy | None = None
    challenger: LoadedPolicy | None = None
