"""Customers alike in two ways, and the lesser association of two things among them; `independence` says why two."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from training.findings.association import Association, associate
from training.findings.independence import odds_by_purchases, odds_by_things, thing_weights
from training.findings.scene import Scene

MOST_PURCHASES = 300
"""Who buys more often has everything, and is left out where customers with as many purchases are compared."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Customers by one way of being alike: with each thing, with each two, and all of them; the last axis is the groups.

    Attributes
    ----------
    weights : of the things, shape (things,), where alike is who has as many different things; else their shares of purchases.
    by_things : which of both it is.
    """

    alone: Floats
    together: Floats
    everybody: Floats
    weights: Floats
    by_things: bool

    def associated(self, first: int, second: int) -> Association | None:
        """Both things, among alike customers."""
        both, one, other = self.together[first, second], self.alone[first], self.alone[second]
        if self.by_things:
            expected = odds_by_things(self.weights, first, second)
        else:
            expected = odds_by_purchases(self.weights[first], self.weights[second], len(self.everybody) - 1)
        return associate(both, one - both, other - both, self.everybody - one - other + both, expected=expected)


def views_of(scene: Scene, times: Sequence[int]) -> tuple[View, View]:
    """Both ways, of a scene with the table `bought` (customer_id, thing, k different things, n purchases).

    Parameters
    ----------
    times : purchases of each thing, of customers with up to `MOST_PURCHASES`.
    """
    shares = np.array(times, dtype=np.float64) / max(sum(times), 1)
    alone, together, everybody = _counts(scene, "n", len(times), MOST_PURCHASES)
    by_purchases = View(alone=alone, together=together, everybody=everybody, weights=shares, by_things=False)
    alone, together, everybody = _counts(scene, "k", len(times), len(times))
    weights = thing_weights(alone.sum(axis=1), everybody)
    return by_purchases, View(alone=alone, together=together, everybody=everybody, weights=weights, by_things=True)


def _counts(scene: Scene, group: str, things: int, most: int) -> tuple[Floats, Floats, Floats]:
    """Customers by how many purchases `n` or different things `k` they have: with each thing, with each two, and all of them."""
    alone, together, everybody = np.zeros((things, most + 1)), np.zeros((things, things, most + 1)), np.zeros(most + 1)
    for row in scene.rows(_ALONE.format(group=group, most=most)):
        alone[row["thing"], row["size"]] = row["customers"]
    for row in scene.rows(_TOGETHER.format(group=group, most=most)):
        together[row["one"], row["other"], row["size"]] = together[row["other"], row["one"], row["size"]] = row["customers"]
    for row in scene.rows(_EVERYBODY.format(group=group, most=most)):
        everybody[row["size"]] = row["customers"]
    return alone, together, everybody


def least_association(views: Sequence[View], first: int, second: int, edge: float) -> Association | None:
    """The way of being alike that says least of the two; None where one of them says nothing."""
    found = [view.associated(first, second) for view in views]
    known = [each for each in found if each is not None]
    return min(known, key=lambda each: surely(each, edge)) if len(known) == len(found) else None


def surely(found: Association, edge: float) -> float:
    """Logarithm of the lift that is surely exceeded, so many standard errors below it."""
    return log(found.lift) - edge * found.error


_ALONE = "select thing, {group} as size, count(*) as customers from bought where {group} <= {most} group by all"

_TOGETHER = """
select a.thing as one, b.thing as other, a.{group} as size, count(*) as customers
from bought as a join bought as b using (customer_id) where a.thing < b.thing and a.{group} <= {most} group by all
"""

_EVERYBODY = "select {group} as size, count(distinct customer_id) as customers from bought where {group} <= {most} group by all"
