"""The Open Bandit Pipeline's doubly robust estimates of many logs: `python obp_dr.py given.npz answer.json`.

With reward models that are given, and with its own RegressionModel over two base models, cross-fitted in three folds. Intervals
are by its own bootstrap of 1,000 samples.
"""

import json
import sys
from pathlib import Path

import absent_torch  # noqa: F401
import numpy as np
from obp.ope import DoublyRobust, RegressionModel
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

SEED = 12345
MODELS = {
    "linear": LinearRegression(),
    "boosted": HistGradientBoostingRegressor(max_iter=100, random_state=SEED),
}


def main(given, answer):
    """Estimate every log; the first axis of every array is the log."""
    logs = dict(np.load(given))
    own = bool(logs.pop("own"))
    found = {"given": []} | ({name: [] for name in MODELS} if own else {})
    for row in zip(
        *(logs[name] for name in ("context", "actions", "rewards", "probabilities", "target", "expected")), strict=True
    ):
        context, actions, rewards, probabilities, target, expected = row
        told = {"action": actions, "reward": rewards, "pscore": probabilities, "action_dist": target[:, :, None]}
        found["given"].append(doubly_robust(told, expected[:, :, None]))
        for name in found.keys() - {"given"}:
            model = RegressionModel(n_actions=target.shape[1], base_model=MODELS[name])
            seen = {"context": context, "action": actions, "reward": rewards, "pscore": probabilities}
            found[name].append(doubly_robust(told, model.fit_predict(**seen, n_folds=3, random_state=SEED)))
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


def doubly_robust(told, expected):
    """The value and the ends of its 95 % interval."""
    told = told | {"estimated_rewards_by_reg_model": expected, "position": np.zeros(len(expected), dtype=int)}
    estimator = DoublyRobust()
    interval = estimator.estimate_interval(**told, alpha=0.05, n_bootstrap_samples=1000, random_state=SEED)
    return [float(estimator.estimate_policy_value(**told)), interval["95.0% CI (lower)"], interval["95.0% CI (upper)"]]


if __name__ == "__main__":
    main(*sys.argv[1:])
