import numpy as np
import pytest

from training.ope.tail import tail_shape, tail_share


def pareto(shape, n=40_000):
    """Weights whose tail has that shape, by the inverse of the generalized Pareto distribution."""
    levels = (np.arange(n) + 0.5) / n
    return 1.0 + ((1.0 - levels) ** -shape - 1.0) / shape


@pytest.mark.parametrize("shape", [-0.5, 0.3, 0.5, 0.9])
def test_the_shape_of_a_pareto_tail_is_found(shape):
    assert tail_shape(pareto(shape)) == pytest.approx(shape, abs=0.12)


def test_the_shape_does_not_depend_on_the_unit_nor_on_the_order():
    weights = np.random.default_rng(3).permutation(pareto(0.5))
    assert tail_shape(weights * 7.0) == pytest.approx(tail_shape(pareto(0.5)))


def test_bounded_weights_have_no_heavy_tail():
    assert tail_shape(np.linspace(0.0, 20.0, 5000)) < 0.0


@pytest.mark.parametrize("weights", [np.ones(5000), np.arange(30.0), np.repeat([1.0, 2.0], [4995, 5])])
def test_a_tail_of_too_few_weights_has_no_shape(weights):
    assert tail_shape(weights) is None


def test_the_largest_hundredth_of_the_weights_holds_its_share():
    weights = np.repeat([1.0, 50.0], [990, 10])
    assert tail_share(weights) == pytest.approx(500 / 1490)
    assert tail_share(np.ones(10)) == pytest.approx(0.1)  # one at least
    assert tail_share(np.zeros(10)) == 0.0


@pytest.mark.parametrize("high", [100, 110])
def test_a_tail_of_equal_weights_has_a_shape_and_raises_no_warning(high):
    assert tail_shape(np.r_[np.ones(2000), np.full(high, 3.0)]) < 0.7
