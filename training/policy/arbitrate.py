"""Step 3: the order among the eligible arms: most net value first, and doing nothing wins a tie."""

import numpy as np
from numpy.typing import NDArray

from features.errors import PolicyError
from training.policy.score import FloatArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]


def arbitrate(net_values: FloatArray, eligible: BoolArray) -> IntArray:
    """Order the arms, best first; ties in catalogue order, so `none` comes first; ineligible arms come last.

    Parameters
    ----------
    net_values : shape (n, k), money.
    eligible : shape (n, k); every row has at least one.

    Returns
    -------
    Shape (n, k), arm indices.

    Raises
    ------
    PolicyError
        When shapes differ, a net value is not finite or a row has nothing eligible.

    Examples
    --------
    >>> arbitrate(np.array([[0.0, 2.0, 3.0]]), np.array([[True, True, False]]))
    array([[1, 0, 2]])
    """
    check_choices(net_values, eligible)
    return ordered(net_values, eligible)


def ordered(net_values: FloatArray, eligible: BoolArray) -> IntArray:
    """`arbitrate` among what was checked before."""
    return np.argsort(np.where(eligible, -net_values, np.inf), axis=1, kind="stable")


def check_choices(net_values: FloatArray, eligible: BoolArray) -> None:
    """Refuse what no choice can be made from; see `arbitrate`."""
    if net_values.ndim != 2 or net_values.shape != eligible.shape or eligible.dtype != np.bool_:
        raise PolicyError(
            f"net values {net_values.shape} and eligibility {eligible.shape} {eligible.dtype} must be (n, k), the second bool"
        )
    if not np.isfinite(net_values).all():
        row = int(np.flatnonzero(~np.isfinite(net_values).all(axis=1))[0])
        raise PolicyError(f"row {row}: net values {net_values[row].tolist()} must be finite: check the scorer and the costs")
    if not eligible.any(axis=1).all():
        row = int(np.flatnonzero(~eligible.any(axis=1))[0])
        raise PolicyError(f"row {row}: nothing is eligible; `none` always must be")
