"""Features side by side with the arm that is taken: what models of several touchpoints read."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def with_arms(features: Floats, arm: NDArray[np.int64], arms: tuple[str, ...]) -> Floats:
    """Features with one column per arm but `none`, 1 where that arm is taken: shape (n, d + k - 1)."""
    return np.hstack([features, np.asarray(arm[:, None] == np.arange(1, len(arms)), dtype=np.float64)])


def arm_columns(feature_names: tuple[str, ...], arms: tuple[str, ...]) -> list[str]:
    """The names of `with_arms`'s columns; LightGBM allows letters, digits and underscores."""
    return [*feature_names, *(f"arm_{arm.replace('.', '_')}" for arm in arms[1:])]
