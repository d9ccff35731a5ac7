"""All learners on both bases, and their mean; to add one is one file, one line here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from training.crossfit import side_by_side
from training.effects import Term, raw_effects
from training.learners.average import fit_average
from training.learners.direct import fit_direct
from training.learners.dr import fit_dr
from training.learners.evidence import Evidence
from training.learners.regression import Base, Task
from training.learners.s import fit_s
from training.learners.t import fit_t
from training.learners.x import fit_x

Floats = NDArray[np.float64]

_MOST_PAIRS = 200_000  # of decision and arm, that a model which only competes learns from; all decisions judge it
_MOST_PAIRS_AT_LAST = 400_000  # that the chosen one learns from, so that memory stays the same however long the log is


@dataclass(frozen=True, slots=True)
class Candidate:
    """A learner on a base, or the mean of several.

    Attributes
    ----------
    fit : gives the models and what they count for.
    base : None where there is nothing to fit, and of a mean.
    in_money : whether its scores stand for money, and not for conversions.
    members : of whose scores its own are the mean.
    """

    learner: str
    fit: Callable[[Evidence, Task], tuple[Term, ...]]
    base: Base | None
    in_money: bool = False
    members: "tuple[Candidate, ...]" = ()

    @property
    def name(self) -> str:
        """Its name in reports, such as `dr lightgbm`."""
        return self.learner if self.base is None else f"{self.learner} {self.base}"

    def terms(self, evidence: Evidence, *, seed: int, refit: bool) -> tuple[Term, ...]:
        """Fit it; nothing, where no arm was tried."""
        if not len(evidence.tried):
            return ()
        if self.members:
            shared = evidence.sampled(_MOST_PAIRS_AT_LAST // len(evidence.tried), seed=seed).with_design()
            fits = [partial(member.terms, shared, seed=seed, refit=refit) for member in self.members]
            found = [term for terms in side_by_side(fits) for term in terms]
            return tuple(replace(term, weights=tuple(weight / len(self.members) for weight in term.weights)) for term in found)
        rows = evidence.sampled(_MOST_PAIRS_AT_LAST // len(evidence.tried), seed=seed)
        return self.fit(rows, Task(self.base or Base.LINEAR, seed, refit))


LEARNERS: dict[str, Callable[[Evidence, Task], tuple[Term, ...]]] = {
    "s": fit_s,
    "t": fit_t,
    "x": fit_x,
    "dr": fit_dr,
    "direct": fit_direct,
}
AVERAGE = Candidate("average effects", fit_average, None)
SINGLE = tuple(Candidate(name, fit, base, name == "direct") for name, fit in LEARNERS.items() for base in Base)
MEAN = Candidate("mean", fit_average, None, members=tuple(each for each in SINGLE if not each.in_money))
"""Of all whose scores stand for conversions: their errors differ, so that their mean errs less than most of them."""

CANDIDATES: tuple[Candidate, ...] = (AVERAGE, *SINGLE, MEAN)


def cross_fit_candidates(evidence: Evidence, candidates: Sequence[Candidate], *, seed: int) -> dict[str, Floats]:
    """Out-of-fold raw effects of each candidate by name, shape (n, k) each.

    What was expected of each decision is out of fold as well, but by models that share rows with those fitted here; every
    fold's judges are clean of the fold itself.
    """
    folds = range(int(evidence.folds.max()) + 1)
    most = max(_MOST_PAIRS // max(len(evidence.tried), 1), 1)
    learning = {fold: evidence.where(evidence.folds != fold).sampled(most, seed=seed + fold).with_design() for fold in folds}

    def fit(candidate: Candidate, fold: int) -> Floats:
        terms = candidate.terms(learning[fold], seed=seed + fold, refit=False)
        return raw_effects(terms, evidence.features[evidence.folds == fold], evidence.arms)

    single = dict.fromkeys(each for candidate in candidates for each in candidate.members or (candidate,))
    raw = {candidate.name: np.zeros(evidence.eligible.shape) for candidate in single}
    tasks = [(candidate, fold) for candidate in single for fold in folds]
    for (candidate, fold), found in zip(tasks, side_by_side([partial(fit, *task) for task in tasks]), strict=True):
        raw[candidate.name][evidence.folds == fold] = found
    return {each.name: _mean(raw, each) if each.members else raw[each.name] for each in candidates}


def _mean(raw: Mapping[str, Floats], candidate: Candidate) -> Floats:
    return np.asarray(np.mean([raw[member.name] for member in candidate.members], axis=0))
