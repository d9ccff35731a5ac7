"""The second step of every learner: what its raw scores are worth, from decisions that its models had not seen."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from training.effects import Effects, Term
from training.learners.evidence import Evidence

Floats = NDArray[np.float64]

PRIOR_ERROR = 0.05  # how far a catalogue's prior uplift may be off; one standard error of the data that is as large counts half
_STEEPEST = 3.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What decisions show of the uplift of every arm, and how much each of them counts.

    Attributes
    ----------
    uplift, weight : shape (n, k); weights are 0 where nothing is shown.
    """

    uplift: Floats
    weight: Floats

    def where(self, rows: NDArray[np.bool_]) -> "Shown":
        """The decisions of a mask."""
        return Shown(self.uplift[rows], self.weight[rows])


@dataclass(frozen=True, slots=True)
class Line:
    """From raw effects to uplift; see `Effects`."""

    offsets: Floats
    centres: Floats
    slope: float

    def uplift(self, raw: Floats) -> Floats:
        """Shape (n, k), before propensities are bounded."""
        return np.asarray(self.offsets + self.slope * (raw - self.centres))

    def effects(self, arms: tuple[str, ...], terms: tuple[Term, ...]) -> Effects:
        """With the models that the raw effects come from; without, where they say nothing."""
        offsets = tuple(self.offsets.tolist())
        if not terms or not self.slope > 0:
            return Effects.alike(arms, offsets)
        return Effects(arms, terms, offsets, tuple(self.centres.tolist()), self.slope)


def fit_line(raw: Floats, shown: Shown, prior: Floats) -> Line:
    """Each arm's mean uplift, and the best slope for all arms together; never sloping down, flat where scores say nothing new.

    Parameters
    ----------
    raw : shape (n, k), out-of-fold raw effects.
    prior : shape (k,), expected uplift of each arm before anything is learnt.

    References
    ----------
    Victor Chernozhukov, Mert Demirer, Esther Duflo and Iván Fernández-Val, "Generic machine learning inference on heterogeneous
    treatment effects in randomized experiments", 2018 (best linear predictor).
    """
    offsets = mean_uplifts(shown, prior)
    total = shown.weight.sum(axis=0)
    centres = (shown.weight * raw).sum(axis=0) / np.where(total > 0, total, 1.0)
    centred = raw - centres
    spread = float((shown.weight * centred**2).sum())
    slope = float((shown.weight * centred * (shown.uplift - offsets)).sum()) / spread if spread > 1e-12 else 0.0
    return Line(offsets, centres, min(max(slope, 0.0), _STEEPEST))


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether customers differ in what touchpoints change for them, as a learner's scores say they do.

    Attributes
    ----------
    slope : what a difference in its out-of-fold scores is worth in uplift, not bounded; 0 where its scores are all alike.
    low : the lower end of the slope's interval; above 0, the differences are there beyond doubt.
    """

    slope: float
    low: float


def prove(raw: Floats, shown: Shown, prior: Floats, clusters: NDArray[np.integer], *, level: float) -> Proof:
    """Look for differences between customers, with an interval that counts customers.

    Parameters
    ----------
    raw : shape (n, k), out-of-fold raw effects.
    clusters : shape (n,), code of the customer.
    level : of the interval, which has two ends.

    References
    ----------
    Victor Chernozhukov et al., 2018; see `fit_line`. Kung-Yee Liang and Scott L. Zeger, "Longitudinal data analysis using
    generalized linear models", 1986 (customers with several decisions).
    """
    line = fit_line(raw, shown, prior)
    centred, beyond = raw - line.centres, shown.uplift - line.offsets
    spread = float((shown.weight * centred**2).sum())
    if not spread > 1e-12:
        return Proof(0.0, 0.0)
    slope = float((shown.weight * centred * beyond).sum()) / spread
    pull = (shown.weight * centred * (beyond - slope * centred)).sum(axis=1)
    error = float(np.sqrt((np.bincount(clusters, weights=pull) ** 2).sum())) / spread
    return Proof(slope, slope - NormalDist().inv_cdf(0.5 + level / 2) * error)


def squared_error(uplift: Floats, shown: Shown) -> float:
    """How far uplifts are from what decisions show, squared and weighed; it is noisy, and fit for comparisons only."""
    return float((shown.weight * (shown.uplift - uplift) ** 2).sum() / max(float(shown.weight.sum()), 1e-12))


def mean_uplifts(shown: Shown, prior: Floats) -> Floats:
    """Each arm's mean uplift, shape (k,), drawn to its prior as far as the data leave it open."""
    offsets = prior.copy()
    for arm in range(1, len(prior)):
        weight, uplift = shown.weight[:, arm], shown.uplift[:, arm]
        if weight.sum() > 0:
            mean = np.average(uplift, weights=weight)
            error = (weight**2 @ (uplift - mean) ** 2) / weight.sum() ** 2
            offsets[arm] += (mean - prior[arm]) * PRIOR_ERROR**2 / (PRIOR_ERROR**2 + error)
    return offsets


def shown_by_conversion(evidence: Evidence) -> Shown:
    """What doubly robust conversions show."""
    return Shown(evidence.effects, evidence.weights)


def shown_by_money(evidence: Evidence, untreated: Floats, gain: Floats) -> Shown:
    """The uplift that would explain doubly robust money: what was earned beyond what an uplift of zero would have.

    Parameters
    ----------
    untreated : shape (n, k), expected money of every arm beyond `none`, were its uplift zero.
    gain : shape (n, k), money of an uplift of one.
    """
    earning = gain > 1e-9
    missing = evidence.money - evidence.money[:, :1] - untreated
    uplift = np.where(earning, missing / np.where(earning, gain, 1.0), 0.0)
    return Shown(uplift, np.where(earning, evidence.weights * gain**2, 0.0))
