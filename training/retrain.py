"""The scheduled job and its steps, in order: refresh → guard the champion → train and evaluate → promote if the gate passes.

Every step can be killed and run again: journal and lake match by key, newer rows replace older ones in Feast, a policy is
registered under the fingerprint of its data, and the alias `champion` moves last, in one step.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from filelock import FileLock, Timeout

from features import refresh
from features.errors import TouchpointError
from features.settings import Settings
from features.workspace import Workspace
from training import fit
from training.evaluate import Evaluation
from training.experiment.champion import GuardReport, judge_champion
from training.personalizer import learn_ranks
from training.registry import Registry

Say = Callable[[str], None]


class AlreadyRunningError(TouchpointError):
    """Another job holds the lock of this home."""


class GateRefusedError(TouchpointError):
    """The gate does not let the challenger become champion."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The challenger and what the gate says of it.

    Attributes
    ----------
    new : whether these data had not been learnt from before.
    estimated : decisions whose probability nobody logged.
    evaluation : None where the log cannot judge; `reasons` says why.
    """

    challenger: int
    new: bool
    decisions: int
    estimated: int
    promote: bool
    reasons: tuple[str, ...]
    evaluation: Evaluation | None

    def in_words(self) -> str:
        """The challenger, and what judges it."""
        known = "" if self.new else ", learnt before from the same data"
        estimated = f"{self.estimated:,} with an estimated probability" if self.estimated else "all with a logged probability"
        first = f"challenger: policy {self.challenger}{known}; {self.decisions:,} closed decisions, {estimated}"
        rest = "\n".join(self.reasons) if self.evaluation is None else self.evaluation.in_words()
        return f"{first}\n{rest}"


@dataclass(frozen=True, slots=True)
class Promoted:
    """The champion now in force and the one before it."""

    champion: int
    replaced: int | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The champion again in force, and the one that was left."""

    champion: int
    left: int | None


@dataclass(frozen=True, slots=True)
class RetrainReport:
    """What one run did.

    Attributes
    ----------
    status : `promoted`, `kept` (the gate refused), `rolled_back` (a guardrail broke; nothing was learnt in this run, so that
        somebody can look first) or `already_running` (another job works on this home; nothing was done).
    reasons : the gate's, or the guardrails', in words.
    """

    status: str
    reasons: tuple[str, ...] = ()
    champion: int | None = None
    challenger: int | None = None


def retrain(workspace: Workspace, *, now: datetime, on_progress: Say) -> RetrainReport:
    """Do all steps; of two runs at once the second says so and leaves."""
    try:
        with one_at_a_time(workspace.settings):
            refresh.refresh(workspace, now=now, on_progress=on_progress)
            guarded = _guard(workspace, now=now, on_progress=on_progress)
            # After the guard, so that nothing that is wrong with rank events keeps a bad champion in force
            learn_ranks(workspace, now=now, on_progress=on_progress)
            if guarded.back_to is not None:
                return RetrainReport("rolled_back", guarded.broken, guarded.back_to)
            trained = _train(workspace, now=now, on_progress=on_progress)
            if trained.promote:
                _promote(workspace, trained.challenger, now=now, on_progress=on_progress)
            champion = Registry(workspace.settings).champion()
    except AlreadyRunningError as error:
        on_progress(str(error))
        return RetrainReport("already_running", (str(error),))
    status, reasons = "promoted" if trained.promote else "kept", (*guarded.broken, *trained.reasons)
    return RetrainReport(status, reasons, None if champion is None else champion[0], trained.challenger)


def identify(workspace: Workspace, *, now: datetime, on_progress: Say) -> refresh.Identified:
    """Make customers of all links.

    Raises
    ------
    AlreadyRunningError
        When another job works on this home.
    """
    with one_at_a_time(workspace.settings):
        return refresh.identify(workspace, now=now, on_progress=on_progress)


def materialize(workspace: Workspace, *, now: datetime, on_progress: Say, spark: Any = None) -> refresh.Refreshed:
    """Bring the journal into the lake, and the lake into the feature store; see `features.refresh`.

    Parameters
    ----------
    spark : a `SparkSession` that makes the states in place of DuckDB; None where DuckDB does.

    Raises
    ------
    AlreadyRunningError
        When another job works on this home.
    """
    with one_at_a_time(workspace.settings):
        return refresh.refresh(workspace, now=now, on_progress=on_progress, spark=spark)


def train(workspace: Workspace, *, now: datetime, on_progress: Say) -> Trained:
    """Learn a policy, judge it and register it as challenger.

    Raises
    ------
    AlreadyRunningError
        When another job works on this home.
    TrainingError
        When there is too little to learn from.
    """
    with one_at_a_time(workspace.settings):
        return _train(workspace, now=now, on_progress=on_progress)


def guard(workspace: Workspace, *, now: datetime, on_progress: Say) -> GuardReport:
    """Judge the champion by the catalogue's guardrails, and put the policy before it back in force where one broke.

    Raises
    ------
    AlreadyRunningError
        When another job works on this home.
    """
    with one_at_a_time(workspace.settings):
        refresh.identify(workspace, now=now, on_progress=on_progress)
        return _guard(workspace, now=now, on_progress=on_progress)


def promote(workspace: Workspace, *, force: bool, now: datetime, on_progress: Say) -> Promoted:
    """Make the challenger champion.

    Raises
    ------
    GateRefusedError
        When the gate refused it, or judged it against another champion than today's, and `force` is not given.
    AlreadyRunningError
        When another job works on this home.
    """
    with one_at_a_time(workspace.settings):
        registry = Registry(workspace.settings)
        challenger = registry.challenger()
        if challenger is None:
            raise GateRefusedError("there is no challenger to promote; run 'touchpoint train' first")
        reasons = ("forced past the gate",) if force else _passed(registry, challenger.version)
        replaced = registry.champion()
        _promote(workspace, challenger.version, now=now, on_progress=on_progress)
        return Promoted(challenger.version, None if replaced is None else replaced[0], reasons)


def rollback(workspace: Workspace, *, now: datetime, on_progress: Say) -> RolledBack:
    """Give the alias champion back to the policy that had it before.

    Raises
    ------
    AlreadyRunningError
        When another job works on this home.
    ArtifactError
        When there is nothing to go back to.
    """
    with one_at_a_time(workspace.settings):
        registry = Registry(workspace.settings)
        left = registry.champion()
        champion = registry.rollback(at=now)
        on_progress(f"policy {champion} is champion again")
        return RolledBack(champion, None if left is None else left[0])


@contextmanager
def one_at_a_time(settings: Settings) -> Iterator[None]:
    """Hold the home's job lock; the operating system gives it back when the process dies.

    Raises
    ------
    AlreadyRunningError
        When another process holds it.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.home / "retrain.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunningError(f"another job works on {settings.home}; this one leaves") from None
    try:
        yield
    finally:
        lock.release()


def _train(workspace: Workspace, *, now: datetime, on_progress: Say) -> Trained:
    registry = Registry(workspace.settings)
    judged_against = registry.champion()
    report = fit.train(
        catalogue=workspace.catalogue,
        lake=workspace.lake,
        store=workspace.store,
        registry=registry,
        at=now,
        until=workspace.store.watermark() or now,
        seed=workspace.settings.seed,
        on_progress=on_progress,
    )
    registry.record_verdict(
        report.policy.version,
        passed=report.promote,
        champion=None if judged_against is None else judged_against[0],
        reasons=report.reasons,
    )
    return Trained(
        challenger=report.policy.version,
        new=report.new,
        decisions=report.decisions,
        estimated=report.estimated,
        promote=report.promote,
        reasons=report.reasons,
        evaluation=None if report.judgement is None else report.judgement.evaluation,
    )


def _passed(registry: Registry, version: int) -> tuple[str, ...]:
    verdict, champion = registry.verdict(version), registry.champion()
    if verdict is None or verdict.champion != (None if champion is None else champion[0]):
        raise GateRefusedError(f"policy {version} was not judged against today's champion; run 'touchpoint evaluate' first")
    if not verdict.passed:
        raise GateRefusedError(f"policy {version}: {'; '.join(verdict.reasons)}; '--force' promotes it all the same")
    if registry.is_rolled_back(version):
        raise GateRefusedError(f"policy {version} was rolled back; '--force' promotes it all the same")
    return verdict.reasons


def _promote(workspace: Workspace, version: int, *, now: datetime, on_progress: Say) -> None:
    on_progress(f"policy {version} becomes champion")
    Registry(workspace.settings).promote(version, at=now)


def _guard(workspace: Workspace, *, now: datetime, on_progress: Say) -> GuardReport:
    """Without a policy to go back to, a broken guardrail is told and nothing more can be done.

    Where purchases come by file, those of after its end are still to come: nobody is blamed for that they are missing.
    """
    on_progress("looking at the guardrails")
    registry, members = Registry(workspace.settings), workspace.store.members().relation()
    in_force, known_until = registry.in_force(), workspace.store.watermark() or now
    report = judge_champion(workspace.lake, workspace.catalogue, in_force, until=known_until, members=members)
    if not report.broken or len(in_force) < 2:
        return report
    back_to = registry.rollback(at=now, reasons=report.broken)
    on_progress(f"policy {report.champion} is taken back, policy {back_to} is champion again: {'; '.join(report.broken)}")
    return replace(report, back_to=back_to)
