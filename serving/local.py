"""Decisions and statements without the service: the same code that answers requests, called from the command line."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from features.domain import NONE, LinkAction
from features.errors import UnknownDecisionError
from features.workspace import Workspace
from serving.assembly import assemble
from serving.door import CUSTOMER_ID, Door
from serving.facts import TakenLink, link_from, take_links
from serving.intake import Clock
from serving.metrics import Metrics
from serving.problems import problem_of_validation
from serving.record import Answer, DecisionRecord, ScoredCandidate, record_from_json
from serving.wire import PostedLink, RecommendRequest


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision in words, and the record they are taken from."""

    words: tuple[str, ...]
    record: DecisionRecord

    def in_words(self) -> str:
        """The words, a line each."""
        return "\n".join(self.words)


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
    found = workspace.journal.decision(decision_id)
    if found is None:
        raise UnknownDecisionError(f"decision {decision_id!r} was not taken here; its record would be in this home's journal")
    record = record_from_json(found.record)
    return Explanation(tuple(told(record)), record)


def told(record: DecisionRecord) -> list[str]:
    """What was decided, why, why not the others, and on what it rests."""
    chosen = next(candidate for candidate in record.candidates if candidate.touchpoint == record.chosen)
    first = record.recommendations[0]
    lines = [
        f"Decision {record.decision_id} for customer {record.customer_id} at {record.at:%Y-%m-%d %H:%M:%S} UTC:",
        f"{record.chosen}, chosen with probability {chosen.probability:.4g} (draw {record.draw.u:.4g}).",
        "Why:",
        *(f"  {reason}" for reason in first.reasons),
        "Why not the others:",
        *(f"  {_why_not(candidate, record.currency)}" for candidate in record.candidates if candidate is not chosen),
    ]
    return [*lines, *_grounds(record)]


def _why_not(candidate: ScoredCandidate, currency: str) -> str:
    if not candidate.eligible:
        return f"{candidate.touchpoint}: not eligible ({candidate.stage}: {candidate.rule})"
    worth = "does nothing, worth 0.00" if candidate.touchpoint == NONE else f"expected {candidate.net_value:.2f}"
    return f"{candidate.touchpoint}: {worth} {currency}; had probability {candidate.probability:.4g}"


def _grounds(record: DecisionRecord) -> list[str]:
    features = record.features
    age = "" if features.age_seconds is None else f", complete until {features.age_seconds:.0f} s before"
    lines = [
        f"Policy {record.policy.name} {record.policy.version}, catalogue {record.catalogue_version}; "
        f"features {features.status}{age}."
    ]
    return [*lines, f"Fallback: {record.fallback}."] if record.fallback else lines
