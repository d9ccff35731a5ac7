"""Decides for some thousands of customers: the policy's own steps, over all of them at once where they do not differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.experiment import Arm
from serving.batch.asked import Asked
from serving.batch.known import FactsOf, Known
from serving.deciding.live import LoadedPolicy
from serving.deciding.reasons import Explains
from training.policy import Policy, Scorer, Scores, arm_at, rng_for, variant
from training.policy.eligibility import Rules, Situation

Floats = NDArray[np.float64]

_AT_ONCE = 256  # customers


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What decides, the same for the whole of a run; without a champion the priors do.

    Attributes
    ----------
    is_shadowed : write down as well what the challenger would have done.
    """

    champion: LoadedPolicy | None
    challenger: LoadedPolicy | None
    priors: LoadedPolicy
    is_shadowed: bool = False

    def of(self, arm: Arm) -> LoadedPolicy:
        """The policy that decides for customers of an arm of the experiment."""
        if arm is Arm.CHALLENGER and self.challenger is not None:
            return self.challenger
        return self.champion or self.priors

    def fallback(self, arm: Arm) -> str | None:
        """Why no policy decides for them, if none does."""
        return "no_policy" if self.of(arm) is self.priors else None

    def shadow(self, arm: Arm) -> LoadedPolicy | None:
        """The challenger, where what it would do is looked at."""
        return self.challenger if self.is_shadowed and self.challenger is not self.of(arm) else None


@dataclass(frozen=True, slots=True)
class Remembered:
    """A scorer that was asked before, about these very customers."""

    scores: Scores

    def score(self, features: Floats) -> Scores:
        """What it said."""
        return self.scores


@dataclass(frozen=True, slots=True)
class Explained(Remembered):
    """One that can tell as well what moved its scores."""

    scorer: Explains

    def contributions(self, features: Floats, arm: int) -> Floats:
        """What the scorer itself says."""
        return self.scorer.contributions(features, arm)


@dataclass(frozen=True, slots=True)
class Scored:
    """What one policy expects of those customers of a batch for whom it decides.

    Attributes
    ----------
    places : shape (n,), where in `scores` each customer of the batch stands.
    """

    loaded: LoadedPolicy
    scores: Scores
    places: NDArray[np.intp]

    def policy(self, rows: NDArray[np.intp]) -> Policy:
        """The policy, with what it expects of some customers."""
        policy, scores = self.loaded.policy, _of(self.scores, self.places[rows])
        scorer = Explained(scores, policy.scorer) if isinstance(policy.scorer, Explains) else Remembered(scores)
        return replace(policy, scorer=scorer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What was decided for n customers, over k arms; all but the names of shape (n, k).

    Attributes
    ----------
    chosen : shape (n,), the arm drawn.
    order : arms, best first, those that are not eligible last.
    """

    chosen: NDArray[np.intp]
    eligible: NDArray[np.bool_]
    order: NDArray[np.intp]
    probabilities: Floats
    propensity: Floats
    uplift: Floats
    net_values: Floats

    def of(self, rows: NDArray[np.intp]) -> "Decisions":
        """Those for some of the customers."""
        return Decisions(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


class Scoring:
    """Decides by one catalogue and one question."""

    def __init__(self, catalogue: Catalogue, asked: Asked, in_force: InForce, *, seed: int) -> None:
        self._catalogue, self._asked, self._in_force, self._seed = catalogue, asked, in_force, seed
        self._rules = Rules(catalogue)

    def scored(self, known: Known) -> dict[str, Scored]:
        """What the policies expect, by arm of the experiment; the slow step, and the same whatever the rules say."""
        found: dict[str, Scored] = {}
        for loaded, arms in self._deciding(known):
            rows = np.flatnonzero([arm in arms for arm in known.arms])
            places = np.zeros(len(known.arms), dtype=np.intp)
            places[rows] = np.arange(len(rows))
            scored = Scored(loaded, _scores(loaded.policy.scorer, known.rows[rows]), places)
            found |= dict.fromkeys(arms, scored)
        return found

    def decided(
        self, known: Known, scored: Mapping[str, Scored], rows: NDArray[np.intp], *, at: datetime, used: Mapping[str, float]
    ) -> Decisions:
        """Decide for some of the customers, where so much of every budget is used."""
        eligible = np.array([self._rules.eligible(self._situation(known, row, at, used)) for row in rows.tolist()])
        arms = np.array([str(known.arms[row]) for row in rows])
        parts = [(np.flatnonzero(arms == arm), arm) for arm in dict.fromkeys(arms.tolist())]
        decided = [self._of_arm(known, scored[arm], arm, rows[members], eligible[members]) for members, arm in parts]
        return joined(decided).of(np.argsort(np.concatenate([members for members, _ in parts])))

    def _situation(self, known: Known, row: int, at: datetime, used: Mapping[str, float]) -> Situation:
        """What the rules go by, of one customer."""
        return Situation(
            at=at,
            candidates=self._asked.candidates,
            exclude=self._asked.exclude,
            contacts=known.contacts[row].contacts,
            answers=known.contacts[row].answers,
            consents=known.consents[row],
            identifiers=known.identities[row].identifiers,
            held_out=known.arms[row] is Arm.HOLDOUT,
            facts=FactsOf(known.facts, row),
            used=used,
        )

    def _of_arm(self, known: Known, scored: Scored, arm: str, rows: NDArray[np.intp], eligible: NDArray[np.bool_]) -> Decisions:
        policy = variant(scored.policy(rows), arm, self._catalogue)
        decided = policy.decide(known.rows[rows], eligible)
        ids = [self._asked.decision_id(known.identities[row].customer_id) for row in rows]
        draws = [float(rng_for(each, self._seed).random()) for each in ids]
        chosen = [arm_at(probabilities, u) for probabilities, u in zip(decided.probabilities, draws, strict=True)]
        return Decisions(
            chosen=np.array(chosen, dtype=np.intp),
            eligible=eligible,
            order=decided.order,
            probabilities=decided.probabilities,
            propensity=decided.scores.propensity,
            uplift=decided.scores.uplift,
            net_values=decided.net_values,
        )

    def _deciding(self, known: Known) -> list[tuple[LoadedPolicy, Sequence[str]]]:
        """The policies that decide for anybody of these, and for which arms of the experiment."""
        by_policy: dict[int, tuple[LoadedPolicy, list[str]]] = {}
        for arm in dict.fromkeys(known.arms):
            loaded = self._in_force.of(arm)
            by_policy.setdefault(id(loaded), (loaded, []))[1].append(arm)
        return list(by_policy.values())


def joined(parts: Sequence[Decisions]) -> Decisions:
    """Decisions for one group of customers after the other."""
    return Decisions(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Decisions)})


def _scores(scorer: Scorer, features: Floats) -> Scores:
    """The scores of many customers, some at a time: what is made of each for every touchpoint stays near the processor."""
    parts = [scorer.score(features[start : start + _AT_ONCE]) for start in range(0, len(features), _AT_ONCE)]
    return Scores(**{each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Scores)})


def _of(scores: Scores, rows: NDArray[np.intp]) -> Scores:
    return Scores(**{each.name: getattr(scores, each.name)[rows] for each in fields(Scores)})
