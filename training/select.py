"""Chooses among learners by what their policies would have earned; where none can be shown to earn more, all are treated alike.

Every candidate is valued on customers whom its models have not seen, doubly robustly, in money, paired with the best constant
policy. It is chosen where it earns more beyond doubt, and beyond the luck of the best of many.

Money is noisy: most of what it varies by has nothing to do with the policy. So a candidate is chosen as well where customers
differ beyond doubt in what touchpoints change for them, as it says they do, and it does not seem to earn less. The best constant
policy was found on the very decisions that judge, so luck is on its side; who only has to keep up is compared with constant
policies that have not seen the customer either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.gate import in_words
from training.learners import AVERAGE, CANDIDATES, MEAN, Candidate, Evidence, Shown, cross_fit_candidates, fit_line
from training.learners.calibration import Line, Proof, prove, squared_error
from training.ope import Estimate, Log, difference, dr
from training.policy import Scores, Terms, constant_policies, value_parts
from training.splits import numbered

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ERROR = 0.01
"""How often, at most, a policy may be personalized by luck alone: of all learners together, at each training."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One candidate policy.

    Attributes
    ----------
    value : what it would have earned per decision.
    difference : that less what the best constant policy would have; its interval allows for the number of candidates.
    ahead : that less what constant policies would have that were best on the other folds, so that neither has seen the customer.
    proof : whether customers differ as it says; None for a constant policy.
    error : how far its uplifts, out of fold, are from what decisions show; fit for comparisons only.
    """

    name: str
    value: Estimate
    difference: Estimate
    ahead: Estimate
    proof: Proof | None = None
    error: float = np.inf

    @property
    def earns_more(self) -> bool:
        """Whether it is better than the best constant policy beyond doubt."""
        return self.difference.low > 0.0

    @property
    def differs(self) -> bool:
        """Whether customers differ beyond doubt, their decisions with them, and it does not seem to earn less."""
        proven = self.proof is not None and self.proof.low > 0.0
        return proven and self.difference.standard_error > 0.0 and self.ahead.value > -self.ahead.standard_error


@dataclass(frozen=True, slots=True)
class Selection:
    """What competed, and what was chosen.

    Attributes
    ----------
    chosen : the name of the learner, or of the constant policy.
    constant : the name of the best constant policy.
    personalized : one entry per candidate.
    constants : of every touchpoint that was tried, and of doing nothing.
    """

    chosen: str
    constant: str
    personalized: tuple[Entry, ...]
    constants: tuple[Entry, ...]

    @property
    def best(self) -> Entry:
        """The personalized policy of the highest value."""
        return max(self.personalized, key=lambda entry: entry.value.value)

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        winner = next((entry for entry in self.personalized if entry.name == self.chosen), None)
        if winner is None:
            best = f"the best learner, {self.best.name}, differs by {in_words(self.best.difference)} per decision"
            return f"personalization cannot be distinguished from {self.constant}, which is chosen because it is simpler: {best}"
        if winner.earns_more:
            return f"personalized by {winner.name}: better than {self.constant} by {in_words(winner.difference)} per decision"
        return (
            f"personalized by {winner.name}: customers differ beyond doubt in what changes their behaviour, though money alone "
            f"cannot tell it from {self.constant} yet, from which it differs by {in_words(winner.difference)} per decision"
        )

    def in_words(self) -> str:
        """The reason, then a table of all candidates."""
        entries = sorted((*self.personalized, *self.constants), key=lambda entry: -entry.value.value)
        lines = [self.reason, "", f"{'policy':<34}{'value':>10}   difference from {self.constant}"]
        for entry in entries:
            mark = "  (chosen)" if entry.name == self.chosen else ""
            slope = "" if entry.proof is None else f"; slope {entry.proof.slope:.2f}, at least {entry.proof.low:.2f}"
            lines.append(f"{entry.name:<34}{entry.value.value:>10.4f}   {in_words(entry.difference)}{slope}{mark}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What candidates are valued on.

    Attributes
    ----------
    scores : what is expected of the customers beside uplift; propensities are those of being left alone, for every arm.
    terms : what contacts cost and conversions earn.
    prior : shape (k,), expected uplift of each arm before anything is learnt.
    shown, shown_in_money : what the decisions show of uplifts, by conversions, and by what was earned.
    comparable : shape (n,), decisions to trust; see `Overlap`.
    """

    dataset: Dataset
    evidence: Evidence
    scores: Scores
    terms: Terms
    prior: Floats
    shown: Shown
    shown_in_money: Shown
    comparable: Bools

    def shown_to(self, candidate: Candidate) -> Shown:
        """What a candidate's scores are calibrated by."""
        return self.shown_in_money if candidate.in_money else self.shown

    def greedy(self, uplift: Floats) -> Floats:
        """The policy that takes what is worth most, shape (n, k)."""
        propensity = np.clip(self.scores.propensity[:, :1] + uplift, 0.0, 1.0)
        propensity[:, 0] = self.scores.propensity[:, 0]
        return greedy(value_parts(self._with(propensity), self.terms).net, self.evidence.eligible)

    def _with(self, propensity: Floats) -> Scores:
        known = self.scores
        return Scores(propensity, known.value, known.churn, known.lifetime, known.unsubscribe, known.recent_contacts)


@dataclass(frozen=True, slots=True)
class Rival:
    """The best constant policy, and what it would be for those who had not seen the customer.

    Attributes
    ----------
    policy : shape (n, k), what it would have chosen.
    unseen : shape (n, k), what the constant policy would have chosen that is best on the other folds.
    """

    name: str
    policy: Floats
    unseen: Floats


def greedy(net_values: Floats, eligible: Bools) -> Floats:
    """All probability on what is worth most of what is eligible; shape (n, k)."""
    best = np.where(eligible, net_values, -np.inf).argmax(axis=1)
    return np.asarray(np.eye(eligible.shape[1])[best])


def select(contest: Contest, rival: Rival, *, seed: int) -> tuple[Selection, Candidate | None, Line]:
    """Choose; give the candidate (None for the constant) and the line of its scores, fitted on all rows."""
    evidence, level = contest.evidence, 1.0 - 2.0 * ERROR / len(CANDIDATES)
    raw = cross_fit_candidates(evidence, CANDIDATES, seed=seed)
    uplifts = {candidate.name: _out_of_fold(contest, candidate, raw[candidate.name]) for candidate in CANDIDATES}
    clusters = numbered(contest.dataset.customer_id)[0]
    proofs = {
        each.name: prove(raw[each.name], contest.shown_to(each), contest.prior, clusters, level=level) for each in CANDIDATES
    }
    policies = {name: contest.greedy(uplift) for name, uplift in uplifts.items()}
    known = [policy for policy in constant_policies(evidence.arms) if evidence.known[policy.arms.index(policy.arm)]]
    constants = {policy.name: policy.as_probabilities(evidence.features, evidence.eligible) for policy in known}
    entries = tuple(
        replace(entry, proof=proofs[entry.name], error=squared_error(uplifts[entry.name], contest.shown))
        for entry in _entries(contest, policies, rival, level=level)
    )
    winner = _winner(entries)
    selection = Selection(
        chosen=rival.name if winner is None else winner.name,
        constant=rival.name,
        personalized=entries,
        constants=_entries(contest, constants, rival, level=level),
    )
    candidate = None if winner is None else next(each for each in CANDIDATES if each.name == winner.name)
    used = candidate or AVERAGE
    return selection, candidate, fit_line(raw[used.name], contest.shown_to(used), contest.prior)


def _winner(entries: Sequence[Entry]) -> Entry | None:
    """Of those that earn more, the one that earns most; else of those that tell customers apart, their mean, or the best fit.

    Which of them fits best is itself hard to tell: the mean of all needs no choice.
    """
    more = [entry for entry in entries if entry.earns_more]
    if more:
        return max(more, key=lambda entry: entry.value.value)
    return min(
        (entry for entry in entries if entry.differs), key=lambda entry: (entry.name != MEAN.name, entry.error), default=None
    )


def _out_of_fold(contest: Contest, candidate: Candidate, raw: Floats) -> Floats:
    """Uplifts, shape (n, k), each fold's calibrated on the other folds."""
    uplift, shown = np.zeros_like(raw), contest.shown_to(candidate)
    for fold in np.unique(contest.evidence.folds):
        inside = contest.evidence.folds == fold
        uplift[inside] = fit_line(raw[~inside], shown.where(~inside), contest.prior).uplift(raw[inside])
    uplift[:, 0] = 0.0
    return uplift


def _entries(contest: Contest, policies: Mapping[str, Floats], rival: Rival, *, level: float) -> tuple[Entry, ...]:
    rows = contest.comparable
    dataset = contest.dataset.where(rows)
    log = Log(
        rewards=dataset.reward,
        actions=dataset.arm,
        probabilities=dataset.probability,
        clusters=numbered(dataset.customer_id)[0],
    )
    model = contest.evidence.reward_model[rows]

    def beyond(target: Floats, other: Floats) -> Estimate:
        return difference(log, target[rows], other[rows], model, level=level)

    return tuple(
        Entry(name, dr(log, target[rows], model), beyond(target, rival.policy), beyond(target, rival.unseen))
        for name, target in policies.items()
    )
