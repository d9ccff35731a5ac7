"""Agreement: whether the estimators tell the same story of one policy, and what it means when they do not.

They rest on different things. IPS and SNIPS believe the logged probabilities, DM believes the reward model, DR is right if either
is. So where they are farther apart than chance allows, one of those two is wrong, and which pair it is says which.
"""

from dataclasses import dataclass

from training.ope.dr import robust_terms
from training.ope.estimate import Estimate, estimate_from
from training.ope.interval import NORMAL
from training.ope.log import FloatArray, Log, row_sums
from training.ope.snips import snips_terms
from training.ope.weights import weigh

_CAUSES = {
    "IPS": "the logged probabilities do not fit how often things were chosen, or candidates are missing",
    "SNIPS": "the logged probabilities do not fit what was chosen for whom",
    "DM": "the reward model errs here, so its word alone is not to be believed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Doubly robust minus every other estimator, paired decision by decision.

    Each gap is 0 but for chance where what the estimator rests on is right.

    Attributes
    ----------
    snips : None where the policy never chooses what the log holds.
    """

    ips: Estimate
    snips: Estimate | None
    dm: Estimate

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the gaps that chance does not explain mean, in words; empty where the estimators agree."""
        gaps = {"IPS": self.ips, "SNIPS": self.snips, "DM": self.dm}
        return tuple(
            f"DR and {name} differ by {gap.value:+.4g} ({gap.level:.1%} interval {gap.low:+.4g} to {gap.high:+.4g}), more than "
            f"chance allows: {_CAUSES[name]}"
            for name, gap in gaps.items()
            if gap is not None and (gap.low > 0.0 or gap.high < 0.0)
        )


def agreement(log: Log, target: FloatArray, reward_model: FloatArray, *, level: float = 0.999) -> Agreement:
    """Compare the estimators of one policy's value.

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    reward_model : shape (n, k), predicted reward of every arm, cross-fitted: not by a model that saw the row's customer.
    level : of the gaps' intervals; what lies outside is beyond doubt.

    Raises
    ------
    TrainingError
        When an array does not fit; the message names the row.
    """
    weights = weigh(log, target)
    robust = robust_terms(log, target, reward_model, weights)

    def gap(name: str, terms: FloatArray) -> Estimate:
        return estimate_from(f"dr minus {name}", robust - terms, log, weights, level=level, interval=NORMAL)

    return Agreement(
        ips=gap("ips", weights.values * log.rewards),
        snips=gap("snips", snips_terms(log, weights)) if weights.values.any() else None,
        dm=gap("dm", row_sums(target, reward_model)),
    )
