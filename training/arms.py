"""Features side by side with the arm that is taken: what models of several touchpoints read."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def with_arms(features: Floats, arm: NDArray[np.int64], arms: tuple[str, ...]) -> Floats:
    """Features with one column per arm but `none`, 1 where that arm is taken: shape (n, d + k - 1)."""
    n, width = features.shape
    rows, inputs = np.flatnonzero(arm), np.zeros((n, width + len(arms) - 1))
    inputs[:, :width] = features
    inputs[rows, width - 1 + arm[rows]] = 1.0
    return inputs


def under_each(features: Floats, options: NDArray[np.int64], arms: tuple[str, ...]) -> Floats:
    """Every row under each of some arms, one after the other: shape (n x options, d + k - 1), as `with_arms` has them."""
    n, width = features.shape
    inputs = np.zeros((n, len(options), width + len(arms) - 1))
    inputs[:, :, :width] = features[:, None, :]
    taken = np.flatnonzero(options)
    inputs[:, taken, width - 1 + options[taken]] = 1.0
    return inputs.reshape(n * len(options), -1)


def arm_columns(feature_names: tuple[str, ...], arms: tuple[str, ...]) -> list[str]:
    """The names of `with_arms`'s columns; LightGBM allows letters, digits and underscores."""
    return [*feature_names, *(f"arm_{arm.replace('.', '_')}" for arm in arms[1:])]
