"""The recipe on trial: learnt from earlier decisions, judged on later ones, with the champion beside it."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import ArtifactError, TrainingError
from training.artifact import read_artifact, read_provenance
from training.dataset import Dataset, Snapshots
from training.evaluate import Evaluation, evaluate
from training.labels import MICROSECONDS_PER_DAY, micros
from training.learn import learn
from training.metrics import Metric, amount_metrics, binary_metrics
from training.policy import Policy
from training.prepare import Prepared, Say
from training.registry import Registry
from training.splits import TimeSplit, time_split
from training.uplift import UpliftScorer

Floats = NDArray[np.float64]

POLICY_NAME = "uplift"

_LEAST_UNSEEN = 200


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one model predicts later rows.

    Attributes
    ----------
    label, predicted : shape (n,), of these rows.
    """

    metrics: tuple[Metric, ...]
    label: Floats
    predicted: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The trial's result.

    Attributes
    ----------
    quality : by model: conversion, and value and churn where later rows allow.
    """

    split: TimeSplit
    quality: dict[str, Quality]
    evaluation: Evaluation


def backtest(prepared: Prepared, catalogue: Catalogue, *, registry: Registry, seed: int, on_progress: Say) -> Backtest:
    """Learn from the earlier decisions; judge models and policies on the later ones.

    Raises
    ------
    TrainingError
        When the log is too short to be split, or too little of it can be compared.
    """
    dataset, objective = prepared.dataset, catalogue.objective
    champion = load_champion(dataset.feature_names, registry)
    split = time_split(dataset.at, gap=round(objective.window_days * MICROSECONDS_PER_DAY), after=_unseen(champion, dataset))
    earlier, later = int(split.earlier.sum()), int(split.later.sum())
    on_progress(f"backtest: learning from {earlier:,} earlier decisions, to judge on {later:,} later ones")
    closed = round(max(objective.churn_days, objective.window_days) * MICROSECONDS_PER_DAY)
    before = prepared.snapshots.at + closed < split.cutoff
    if not before.any():
        raise TrainingError("no snapshot's windows closed before the later decisions begin; collect a longer history")
    scorer = learn(dataset.where(split.earlier), prepared.snapshots.where(before), catalogue, seed=seed)
    rows = dataset.where(split.later)
    quality = _quality(scorer, rows, prepared.snapshots.where(prepared.snapshots.at >= split.cutoff), seed=seed)
    on_progress("backtest: comparing policies")
    evaluation = evaluate(
        rows,
        prepared.overlap.comparable[split.later],
        challenger=Policy.of(catalogue, scorer, name=POLICY_NAME, version="backtest"),
        champion=champion.policy,
        seed=seed,
        notes=champion.notes(rows),
    )
    return Backtest(split=split, quality=quality, evaluation=evaluation)


@dataclass(frozen=True, slots=True)
class Champion:
    """The policy to beat, as far as it can be compared.

    Attributes
    ----------
    policy : None where there is none, or none that reads today's features; then `complaint` says why.
    trained_until : time of the last decision it learnt from, microseconds.
    """

    policy: Policy | None = None
    trained_until: int = 0
    complaint: str | None = None

    def notes(self, later: Dataset) -> tuple[str, ...]:
        """What to know when it is compared on these decisions."""
        if self.policy is None:
            return () if self.complaint is None else (self.complaint,)
        seen = float((later.at <= self.trained_until).mean())
        words = f"champion {self.policy.version} had learnt from {seen:.0%} of the decisions that judge, which flatters it"
        return (words,) if seen else ()


def load_champion(feature_names: tuple[str, ...], registry: Registry) -> Champion:
    """Download the champion and read it, if it can read these features."""
    found = registry.champion()
    if found is None:
        return Champion()
    version, digest = found
    with TemporaryDirectory() as folder:
        try:
            path = registry.download(version, Path(folder) / "champion")
            policy = read_artifact(path, digest, version=str(version), feature_names=feature_names)
        except ArtifactError as error:
            return Champion(complaint=f"champion {version} is left out of the comparison: {error}")
        return Champion(policy, micros(read_provenance(path, digest).trained_until))


def _unseen(champion: Champion, dataset: Dataset) -> int | None:
    """The champion is judged on what it has not learnt from, as soon as there is enough of it."""
    enough = int((dataset.at > champion.trained_until).sum()) >= _LEAST_UNSEEN
    return champion.trained_until if champion.policy is not None and enough else None


def _quality(scorer: UpliftScorer, later: Dataset, snapshots: Snapshots, *, seed: int) -> dict[str, Quality]:
    rng = np.random.default_rng(seed)
    scores = scorer.score(later.features)
    propensity = scores.propensity[np.arange(len(later)), later.arm]
    metrics = binary_metrics(later.conversion, propensity, later.customer_id, rng=rng)
    quality = {"conversion": Quality(metrics, later.conversion, propensity)}
    converted = later.conversion > 0
    if later.value[converted].sum() > 0:
        value, expected = later.value[converted], scores.value[converted]
        quality["value"] = Quality(amount_metrics(value, expected, later.customer_id[converted], rng=rng), value, expected)
    if len(snapshots.at):
        churn = scorer.churn.predict(snapshots.features)
        metrics = binary_metrics(snapshots.churned, churn, snapshots.customer_id, rng=rng)
        quality["churn"] = Quality(metrics, snapshots.churned, churn)
    return quality
