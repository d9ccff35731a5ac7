"""The money that followed a decision: the sample of what `training/policy/value.py` expects, part by part the same."""

import numpy as np
from numpy.typing import NDArray

from training.policy import Terms

Floats = NDArray[np.float64]


def observed_reward(
    terms: Terms, arm: NDArray[np.int64], *, conversion: Floats, value: Floats, unsubscribed: Floats, recent_contacts: Floats
) -> Floats:
    """The money that followed each decision, shape (n,): the sample of what a policy expects, part by part as in `ValueParts`.

    It is value x margin - cost - what converters after a contact were given - what unsubscribing and one more contact cost.

    Parameters
    ----------
    arm : shape (n,), as all others.

    Examples
    --------
    A contact for 1 that is followed by a sale of 50, of which a quarter is profit and a tenth was given away, plus a coupon of 2.

    >>> terms = Terms(costs=np.array([0.0, 1.0]), incentives=np.array([0.0, 2.0]), discounts=np.array([0.0, 0.1]),
    ...     levers=np.ones(2), margin=0.25)
    >>> one, nobody = np.ones(1), np.zeros(1)
    >>> observed_reward(terms, np.array([1]), conversion=one, value=50 * one, unsubscribed=nobody, recent_contacts=nobody)
    array([4.5])
    """
    contact = arm > 0
    given = terms.incentives[arm] * conversion + terms.discounts[arm] * value
    tired = terms.unsubscribe_cost * unsubscribed + terms.fatigue_cost * np.where(contact, recent_contacts, 0.0)
    return np.asarray(value * terms.margin - terms.costs[arm] - given - tired)


def contact_columns(feature_names: tuple[str, ...]) -> tuple[int, ...]:
    """The columns that together count a customer's contacts of the last 30 days or so, one per channel.

    >>> contact_columns(("any_30d_count", "contact_email_30d_count", "contact_email_7d_count", "contact_sms_30d_count"))
    (1, 3)
    """
    return tuple(i for i, name in enumerate(feature_names) if name.startswith("contact_") and name.endswith("_30d_count"))


def recent_contacts(features: Floats, columns: tuple[int, ...]) -> Floats:
    """How often each customer was contacted in the last 30 days or so, shape (n,); 0 where nothing is known."""
    counts = features[:, list(columns)]
    return np.asarray(np.where(np.isnan(counts), 0.0, counts).sum(axis=1))
