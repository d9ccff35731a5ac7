"""The Open Bandit Pipeline's quickstart, as its notebook `obd.ipynb` has it: `python obp_quickstart.py given.npz answer.json`.

The log is of the random policy, the policy to evaluate is the shop's Thompson sampling, the model logistic regression in 3 folds.
The package carries the data. The inputs go to `answer.npz`, each decision at its own position, so that others can do the sums.
"""

import json
import sys
from pathlib import Path

import absent_torch  # noqa: F401
import numpy as np
from obp.dataset import OpenBanditDataset
from obp.ope import (
    DirectMethod,
    DoublyRobust,
    InverseProbabilityWeighting,
    OffPolicyEvaluation,
    RegressionModel,
    SelfNormalizedInverseProbabilityWeighting,
    SwitchDoublyRobust,
)
from obp.policy import BernoulliTS
from sklearn.linear_model import LogisticRegression

SEED = 12345


def main(given, answer):
    """Do what the notebook does, with two estimators more."""
    thresholds = np.load(given)["thresholds"].tolist()
    dataset = OpenBanditDataset(behavior_policy="random", campaign="all")
    log = dataset.obtain_batch_bandit_feedback()
    policy = BernoulliTS(n_actions=80, len_list=3, is_zozotown_prior=True, campaign="all", random_state=SEED)
    chances = policy.compute_batch_action_dist(n_sim=100_000, n_rounds=log["n_rounds"])
    model = RegressionModel(
        n_actions=80,
        len_list=3,
        action_context=dataset.action_context,
        base_model=LogisticRegression(max_iter=1000, random_state=SEED),
    )
    names = ("context", "action", "reward", "position", "pscore")
    expected = model.fit_predict(**{name: log[name] for name in names}, n_folds=3, random_state=SEED)
    estimators = [InverseProbabilityWeighting(), SelfNormalizedInverseProbabilityWeighting(), DirectMethod(), DoublyRobust()]
    estimators += [SwitchDoublyRobust(lambda_=each, estimator_name=f"switch-dr {each:g}") for each in thresholds]
    values = OffPolicyEvaluation(bandit_feedback=log, ope_estimators=estimators).estimate_policy_values(
        action_dist=chances, estimated_rewards_by_reg_model=expected
    )
    bts = OpenBanditDataset.calc_on_policy_policy_value_estimate(behavior_policy="bts", campaign="all")
    rows = np.arange(log["n_rounds"])
    np.savez(
        Path(answer).with_suffix(".npz"),
        rewards=log["reward"],
        actions=log["action"],
        probabilities=log["pscore"],
        target=chances[rows, :, log["position"]],
        expected=expected[rows, :, log["position"]],
    )
    told = {"values": {name: float(value) for name, value in values.items()}, "on_policy": float(bts)}
    Path(answer).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
