"""The incremental effect: what a touchpoint changed, by decisions drawn by chance; nothing else tells cause from coincidence.

Where every arm's probability was logged, the question is what would be lost without a touchpoint, with nothing done wherever it
was chosen: the value of the policy that decided, less that of the same policy with the touchpoint's probability moved to
`none`. Divided by the contacts it is the effect *on those who were contacted*. Where only the chosen arm's probability is
known, it is the effect *on everybody who could have been contacted*: the policy that always contacts, less the one that never
does.

Both are doubly robust differences (`training.ope`): a model of what every arm would bring, from other customers, corrected by
weighing its errors. The probabilities are known, so the estimate is right however wrong the model is.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from training.attribution.decisions import Drawn
from training.attribution.paths import Floats
from training.ope import NORMAL, Cautious, Interval, Log
from training.ope.dr import robust_terms
from training.ope.estimate import Estimate, estimate_from
from training.ope.weights import weigh
from training.penalized import ridge_path

LEAST = 30
"""Decisions for a touchpoint, and as many for `none`; of fewer nothing is said."""

_FEW = 400  # decisions for the touchpoint or for none; with fewer, intervals also follow the skewness of the log
_FOLDS = 3
_PENALTY = 0.01


class Whom(StrEnum):
    """On whom an effect is."""

    CONTACTED = "those contacted"
    EVERYBODY = "everybody who could be contacted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """What one contact at a touchpoint changed, on average.

    Attributes
    ----------
    decisions : for the touchpoint, with a known probability.
    conversions, value : per contact, beyond doing nothing, with 95 % intervals.
    """

    touchpoint: str
    whom: Whom
    decisions: int
    conversions: Estimate
    value: Estimate


def lifts(drawn: Drawn, *, seed: int) -> tuple[Lift, ...]:
    """The effect of every touchpoint that was drawn, and not drawn, often enough.

    Parameters
    ----------
    seed : of the folds, and of the bootstrap where few decisions tell of a touchpoint.
    """
    if not len(drawn):
        return ()
    expected = tuple(_expected(drawn, outcome, seed=seed) for outcome in (drawn.conversions, drawn.values))
    found = (_lift(drawn, place, expected, seed=seed) for place in range(1, len(drawn.arms)))
    return tuple(lift for lift in found if lift is not None)


def _lift(drawn: Drawn, place: int, expected: tuple[Floats, ...], *, seed: int) -> Lift | None:
    mask = _comparable(drawn, place)
    rows = drawn.where(mask)
    told = int(min((rows.arm == place).sum(), (rows.arm == 0).sum()))
    if told < LEAST or len(np.unique(rows.customers)) < LEAST:
        return None
    interval: Interval = Cautious(seed) if told < _FEW else NORMAL
    conversions, value = (
        _effect(rows, outcome, model[mask], place, interval)
        for outcome, model in zip((rows.conversions, rows.values), expected, strict=True)
    )
    whom = Whom.CONTACTED if drawn.complete else Whom.EVERYBODY
    decisions = int((rows.arm == place).sum())
    return Lift(touchpoint=drawn.arms[place], whom=whom, decisions=decisions, conversions=conversions, value=value)


def _comparable(drawn: Drawn, place: int) -> NDArray[np.bool_]:
    """Where both could have been chosen: elsewhere nobody knows what doing nothing would have brought."""
    if drawn.complete:
        return np.asarray((drawn.table[:, 0] > 0.0) & (drawn.table[:, place] > 0.0))
    return np.asarray(drawn.possible[:, 0] & drawn.possible[:, place])


def _effect(rows: Drawn, outcome: Floats, expected: Floats, place: int, interval: Interval) -> Estimate:
    """The doubly robust difference per contact; a decision counts by its chance of a contact."""
    log = Log(rewards=outcome, actions=rows.arm, probabilities=rows.probability, clusters=rows.customers)
    target, other = _policies(rows, place)
    contact, ours, theirs = target[:, place], weigh(log, target), weigh(log, other)
    terms = robust_terms(log, target, expected, ours) - robust_terms(log, other, expected, theirs)
    weights = min((ours, theirs), key=lambda each: each.effective_sample_size)
    return estimate_from("lift", terms / contact, log, weights, level=0.95, interval=interval, masses=contact)


def _policies(rows: Drawn, place: int) -> tuple[Floats, Floats]:
    """With the touchpoint, and with nothing in its stead; rows sum to 1."""
    if rows.complete:
        without = rows.table.copy()
        without[:, 0] += without[:, place]
        without[:, place] = 0.0
        return rows.table, without
    arms = np.eye(len(rows.arms))
    return np.tile(arms[place], (len(rows), 1)), np.tile(arms[0], (len(rows), 1))


def _expected(rows: Drawn, outcome: Floats, *, seed: int) -> Floats:
    """What every arm would bring, shape (n, k): a linear model per arm, of what was known before, from other customers."""
    folds = np.random.default_rng(seed).permutation(int(rows.customers.max()) + 1)[rows.customers] % _FOLDS
    design = _standardized(rows.features)
    expected = np.zeros((len(rows), len(rows.arms)))
    for fold in range(_FOLDS):
        inside = folds == fold
        everybody = float(outcome[~inside].mean()) if (~inside).any() else 0.0
        for arm in range(len(rows.arms)):
            known = ~inside & (rows.arm == arm)
            if known.sum() < LEAST:
                expected[inside, arm] = everybody
                continue
            slopes, base = ridge_path(design[known], outcome[known], np.ones(int(known.sum())), [_PENALTY])[0]
            expected[inside, arm] = base + design[inside] @ slopes
    return expected


def _standardized(features: Floats) -> Floats:
    spread = features.std(axis=0)
    return np.asarray((features - features.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0))
