"""The direct method: believes the reward model; its interval knows nothing of the model's error."""

from training.ope.estimate import Estimate, estimate_from
from training.ope.interval import NORMAL, Interval
from training.ope.log import FloatArray, Log, check_predictions, row_sums
from training.ope.weights import weigh


def dm(log: Log, target: FloatArray, reward_model: FloatArray, *, level: float = 0.95, interval: Interval = NORMAL) -> Estimate:
    """The mean over decisions of what the model expects under the target policy.

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    reward_model : shape (n, k), predicted reward of every arm, cross-fitted: not by a model that saw the row's customer.
    level : of the interval.
    interval : how `low` and `high` are made.

    Raises
    ------
    TrainingError
        When an array does not fit; the message names the row.
    """
    weights = weigh(log, target)
    check_predictions(reward_model, target)
    return estimate_from("dm", row_sums(target, reward_model), log, weights, level=level, interval=interval)
