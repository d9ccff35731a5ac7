"""Data-driven attribution: a model of when customers convert, in which every touch adds to the chance while it is in force.

At any time a customer converts at the rate `base x level + sum of strength x force` over their touches: what they would do
anyway, and what each touch adds, halving in every half-life. A conversion is credited by the parts of that rate at its moment;
what is left is nobody's: it would have come anyway. Strengths come from other customers than those whose conversions are
credited.

Strengths are what goes with a touch, not always what it causes: where likelier buyers are contacted more, only their level before
the period stands against that.

References
----------
Ya Zhang, Yi Wei and Jianbiao Ren, "Multi-touch attribution in online advertising with survival theory", 2014 (the additive rate
with decaying touches, and its fit by turns).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.attribution.credit import Credit, credit_by_touch
from training.attribution.exposure import Exposure
from training.attribution.paths import GROUPS, Floats, Paths

MODEL = "data-driven"

_FOLDS = 3
_TURNS = 500
_CHANGE = 1e-6
_MOST_TOUCHES = 150_000  # to fit on; more hardly change the strengths


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """Rates per day.

    Attributes
    ----------
    base : of a customer of level 1 with no touch in force.
    strengths : shape (n,), that a touch of force 1 adds, by touchpoint; not negative.
    """

    base: float
    strengths: Floats


def data_driven(paths: Paths, exposure: Exposure) -> Credit:
    """Credit by the parts of the rate; all conversions credited are fewer than all conversions, by those that come anyway.

    Parameters
    ----------
    paths : all of them; those without a conversion count by their time in force.
    exposure : theirs.
    """
    converting = paths.converting()
    shares = np.zeros(len(converting.codes))
    folds = np.arange(GROUPS) % _FOLDS
    for fold in range(_FOLDS):
        fitted = fit_hazard(converting, exposure, groups=folds != fold)
        inside = (folds == fold)[converting.groups[converting.owners]]
        shares[inside] = _touch_shares(fitted, converting, exposure)[inside]
    return credit_by_touch(MODEL, converting, shares)


def fit_hazard(converting: Paths, exposure: Exposure, *, groups: NDArray[np.bool_]) -> Hazard:
    """The likeliest rates, from some groups of customers; of many touches, from as few groups as are enough.

    By turns, each conversion is shared among what may have caused it, and each cause gets the rate that its shares add up to
    over the time in which it was in force (expectation and maximization). Every turn makes what happened likelier.

    Parameters
    ----------
    groups : shape (GROUPS,), whether a group is in.
    """
    chosen = _enough(converting, groups)
    rows = chosen[converting.groups]
    touches = np.repeat(rows, converting.lengths)
    paths, forces, levels = converting.where(rows), exposure.forces[touches], exposure.levels[rows]
    days, alone, in_force = exposure.days[chosen].sum(), exposure.alone[chosen].sum(), exposure.in_force[chosen].sum(axis=0)
    if not days > 0.0:
        return Hazard(base=0.0, strengths=np.zeros(len(paths.names)))
    owners, weights = paths.owners, paths.conversions
    total = weights.sum() + alone
    base = total / days / 2.0
    strengths = np.where(in_force > 0.0, total / 2.0 / max(float(in_force.sum()), 1e-300), 0.0)
    for _ in range(_TURNS):
        parts = strengths[paths.codes] * forces
        rates = base * levels + np.bincount(owners, weights=parts, minlength=len(paths))
        shared = weights / np.where(rates > 0.0, rates, 1.0)
        credited = np.bincount(paths.codes, weights=parts * shared[owners], minlength=len(strengths))
        before, anyway = strengths * in_force, float((base * levels * shared).sum()) + alone
        base, strengths = anyway / days, np.where(in_force > 0.0, credited / np.where(in_force > 0.0, in_force, 1.0), 0.0)
        if np.abs(credited - before).sum() <= _CHANGE * total:
            break
    return Hazard(base=base, strengths=strengths)


def _touch_shares(fitted: Hazard, converting: Paths, exposure: Exposure) -> Floats:
    parts = fitted.strengths[converting.codes] * exposure.forces
    owners = converting.owners
    rates = fitted.base * exposure.levels + np.bincount(owners, weights=parts, minlength=len(converting))
    return np.asarray(parts / np.where(rates > 0.0, rates, 1.0)[owners])


def _enough(converting: Paths, groups: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first of these groups that together have enough touches; all, where there are not so many."""
    touches = np.bincount(converting.groups, weights=converting.lengths, minlength=GROUPS) * groups
    needed = (touches.cumsum() - touches) < _MOST_TOUCHES
    return np.asarray(groups & needed)
