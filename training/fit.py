"""One retraining's learning: prepare → backtest → learn from all → register as challenger.

The alias `challenger` moves last; the alias `champion` is not touched here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from features.catalogue import Catalogue
from features.errors import ArtifactError, TrainingError
from features.lake import Lake
from training.artifact import Provenance, read_provenance, write_artifact
from training.backtest import Backtest, backtest, policy_of
from training.join import States
from training.learn import MOST_DECISIONS, Learnt, learn
from training.logbook import log_models, log_policy, log_preparation, log_selection
from training.prepare import Prepared, Say, prepare
from training.registered import RegisteredPolicy
from training.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What one training gave.

    Attributes
    ----------
    policy : the registered version, which now is the challenger.
    new : whether this data had not been learnt from before.
    decisions, estimated : closed decisions, and how many of their probabilities are estimates.
    judgement : None where the log cannot judge, or the champion cannot be read; then `reasons` says why, and `promote` is False.
    promote : the gate's verdict; False as well for a policy that was rolled back.
    reasons : the gate's, in words, and what to know when reading them.
    """

    policy: RegisteredPolicy
    new: bool
    decisions: int
    estimated: int
    judgement: Backtest | None
    promote: bool
    reasons: tuple[str, ...]


def train(
    *,
    catalogue: Catalogue,
    lake: Lake,
    store: States,
    registry: Registry,
    at: datetime,
    until: datetime,
    seed: int,
    on_progress: Say,
) -> TrainReport:
    """Learn a policy from all that closed by `until`, judge it, and register it as challenger.

    On data that were learnt from before, it judges again and registers nothing new.

    Parameters
    ----------
    at : recorded as the policy's creation.
    until : data are complete until then: the feature store's watermark.

    Raises
    ------
    TrainingError
        When there is too little to learn from; the message says what is missing.
    """
    prepared = prepare(catalogue=catalogue, lake=lake, store=store, until=until, seed=seed, on_progress=on_progress)
    judgement, reasons = _judge(prepared, catalogue, registry=registry, seed=seed, on_progress=on_progress)
    policy = next((policy for policy in registry.versions() if policy.fingerprint == prepared.fingerprint), None)
    new = policy is None
    if policy is None:
        on_progress(f"learning from {min(len(prepared.dataset), MOST_DECISIONS):,} of {len(prepared.dataset):,} closed decisions")
        learnt = learn(prepared.dataset, prepared.snapshots, catalogue, seed=seed)
        on_progress("registering models and policy")
        with registry.run(f"retraining {at:%Y-%m-%d %H:%M}") as run:
            log_preparation(registry, run, prepared, catalogue=catalogue, at=at, until=until, seed=seed)
            models = log_models(registry, run, prepared, judgement, learnt)
            log_selection(registry, run, prepared, learnt)
            provenance = Provenance(
                fingerprint=prepared.fingerprint,
                catalogue_version=catalogue.version,
                created_at=at,
                trained_until=until,
                selection=learnt.selection.reason,
            )
            policy = _register(
                run, prepared, judgement, reasons, learnt, models, catalogue=catalogue, registry=registry, provenance=provenance
            )
    registry.challenge(policy.version)
    reasons = (*reasons, _selection(policy, registry))
    if registry.champion() == (policy.version, policy.sha256):
        reasons = (f"policy {policy.version} is the champion already; nothing new to learn from", *reasons)
    rolled_back = registry.is_rolled_back(policy.version)
    if rolled_back:
        reasons = (f"refused, policy {policy.version} was rolled back; 'touchpoint promote --force' brings it back", *reasons)
    return TrainReport(
        policy=policy,
        new=new,
        decisions=len(prepared.dataset),
        estimated=int(prepared.dataset.estimated.sum()),
        judgement=judgement,
        promote=judgement is not None and judgement.evaluation.verdict.promote and not rolled_back,
        reasons=reasons,
    )


def _judge(
    prepared: Prepared, catalogue: Catalogue, *, registry: Registry, seed: int, on_progress: Say
) -> tuple[Backtest | None, tuple[str, ...]]:
    try:
        judgement = backtest(prepared, catalogue, registry=registry, seed=seed, on_progress=on_progress)
    except TrainingError as error:
        return None, (f"refused, the log cannot judge a policy: {error}",)
    except ArtifactError as error:
        return None, (f"refused, the champion cannot be read, so no challenger can be shown to be better: {error}",)
    judged = f"judged was '{judgement.selection.chosen}', as learnt from the earlier decisions alone"
    return judgement, (*judgement.evaluation.verdict.reasons, *judgement.evaluation.notes, judged)


def _selection(policy: RegisteredPolicy, registry: Registry) -> str:
    """Why this learner was chosen, or none, as it stands with the registered policy."""
    try:
        with TemporaryDirectory() as temporary:
            folder = registry.download(policy.version, Path(temporary) / "policy")
            return f"policy {policy.version}: {read_provenance(folder, policy.sha256).selection}"
    except ArtifactError as error:
        return f"policy {policy.version} cannot say how it was selected: {error}"


def _register(
    parent: str,
    prepared: Prepared,
    judgement: Backtest | None,
    reasons: tuple[str, ...],
    learnt: Learnt,
    models: Mapping[str, int],
    *,
    catalogue: Catalogue,
    registry: Registry,
    provenance: Provenance,
) -> RegisteredPolicy:
    policy = policy_of(catalogue, learnt, prepared.dataset, version="unregistered")
    with registry.run("policy", parent=parent) as run, TemporaryDirectory() as temporary:
        log_policy(registry, run, prepared, judgement, (*reasons, provenance.selection), currency=catalogue.currency)
        folder = Path(temporary) / "policy"
        write_artifact(folder, policy, provenance)
        return registry.register_policy(run, folder, fingerprint=prepared.fingerprint, models=models)
