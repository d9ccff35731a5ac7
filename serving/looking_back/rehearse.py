"""Dry run of a rule change: what the rules of a new catalogue would have done to decisions that were really taken.

Every decision record tells the situation that the rules went by. From it, eligibility is worked out again under the catalogue in
force and under the new one, and from the recorded priorities the probabilities. Nothing is written.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from features.catalogue import Catalogue, load_catalogue
from features.contacts import looks_back
from features.domain import NONE
from features.experiment import in_holdout
from features.journal import RecordedDecision
from features.workspace import Workspace
from serving.deciding.record import DecisionRecord, ScoredCandidate, record_from_json
from serving.looking_back.earlier import Earlier
from serving.looking_back.rehearsal import Judged, Rehearsal, Tally
from training.policy import PriorScorer, Rules, Situation, Terms, explore, priorities, value_parts
from training.policy.arms import RANDOM

_EVERY = 5_000


def rehearse(workspace: Workspace, path: Path, *, days: float, now: datetime, on_progress: Callable[[str], None]) -> Rehearsal:
    """Compare the catalogue at `path` with the one in force, on the decisions of the last days.

    Raises
    ------
    ConfigurationError
        When the new catalogue is not right.
    """
    old, new = _Side(workspace.catalogue), _Side(load_catalogue(path))
    since, tally = now - timedelta(days=days), Tally()
    earlier = Earlier(workspace.journal, wanted=max(looks_back(old.catalogue), looks_back(new.catalogue)))
    for number, decision in enumerate(workspace.journal.decisions_since(since), start=1):
        record = _record(decision)
        if record is None or record.situation is None:
            tally.left_out += 1
        else:
            kept = record.situation.restored(record.features.values)
            situation = earlier.completed(kept, catalogue_version=record.catalogue_version)
            before, after = (side.judged(record, earlier.with_budgets(situation, side.catalogue)) for side in (old, new))
            tally.add(record.chosen, before, after)
        if number % _EVERY == 0:
            on_progress(f"{number} decisions")
    return Rehearsal(
        in_force=old.catalogue.version,
        proposed=new.catalogue.version,
        since=since,
        until=now,
        currency=old.catalogue.currency,
        **tally.totals(),
        notes=tuple(_notes(old, new)),
    )


def _record(decision: RecordedDecision) -> DecisionRecord | None:
    try:
        return record_from_json(decision.record)
    except ValidationError:  # of a version of the software whose records had another form
        return None


def _notes(old: "_Side", new: "_Side") -> Iterator[str]:
    yield (
        "Contacts, answers and budgets are those of what was really done. Under the new rules earlier decisions would have been "
        "others, and with them what caps, pauses and budgets count later."
    )
    yield "Scores, costs and customers are as recorded: only rules, levers, holdout and exploration are those of the new file."
    if unscored := sorted(old.unscored | new.unscored):
        yield f"No record scored {', '.join(unscored)}: what they bring is what the catalogue expects, and no more."
    if new.unknown:
        yield f"No record knows {', '.join(sorted(new.unknown))}: conditions on it see a value that is not known."
    if any(side.catalogue.exploration.growth or side.catalogue.exploration.ramp_decisions for side in (old, new)):
        yield "Exploration is as before anything was learnt: growth and ramp of the policy in force are not in the records."


class _Side:
    """One of the two catalogues.

    Attributes
    ----------
    unscored : touchpoints of it that were no candidates of a decision.
    unknown : what its conditions look at and no decision knew of.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._rules = Rules(catalogue)
        self.unscored: set[str] = set()
        self.unknown = {condition.value for condition in catalogue.conditions}
        self._touchpoints = {touchpoint.name: touchpoint for touchpoint in catalogue.recommendable}
        self._levers = {name: catalogue.lever_of(touchpoint) for name, touchpoint in self._touchpoints.items()}
        self._placements = {place for touchpoint in catalogue.recommendable for place in touchpoint.placements}

    def judged(self, record: DecisionRecord, situation: Situation) -> Judged:
        """Eligibility under this catalogue, and the probabilities that follow."""
        self.unknown -= situation.facts.keys()
        found = self._rules.candidates(self._fitted(situation))
        scored = {candidate.touchpoint: candidate for candidate in record.candidates}
        worth = [self._worth(each.touchpoint, scored) for each in found]
        levers = np.array([self._levers.get(each.touchpoint, 1.0) for each in found])
        values = priorities(np.array([[base for base, _ in worth]]), levers)
        exploration = self.catalogue.exploration
        if record.arm == RANDOM:
            exploration = exploration.model_copy(update={"method": "squarecb", "sharpness": 0.0})
        chances = explore(values, np.array([[each.eligible for each in found]]), exploration)[0]
        names = [each.touchpoint for each in found]
        return Judged(
            dict(zip(names, found, strict=True)),
            dict(zip(names, chances.tolist(), strict=True)),
            {name: net for name, (_, net) in zip(names, worth, strict=True)},
        )

    def _worth(self, name: str, scored: Mapping[str, ScoredCandidate]) -> tuple[float, float]:
        """What a touchpoint was ordered by before any lever, and its net value; from the catalogue's prior where it is new."""
        if name in scored:
            was = scored[name]
            return (was.priority / was.lever if was.priority > 0 else was.priority * was.lever), was.net_value
        self.unscored.add(name)
        prior = self._prior(name, scored[NONE])
        return prior, prior

    def _prior(self, name: str, nothing: ScoredCandidate) -> float:
        """The net value that the catalogue expects, for who converts and spends as recorded when left alone."""
        scorer = PriorScorer.of(self.catalogue, base_rate=nothing.propensity, value=nothing.value)
        net = value_parts(scorer.score(np.zeros((1, 0))), Terms.of(self.catalogue)).net[0]
        return float(net[self.catalogue.arms.index(name)])

    def _fitted(self, situation: Situation) -> Situation:
        """The situation as this catalogue can be asked about it: without touchpoints and places that it does not have."""
        asked = situation.candidates
        known = {touchpoint.name for touchpoint in self.catalogue.touchpoints}
        placement = situation.placement
        if placement is not None and self._placements and placement not in self._placements:
            anywhere = {touchpoint.name for touchpoint in self.catalogue.recommendable if not touchpoint.placements}
            asked, placement = tuple(anywhere if asked is None else anywhere & set(asked)), None
        return replace(
            situation,
            candidates=None if asked is None else tuple(name for name in asked if name in self._touchpoints),
            exclude=tuple(name for name in situation.exclude if name in known),
            placement=placement,
            held_out=in_holdout(situation.identifiers, self.catalogue.holdout, self.catalogue.identifier_types),
        )
