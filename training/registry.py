"""The only door to MLflow: runs of a retraining, registered models, and the policy's versions with their aliases.

The alias `champion` is what serves. It moves last, in one step, so a job killed anywhere leaves the old champion in force. What
was in force before stands in the tag `history` of the registered policy: rolling back follows it, and marks what it leaves.
"""

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import ArtifactError
from features.settings import Settings
from training.artifact import artifact_sha256
from training.models import Booster, Model
from training.registered import InForce, RegisteredPolicy, Verdict, history_from, history_tag, model_name, models_of, registration
from training.runs import Runs

POLICY = "touchpoint-policy"
EXPERIMENT = "touchpoint"
CHAMPION = "champion"
CHALLENGER = "challenger"

FOLDER = "policy"
ROLLED_BACK = "rolled_back"


class Registry:
    """Tracking and registry behind one `Settings`; MLflow is imported and its tables are made when first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @contextmanager
    def run(self, name: str, *, parent: str | None = None) -> Iterator[str]:
        """A run, within a parent run if given; it is closed at the end, as failed when an exception passes."""
        tags = {"mlflow.parentRunId": parent} if parent else {}
        run_id = str(self._client.create_run(self._experiment, run_name=name, tags=tags).info.run_id)
        try:
            yield run_id
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id)

    def log_parameters(self, run_id: str, parameters: Mapping[str, object]) -> None:
        """Log what a run was told."""
        from mlflow.entities import Param

        self._client.log_batch(run_id, params=[Param(key, str(value)) for key, value in parameters.items()])

    def log_values(self, run_id: str, values: Mapping[str, float]) -> None:
        """Log figures; what is not finite is left out."""
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        finite = [Metric(name, float(value), now, 0) for name, value in values.items() if np.isfinite(value)]
        self._client.log_batch(run_id, metrics=finite)

    def log_text(self, run_id: str, file: str, text: str) -> None:
        """Log a text, JSON or HTML file; the user interface opens it."""
        self._client.log_text(run_id, text, file)

    def log_model(self, run_id: str, name: str, fitted: Model, *, example: NDArray[np.float64], columns: Sequence[str]) -> int:
        """Log a model, a booster with signature and example rows, register it as `touchpoint-<name>`; give its version."""
        import mlflow
        import mlflow.lightgbm
        import pandas as pd
        from mlflow.models import infer_signature

        frame, model, source = pd.DataFrame(example, columns=list(columns)), model_name(name), f"runs:/{run_id}/{name}"
        self._ensure_model(model)
        if not isinstance(fitted, Booster):
            self.log_text(run_id, f"{name}/model.txt", fitted.text)
            return int(self._client.create_model_version(model, source=source, run_id=run_id).version)
        with warnings.catch_warnings(action="ignore"), _tracking(self._uri):
            with mlflow.start_run(run_id=run_id, nested=True):
                logged = mlflow.lightgbm.log_model(
                    fitted.native,
                    name=name,
                    signature=infer_signature(frame, fitted.raw(example)),
                    input_example=frame,
                    pip_requirements=["lightgbm>=4.6,<5", "numpy>=2,<3"],  # given, not inferred: inferring takes seconds
                )
            created = self._client.create_model_version(model, source=logged.model_uri, run_id=run_id, model_id=logged.model_id)
            return int(created.version)

    def runs(self) -> Runs:
        """What runs logged, to be read back."""
        return Runs(self._client, EXPERIMENT)

    def register_policy(
        self, run_id: str, folder: Path, *, fingerprint: str, models: Mapping[str, int] = MappingProxyType({})
    ) -> RegisteredPolicy:
        """Register a policy folder; the same folder is registered once.

        Parameters
        ----------
        models : versions of the registered models that it is made of, by name; aliases of the policy move theirs as well.
        """
        digest = artifact_sha256(folder)
        known = next((policy for policy in self.versions() if policy.sha256 == digest), None)
        if known is None:
            self._client.log_artifacts(run_id, str(folder), FOLDER)
            self._ensure_model(POLICY)
            tags = registration(digest, fingerprint, models)
            created = self._client.create_model_version(POLICY, source=f"runs:/{run_id}/{FOLDER}", run_id=run_id, tags=tags)
            known = RegisteredPolicy(int(created.version), digest, fingerprint, run_id)
        return known

    def challenge(self, version: int) -> None:
        """Point the alias `challenger` at a version."""
        self._point(CHALLENGER, version)

    def versions(self) -> tuple[RegisteredPolicy, ...]:
        """Every registered policy, newest first."""
        found = self._client.search_model_versions(f"name = '{POLICY}'", max_results=10_000)
        return tuple(sorted((RegisteredPolicy.of(version) for version in found), key=lambda policy: -policy.version))

    def champion(self) -> tuple[int, str] | None:
        """Version and SHA-256 of what serves, or None; a few milliseconds, fit for polling."""
        return (policy.version, policy.sha256) if (policy := self._aliased(CHAMPION)) else None

    def challenger(self) -> RegisteredPolicy | None:
        """The policy registered last, or None."""
        return self._aliased(CHALLENGER)

    def record_verdict(self, version: int, *, passed: bool, champion: int | None, reasons: Sequence[str]) -> None:
        """Write what the gate said onto a version, in place of what it said before."""
        self._client.set_model_version_tag(POLICY, str(version), "verdict", Verdict(passed, champion, tuple(reasons)).as_text())

    def verdict(self, version: int) -> Verdict | None:
        """What the gate said of a version last, or None."""
        text = self._version(version).tags.get("verdict")
        return None if text is None else Verdict.from_text(text)

    def promote(self, version: int, *, at: datetime | None = None) -> None:
        """Make a version the champion, from `at` on; if it was rolled back once, that is forgotten.

        Raises
        ------
        ArtifactError
            When there is no such version.
        """
        history = self.in_force()
        if history and history[-1].version == version:  # it is in force since then already
            history, at = history[:-1], history[-1].since or at
        self._put_in_force((*history, InForce(version, at)))

    def rollback(self, *, at: datetime | None = None, reasons: Sequence[str] = ()) -> int:
        """Put in force again what was before the champion, and mark the champion as rolled back; give the version now in force.

        Raises
        ------
        ArtifactError
            When there is no champion, or it had no predecessor.
        """
        history = self.in_force()
        if not history:
            raise ArtifactError("there is no champion to roll back; 'touchpoint train' and 'touchpoint promote' make one")
        if len(history) == 1:
            raise ArtifactError(f"champion {history[0].version} replaced no other; 'train' and 'promote' another instead")
        back, left = history[-2].version, history[-1]
        self._version(back)
        self._client.set_model_version_tag(POLICY, str(left.version), ROLLED_BACK, "; ".join(reasons) or "by hand")
        self._put_in_force((*history[:-2], InForce(back, at)), left)
        return back

    def in_force(self) -> tuple[InForce, ...]:
        """The versions that were in force one after the other, each since when, the champion last."""
        champion = self.champion()
        return () if champion is None else history_from(self._client.get_registered_model(POLICY).tags, champion=champion[0])

    def is_rolled_back(self, version: int) -> bool:
        """Whether a version was in force, was rolled back, and has not been put in force again since."""
        return ROLLED_BACK in self._version(version).tags

    def download(self, version: int, target: Path) -> Path:
        """Copy a version's folder to `target`, which is replaced, and check its SHA-256; nothing is loaded.

        Raises
        ------
        ArtifactError
            When there is no such version, or its files are not the registered ones.
        """
        import mlflow.artifacts
        from mlflow.exceptions import MlflowException

        policy = RegisteredPolicy.of(self._version(version))
        arriving = target.with_name(f"{target.name}.arriving-{os.getpid()}")
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir(parents=True)
        try:
            with warnings.catch_warnings(action="ignore"):
                mlflow.artifacts.download_artifacts(
                    run_id=policy.run_id, artifact_path=FOLDER, dst_path=str(arriving), tracking_uri=self._uri
                )
            found = artifact_sha256(arriving / FOLDER)
            if found != policy.sha256:
                raise ArtifactError(f"policy {version}: SHA-256 is {found}, registered was {policy.sha256}; roll back")
            shutil.rmtree(target, ignore_errors=True)
            (arriving / FOLDER).replace(target)
        except (OSError, MlflowException) as error:
            raise ArtifactError(f"policy {version}: its files could not be copied ({error}); roll back, or train again") from None
        finally:
            shutil.rmtree(arriving, ignore_errors=True)
        return target

    @property
    def _uri(self) -> str:
        return self.settings.effective_tracking_uri

    @cached_property
    def _client(self) -> Any:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        if self._uri.startswith("sqlite"):
            self.settings.home.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings(action="ignore"):
            from mlflow import MlflowClient

            for noisy in ("alembic", "mlflow"):  # importing MLflow sets their levels
                logging.getLogger(noisy).setLevel(logging.ERROR)
            return MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)

    @cached_property
    def _experiment(self) -> str:
        if (known := self._client.get_experiment_by_name(EXPERIMENT)) is not None:
            return str(known.experiment_id)
        local = self._uri.startswith("sqlite")  # a tracking server decides itself where artifacts go
        location = self.settings.artifacts_path.as_uri() if local else None
        kind = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens on runs, not on traces
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=location, tags=kind))

    def _put_in_force(self, history: Sequence[InForce], *left: InForce) -> None:
        """Move the alias last: a history that goes on beyond the champion is one of a step that was killed, or went back."""
        champion = history[-1]
        if ROLLED_BACK in self._version(champion.version).tags:
            self._client.delete_model_version_tag(POLICY, str(champion.version), ROLLED_BACK)
        self._client.set_model_version_tag(POLICY, str(champion.version), "promoted_at", str(champion.since))
        self._client.set_registered_model_tag(POLICY, *history_tag((*history, *left)))
        self._point(CHAMPION, champion.version)

    def _point(self, alias: str, version: int) -> None:
        """Move an alias, on the models that the policy is made of first: what serves follows the policy's."""
        for name, model_version in models_of(self._version(version)).items():
            self._client.set_registered_model_alias(model_name(name), alias, str(model_version))
        self._client.set_registered_model_alias(POLICY, alias, str(version))

    def _ensure_model(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_registered_model(name)
        except MlflowException:
            self._client.create_registered_model(name)

    def _aliased(self, alias: str) -> RegisteredPolicy | None:
        from mlflow.exceptions import MlflowException

        try:
            return RegisteredPolicy.of(self._client.get_model_version_by_alias(POLICY, alias))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise ArtifactError(f"the registry at {self._uri} does not answer: {error.message}") from None

    def _version(self, version: int) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_model_version(POLICY, str(version))
        except MlflowException:
            raise ArtifactError(f"there is no policy version {version}; the MLflow UI lists those of {POLICY}") from None


@contextmanager
def _tracking(uri: str) -> Iterator[None]:
    """Flavours log to the process's tracking URI; borrow it and give it back."""
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
