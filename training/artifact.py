"""A policy as a folder of text and JSON that is exactly what was registered, or is refused; nothing in it can run."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from features.catalogue import Exploration
from features.errors import ArtifactError, PolicyError
from training.calibration import Calibration, Link
from training.models import Booster, Predictor
from training.policy import Policy
from training.uplift import UpliftScorer

POLICY_FILE = "policy.json"
MODELS = ("conversion", "uplift", "value", "churn")

_REMEDY = "train and register a policy again, or roll back"


class OtherFeaturesError(ArtifactError):
    """A policy is as it was registered, but reads other features than today's catalogue gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a policy comes from.

    Attributes
    ----------
    fingerprint : SHA-256 of the decisions it learnt from.
    catalogue_version : of the catalogue in force.
    created_at : when it was trained, as told.
    trained_until : nothing that happened later was in what it learnt from, be it as decision, outcome or snapshot.
    """

    fingerprint: str
    catalogue_version: str
    created_at: datetime
    trained_until: datetime


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Calibration(_Strict):
    link: Link
    slope: FiniteFloat
    intercept: FiniteFloat


class _Manifest(_Strict):
    """The content of `policy.json`."""

    format: Literal[1] = 1
    name: str
    arms: tuple[str, ...]
    costs: tuple[FiniteFloat, ...]
    offsets: tuple[FiniteFloat, ...]
    margin: FiniteFloat
    exploration: Exploration
    feature_names: tuple[str, ...]
    calibrations: dict[Literal["conversion", "uplift", "value", "churn"], _Calibration]
    fingerprint: str
    catalogue_version: str
    created_at: datetime
    trained_until: datetime


def write_artifact(folder: Path, policy: Policy, provenance: Provenance) -> str:
    """Write a policy whose scorer is an `UpliftScorer` into an empty or new folder; give its SHA-256.

    Raises
    ------
    ArtifactError
        When the folder is not empty, or the policy holds what is not finite.
    """
    scorer = policy.scorer
    if not isinstance(scorer, UpliftScorer):
        raise ArtifactError(f"a policy that scores by {type(scorer).__name__} has no models to write; train one")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ArtifactError(f"{folder}: not empty; a policy is written into a folder of its own")
    predictors = {name: getattr(scorer, name) for name in MODELS}
    manifest = _checked(
        {
            "name": policy.name,
            "arms": policy.arms,
            "costs": policy.costs.tolist(),
            "offsets": scorer.offsets,
            "margin": policy.margin,
            "exploration": policy.exploration.model_dump(),
            "feature_names": scorer.feature_names,
            "calibrations": {name: _numbers(predictor.calibration) for name, predictor in predictors.items()},
            **asdict(provenance),
        },
        folder,
    )
    for name, predictor in predictors.items():
        (folder / f"{name}.txt").write_text(predictor.booster.text, encoding="utf-8", newline="\n")
    (folder / POLICY_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
    return artifact_sha256(folder)


def read_artifact(folder: Path, expected_sha256: str, *, version: str, feature_names: Sequence[str] | None = None) -> Policy:
    """Read a policy that must be byte for byte the one that was registered.

    Parameters
    ----------
    expected_sha256 : recorded at registration.
    version : what the policy is called in answers and records.
    feature_names : the features that the caller will give; a policy trained on other ones is refused. None checks nothing.

    Raises
    ------
    OtherFeaturesError
        When features differ.
    ArtifactError
        When a file is missing, extra, changed or not readable.
    """
    manifest = _manifest(folder, expected_sha256)
    if feature_names is not None and tuple(feature_names) != manifest.feature_names:
        differ = sorted(set(feature_names) ^ set(manifest.feature_names)) or ["their order"]
        raise OtherFeaturesError(f"{folder}: trained on other features ({', '.join(differ[:5])}); {_REMEDY}")
    predictors = {name: _predictor(folder, manifest, name) for name in MODELS}
    scorer = UpliftScorer(manifest.arms, manifest.feature_names, offsets=manifest.offsets, **predictors)
    return _policy(manifest, scorer, version, folder)


def read_provenance(folder: Path, expected_sha256: str) -> Provenance:
    """Where a policy comes from; refuses as `read_artifact` does."""
    manifest = _manifest(folder, expected_sha256)
    return Provenance(**{field.name: getattr(manifest, field.name) for field in fields(Provenance)})


def artifact_sha256(folder: Path) -> str:
    """SHA-256 over names and contents of exactly the files that a policy consists of.

    Raises
    ------
    ArtifactError
        When a file is missing, or something else lies there.
    """
    expected = {POLICY_FILE, *(f"{name}.txt" for name in MODELS)}
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if found != expected or not all((folder / name).is_file() for name in expected):
        differ = ", ".join(sorted(found ^ expected)) or "a folder in place of a file"
        raise ArtifactError(
            f"{folder}: a policy consists of {', '.join(sorted(expected))}; missing or extra: {differ}; {_REMEDY}"
        )
    lines = [f"{name} {sha256((folder / name).read_bytes()).hexdigest()}\n" for name in sorted(expected)]
    return sha256("".join(lines).encode()).hexdigest()


def _manifest(folder: Path, expected_sha256: str) -> _Manifest:
    found = artifact_sha256(folder)
    if found != expected_sha256:
        raise ArtifactError(f"{folder}: SHA-256 is {found}, registered was {expected_sha256}: files were changed; {_REMEDY}")
    return _checked(_json(folder / POLICY_FILE), folder)


def _policy(manifest: _Manifest, scorer: UpliftScorer, version: str, folder: Path) -> Policy:
    try:
        return Policy(
            name=manifest.name,
            version=version,
            arms=manifest.arms,
            costs=np.array(manifest.costs),
            margin=manifest.margin,
            exploration=manifest.exploration,
            scorer=scorer,
        )
    except PolicyError as error:
        raise ArtifactError(f"{folder}: {error}; {_REMEDY}") from None


def _predictor(folder: Path, manifest: _Manifest, name: str) -> Predictor:
    booster = Booster.load((folder / f"{name}.txt").read_text(encoding="utf-8"))
    width = len(manifest.feature_names) + (len(manifest.arms) - 1 if name in ("conversion", "uplift") else 0)
    if booster.width != width:
        raise ArtifactError(f"{folder}: {name}.txt reads {booster.width} features, {POLICY_FILE} says {width}; {_REMEDY}")
    numbers = manifest.calibrations[name]  # type: ignore[index]
    return Predictor(booster, Calibration(numbers.link, numbers.slope, numbers.intercept))


def _checked(values: dict[str, Any], folder: Path) -> _Manifest:
    try:
        manifest = _Manifest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(f"{folder / POLICY_FILE}: {key}: {first['msg']}; {_REMEDY}") from None
    complete = set(manifest.calibrations) == set(MODELS)
    if not complete or len(manifest.offsets) != len(manifest.arms) or not math.isfinite(sum(manifest.costs)):
        raise ArtifactError(
            f"{folder / POLICY_FILE}: calibrations {sorted(manifest.calibrations)} and offsets are incomplete; {_REMEDY}"
        )
    return manifest


def _json(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        raise ArtifactError(f"{path}: not readable as JSON: {error}; {_REMEDY}") from None
    return values


def _numbers(calibration: Calibration) -> dict[str, Any]:
    return {"link": calibration.link, "slope": calibration.slope, "intercept": calibration.intercept}
