"""What would be recommended now: a dry run, of which nothing is kept."""

from dataclasses import dataclass, replace

from features.errors import TouchpointError
from features.insights import Card, Section, Unit
from serving.console.live.candidates import candidates_section
from serving.deciding.reasons import arm_reason
from serving.deciding.record import DecisionRecord, Draw, ScoredCandidate
from serving.desk import Desk
from serving.http.wire import RecommendRequest
from serving.looking_back.decisions import Decisions
from serving.looking_back.explain import Explanation

_NAME = "preview"
_MOST_RANKED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The recommendation, as a page shows it.

    Attributes
    ----------
    record : of the dry run; its choice is the likeliest one.
    reasons : why that one, in words.
    """

    record: DecisionRecord
    explanation: Explanation
    reasons: tuple[str, ...]

    @property
    def best(self) -> ScoredCandidate:
        """The likeliest choice."""
        return next(each for each in self.record.candidates if each.touchpoint == self.record.chosen)

    @property
    def cards(self) -> tuple[Card, ...]:
        """What is expected of it."""
        best, status = self.best, self.record.features.status
        return (
            Card(title="Chosen with probability", value=best.probability, unit=Unit.SHARE),
            Card(title="Expected value", value=best.net_value, unit=Unit.MONEY, note="beyond doing nothing"),
            Card(title="Converts", value=best.propensity, unit=Unit.SHARE, note=f"{100 * best.uplift:+.2f} points by it"),
            Card(title="Features", value=status, unit=Unit.TEXT, note=self.record.fallback or "", alarm=status != "fresh"),
        )

    @property
    def candidates(self) -> Section:
        """All that could be chosen."""
        return candidates_section(self.record, self.explanation, chosen="likeliest")


def preview(customer_id: str, desk: Desk) -> Preview | str:
    """What would be recommended to a customer now; or why nothing can be."""
    asked = RecommendRequest(customer_id=customer_id, decision_id=_NAME, limit=_MOST_RANKED, dry_run=True)
    try:
        return _previewed(desk.preview(asked), desk.decisions)
    except TouchpointError as error:
        return str(error)


def likeliest(record: DecisionRecord) -> DecisionRecord:
    """The record as if the draw had fallen into the middle of the likeliest candidate's share.

    A page that is loaded twice should not say two things: which touchpoint is drawn is chance, how likely each is is not.
    """
    best = max(record.candidates, key=lambda each: (each.probability, each.priority))
    below = 0.0
    for each in record.candidates:
        if each.touchpoint == best.touchpoint:
            break
        below += each.probability
    return replace(record, chosen=best.touchpoint, draw=Draw(seed=record.draw.seed, u=below + best.probability / 2))


def _previewed(drawn: DecisionRecord, decisions: Decisions) -> Preview:
    record = likeliest(drawn)
    told = next(each for each in drawn.recommendations if each.touchpoint == record.chosen)
    arm = arm_reason(record.arm)
    learnt = [each for each in told.reasons if not each.startswith("chosen to learn") and each != arm]
    return Preview(
        record=record, explanation=decisions.explained(record), reasons=tuple(learnt) + ((arm,) if arm is not None else ())
    )
