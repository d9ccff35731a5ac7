"""Estimates P(the sender chose this touchpoint) where nobody logged it, and shows how far such estimates can be trusted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.arms import with_arms
from training.calibration import cross_isotonic
from training.crossfit import cross_fit
from training.models import BINARY, with_trees
from training.splits import customer_folds, numbered, sampled_customers

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Strings = NDArray[np.object_]

CLIP = (0.01, 0.99)
TRIM = 0.02
_FOLDS = 3
_LEAST_WAVE = 50
_MOST_PAIRS = 300_000  # of decision and contact, that a model learns from, and that are scored at once


@dataclass(frozen=True, slots=True)
class Assignment:
    """How the log's touchpoints were probably chosen.

    Attributes
    ----------
    probabilities : shape (n, k), rows sum to 1 over the eligible arms.
    clipped_share : share of the taken arms' estimates moved to the bounds of `CLIP`.
    """

    probabilities: Floats
    clipped_share: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """Whether treated and untreated customers were alike enough to compare.

    Attributes
    ----------
    edges : shape (b + 1,), bounds of the histograms over the estimated probability of a contact.
    treated, untreated : shape (b,), rows in each bin.
    below, above : share of rows whose contact probability is under `TRIM`, over 1 - `TRIM`.
    comparable : shape (n,), rows with a choice whose probabilities were logged, or estimated as at least `TRIM` for every
        eligible arm; off-policy evaluation uses only these.
    """

    edges: Floats
    treated: NDArray[np.int64]
    untreated: NDArray[np.int64]
    below: float
    above: float
    comparable: Bools

    @property
    def comparable_share(self) -> float:
        """The share of rows that off-policy evaluation can use."""
        return float(self.comparable.mean()) if len(self.comparable) else 0.0


def estimate_assignment(
    features: Floats,
    *,
    arm: NDArray[np.int64],
    eligible: Bools,
    wave: NDArray[np.object_],
    customers: NDArray[np.object_],
    arms: tuple[str, ...],
    seed: int,
) -> Assignment:
    """P(arm | features known then, wave) for every eligible arm, cross-fitted over customers and calibrated.

    One booster answers, for every decision and every contact it could have made, whether it made it; what is left is the
    probability of `none`. The wave speaks through its rate of that arm.
    """
    row, option = np.nonzero(eligible[:, 1:])
    option = option + 1
    taken = (arm[row] == option).astype(np.float64)
    contact = np.zeros(eligible.shape)
    if len(row) and taken.min() < taken.max():
        folds = customer_folds(customers[row], count=_FOLDS, seed=seed)
        rates = _wave_rates(wave[row], option, taken, folds)

        def inputs(pairs: NDArray[np.intp]) -> Floats:
            return np.column_stack([with_arms(features[row[pairs]], option[pairs], arms), rates[pairs]])

        raw = _raw(inputs, taken, folds, customers[row], seed=seed)
        contact[row, option] = cross_isotonic(raw, taken, folds)
    elif len(row):
        contact[row, option] = taken.mean()
    return _bounded(contact, arm, eligible)


def _raw(
    inputs: Callable[[NDArray[np.intp]], Floats], taken: Floats, folds: NDArray[np.int64], customers: Strings, *, seed: int
) -> Floats:
    """Out-of-fold raw scores of every pair of decision and contact, shape (m,), by models of at most `_MOST_PAIRS` of them.

    Features stand in memory once per decision, and once more only for the pairs at hand.
    """
    every = np.arange(len(taken))
    learnt = every if len(every) <= _MOST_PAIRS else every[sampled_customers(customers, most=_MOST_PAIRS, seed=seed)]
    crossed = cross_fit(inputs(learnt), taken[learnt], folds[learnt], recipe=with_trees(BINARY, 100), seed=seed)
    raw = np.empty(len(taken))
    raw[learnt] = crossed.raw
    others = np.setdiff1d(every, learnt, assume_unique=True)
    for pairs in np.array_split(others, -(-len(others) // _MOST_PAIRS)) if len(others) else ():
        for fold, model in enumerate(crossed.models):
            inside = pairs[folds[pairs] == fold]
            if len(inside):
                raw[inside] = model.raw(inputs(inside))
    return raw


def _wave_rates(wave: NDArray[np.object_], option: NDArray[np.int64], taken: Floats, folds: NDArray[np.int64]) -> Floats:
    """Each wave's rate of each arm among the customers of the other folds, so that nobody's own answer is in it.

    Small waves have their rate together: where a send has a fixed size, a few others all but tell who is left.
    """
    pair = numbered(wave)[0] * (int(option.max()) + 1) + option
    _, group, sizes = np.unique(pair, return_inverse=True, return_counts=True)
    group = np.where(sizes[group] < _LEAST_WAVE, len(sizes) + option, group)
    rates = np.empty(len(taken))
    for fold in range(_FOLDS):
        inside = folds == fold
        size = np.bincount(group[~inside], minlength=group.max() + 1)
        sent = np.bincount(group[~inside], weights=taken[~inside], minlength=group.max() + 1)
        rates[inside] = ((sent + 1) / (size + 2))[group[inside]]
    return rates


def _bounded(contact: Floats, arm: NDArray[np.int64], eligible: Bools) -> Assignment:
    rows = np.arange(len(arm))
    probabilities = contact.copy()
    probabilities[:, 0] = np.maximum(1.0 - contact.sum(axis=1), 0.0)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    estimated = probabilities[rows, arm]
    clipped = (estimated < CLIP[0]) | (estimated > CLIP[1])
    choice = eligible.sum(axis=1, keepdims=True) > 1
    bounded = np.where(eligible & choice, np.clip(probabilities, *CLIP), eligible.astype(np.float64))
    share = float(clipped[choice[:, 0]].mean()) if choice.any() else 0.0
    return Assignment(bounded / bounded.sum(axis=1, keepdims=True), share)


def overlap(probabilities: Floats, *, arm: NDArray[np.int64], eligible: Bools, estimated: Bools, bins: int = 40) -> Overlap:
    """Compare contacted and not contacted customers by the probability of being contacted.

    Trimming looks at all eligible arms, never at the arm taken: choosing rows by what happened to them would bias the rest.

    References
    ----------
    R. Crump, J. Hotz, G. Imbens and O. Mitnik, "Dealing with limited overlap in estimation of average treatment effects", 2009.
    """
    contact = 1.0 - probabilities[:, 0]
    edges = np.linspace(0.0, 1.0, bins + 1)
    lowest = np.where(eligible, probabilities, 1.0).min(axis=1)
    comparable = ((lowest >= TRIM) | ~estimated) & (eligible.sum(axis=1) > 1)
    return Overlap(
        edges=edges,
        treated=np.histogram(contact[arm > 0], edges)[0].astype(np.int64),
        untreated=np.histogram(contact[arm == 0], edges)[0].astype(np.int64),
        below=float((contact < TRIM).mean()),
        above=float((contact > 1 - TRIM).mean()),
        comparable=comparable,
    )
