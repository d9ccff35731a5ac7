"""Writes a retraining into its runs: parameters, figures, metrics and the gate's reasons."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from training.artifact import MODELS
from training.assignment import TRIM
from training.backtest import Backtest
from training.dataset import Dataset
from training.evaluate import Evaluation
from training.figures import calibration_figure, gain_figure, importance_figure, overlap_figure, page, values_figure
from training.metrics import Metric
from training.models import BINARY
from training.prepare import Prepared
from training.registry import Registry
from training.uplift import UpliftScorer, arm_columns, with_arms

_EXAMPLES = 5


def log_preparation(
    registry: Registry, run: str, prepared: Prepared, *, catalogue: Catalogue, at: datetime, until: datetime, seed: int
) -> None:
    """What was learnt from: into the parent run."""
    dataset = prepared.dataset
    registry.log_parameters(
        run,
        {
            "at": at.isoformat(),
            "until": until.isoformat(),
            "seed": seed,
            "fingerprint": prepared.fingerprint,
            "catalogue_version": catalogue.version,
            "arms": ", ".join(dataset.arms),
            "features": len(dataset.feature_names),
            "trees_at_most": BINARY.trees,
            **{f"objective_{name}": value for name, value in catalogue.objective.model_dump(mode="json").items()},
        },
    )
    registry.log_values(
        run,
        {
            "decisions": len(dataset),
            "decisions_implied": dataset.implied.sum(),
            "decisions_dropped": dataset.dropped,
            "decisions_estimated": dataset.estimated.sum(),
            "contacts": (dataset.arm > 0).sum(),
            "conversion_rate": dataset.conversion.mean(),
            "snapshots": len(prepared.snapshots.at),
            "probabilities_clipped_share": prepared.clipped_share,
            "comparable_share": prepared.overlap.comparable_share,
        },
    )
    registry.log_text(run, "features.json", json.dumps(list(dataset.feature_names), indent=1))


def log_models(
    registry: Registry, parent: str, prepared: Prepared, backtest: Backtest | None, scorer: UpliftScorer
) -> dict[str, int]:
    """One child run per model: metrics and figures of the backtest, the final booster and what it relies on; give its version."""
    versions: dict[str, int] = {}
    for name in MODELS:
        predictor = getattr(scorer, name)
        columns, example = _inputs(prepared.dataset, name)
        with registry.run(name, parent=parent) as run:
            calibration = {f"calibration_{key}": value for key, value in asdict(predictor.calibration).items()}
            registry.log_parameters(run, {"trees": predictor.booster.trees, **calibration})
            figures = [importance_figure(columns, predictor.booster.importances())]
            quality = backtest.quality.get(name) if backtest else None
            if quality is not None:
                registry.log_values(run, _with_intervals(quality.metrics))
                figures[:0] = [
                    calibration_figure(quality.label, quality.predicted),
                    gain_figure(quality.label, quality.predicted),
                ]
            registry.log_text(run, "figures.html", page(f"Model: {name}", figures))
            versions[name] = registry.log_model(run, name, predictor.booster, example=example, columns=columns)
    return versions


def log_policy(
    registry: Registry, run: str, prepared: Prepared, backtest: Backtest | None, reasons: Sequence[str], *, currency: str
) -> None:
    """What the policies would have earned, how far the log can tell, and the gate's reasons."""
    overlap = prepared.overlap
    lines = [
        *reasons,
        f"{prepared.dataset.estimated.mean():.0%} of the probabilities are estimates: cross-fitted over customers, calibrated",
        f"{overlap.comparable_share:.0%} of all decisions can be compared: every candidate had at least {TRIM:.0%} probability; "
        "values speak of these only",
    ]
    figures = [overlap_figure(overlap)]
    if backtest is not None:
        evaluation = backtest.evaluation
        figures.insert(0, values_figure({value.name: value.dr for value in evaluation.values}, currency=currency))
        registry.log_values(run, _values(evaluation))
        registry.log_text(run, "evaluation.json", json.dumps(asdict(evaluation), indent=1, default=str))
    registry.log_text(run, "reasons.txt", "\n".join(lines) + "\n")
    registry.log_text(run, "figures.html", page("Policy", figures, lines=lines))


def _with_intervals(metrics: Sequence[Metric]) -> dict[str, float]:
    endings = [(metric, ending) for metric in metrics for ending in ("value", "low", "high")]
    return {
        metric.name if ending == "value" else f"{metric.name}_{ending}": getattr(metric, ending) for metric, ending in endings
    }


def _values(evaluation: Evaluation) -> dict[str, float]:
    figures: dict[str, float] = {"decisions_judging": evaluation.decisions, "decisions_trimmed": evaluation.trimmed}
    for value in evaluation.values:
        name = value.name.replace(" ", "_")
        figures |= {f"{name}_dr": value.dr.value, f"{name}_dr_low": value.dr.low, f"{name}_dr_high": value.dr.high}
        figures |= {f"{name}_ips": value.ips.value, f"{name}_effective_sample_size": value.support.effective_sample_size}
        if value.snips is not None:
            figures[f"{name}_snips"] = value.snips.value
    return figures


def _inputs(dataset: Dataset, model: str) -> tuple[list[str], NDArray[np.float64]]:
    rows = slice(0, _EXAMPLES)
    if model in ("conversion", "uplift"):
        columns = arm_columns(dataset.feature_names, dataset.arms)
        return columns, with_arms(dataset.features[rows], dataset.arm[rows], dataset.arms)
    return list(dataset.feature_names), dataset.features[rows]
