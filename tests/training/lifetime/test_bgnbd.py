import numpy as np
import pytest

from features.errors import TrainingError
from training.lifetime.bgnbd import alive, expected, fit_bgnbd, log_likelihood
from training.lifetime.transactions import Transactions

PUBLISHED = np.array([0.243, 4.414, 0.793, 2.426])  # Fader, Hardie, Lee 2005, as is the log-likelihood


def one(repeats, recency, age, count=1.0):
    return Transactions(**{k: np.array([float(v)]) for k, v in locals().items()})


def test_cdnow_gives_the_published_parameters(cdnow):
    assert len(cdnow.transactions) == 2357
    model = fit_bgnbd(cdnow.transactions)
    assert np.round([model.r, model.alpha, model.a, model.b], 3).tolist() == PUBLISHED.tolist()
    assert round(model.log_likelihood, 1) == -9582.4


def test_standard_errors_are_those_of_lifetimes(cdnow):
    model = fit_bgnbd(cdnow.transactions)
    assert model.standard_errors == pytest.approx([0.012557, 0.378224, 0.185734, 0.705414], rel=2e-3)  # its 0.11.3, same data


@pytest.mark.parametrize(
    ("customer", "conversions", "living"),
    [
        ((0, 0, 38.86), 0.19478205, 1.0),
        ((2, 30.43, 38.86), 1.22590681, 0.72660915),
        ((10, 20.0, 35.0), 0.75616986, 0.09639072),
        ((29, 38.0, 38.5), 19.77438966, 0.96458662),
    ],
)
def test_customers_are_foretold_as_by_lifetimes(cdnow, customer, conversions, living):
    model = fit_bgnbd(cdnow.transactions)  # lifetimes 0.11.3 fitted to the same data; 39 weeks ahead
    assert model.expected(one(*customer), 39)[0] == pytest.approx(conversions, rel=1e-4)
    assert model.alive(one(*customer))[0] == pytest.approx(living, rel=1e-4)


@pytest.mark.parametrize(
    ("parameters", "customer", "ahead", "conversions"),
    [
        ((1.41, 9.74, 0.294, 421.6), (300, 364, 365), 365, 278.241828342),
        ((1.41, 9.74, 0.294, 421.6), (0, 0, 1), 365, 46.6873001806),
        ((0.5, 20.0, 1.0001, 3.0), (5, 100, 200), 1000, 2.23851302973),
        ((2.0, 5.0, 0.001, 8000.0), (1500, 3000, 3100), 3650, 7.42018056459e-12),
        ((0.5, 2.0, 5.0, 0.01), (3, 10, 400), 30, 4.3620854002e-7),
    ],
)
def test_extreme_customers_are_foretold_exactly(parameters, customer, ahead, conversions):
    # equation 10 of the paper as it stands, with 40 digits (mpmath 1.4.1)
    assert expected(np.log(parameters), one(*customer), ahead)[0] == pytest.approx(conversions, rel=1e-8)


def test_the_expectation_is_smooth_where_the_formula_divides_by_zero():
    near = [expected(np.log([0.5, 20.0, a, 3.0]), one(5, 100, 200), 100)[0] for a in (0.9999, 1.0, 1.0001)]
    assert near[1] == pytest.approx((near[0] + near[2]) / 2, rel=1e-4)


def test_p_alive_by_hand():
    # one repeat at 3 of 5 with r = alpha = a = b = 1: odds 1 / 1 * (6 / 4) ** 2
    assert alive(np.zeros(4), one(1, 3, 5))[0] == pytest.approx(1 / (1 + 1.5**2))
    assert alive(np.zeros(4), one(0, 0, 500))[0] == 1.0


def test_the_likelihood_by_hand():
    # x = 0: (alpha / (alpha + T)) ** r = 1 / 5; x = 1, all ones: B(1, 2) / B(1, 1) * (1 / 6 ** 2 + 1 / 4 ** 2)
    assert log_likelihood(np.zeros(4), one(0, 0, 4))[0] == pytest.approx(np.log(1 / 5))
    assert log_likelihood(np.zeros(4), one(1, 3, 5))[0] == pytest.approx(np.log(0.5 * (1 / 36 + 1 / 16)))


def test_the_gradient_is_the_likelihoods(cdnow):
    logs, step = np.log([0.3, 5.0, 0.7, 2.0]), np.eye(4) * 1e-5
    steps = [
        log_likelihood(logs + each, cdnow.transactions)[0] - log_likelihood(logs - each, cdnow.transactions)[0] for each in step
    ]
    assert log_likelihood(logs, cdnow.transactions)[1] == pytest.approx(np.array(steps) / 2e-5, rel=1e-4)


def test_equal_customers_in_one_row_count_as_often_as_in_many():
    kinds = {"repeats": [0.0, 2.0], "recency": [0.0, 5.0], "age": [9.0, 8.0]}
    few = Transactions(**{name: np.array(values) for name, values in kinds.items()}, count=np.array([3.0, 3.0]))
    many = Transactions(**{name: np.repeat(values, 3) for name, values in kinds.items()}, count=np.ones(6))
    logs = np.log([0.3, 5.0, 0.7, 2.0])
    assert log_likelihood(logs, few)[0] == pytest.approx(log_likelihood(logs, many)[0])


def test_known_parameters_are_recovered_within_their_standard_errors(world):
    buyers, transactions_of = world
    truth = np.array([0.8, 60.0, 0.8, 2.5])
    rng = np.random.default_rng(3)
    customers, times = buyers(20_000, r=0.8, alpha=60.0, a=0.8, b=2.5, until=700.0, rng=rng)
    model = fit_bgnbd(transactions_of(customers, times, until=700.0)[0])
    off = (model.logs - np.log(truth)) / np.sqrt(np.diag(model.covariance))
    assert np.abs(off).max() < 3


def test_the_unit_of_time_moves_alpha_only(cdnow):
    weeks, days = fit_bgnbd(cdnow.transactions), fit_bgnbd(cdnow.transactions.in_units_of(1 / 7))
    assert [days.r, days.alpha / 7, days.a, days.b] == pytest.approx([weeks.r, weeks.alpha, weeks.a, weeks.b], rel=1e-3)


def test_customers_who_never_leave_and_never_differ_are_fitted_without_trouble():
    rng = np.random.default_rng(1)
    repeats = rng.poisson(12.0, 500).astype(float)
    of = Transactions(repeats=repeats, recency=np.where(repeats > 0, 115.0, 0.0), age=np.full(500, 120.0), count=np.ones(500))
    model = fit_bgnbd(of)
    assert np.isfinite(model.standard_errors).all()
    assert model.expected(of, 120.0).mean() == pytest.approx(12.0, rel=0.05)


def test_too_few_who_came_back_are_refused_with_what_to_do():
    of = Transactions(repeats=np.zeros(3), recency=np.zeros(3), age=np.ones(3), count=np.full(3, 100.0))
    with pytest.raises(TrainingError, match="0 customers converted on a second day, and it takes 50"):
        fit_bgnbd(of)
