"""What challenger, champion and every constant policy would have earned on the same decisions, and the gate's verdict.

The challenger that is judged here was learnt, by the same recipe, from other decisions than those that judge it; see
`training/backtest.py`. The policy that is registered learns from all closed decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.errors import TrainingError
from training.arms import with_arms
from training.crossfit import cross_fit
from training.dataset import Dataset
from training.gate import Comparison, GateVerdict, judge
from training.models import MEAN
from training.ope import Log
from training.policy import TargetPolicy, constant_policies
from training.policy_value import HEADER, Judging, PolicyValue
from training.splits import customer_folds, numbered

Floats = NDArray[np.float64]

_REWARD = replace(MEAN, trees=300, leaves=4)  # shallow, since single rewards are mostly noise; early stopping ends it
_FOLDS = 3
EXPLOITING = "challenger without exploration"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All policies on one log.

    Attributes
    ----------
    values : the challenger's first, with and without exploration, then the champion's if there is one, then the constants'.
    decisions : number of decisions that the values rest on.
    trimmed : decisions left out because some touchpoint was all but impossible, or certain, for that customer, or because there
        was nothing to choose.
    notes : what to know when reading the values.
    """

    values: tuple[PolicyValue, ...]
    verdict: GateVerdict
    decisions: int
    trimmed: int
    notes: tuple[str, ...]

    def in_words(self) -> str:
        """A table of the values, then the verdict."""
        lines = [
            f"{self.decisions:,} decisions judge; {self.trimmed:,} are left out for want of overlap or of a choice",
            HEADER,
            *(value.row for value in self.values),
            *self.verdict.reasons,
            *self.notes,
        ]
        return "\n".join(lines)


def evaluate(
    dataset: Dataset,
    comparable: NDArray[np.bool_],
    *,
    challenger: TargetPolicy,
    champion: TargetPolicy | None,
    seed: int,
    exploiting: TargetPolicy | None = None,
    notes: Sequence[str] = (),
    tolerance: float = 0.0,
) -> Evaluation:
    """Evaluate on decisions that the challenger has not seen.

    Decisions with one eligible arm are left out: every policy takes them alike. Constant policies do not explore, so they are
    compared with the challenger as it would decide without; what exploring costs is no fault of what it has learnt. Of what was
    never chosen the log says nothing, so there is no constant policy of it.

    Parameters
    ----------
    comparable : shape (n,), the rows to trust; see `Overlap`. The reward model is cross-fitted on all rows.
    seed : of the folds, and of the bootstrap where the log is small.
    champion : None where there is none, or none that can read these features.
    exploiting : the challenger without exploration; None where it does not explore.
    tolerance : of the gate, money per decision.

    Raises
    ------
    TrainingError
        When too few rows are comparable.
    """
    comparable = comparable & (dataset.eligible.sum(axis=1) > 1)
    if comparable.sum() < 2 * _FOLDS:
        raise TrainingError(
            f"{int(comparable.sum())} of {len(dataset)} judging decisions can be compared: contacts and non-contacts "
            "hardly overlap; collect decisions that were made partly at random"
        )
    rows = dataset.where(comparable)
    judging = Judging(log=_log(rows), rewards=reward_model(dataset, seed=seed)[comparable], seed=seed)
    tried = set(rows.arm.tolist())
    constants = [policy for index, policy in enumerate(constant_policies(dataset.arms)) if index in tried or not index]
    sure = {EXPLOITING: exploiting} if exploiting else {}
    rivals = {"champion": champion} if champion else {}
    policies = {"challenger": challenger, **sure, **rivals, **{policy.name: policy for policy in constants}}
    targets = {name: chosen(policy, rows) for name, policy in policies.items()}
    values = {name: judging.value(name, target) for name, target in targets.items()}
    ours = values["challenger"]

    def against(rival: str, name: str) -> Comparison:
        return judging.compare(values[name], values[rival], target=targets[name], other=targets[rival])

    verdict = judge(
        ours.dr,
        ours.support,
        champion=against("champion", "challenger") if champion else None,
        constants=[against(policy.name, EXPLOITING if exploiting else "challenger") for policy in constants],
        agreement=ours.agreement,
        tolerance=tolerance,
    )
    price = _price_of_exploring(ours, values[EXPLOITING]) if exploiting else ()
    return Evaluation(tuple(values.values()), verdict, len(rows), len(dataset) - len(rows), (*price, *notes))


def _price_of_exploring(challenger: PolicyValue, exploiting: PolicyValue) -> tuple[str, ...]:
    price = exploiting.dr.value - challenger.dr.value
    return (f"constant policies are compared with the challenger without exploration, which costs it {price:.4g} per decision",)


def chosen(policy: TargetPolicy, dataset: Dataset) -> Floats:
    """The policy's probabilities over the dataset's arms, shape (n, k); an arm that it does not know it never chooses.

    Where it knows nothing that is eligible, as when something new was mandatory, it does nothing, which the log cannot hold.
    """
    columns = [dataset.arms.index(arm) if arm in dataset.arms else None for arm in policy.arms]
    eligible = np.column_stack(
        [np.zeros(len(dataset), dtype=bool) if column is None else dataset.eligible[:, column] for column in columns]
    )
    eligible[~eligible.any(axis=1), 0] = True
    theirs = policy.as_probabilities(dataset.features, eligible)
    probabilities = np.zeros(dataset.eligible.shape)
    for position, column in enumerate(columns):
        if column is not None:
            probabilities[:, column] = theirs[:, position]
    return probabilities


def reward_model(dataset: Dataset, *, seed: int) -> Floats:
    """Expected reward of every arm, shape (n, k), each row's by a model that has not seen its customer."""
    folds = customer_folds(dataset.customer_id, count=_FOLDS, seed=seed)
    return expected_rewards(dataset.features, dataset.arm, dataset.reward, folds, arms=dataset.arms, seed=seed)


def expected_rewards(
    features: Floats, arm: NDArray[np.int64], reward: Floats, folds: NDArray[np.int64], *, arms: tuple[str, ...], seed: int
) -> Floats:
    """Expected reward of every arm, shape (n, k), each fold's by a model that has not seen it."""
    crossed = cross_fit(with_arms(features, arm, arms), reward, folds, recipe=_REWARD, seed=seed)
    expected = np.empty((len(features), len(arms)))
    for fold, booster in enumerate(crossed.models):
        inside = np.flatnonzero(folds == fold)
        for option in range(len(arms)):
            every = np.full(len(inside), option)
            expected[inside, option] = booster.raw(with_arms(features[inside], every, arms))
    return expected


def _log(rows: Dataset) -> Log:
    return Log(
        rewards=rows.reward,
        actions=rows.arm,
        probabilities=rows.probability,
        clusters=numbered(rows.customer_id)[0],
        all_probabilities=None if rows.shared.any() else rows.probabilities,
    )
