"""Credit: how many conversions, and how much of their money, a model puts down to each touchpoint."""

from dataclasses import dataclass

import numpy as np

from training.attribution.paths import Floats, Paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What one model says of n touchpoints.

    Attributes
    ----------
    model : its name.
    conversions, values : shape (n,), conversions and money credited.
    """

    model: str
    conversions: Floats
    values: Floats

    @property
    def shares(self) -> Floats:
        """Shape (n,): of all conversions credited; they sum to 1, or are all 0."""
        total = float(self.conversions.sum())
        return self.conversions / total if total > 0.0 else np.zeros_like(self.conversions)


def credit_by_touch(model: str, paths: Paths, shares: Floats) -> Credit:
    """Add up what every touch gets of its path's conversions.

    Parameters
    ----------
    shares : shape (t,), each touch's part; those of a path sum to 1, or to less where the model leaves some to nobody.
    """
    owners, n = paths.owners, len(paths.names)
    conversions, values = (
        np.bincount(paths.codes, weights=shares * amounts[owners], minlength=n).astype(np.float64)
        for amounts in (paths.conversions, paths.values)
    )
    return Credit(model=model, conversions=conversions, values=values)
