"""EconML's DRPolicyForest on an experiment: `python econml_policies.py given.npz answer.json`; needs econml.

The known probabilities are its propensities: they come in as controls, and what it takes for a classifier hands them out. The
reward model is LightGBM's, cross-fitted by EconML over customers. Gaps are filled with medians and marked. There are two forests,
one as it comes and one with larger leaves; each answers with its shares of votes for every arm.
"""

import sys
from pathlib import Path

import numpy as np
from econml.policy import DRPolicyForest
from lightgbm import LGBMRegressor
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GroupKFold

FORESTS = {"as_it_comes": {}, "large_leaves": {"min_samples_leaf": 0.01, "max_depth": 6}}


class Known(ClassifierMixin, BaseEstimator):
    """Says what is known: the last `arms` columns are the probabilities."""

    def __init__(self, arms=2):
        self.arms = arms

    def fit(self, inputs, chosen):
        """Learn nothing."""
        self.classes_ = np.arange(self.arms)
        return self

    def predict_proba(self, inputs):
        """Shape (n, arms)."""
        return inputs[:, -self.arms :]

    def predict(self, inputs):
        """The likeliest arm; EconML scores its propensities by it."""
        return self.predict_proba(inputs).argmax(axis=1)


def main(given, answer):
    """Fit on those who teach, and decide for those who judge."""
    told = dict(np.load(given))
    features, judging = filled(told["features"], told["features"]), filled(told["judging"], told["features"])
    shares = {}
    for name, options in FORESTS.items():
        forest = DRPolicyForest(
            model_propensity=Known(arms=told["probabilities"].shape[1]),
            model_regression=LGBMRegressor(n_estimators=100, num_leaves=15, learning_rate=0.05, verbose=-1, n_jobs=2),
            cv=GroupKFold(2),
            n_jobs=2,
            random_state=int(told["seed"]),
            **options,
        )
        forest.fit(told["rewards"], told["actions"], X=features, W=told["probabilities"], groups=told["customers"])
        shares[name] = forest.predict_proba(judging)
    np.savez(Path(answer).with_suffix(".npz"), **shares)
    Path(answer).write_text("{}", encoding="utf-8")


def filled(features, seen):
    """Medians of what was seen for gaps, and a column of marks for each that has some."""
    gaps = np.isnan(features)
    return np.hstack([np.where(gaps, np.nanmedian(seen, axis=0), features), gaps[:, np.isnan(seen).any(axis=0)]])


if __name__ == "__main__":
    main(*sys.argv[1:])
