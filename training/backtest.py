"""The recipe on trial: learnt from earlier decisions, judged on later ones, with the champion beside it.

Where all decisions are of one time, it is learnt from some customers and judged on the others, and the reasons say so.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import TrainingError
from features.instants import DAY, microseconds
from training.artifact import OtherFeaturesError, read_artifact, read_provenance
from training.dataset import Dataset
from training.evaluate import Evaluation, evaluate
from training.labels import closing_key, closing_time
from training.learn import Learnt, learn
from training.metrics import Metric, amount_metrics, binary_metrics
from training.policy import Policy
from training.prepare import Prepared, Say
from training.registry import Registry
from training.remembered import Remembered
from training.select import Selection
from training.snapshots import Snapshots
from training.splits import Split, customer_split, time_split
from training.uplift import UpliftScorer

Floats = NDArray[np.float64]

_LEAST_UNSEEN = 200


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one model predicts rows that it has not seen.

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
    quality : by model: conversion, and value and churn where unseen rows allow.
    selection : what competed on the earlier decisions.
    """

    split: Split
    quality: dict[str, Quality]
    evaluation: Evaluation
    selection: Selection


def backtest(prepared: Prepared, catalogue: Catalogue, *, registry: Registry, seed: int, on_progress: Say) -> Backtest:
    """Learn from the earlier decisions; judge models and policies on the later ones.

    Raises
    ------
    TrainingError
        When the log is too short to learn from a part of it, or too little of it can be compared.
    ArtifactError
        When there is a champion that cannot be read, unless it is for other features.
    """
    dataset = prepared.dataset
    champion = load_champion(dataset.feature_names, catalogue, registry)
    split, caveats = _split(dataset, champion, catalogue, seed=seed)
    known, unseen = _snapshots(prepared, split, catalogue)
    learning, judging = int(split.learning.sum()), int(split.judging.sum())
    on_progress(f"backtest: learning from {learning:,} decisions, to judge on {judging:,} others")
    learning_from = dataset.where(split.learning)
    learnt = learn(learning_from, known, catalogue, seed=seed)
    on_progress(f"backtest: {learnt.selection.reason}")
    rows = dataset.where(split.judging)
    quality = _quality(learnt.personal, rows, unseen, seed=seed)
    on_progress("backtest: comparing policies")
    challenger = policy_of(catalogue, learnt, learning_from, version="backtest")
    challenger = replace(challenger, scorer=Remembered(challenger.scorer))
    evaluation = evaluate(
        rows,
        prepared.overlap.comparable[split.judging],
        challenger=challenger,
        exploiting=challenger.exploiting,
        champion=champion.policy,
        seed=seed,
        notes=(*caveats, *champion.notes(rows)),
        tolerance=catalogue.gate.tolerance,
    )
    return Backtest(split=split, quality=quality, evaluation=evaluation, selection=learnt.selection)


def policy_of(catalogue: Catalogue, learnt: Learnt, dataset: Dataset, *, version: str) -> Policy:
    """The policy of what was learnt from a dataset; it explores as much as these decisions leave open."""
    counts = np.bincount(dataset.arm, minlength=len(dataset.arms)).tolist()
    chosen = dict(zip(dataset.arms, counts, strict=True))
    return Policy.of(catalogue, learnt.scorer, name=learnt.name, version=version, chosen=chosen)


@dataclass(frozen=True, slots=True)
class Champion:
    """The policy to beat, as far as it can be compared.

    Attributes
    ----------
    policy : None where there is none, or none that reads today's features; then `complaint` says why.
    trained_until : it has seen nothing later, microseconds.
    """

    policy: Policy | None = None
    trained_until: int = 0
    complaint: str | None = None

    def notes(self, judging: Dataset) -> tuple[str, ...]:
        """What to know when it is compared on these decisions."""
        if self.policy is None:
            return () if self.complaint is None else (self.complaint,)
        seen = float((judging.at <= self.trained_until).mean())
        words = f"champion {self.policy.version} had learnt from {seen:.0%} of the decisions that judge, which flatters it"
        return (words,) if seen else ()


def load_champion(feature_names: tuple[str, ...], catalogue: Catalogue, registry: Registry) -> Champion:
    """Download the champion and read it, if it can read these features; costs and levers are today's, as the challenger's are.

    Raises
    ------
    ArtifactError
        When it cannot be read for any other reason: a broken champion must not make the next one's way easier.
    """
    found = registry.champion()
    if found is None:
        return Champion()
    version, digest = found
    with TemporaryDirectory() as folder:
        path = registry.download(version, Path(folder) / "champion")
        try:
            policy = read_artifact(path, digest, catalogue=catalogue, version=str(version), feature_names=feature_names)
        except OtherFeaturesError as error:
            return Champion(complaint=f"champion {version} is left out of the comparison: {error}")
        return Champion(policy, microseconds(read_provenance(path, digest).trained_until))


def _split(dataset: Dataset, champion: Champion, catalogue: Catalogue, *, seed: int) -> tuple[Split, tuple[str, ...]]:
    try:
        gap, window = closing_time(catalogue), closing_key(catalogue)
        return time_split(dataset.at, gap=gap, after=_unseen(champion, dataset), window=window), ()
    except TrainingError as error:
        caveat = f"judged on other customers at the same time, not on later decisions: {error}"
        return customer_split(dataset.customer_id, seed=seed), (caveat,)


def _snapshots(prepared: Prepared, split: Split, catalogue: Catalogue) -> tuple[Snapshots, Snapshots]:
    """The snapshots to learn from, and those that neither the learning nor its windows have touched."""
    snapshots, objective = prepared.snapshots, catalogue.objective
    if split.cutoff is None:
        unseen = np.isin(snapshots.customer_id.astype(str), prepared.dataset.customer_id[split.judging].astype(str))
        known = ~unseen
    else:
        closed = round(max(objective.churn_days, objective.window_days) * DAY)
        known, unseen = snapshots.at + closed < split.cutoff, snapshots.at >= split.cutoff
    if not known.any():
        raise TrainingError("no snapshot's windows closed before the decisions that judge; collect a longer history")
    return snapshots.where(known), snapshots.where(unseen)


def _unseen(champion: Champion, dataset: Dataset) -> int | None:
    """The champion is judged on what it has not learnt from, as soon as there is enough of it."""
    enough = int((dataset.at > champion.trained_until).sum()) >= _LEAST_UNSEEN
    return champion.trained_until if champion.policy is not None and enough else None


def _quality(scorer: UpliftScorer, rows: Dataset, snapshots: Snapshots, *, seed: int) -> dict[str, Quality]:
    rng = np.random.default_rng(seed)
    scores = scorer.score(rows.features)
    propensity = scores.propensity[np.arange(len(rows)), rows.arm]
    metrics = binary_metrics(rows.conversion, propensity, rows.customer_id, rng=rng)
    quality = {"conversion": Quality(metrics, rows.conversion, propensity)}
    converted = rows.conversion > 0
    if rows.value[converted].sum() > 0:
        value, expected = rows.value[converted], scores.value[converted]
        quality["value"] = Quality(amount_metrics(value, expected, rows.customer_id[converted], rng=rng), value, expected)
    if len(snapshots.at):
        churn = scorer.sides.predictors["churn"].predict(snapshots.features)
        metrics = binary_metrics(snapshots.churned, churn, snapshots.customer_id, rng=rng)
        quality["churn"] = Quality(metrics, snapshots.churned, churn)
    return quality
