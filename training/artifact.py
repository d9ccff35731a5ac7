"""A policy as a folder of text and JSON that is exactly what was registered, or is refused; nothing in it can run."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from re import fullmatch
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from features.catalogue import Catalogue
from features.errors import ArtifactError, PolicyError
from training.calibration import Calibration, Link
from training.effects import Effects, Term
from training.models import Model, Predictor
from training.policy import Policy
from training.sides import Sides
from training.stored import load_model
from training.uplift import UpliftScorer

POLICY_FILE = "policy.json"

_MODELS = {"conversion", "value", "churn", "lifetime", "unsubscribe"}
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
    selection : why this learner, or why none, in words.
    """

    fingerprint: str
    catalogue_version: str
    created_at: datetime
    trained_until: datetime
    selection: str = ""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Calibration(_Strict):
    link: Link
    slope: FiniteFloat
    intercept: FiniteFloat


class _Term(_Strict):
    weights: tuple[FiniteFloat, ...]
    against_none: bool


class _Effects(_Strict):
    offsets: tuple[FiniteFloat, ...]
    centres: tuple[FiniteFloat, ...]
    slope: FiniteFloat
    terms: tuple[_Term, ...]


class _Manifest(_Strict):
    """The content of `policy.json`."""

    format: Literal[4] = 4
    name: str
    arms: tuple[str, ...]
    chosen: dict[str, int]
    effects: _Effects
    feature_names: tuple[str, ...]
    calibrations: dict[str, _Calibration]
    numbers: dict[str, tuple[FiniteFloat, ...]]
    fingerprint: str
    catalogue_version: str
    created_at: datetime
    trained_until: datetime
    selection: str

    @property
    def files(self) -> set[str]:
        """The names of all files that belong to it."""
        models = [*self.calibrations, *(_effect(index) for index in range(len(self.effects.terms)))]
        return {POLICY_FILE, *(f"{name}.txt" for name in models)}


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
    predictors, effects = {"conversion": scorer.conversion, **scorer.sides.predictors}, scorer.effects
    manifest = _checked(
        {
            "name": policy.name,
            "arms": policy.arms,
            "chosen": dict(policy.chosen),
            "effects": {
                "offsets": effects.offsets,
                "centres": effects.centres,
                "slope": effects.slope,
                "terms": [{"weights": term.weights, "against_none": term.against_none} for term in effects.terms],
            },
            "feature_names": scorer.feature_names,
            "calibrations": {name: _numbers(predictor.calibration) for name, predictor in predictors.items()},
            "numbers": scorer.sides.numbers,
            **asdict(provenance),
        },
        folder,
    )
    models = {name: predictor.model for name, predictor in predictors.items()}
    models |= {_effect(index): term.model for index, term in enumerate(effects.terms)}
    for name, model in models.items():
        (folder / f"{name}.txt").write_text(model.text, encoding="utf-8", newline="\n")
    (folder / POLICY_FILE).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
    return artifact_sha256(folder)


def read_artifact(
    folder: Path, expected_sha256: str, *, catalogue: Catalogue, version: str, feature_names: Sequence[str] | None = None
) -> Policy:
    """Read a policy that must be byte for byte the one that was registered.

    What was learnt is the file's; what contacts cost, levers and exploration are the catalogue's, and follow it at once.

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
    narrow = len(manifest.feature_names)
    wide = narrow + len(manifest.arms) - 1
    predictors = {
        name: Predictor(_model(folder, name, {wide if name == "conversion" else narrow}), Calibration(**dict(numbers)))
        for name, numbers in manifest.calibrations.items()
    }
    terms = tuple(
        Term(_model(folder, _effect(index), {wide, narrow}), term.weights, term.against_none)
        for index, term in enumerate(manifest.effects.terms)
    )
    scorer = UpliftScorer(
        arms=manifest.arms,
        feature_names=manifest.feature_names,
        conversion=predictors.pop("conversion"),
        effects=Effects(manifest.arms, terms, manifest.effects.offsets, manifest.effects.centres, manifest.effects.slope),
        sides=Sides(predictors, manifest.numbers),
    )
    return _policy(manifest, scorer, catalogue, version, folder)


def read_provenance(folder: Path, expected_sha256: str) -> Provenance:
    """Where a policy comes from; refuses as `read_artifact` does."""
    manifest = _manifest(folder, expected_sha256)
    return Provenance(**{field.name: getattr(manifest, field.name) for field in fields(Provenance)})


def artifact_sha256(folder: Path) -> str:
    """SHA-256 over names and contents of the files of a policy.

    Raises
    ------
    ArtifactError
        When there is none, or something lies there that is neither `policy.json` nor a model's text.
    """
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    strange = [path.name for path in found if not _belongs(path)]
    if strange or POLICY_FILE not in {path.name for path in found}:
        differ = f"there is {', '.join(strange)}" if strange else f"{POLICY_FILE} is missing"
        raise ArtifactError(f"{folder}: a policy consists of {POLICY_FILE} and its models' texts, but {differ}; {_REMEDY}")
    lines = [f"{path.name} {sha256(path.read_bytes()).hexdigest()}\n" for path in found]
    return sha256("".join(lines).encode()).hexdigest()


def _belongs(path: Path) -> bool:
    return path.is_file() and (path.name == POLICY_FILE or fullmatch(r"[a-z][a-z0-9_]*\.txt", path.name) is not None)


def _manifest(folder: Path, expected_sha256: str) -> _Manifest:
    found = artifact_sha256(folder)
    if found != expected_sha256:
        raise ArtifactError(f"{folder}: SHA-256 is {found}, registered was {expected_sha256}: files were changed; {_REMEDY}")
    manifest = _checked(_json(folder / POLICY_FILE), folder)
    differ = sorted(manifest.files ^ {path.name for path in folder.iterdir()})
    if differ:
        raise ArtifactError(f"{folder}: missing or extra: {', '.join(differ)}; {_REMEDY}")
    return manifest


def _policy(manifest: _Manifest, scorer: UpliftScorer, catalogue: Catalogue, version: str, folder: Path) -> Policy:
    try:
        return Policy.of(catalogue, scorer, name=manifest.name, version=version, chosen=manifest.chosen, arms=manifest.arms)
    except PolicyError as error:
        raise ArtifactError(f"{folder}: {error}; {_REMEDY}") from None


def _effect(index: int) -> str:
    return f"effect_{index}"


def _model(folder: Path, name: str, widths: set[int]) -> Model:
    model = load_model((folder / f"{name}.txt").read_text(encoding="utf-8"))
    if model.width not in widths:
        expected = " or ".join(str(width) for width in sorted(widths))
        raise ArtifactError(f"{folder}: {name}.txt reads {model.width} features, {POLICY_FILE} says {expected}; {_REMEDY}")
    return model


def _checked(values: dict[str, Any], folder: Path) -> _Manifest:
    try:
        manifest = _Manifest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ArtifactError(f"{folder / POLICY_FILE}: {key}: {first['msg']}; {_REMEDY}") from None
    k, effects, numbers = len(manifest.arms), manifest.effects, manifest.numbers
    per_arm = [effects.offsets, effects.centres, *(term.weights for term in effects.terms)]
    per_arm += [numbers.get(name, ()) for name in ("churn_change", "unsubscribe")]
    columns = numbers.get("contact_columns", ())
    known = {"conversion", "value", "churn"} <= set(manifest.calibrations) <= _MODELS
    if not known or any(len(each) != k for each in per_arm) or not set(columns) <= set(range(len(manifest.feature_names))):
        raise ArtifactError(f"{folder / POLICY_FILE}: models, or numbers of the {k} arms, are missing or too many; {_REMEDY}")
    return manifest


def _json(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        raise ArtifactError(f"{path}: not readable as JSON: {error}; {_REMEDY}") from None
    return values


def _numbers(calibration: Calibration) -> dict[str, Any]:
    return {"link": calibration.link, "slope": calibration.slope, "intercept": calibration.intercept}
