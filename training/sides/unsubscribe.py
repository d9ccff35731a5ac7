"""Whom a contact makes unsubscribe: each touchpoint's rate, and who is more likely to than others.

More recent contacts never make unsubscribing less likely: a model that believed so, by chance or because the patient are
contacted most, would answer weariness with more contacts.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.crossfit import calibrate, cross_fit
from training.dataset import Dataset
from training.models import BINARY, Predictor, fit_booster, with_trees
from training.splits import customer_folds

Floats = NDArray[np.float64]

LEAST_EVENTS = 50
_FOLDS = 3
_PRIOR_DECISIONS = 100.0  # a catalogue's prior_unsubscribe counts as much as so many decisions
_LEAST_PROBABILITY = 0.01
_MOVED_ANYHOW = ("any_", "channel_", "stage_", "response_")


def unsubscribe_rates(dataset: Dataset, *, prior: Floats) -> Floats:
    """P(the contact makes the customer unsubscribe) of each arm, shape (k,): how often it followed beyond what followed `none`.

    Both rates are of all decisions that could have been either, each counted by how unlikely its choice was, and both are
    smoothed by the catalogue's prior; `none` has none.

    Parameters
    ----------
    prior : shape (k,), expected before anything is learnt.
    """
    rates = prior.copy()
    for arm in range(1, len(dataset.arms)):
        both = dataset.where(dataset.eligible[:, arm] & dataset.eligible[:, 0])
        rates[arm] = max(_rate(both, arm, prior[arm]) - _rate(both, 0, 0.0), 0.0)
    return rates


def fit_unsubscribe(dataset: Dataset, *, seed: int) -> Predictor | None:
    """P(the customer unsubscribes after a contact); None where it happened too seldom to learn more than a rate."""
    contacted = dataset.where(dataset.arm > 0)
    if contacted.unsubscribed.sum() < LEAST_EVENTS or contacted.unsubscribed.all():
        return None
    directions = [contact_direction(name) for name in dataset.feature_names]
    recipe = replace(BINARY, trees=120, leaves=4, monotone=tuple(direction or 0 for direction in directions))
    # a column that never varies is never split on
    features = np.where([direction is None for direction in directions], 0.0, contacted.features)
    folds = customer_folds(contacted.customer_id, count=_FOLDS, seed=seed)
    crossed = cross_fit(features, contacted.unsubscribed, folds, recipe=recipe, seed=seed)
    booster = fit_booster(
        features, contacted.unsubscribed, recipe=with_trees(recipe, crossed.trees), seed=seed, names=dataset.feature_names
    )
    return Predictor(booster, calibrate(recipe.link, crossed.raw, contacted.unsubscribed))


def contact_direction(feature_name: str) -> int | None:
    """Where one more contact moves a feature: up, down or not at all; None where it moves but says more than that.

    >>> contact_direction("contact_email_30d_count"), contact_direction("kind_contact_recency_days")
    (1, -1)
    >>> contact_direction("kind_complaint_30d_count"), contact_direction("any_7d_count")
    (0, None)
    """
    if feature_name.startswith(("contact_", "kind_contact_")):
        return -1 if feature_name.endswith("_recency_days") else 1
    return None if feature_name.startswith(_MOVED_ANYHOW) else 0


def _rate(dataset: Dataset, arm: int, prior: float) -> float:
    """Of all, had they got that arm: a mean weighted by 1 / probability, and smoothed as one of its effective size."""
    taken = dataset.arm == arm
    weight = 1.0 / np.maximum(dataset.probabilities[taken, arm], _LEAST_PROBABILITY)
    size = weight.sum() ** 2 / (weight @ weight) if len(weight) else 0.0
    events = size * (weight @ dataset.unsubscribed[taken]) / weight.sum() if len(weight) else 0.0
    return float((events + _PRIOR_DECISIONS * prior) / (size + _PRIOR_DECISIONS))
