"""Figures of a retraining, and the page that holds them: one HTML file that opens without a network."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from training.assignment import Overlap
from training.metrics import equal_count_bins
from training.ope import Estimate

Floats = NDArray[np.float64]

_BLUE, _ORANGE, _GREY = "#1f5fa8", "#d9772b", "#9aa3ad"


def calibration_figure(label: Floats, predicted: Floats, *, bins: int = 10) -> go.Figure:
    """Observed rates over predicted ones, in bins of equal size; the diagonal is right."""
    group = equal_count_bins(predicted, bins)
    size = np.maximum(np.bincount(group), 1)
    expected, observed = np.bincount(group, weights=predicted) / size, np.bincount(group, weights=label) / size
    top = float(max(expected.max(), observed.max()))
    figure = _figure("Calibration on unseen data", "predicted", "observed")
    figure.add_scatter(x=[0, top], y=[0, top], mode="lines", line={"color": _GREY, "dash": "dot"}, name="right")
    return figure.add_scatter(x=expected, y=observed, mode="lines+markers", line={"color": _BLUE}, name="model")


def gain_figure(label: Floats, predicted: Floats, *, points: int = 100) -> go.Figure:
    """The share of all conversions among the customers ranked best."""
    ordered = label[np.argsort(-predicted, kind="stable")]
    share = np.linspace(0, 1, points + 1)
    found = np.r_[0.0, ordered.cumsum()] / max(ordered.sum(), 1.0)
    gain = found[np.round(share * len(ordered)).astype(int)]
    figure = _figure("Cumulative gain on unseen data", "share of customers, best first", "share of conversions found")
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": _GREY, "dash": "dot"}, name="by chance")
    return figure.add_scatter(x=share, y=gain, mode="lines", line={"color": _BLUE}, name="model")


def importance_figure(names: Sequence[str], gains: Floats, *, top: int = 20) -> go.Figure:
    """The features that a model relies on most, by gain."""
    best = np.argsort(gains, kind="stable")[-top:]
    share = gains[best] / max(gains.sum(), 1e-12)
    figure = _figure("Importance", "share of the gain", "")
    figure.add_bar(x=share, y=[names[index] for index in best], orientation="h", marker={"color": _BLUE})
    return figure.update_yaxes(dtick=1, tickfont={"size": 10})


def values_figure(estimates: Mapping[str, Estimate], *, currency: str) -> go.Figure:
    """What each policy would have earned per decision, with 95 % intervals."""
    names, values = list(estimates), list(estimates.values())
    upper = [estimate.high - estimate.value for estimate in values]
    lower = [estimate.value - estimate.low for estimate in values]
    error = {"type": "data", "symmetric": False, "array": upper, "arrayminus": lower, "color": _GREY}
    figure = _figure("Policy values on unseen decisions, doubly robust", f"{currency} per decision", "")
    figure.add_scatter(
        x=[estimate.value for estimate in values], y=names, error_x=error, mode="markers", marker={"color": _BLUE, "size": 10}
    )
    return figure.update_yaxes(autorange="reversed")


def overlap_figure(overlap: Overlap) -> go.Figure:
    """How probable a contact was for those contacted and those not; where one colour is alone, nothing can be compared."""
    centres = (overlap.edges[1:] + overlap.edges[:-1]) / 2
    figure = _figure("Overlap of the log", "estimated probability of a contact", "decisions")
    figure.add_bar(x=centres, y=overlap.untreated, name="not contacted", marker={"color": _GREY})
    figure.add_bar(x=centres, y=overlap.treated, name="contacted", marker={"color": _ORANGE})
    return figure.update_layout(barmode="overlay").update_traces(opacity=0.75).update_yaxes(type="log")


def page(title: str, figures: Sequence[go.Figure], *, lines: Sequence[str] = ()) -> str:
    """One HTML page with the drawing code inside, once; MLflow's own way of logging a figure needs a network to show it."""
    parts = [
        figure.to_html(full_html=False, include_plotlyjs=index == 0, div_id=f"figure-{index}", default_height="420px")
        for index, figure in enumerate(figures)
    ]
    words = "".join(f"<li>{escape(line)}</li>" for line in lines)
    style = "font-family: system-ui, sans-serif; max-width: 60rem; margin: 1rem auto"
    head = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
    return f"{head}<body style='{style}'><h1>{escape(title)}</h1><ul>{words}</ul>{''.join(parts)}</body></html>"


def _figure(title: str, x: str, y: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(title=title, xaxis_title=x, yaxis_title=y, template="plotly_white", margin={"l": 60, "r": 20})
    return figure
