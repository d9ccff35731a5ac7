"""The rows of the file: one per customer, out of what was decided for a batch, or of the records of decisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.domain import NONE, channel_of
from serving.batch.known import Known
from serving.batch.scoring import Decisions, InForce
from serving.deciding.record import DecisionRecord

_RANKED = pa.struct(
    {
        "rank": pa.int32(),
        "touchpoint": pa.string(),
        "channel": pa.string(),
        "probability": pa.float64(),
        "propensity": pa.float64(),
        "uplift": pa.float64(),
        "expected_value": pa.float64(),
        "cost": pa.float64(),
    }
)
_PROBABILITIES = pa.field("probabilities", pa.map_(pa.string(), pa.float64()))
SCHEMA = pa.schema(
    {
        "customer_id": pa.string(),
        "decision_id": pa.string(),
        "at": pa.timestamp("us", tz="UTC"),
        "arm": pa.string(),
        "touchpoint": pa.string(),
        "channel": pa.string(),
        "probability": pa.float64(),
        "propensity": pa.float64(),
        "uplift": pa.float64(),
        "expected_value": pa.float64(),
        "cost": pa.float64(),
        "eligible": pa.int32(),
        "policy": pa.string(),
        "policy_version": pa.string(),
        "fallback": pa.string(),
        "ranking": pa.list_(_RANKED),
    }
)
"""The columns, by the names that answers of the API use; `eligible` is how many could be chosen, doing nothing among them."""


class Rows:
    """Makes rows over the arms of a catalogue.

    Parameters
    ----------
    limit : how many touchpoints the ranking lists, the chosen one first.
    probabilities : add the probability of every touchpoint.
    """

    def __init__(self, arms: Sequence[str], *, limit: int, probabilities: bool) -> None:
        self.schema = SCHEMA.append(_PROBABILITIES) if probabilities else SCHEMA
        self._arms, self._limit, self._all = list(arms), limit, probabilities
        self._channels = [None if arm == NONE else channel_of(arm) for arm in arms]

    def decided(
        self,
        known: Known,
        decisions: Decisions,
        in_force: InForce,
        *,
        decision_ids: Sequence[str],
        at: datetime,
    ) -> pa.RecordBatch:
        """The rows of a batch."""
        n = len(decision_ids)
        loaded = [in_force.of(arm) for arm in known.arms]
        costs = {id(each): each.policy.terms.costs for each in loaded}
        cost = np.stack([costs[id(each)] for each in loaded])
        fallbacks = [in_force.fallback(arm) or why for arm, why in zip(known.arms, known.fallbacks, strict=True)]
        places = (np.arange(n), decisions.chosen)
        columns: dict[str, Any] = {
            "customer_id": [each.customer_id for each in known.identities],
            "decision_id": decision_ids,
            "at": [at] * n,
            "arm": [str(arm) for arm in known.arms],
            "touchpoint": [self._arms[arm] for arm in decisions.chosen],
            "channel": [self._channels[arm] for arm in decisions.chosen],
            "probability": decisions.probabilities[places],
            "propensity": decisions.propensity[places],
            "uplift": decisions.uplift[places],
            "expected_value": decisions.net_values[places],
            "cost": cost[places],
            "eligible": decisions.eligible.sum(axis=1),
            "policy": [each.policy.name for each in loaded],
            "policy_version": [each.policy.version for each in loaded],
            "fallback": fallbacks,
            "ranking": self._rankings(decisions, cost),
        }
        if self._all:
            columns["probabilities"] = self._probabilities(decisions.probabilities)
        return pa.record_batch([self._array(columns[field.name], field) for field in self.schema], schema=self.schema)

    def recorded(self, records: Sequence[DecisionRecord]) -> pa.RecordBatch:
        """The rows of decisions that were recorded, in the order given."""
        return pa.RecordBatch.from_pylist([self._of_record(record) for record in records], schema=self.schema)

    def _of_record(self, record: DecisionRecord) -> dict[str, Any]:
        first = record.recommendations[0]
        shared = [field.name for field in _RANKED]
        row = {
            "customer_id": record.customer_id,
            "decision_id": record.decision_id,
            "at": record.at,
            "arm": record.arm,
            **{name: getattr(first, name) for name in shared if name != "rank"},
            "eligible": sum(candidate.eligible for candidate in record.candidates),
            "policy": record.policy.name,
            "policy_version": record.policy.version,
            "fallback": record.fallback,
            "ranking": [{name: getattr(each, name) for name in shared} for each in record.recommendations],
        }
        if self._all:
            row["probabilities"] = [(candidate.touchpoint, candidate.probability) for candidate in record.candidates]
        return row

    def _rankings(self, decisions: Decisions, cost: NDArray[np.float64]) -> pa.ListArray:
        """The chosen arm first, then the other eligible ones, best first."""
        k = decisions.order.shape[1]
        others = decisions.order != decisions.chosen[:, None]
        rest = np.take_along_axis(decisions.order, np.argsort(~others, axis=1, kind="stable")[:, : k - 1], axis=1)
        order = np.column_stack([decisions.chosen, rest])[:, : self._limit]
        counts = np.minimum(decisions.eligible.sum(axis=1), order.shape[1])
        listed = np.arange(order.shape[1]) < counts[:, None]
        rows, arms = np.nonzero(listed)[0], order[listed]
        values: dict[str, Any] = {
            "rank": np.nonzero(listed)[1] + 1,
            "touchpoint": [self._arms[arm] for arm in arms],
            "channel": [self._channels[arm] for arm in arms],
            "probability": decisions.probabilities[rows, arms],
            "propensity": decisions.propensity[rows, arms],
            "uplift": decisions.uplift[rows, arms],
            "expected_value": decisions.net_values[rows, arms],
            "cost": cost[rows, arms],
        }
        ranked = pa.StructArray.from_arrays([self._array(values[field.name], field) for field in _RANKED], fields=list(_RANKED))
        return pa.ListArray.from_arrays(_offsets(counts), ranked)

    def _probabilities(self, probabilities: NDArray[np.float64]) -> pa.MapArray:
        n, k = probabilities.shape
        names = pa.array(self._arms * n, pa.string())
        return pa.MapArray.from_arrays(_offsets(np.full(n, k)), names, pa.array(probabilities.ravel()))

    @staticmethod
    def _array(values: Any, field: pa.Field) -> pa.Array:
        return values if isinstance(values, pa.Array) else pa.array(values, field.type)


def _offsets(counts: NDArray[np.int64]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
