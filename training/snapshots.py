"""Customers as they were known at evenly spaced times, and what they did next: what churn and value are learnt from."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import TrainingError
from features.instants import DAY, microseconds
from features.lake import Lake
from training.join import Floats, States, Strings, features_at, floats, ints, strings
from training.labels import first_seen, snapshot_rows

MOST = 100_000
"""Snapshots, about, that are looked at: of 17 thousand customers at six times, so that a share of 10 % is known to 0.5 points.

The features of millions, some hundred numbers each, would outgrow a machine, and change none of what is learnt from them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """n customers at some time.

    Attributes
    ----------
    customer_id : who they are today; features are of whom they were known to be then.
    churned : shape (n,), 1 where no conversion followed within objective.churn_days.
    converted, value : shape (n,), whether and for how much they converted within objective.window_days.
    later_value : shape (n,), money of their conversions within objective.churn_days.
    features : shape (n, d).
    """

    customer_id: Strings
    at: NDArray[np.int64]
    churned: Floats
    converted: NDArray[np.bool_]
    value: Floats
    later_value: Floats
    features: Floats

    def where(self, rows: NDArray[np.bool_]) -> "Snapshots":
        """The snapshots of a mask."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything observed; the same data give the same digits."""
        digest = sha256("\x1f".join(self.customer_id).encode())
        for column in (self.at, self.churned, self.converted, self.value, self.later_value, self.features):
            digest.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()


def load_snapshots(
    lake: Lake, states: States, catalogue: Catalogue, *, until: datetime, count: int = 6, most: int = MOST
) -> Snapshots:
    """Customers known at `count` times from the first interaction on, the last with all its windows closed by `until`.

    Parameters
    ----------
    most : where there are more snapshots, about so many, of customers drawn at random.

    Raises
    ------
    TrainingError
        When history is shorter than the windows.
    """
    objective = catalogue.objective
    window = round(max(objective.churn_days, objective.window_days) * DAY)
    first, last = first_seen(lake), microseconds(until) - window
    if first is None or last <= first:
        raise TrainingError(
            f"history until {until:%Y-%m-%d} is shorter than objective.churn_days = {objective.churn_days:g} and "
            f"objective.window_days = {objective.window_days:g}; wait, or shorten them in the catalogue"
        )
    times = [first + (last - first) * step // count for step in range(1, count + 1)]
    rows = snapshot_rows(lake, catalogue, times=times, members=states.members().relation(), most=most)
    at = ints(rows, "moment")
    return Snapshots(
        customer_id=strings(rows, "customer_id"),
        at=at,
        churned=floats(rows, "churned"),
        converted=floats(rows, "converted").astype(bool),
        value=floats(rows, "value"),
        later_value=floats(rows, "later_value"),
        features=features_at(states, catalogue, strings(rows, "identifier"), at - 1)[1],
    )
