"""Writes a retraining into its runs: parameters, figures, metrics and the gate's reasons."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from training.arms import arm_columns, with_arms
from training.assignment import TRIM
from training.backtest import Backtest
from training.dataset import Dataset
from training.evaluate import Evaluation
from training.figures import calibration_figure, gain_figure, importance_figure, overlap_figure, page, values_figure
from training.learn import Learnt
from training.metrics import Metric
from training.models import BINARY
from training.prepare import Prepared
from training.registry import Registry
from training.select import Entry

_EXAMPLES = 5
_ROWS_THAT_TELL = 500


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


def log_models(registry: Registry, parent: str, prepared: Prepared, backtest: Backtest | None, learnt: Learnt) -> dict[str, int]:
    """One child run per model: metrics and figures of the backtest, the final model and what it relies on; give its version."""
    versions: dict[str, int] = {}
    scorer = learnt.personal
    for name, predictor in {"conversion": scorer.conversion, **scorer.sides.predictors}.items():
        columns, example = _inputs(prepared.dataset, name)
        with registry.run(name, parent=parent) as run:
            calibration = {f"calibration_{key}": value for key, value in asdict(predictor.calibration).items()}
            registry.log_parameters(run, {"kind": type(predictor.model).__name__.lower(), **calibration})
            figures = [importance_figure(columns, predictor.model.importances())]
            quality = backtest.quality.get(name) if backtest else None
            if quality is not None:
                registry.log_values(run, _with_intervals(quality.metrics))
                figures[:0] = [
                    calibration_figure(quality.label, quality.predicted),
                    gain_figure(quality.label, quality.predicted),
                ]
            registry.log_text(run, "figures.html", page(f"Model: {name}", figures))
            versions[name] = registry.log_model(run, name, predictor.model, example=example, columns=columns)
    return versions


def log_selection(registry: Registry, parent: str, prepared: Prepared, learnt: Learnt) -> None:
    """Which learners competed, what each would have earned, and what moves the effects that the chosen one found."""
    selection, effects = learnt.selection, learnt.personal.effects
    features = prepared.dataset.features[:_ROWS_THAT_TELL]
    moved = [np.abs(effects.contributions(features, arm)[:, :-1]).mean(axis=0) for arm in range(1, len(effects.arms))]
    figures = [importance_figure(prepared.dataset.feature_names, np.sum(moved, axis=0))] if effects.terms else []
    with registry.run("uplift", parent=parent) as run:
        offsets = {f"mean_uplift_{arm}": value for arm, value in zip(effects.arms[1:], effects.offsets[1:], strict=True)}
        registry.log_parameters(run, {"learner": selection.chosen, "best_constant": selection.constant, "slope": effects.slope})
        registry.log_values(run, offsets | _of_entries((*selection.personalized, *selection.constants)))
        registry.log_text(run, "selection.txt", selection.in_words())
        registry.log_text(run, "figures.html", page("What touchpoints change", figures, lines=[selection.reason]))


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


def _of_entries(entries: Sequence[Entry]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for entry in entries:
        name = entry.name.replace(" ", "_")
        figures |= {f"{name}_value": entry.value.value, f"{name}_difference": entry.difference.value}
        figures |= {f"{name}_difference_low": entry.difference.low, f"{name}_difference_high": entry.difference.high}
    return figures


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
    if model == "conversion":
        columns = arm_columns(dataset.feature_names, dataset.arms)
        return columns, with_arms(dataset.features[rows], dataset.arm[rows], dataset.arms)
    return list(dataset.feature_names), dataset.features[rows]
