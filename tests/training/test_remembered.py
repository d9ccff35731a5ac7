import numpy as np

from features.catalogue import Exploration
from training.policy import Policy, Scores, Terms
from training.remembered import Remembered


class Counting:
    """Scores by the first column, and counts how many rows it was asked about."""

    def __init__(self):
        self.rows = 0

    def score(self, features):
        self.rows += len(features)
        return Scores.of(np.column_stack([np.full(len(features), 0.2), features[:, 0]]), features[:, 1])


def test_rows_are_scored_once_for_all_who_ask_about_them():
    scorer, features = Counting(), np.random.default_rng(0).random((5000, 2))
    remembered = Remembered(scorer)
    first, again = remembered.score(features), remembered.score(features)
    alone = Counting().score(features)
    assert scorer.rows == 5000
    assert first is again
    assert (first.propensity == alone.propensity).all() and (first.value == alone.value).all()
    assert remembered.score(features[:10]).value.tolist() == features[:10, 1].tolist()


def test_a_policy_and_the_same_without_exploration_ask_once():
    scorer, features = Counting(), np.random.default_rng(0).random((3000, 2))
    terms = Terms(costs=np.zeros(2), incentives=np.zeros(2), discounts=np.zeros(2), levers=np.ones(2), margin=0.5)
    policy = Policy(
        name="a",
        version="1",
        arms=("none", "mail.offer"),
        terms=terms,
        exploration=Exploration(),
        ceilings=np.ones(2),
        scorer=Remembered(scorer),
    )
    eligible = np.ones((3000, 2), dtype=bool)
    policy.as_probabilities(features, eligible)
    sure = policy.exploiting.as_probabilities(features, eligible)
    assert scorer.rows == 3000
    assert sure[:, 1].tolist() == (features[:, 0] > 0.2).astype(float).tolist()
