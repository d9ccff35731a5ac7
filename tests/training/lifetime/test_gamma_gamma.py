import numpy as np
import pytest

from features.errors import TrainingError
from training.lifetime.gamma_gamma import fit_gamma_gamma


def test_cdnow_gives_the_published_parameters(cdnow):
    # Fader, Hardie 2013: 946 customers, p = 6.25, q = 3.74, gamma = 15.44
    model = fit_gamma_gamma(cdnow.repeats, cdnow.mean_spend)
    assert model.customers == 946
    assert (round(model.p, 2), round(model.q, 2), round(model.scale, 2)) == (6.25, 3.74, 15.44)


def test_customers_are_expected_to_spend_as_by_lifetimes(cdnow):
    model = fit_gamma_gamma(cdnow.repeats, cdnow.mean_spend)  # lifetimes 0.11.3, same data
    assert model.expected(np.array([0.0, 2.0]), np.array([0.0, 22.35])) == pytest.approx([35.17037133, 24.65801858], rel=1e-4)
    assert model.mean == pytest.approx(35.17037133, rel=1e-4)


def test_known_parameters_are_recovered():
    rng = np.random.default_rng(2)
    x = rng.integers(1, 9, 20_000).astype(float)
    rate = rng.gamma(4.0, 1 / 15.0, 20_000)
    z = rng.gamma(6.0 * x, 1 / rate) / x
    model = fit_gamma_gamma(x, z)
    assert [model.p, model.q, model.scale] == pytest.approx([6.0, 4.0, 15.0], rel=0.1)
    assert model.mean == pytest.approx(6.0 * 15.0 / 3.0, rel=0.02)


@pytest.mark.parametrize("spend", [0.0, -5.0, np.nan])
def test_who_spent_nothing_does_not_count(spend):
    with pytest.raises(TrainingError, match="0 customers spent money"):
        fit_gamma_gamma(np.ones(500), np.full(500, spend))


def test_spends_that_are_all_alike_are_refused():
    with pytest.raises(TrainingError, match="fit no gamma-gamma model"):
        fit_gamma_gamma(np.full(500, 4.0), np.full(500, 9.99))


def test_spends_without_a_mean_are_refused():
    rng = np.random.default_rng(2)
    with pytest.raises(TrainingError, match="no mean"):
        fit_gamma_gamma(np.ones(2000), np.exp(rng.normal(0, 6, 2000)))
