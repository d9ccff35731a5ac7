import numpy as np
import pytest

from training.metrics import Ranked, amount_metrics, binary_metrics, calibration_error, equal_count_bins

LABEL = np.array([1.0, 0.0, 1.0, 0.0])
PREDICTED = np.array([0.9, 0.8, 0.7, 0.1])
ONES = np.ones(4)


def test_auc_is_the_share_of_pairs_in_the_right_order():
    # pairs (positive, negative): (.9,.8) right, (.9,.1) right, (.7,.8) wrong, (.7,.1) right
    assert Ranked.of(LABEL, PREDICTED).auc(ONES) == pytest.approx(0.75)


def test_a_tie_counts_half():
    assert Ranked.of(LABEL, np.full(4, 0.5)).auc(ONES) == pytest.approx(0.5)


def test_average_precision_averages_precision_over_the_recall_gained():
    # first positive at rank 1 (precision 1), second at rank 3 (precision 2/3)
    assert Ranked.of(LABEL, PREDICTED).average_precision(ONES) == pytest.approx((1 + 2 / 3) / 2)


def test_a_weight_counts_as_so_many_rows():
    twice = Ranked.of(np.r_[LABEL, 1.0], np.r_[PREDICTED, 0.9])
    weighted = Ranked.of(LABEL, PREDICTED)
    weight = np.array([2.0, 1.0, 1.0, 1.0])
    assert weighted.auc(weight) == pytest.approx(twice.auc(np.ones(5)))
    assert weighted.average_precision(weight) == pytest.approx(twice.average_precision(np.ones(5)))


def test_lift_compares_the_best_rows_with_all():
    label = np.r_[np.ones(2), np.zeros(18)]
    predicted = np.linspace(1, 0, 20)
    # the best 10 % are 2 rows, both positive: rate 1 against 0.1
    assert Ranked.of(label, predicted).lift(0.1, np.ones(20)) == pytest.approx(10.0)
    assert Ranked.of(label, np.full(20, 0.5)).lift(0.1, np.ones(20)) == pytest.approx(1.0)


def test_calibration_error_is_the_mean_distance_over_bins():
    bins = equal_count_bins(PREDICTED, 2)
    assert bins.tolist() == [1, 1, 0, 0]
    # upper bin: predicted 0.85, observed 0.5; lower bin: predicted 0.4, observed 0.5
    assert calibration_error(LABEL, PREDICTED, bins, ONES) == pytest.approx((0.35 + 0.1) / 2)


def test_intervals_hold_the_value_and_count_customers_not_rows():
    rng = np.random.default_rng(0)
    predicted = rng.random(400)
    label = (rng.random(400) < predicted).astype(float)
    alone = np.array([f"c{row}" for row in range(400)], dtype=object)
    few = np.array([f"c{row % 10}" for row in range(400)], dtype=object)
    by_row = binary_metrics(label, predicted, alone, rng=np.random.default_rng(1), replicates=100)
    copied = binary_metrics(
        np.repeat(label, 4), np.repeat(predicted, 4), np.repeat(alone, 4), rng=np.random.default_rng(1), replicates=100
    )
    assert all(metric.low <= metric.value <= metric.high for metric in by_row if metric.name != "calibration_error")
    assert {metric.name: (metric.value, metric.low) for metric in by_row if metric.name == "auc"}["auc"] == pytest.approx(
        {metric.name: (metric.value, metric.low) for metric in copied}["auc"]
    )
    assert [metric.name for metric in binary_metrics(label, predicted, few, rng=rng, replicates=2)] == [
        "auc",
        "average_precision",
        "brier",
        "calibration_error",
        "lift_at_10_percent",
    ]


def test_one_class_has_no_auc():
    metrics = binary_metrics(
        np.ones(4), PREDICTED, np.array(list("abcd"), dtype=object), rng=np.random.default_rng(0), replicates=5
    )
    assert np.isnan(metrics[0].value) and np.isnan(metrics[0].low)


def test_amounts_are_judged_by_absolute_error_and_by_the_ratio_of_means():
    value, predicted, customers = np.array([10.0, 30.0]), np.array([20.0, 40.0]), np.array(["a", "b"], dtype=object)
    metrics = amount_metrics(value, predicted, customers, rng=np.random.default_rng(0), replicates=20)
    assert [metric.value for metric in metrics] == pytest.approx([10.0, 1.5])
