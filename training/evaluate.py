"""What challenger, champion and every constant policy would have earned on the same decisions, and the gate's verdict.

The challenger that is judged here was learnt, by the same recipe, from other decisions than those that judge it; see
`training/backtest.py`. The policy that is registered learns from all closed decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.errors import TrainingError
from training.crossfit import cross_fit
from training.dataset import Dataset
from training.gate import Comparison, GateVerdict, judge
from training.models import MEAN
from training.ope import Estimate, Log, Support, difference, dr, ips, snips, support
from training.policy import TargetPolicy, constant_policies
from training.splits import customer_folds
from training.uplift import with_arms

Floats = NDArray[np.float64]

_REWARD = replace(MEAN, trees=100)
_FOLDS = 3


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """What one policy would have earned per decision, by three estimators, and how well the log covers it.

    Attributes
    ----------
    snips : None where the policy never chooses what the log holds.
    """

    name: str
    dr: Estimate
    snips: Estimate | None
    ips: Estimate
    support: Support


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All policies on one log.

    Attributes
    ----------
    values : the challenger's first, then the champion's if there is one, then the constant policies'.
    decisions : number of decisions that the values rest on.
    trimmed : decisions left out because some touchpoint was all but impossible, or certain, for that customer.
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
            f"{self.decisions:,} decisions judge; {self.trimmed:,} are left out for want of overlap",
            f"{'policy':<28}{'value (doubly robust)':>32}{'SNIPS':>10}{'IPS':>10}{'effective n':>14}",
            *(_row(value) for value in self.values),
            *self.verdict.reasons,
            *self.notes,
        ]
        return "\n".join(lines)


def _row(value: PolicyValue) -> str:
    best = f"{value.dr.value:.3f} [{value.dr.low:.3f}, {value.dr.high:.3f}]"
    snips_value = "-" if value.snips is None else f"{value.snips.value:.3f}"
    return f"{value.name:<28}{best:>32}{snips_value:>10}{value.ips.value:>10.3f}{value.support.effective_sample_size:>14,.0f}"


def evaluate(
    dataset: Dataset,
    comparable: NDArray[np.bool_],
    *,
    challenger: TargetPolicy,
    champion: TargetPolicy | None,
    seed: int,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Evaluate on decisions that the challenger has not seen.

    Parameters
    ----------
    comparable : shape (n,), the rows to trust; see `Overlap`. The reward model is cross-fitted on all rows.
    champion : None where there is none, or none that can read these features.

    Raises
    ------
    TrainingError
        When too few rows are comparable.
    """
    if comparable.sum() < 2 * _FOLDS:
        raise TrainingError(
            f"{int(comparable.sum())} of {len(dataset)} judging decisions can be compared: contacts and non-contacts "
            "hardly overlap; collect decisions that were made partly at random"
        )
    rewards = reward_model(dataset, seed=seed)[comparable]
    rows = dataset.where(comparable)
    log = _log(rows)
    names = ["challenger", *(["champion"] if champion else [])]
    constants = constant_policies(dataset.arms)
    policies: list[TargetPolicy] = [challenger, *([champion] if champion else []), *constants]
    targets = {
        name: chosen(policy, rows)
        for name, policy in zip([*names, *(policy.name for policy in constants)], policies, strict=True)
    }
    values = tuple(_value(name, log, target, rewards) for name, target in targets.items())
    against = {value.name: _comparison(value, log, targets, rewards) for value in values[1:]}
    verdict = judge(
        values[0].dr,
        values[0].support,
        champion=against.get("champion"),
        constants=[against[policy.name] for policy in constants],
    )
    return Evaluation(values, verdict, len(rows), len(dataset) - len(rows), tuple(notes))


def chosen(policy: TargetPolicy, dataset: Dataset) -> Floats:
    """The policy's probabilities over the dataset's arms, shape (n, k); an arm that it does not know it never chooses."""
    columns = [dataset.arms.index(arm) if arm in dataset.arms else None for arm in policy.arms]
    eligible = np.column_stack(
        [np.zeros(len(dataset), dtype=bool) if column is None else dataset.eligible[:, column] for column in columns]
    )
    theirs = policy.as_probabilities(dataset.features, eligible)
    probabilities = np.zeros(dataset.eligible.shape)
    for position, column in enumerate(columns):
        if column is not None:
            probabilities[:, column] = theirs[:, position]
    return probabilities


def reward_model(dataset: Dataset, *, seed: int) -> Floats:
    """Expected reward of every arm, shape (n, k), each row's by a model that has not seen its customer."""
    folds = customer_folds(dataset.customer_id, count=_FOLDS, seed=seed)
    inputs = with_arms(dataset.features, dataset.arm, dataset.arms)
    crossed = cross_fit(inputs, dataset.reward, folds, recipe=_REWARD, seed=seed)
    expected = np.empty(dataset.eligible.shape)
    for fold, booster in enumerate(crossed.boosters):
        inside = np.flatnonzero(folds == fold)
        for arm in range(len(dataset.arms)):
            every = np.full(len(inside), arm)
            expected[inside, arm] = booster.raw(with_arms(dataset.features[inside], every, dataset.arms))
    return expected


def _log(rows: Dataset) -> Log:
    return Log(
        rewards=rows.reward,
        actions=rows.arm,
        probabilities=rows.probability,
        clusters=np.unique(rows.customer_id.astype(str), return_inverse=True)[1],
        all_probabilities=None if rows.shared.any() else rows.probabilities,
    )


def _value(name: str, log: Log, target: Floats, rewards: Floats) -> PolicyValue:
    weighed = ips(log, target)
    return PolicyValue(
        name, dr(log, target, rewards), snips(log, target) if weighed.max_weight > 0 else None, weighed, support(log, target)
    )


def _comparison(rival: PolicyValue, log: Log, targets: dict[str, Floats], rewards: Floats) -> Comparison:
    gap = difference(log, targets["challenger"], targets[rival.name], rewards)
    return Comparison(rival.name, rival.dr, gap, rival.support)
