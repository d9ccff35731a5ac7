"""What holds for every policy; a new one is one more entry of `policies`."""

from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import Exploration
from features.errors import TouchpointError
from features.synthetic import synthetic_catalogue
from training.policy import Policy, PriorScorer, Scores, constant_policies, draw, rng_for, variant

CATALOGUE = synthetic_catalogue()
ARMS = CATALOGUE.arms


class Linear:
    """A scorer whose propensities move with the first feature."""

    def score(self, features):
        known = np.nan_to_num(features[:, :1])
        propensity = 1 / (1 + np.exp(-known * np.arange(len(ARMS)) / 5))
        return Scores.of(propensity, np.full(len(features), 60.0))


def learnt(scorer, **exploration):
    catalogue = CATALOGUE.model_copy(update={"exploration": Exploration(**exploration)})
    return Policy.of(catalogue, scorer, name=f"{type(scorer).__name__} {exploration}", version="1")


def policies():
    prior = PriorScorer.of(CATALOGUE, base_rate=0.1, value=50.0)
    return [
        learnt(prior),
        learnt(prior, sharpness=0.0, floor=0.0),
        learnt(Linear(), sharpness=1e6, floor=0.0),
        learnt(Linear(), sharpness=2.0, floor=0.5),
        learnt(Linear(), method="softmax", sharpness=0.5),
        learnt(Linear(), method="epsilon_greedy", epsilon=0.2, floor=0.0),
        learnt(Linear(), ramp_decisions=100, ramp_share=0.1),
        *(replace(variant(learnt(Linear()), arm, CATALOGUE), name=arm) for arm in ("random", "propensity", "rules")),
        *constant_policies(ARMS),
    ]


def rows(n=200):
    rng = np.random.default_rng(5)
    features = rng.normal(size=(n, 3))
    features[rng.random(features.shape) < 0.2] = np.nan
    eligible = rng.random((n, len(ARMS))) < 0.6
    eligible[:, 0] = True
    return features, eligible


@pytest.fixture(params=policies(), ids=lambda policy: policy.name)
def policy(request):
    return request.param


def test_every_policy_gives_one_distribution_per_row_over_what_is_eligible(policy):
    features, eligible = rows()
    found = policy.as_probabilities(features, eligible)
    assert found.shape == eligible.shape
    assert np.abs(found.sum(axis=1) - 1.0).max() < 1e-12
    assert (found[~eligible] == 0.0).all()
    assert (found >= 0.0).all()


def test_every_policy_does_nothing_when_nothing_else_is_eligible(policy):
    features, eligible = rows(3)
    eligible[:, 1:] = False
    assert policy.as_probabilities(features, eligible)[:, 0].tolist() == [1.0, 1.0, 1.0]


def test_every_policy_chooses_among_the_mandatory_alone_where_doing_nothing_is_no_choice(policy):
    features, eligible = rows(3)
    eligible[:] = [False, False, True, False, True]
    found = policy.as_probabilities(features, eligible)
    assert (found[:, [0, 1, 3]] == 0.0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_every_policy_decides_each_row_by_itself(policy):
    features, eligible = rows()
    together = policy.as_probabilities(features, eligible)
    alone = np.vstack([policy.as_probabilities(features[i : i + 1], eligible[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(alone, together[:20], rtol=0, atol=1e-15)


def test_every_policy_leaves_its_inputs_alone_and_repeats_itself(policy):
    features, eligible = rows()
    before = features.copy(), eligible.copy()
    first = policy.as_probabilities(features, eligible)
    np.testing.assert_array_equal(first, policy.as_probabilities(features, eligible))
    np.testing.assert_array_equal(features, before[0])
    np.testing.assert_array_equal(eligible, before[1])


def test_every_policy_decides_on_no_rows(policy):
    assert policy.as_probabilities(np.zeros((0, 3)), np.zeros((0, len(ARMS)), dtype=bool)).shape == (0, len(ARMS))


def test_what_every_policy_gives_can_be_drawn_from_and_the_draw_is_eligible(policy):
    features, eligible = rows(50)
    drawn = [draw(row, rng_for(f"d-{i}", 1)) for i, row in enumerate(policy.as_probabilities(features, eligible))]
    assert all(eligible[i, arm] for i, arm in enumerate(drawn))


@pytest.mark.parametrize("wrong", ["too few arms", "not bool", "nothing eligible", "other rows", "flat features"])
def test_every_policy_refuses_rows_that_do_not_fit(policy, wrong):
    features, eligible = rows(4)
    if wrong == "too few arms":
        eligible = eligible[:, :-1]
    elif wrong == "not bool":
        eligible = eligible.astype(float)
    elif wrong == "nothing eligible":
        eligible[2] = False
    elif wrong == "other rows":
        features = features[:-1]
    else:
        features = features[:, 0]
    with pytest.raises(TouchpointError):
        policy.as_probabilities(features, eligible)
