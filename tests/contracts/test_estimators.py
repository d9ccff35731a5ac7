"""What holds for every off-policy estimator, and for every interval; a new one is one more entry of its table."""

from functools import partial

import numpy as np
import pytest

from features.errors import TrainingError
from training.ope import (
    NORMAL,
    Bernstein,
    Bootstrap,
    Cautious,
    IntervalKind,
    Log,
    difference,
    dm,
    dr,
    ips,
    snips,
    snips_difference,
    switch_dr,
)

N, K = 300, 3


def sample():
    rng = np.random.default_rng(11)
    table = rng.dirichlet(np.full(K, 3.0), size=N)
    actions = np.array([rng.choice(K, p=row) for row in table])
    return {
        "rewards": rng.normal(actions + 1.0, 1.0),
        "actions": actions,
        "probabilities": table[np.arange(N), actions],
        "clusters": rng.integers(0, 100, size=N),
        "target": rng.dirichlet(np.ones(K), size=N),
        "model": rng.normal(size=(N, K)),
    }


def log_of(rows):
    return Log(rewards=rows["rewards"], actions=rows["actions"], probabilities=rows["probabilities"], clusters=rows["clusters"])


ESTIMATORS = {
    "ips": lambda rows, **options: ips(log_of(rows), rows["target"], **options),
    "snips": lambda rows, **options: snips(log_of(rows), rows["target"], **options),
    "dm": lambda rows, **options: dm(log_of(rows), rows["target"], rows["model"], **options),
    "dr": lambda rows, **options: dr(log_of(rows), rows["target"], rows["model"], **options),
    "switch_dr": lambda rows, **options: switch_dr(log_of(rows), rows["target"], rows["model"], **options),
    "snips difference": lambda rows, **options: snips_difference(
        log_of(rows), rows["target"], np.full(rows["target"].shape, 1 / K), **options
    ),
    "difference": lambda rows, **options: difference(
        log_of(rows), rows["target"], np.full(rows["target"].shape, 1 / K), rows["model"], **options
    ),
}
MODELLED = {"dm", "dr", "switch_dr", "difference"}
CLIPPING = {"ips", "snips", "dr", "difference"}
INTERVALS = {
    IntervalKind.NORMAL: NORMAL,
    IntervalKind.BOOTSTRAP: Bootstrap(3, samples=400),
    IntervalKind.CAUTIOUS: Cautious(3),
    IntervalKind.BERNSTEIN: Bernstein(),
}


@pytest.fixture(params=sorted(ESTIMATORS))
def name(request):
    return request.param


@pytest.fixture
def estimator(name):
    return partial(ESTIMATORS[name])


def test_every_estimate_names_itself_and_lies_inside_its_interval(name, estimator):
    found = estimator(sample())
    assert found.name == name
    assert found.low < found.value < found.high
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert (found.n, found.level) == (N, 0.95)
    assert 0.0 < found.effective_sample_size <= N
    assert found.overlap == pytest.approx(1.0)
    assert all(isinstance(getattr(found, field), float) for field in ("value", "standard_error", "low", "high", "overlap"))


def test_every_interval_widens_with_its_level(estimator):
    narrow, wide = estimator(sample(), level=0.8), estimator(sample(), level=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_no_estimate_depends_on_the_order_of_rows(estimator):
    rows, shuffled = sample(), np.random.default_rng(1).permutation(N)
    first, second = estimator(rows), estimator({key: column[shuffled] for key, column in rows.items()})
    assert second.value == pytest.approx(first.value)
    assert second.standard_error == pytest.approx(first.standard_error)


def test_every_estimate_scales_with_the_money(estimator):
    rows, cents = sample(), sample()
    cents["rewards"], cents["model"] = rows["rewards"] * 100, rows["model"] * 100
    assert estimator(cents).value == pytest.approx(estimator(rows).value * 100)
    assert estimator(cents).standard_error == pytest.approx(estimator(rows).standard_error * 100)


def test_codes_of_customers_may_be_any_numbers(estimator):
    rows, renamed = sample(), sample()
    renamed["clusters"] = rows["clusters"] * 1_000_003 - 17
    assert estimator(renamed).standard_error == pytest.approx(estimator(rows).standard_error)


def test_telling_every_row_twice_does_not_narrow_a_clustered_interval(estimator):
    rows = sample()
    twice = {key: np.concatenate([column, column]) for key, column in rows.items()}
    assert estimator(twice).standard_error == pytest.approx(estimator(rows).standard_error)


def test_no_estimator_changes_its_inputs(estimator):
    rows, before = sample(), sample()
    estimator(rows)
    for key, column in rows.items():
        np.testing.assert_array_equal(column, before[key])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows["target"].__setitem__((4, 0), np.nan), "row 4: target"),
        (lambda rows: rows["target"].__setitem__((4, 0), -0.1), "row 4: target"),
        (lambda rows: rows["target"].__setitem__(4, [0.2, 0.2, 0.2]), "row 4: target"),
        (lambda rows: rows.update(target=rows["target"][:-1]), "one row per decision"),
        (lambda rows: rows.update(target=np.full((N, 2), 0.5)), "below 2, the number of arms"),
        (lambda rows: rows["probabilities"].__setitem__(9, 0.0), "row 9: logged probability"),
        (lambda rows: rows["rewards"].__setitem__(9, np.inf), "row 9: reward"),
    ],
)
def test_every_estimator_refuses_rows_by_number(estimator, spoil, message):
    rows = sample()
    spoil(rows)
    with pytest.raises(TrainingError, match=message):
        estimator(rows)


@pytest.mark.parametrize("modelled", sorted(MODELLED))
def test_every_estimator_with_a_model_refuses_predictions_that_do_not_fit(modelled):
    rows = sample()
    rows["model"][3, 1] = np.nan
    with pytest.raises(TrainingError, match="row 3: prediction"):
        ESTIMATORS[modelled](rows)
    with pytest.raises(TrainingError, match="reward model of shape"):
        ESTIMATORS[modelled]({**rows, "model": rows["model"][:, :2]})


@pytest.mark.parametrize("weighted", sorted(CLIPPING))
def test_every_estimator_that_clips_reports_it(weighted):
    found = ESTIMATORS[weighted](sample(), max_weight=0.9)
    assert found.max_weight == 0.9
    assert 0.0 < found.clipped < 1.0
    with pytest.raises(TrainingError, match="max_weight 0 must be positive"):
        ESTIMATORS[weighted](sample(), max_weight=0)


@pytest.mark.parametrize("kind", INTERVALS)
def test_every_interval_names_itself_and_holds_the_value(estimator, kind):
    found, normal = estimator(sample(), interval=INTERVALS[kind]), estimator(sample())
    assert found.interval is kind
    assert found.low < found.value < found.high
    assert (found.value, found.standard_error) == (normal.value, normal.standard_error)
    assert (found.span is not None) is (kind is IntervalKind.BERNSTEIN)


@pytest.mark.parametrize("kind", INTERVALS)
def test_every_interval_widens_with_its_level_and_with_the_money(estimator, kind):
    narrow, wide = (estimator(sample(), level=level, interval=INTERVALS[kind]) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    cents = sample()
    cents["rewards"], cents["model"] = cents["rewards"] * 100, cents["model"] * 100
    assert estimator(cents, level=0.8, interval=INTERVALS[kind]).low == pytest.approx(narrow.low * 100)


@pytest.mark.parametrize("kind", INTERVALS)
def test_every_interval_is_the_same_when_it_is_asked_again(estimator, kind):
    assert estimator(sample(), interval=INTERVALS[kind]) == estimator(sample(), interval=INTERVALS[kind])


def test_the_cautious_interval_is_no_narrower_than_normal_and_bootstrap(estimator):
    cautious, normal = estimator(sample(), interval=Cautious(3)), estimator(sample())
    drawn = estimator(sample(), interval=Bootstrap(3))
    assert cautious.low == min(normal.low, drawn.low)
    assert cautious.high == max(normal.high, drawn.high)


def test_the_bootstrap_is_about_as_wide_as_the_normal_interval_in_a_plain_log(estimator):
    drawn, normal = estimator(sample(), interval=Bootstrap(3)), estimator(sample())
    assert drawn.high - drawn.low == pytest.approx(normal.high - normal.low, rel=0.2)


def test_the_bernstein_interval_is_the_widest(estimator):
    assert estimator(sample(), interval=Bernstein()).high > estimator(sample(), interval=Cautious(3)).high
