import numpy as np
import pytest

from training.assignment import overlap
from training.figures import calibration_figure, gain_figure, importance_figure, overlap_figure, page, values_figure
from training.ope import Estimate

LABEL, PREDICTED = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.3, 0.6, 0.8])


def test_the_calibration_curve_shows_observed_over_predicted_rates():
    curve = calibration_figure(LABEL, PREDICTED, bins=2).data[1]
    assert list(curve.x) == pytest.approx([0.2, 0.7])
    assert list(curve.y) == pytest.approx([0.0, 1.0])


def test_the_gain_curve_shows_how_many_conversions_the_best_customers_hold():
    curve = gain_figure(LABEL, PREDICTED, points=4).data[1]
    assert list(curve.y) == pytest.approx([0.0, 0.5, 1.0, 1.0, 1.0])


def test_the_most_important_features_come_last_so_that_they_stand_on_top():
    bars = importance_figure(["a", "b", "c"], np.array([1.0, 6.0, 3.0]), top=2).data[0]
    assert (list(bars.y), list(bars.x)) == (["c", "b"], pytest.approx([0.3, 0.6]))


def test_a_page_holds_every_figure_and_asks_no_network_for_its_code():
    estimate = Estimate(
        name="dr", value=1.0, standard_error=0.5, low=0.0, high=2.0, level=0.95, effective_sample_size=9.0, max_weight=1.0,
        clipped=0.0, overlap=1.0, n=10,
    )  # fmt: skip
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6]])
    seen = overlap(probabilities, arm=np.array([0, 1]), eligible=probabilities > 0, estimated=probabilities[:, 0] > 0)
    html = page("A <title>", [values_figure({"always none": estimate}, currency="USD"), overlap_figure(seen)], lines=["5 < 6"])
    assert 'id="figure-0"' in html and 'id="figure-1"' in html
    assert "A &lt;title&gt;" in html and "5 &lt; 6" in html
    assert 'src="http' not in html and "<script src" not in html
    assert html.count("plotly.js v") == 1
