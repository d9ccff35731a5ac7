import json
from datetime import UTC, datetime

import numpy as np
import pytest

from features.catalogue import Exploration
from features.catalogue.rules import Lever
from features.errors import ArtifactError
from features.synthetic import synthetic_catalogue
from training.arms import arm_columns
from training.artifact import Provenance, artifact_sha256, read_artifact, read_provenance, write_artifact
from training.calibration import Calibration, Link
from training.effects import Effects, Term
from training.models import BINARY, MEAN, Predictor, fit_booster, with_trees
from training.penalized import fit_linear
from training.policy import Policy, PriorScorer
from training.sides import Sides
from training.stored import Blend
from training.uplift import UpliftScorer

CATALOGUE = synthetic_catalogue()
NAMES = ("count", "days")
PROVENANCE = Provenance(
    fingerprint="f" * 64,
    catalogue_version="0123456789ab",
    created_at=datetime(2024, 5, 1, tzinfo=UTC),
    trained_until=datetime(2024, 4, 1, 1, 2, 3, 456789, tzinfo=UTC),
    selection="personalized by x lightgbm",
)


def predictor(recipe, link, columns, seed=0):
    features = np.random.default_rng(seed).normal(size=(200, len(columns)))
    booster = fit_booster(features, (features[:, 0] > 0).astype(float), recipe=with_trees(recipe, 5), seed=1, names=columns)
    return Predictor(booster, Calibration(link, 0.1 + 0.2, -1 / 3))


def make_policy(*, offset=0.1):
    """One with a model of every kind: trees, linear, and both together."""
    arms, wide = CATALOGUE.arms, arm_columns(NAMES, CATALOGUE.arms)
    features = np.random.default_rng(2).exponential(size=(200, 2))
    straight = fit_linear(features, features[:, 1], link=Link.IDENTITY, penalty=0.01)
    tree = predictor(MEAN, Link.EXPONENTIAL, list(NAMES)).model
    scorer = UpliftScorer(
        arms=arms,
        feature_names=NAMES,
        conversion=predictor(BINARY, Link.LOGISTIC, wide),
        effects=Effects(
            arms,
            (
                Term(predictor(MEAN, Link.IDENTITY, wide).model, (0.0, 1.0, 1.0, 0.0, 1.0), against_none=True),
                Term(straight, (0.0, 0.0, 0.0, 0.7, 0.0)),
            ),
            offsets=(0.0, offset, 0.2, 0.3, 0.1),
            centres=(0.0, 0.01, 0.0, 0.0, 0.02),
            slope=0.1 + 0.2,
        ),
        sides=Sides(
            {
                "value": Predictor(Blend((tree, straight)), Calibration(Link.EXPONENTIAL, 0.1, 1.0)),
                "churn": predictor(BINARY, Link.LOGISTIC, list(NAMES)),
            },
            {"churn_change": (0.0,) * 5, "unsubscribe": (0.0, 0.01, 0.0, 0.0, 0.0), "contact_columns": (0.0,)},
        ),
    )
    return Policy.of(CATALOGUE, scorer, name="x lightgbm", version="unregistered")


@pytest.fixture
def written(tmp_path):
    folder = tmp_path / "policy"
    return folder, write_artifact(folder, make_policy(), PROVENANCE)


def test_a_policy_read_back_decides_the_very_same(written):
    folder, digest = written
    policy = read_artifact(folder, digest, catalogue=CATALOGUE, version="3", feature_names=NAMES)
    features, eligible = np.random.default_rng(1).normal(size=(50, 2)), np.ones((50, 5), dtype=bool)
    features[0, 0] = np.nan
    original = make_policy()
    assert policy.version == "3"
    assert (policy.decide(features, eligible).probabilities == original.decide(features, eligible).probabilities).all()
    assert policy.scorer == original.scorer
    assert read_provenance(folder, digest) == PROVENANCE


def test_what_was_learnt_is_the_files_and_costs_levers_and_exploration_are_the_catalogues(written):
    folder, digest = written
    dear = CATALOGUE.touchpoints[4].model_copy(update={"cost": 3.0})
    changed = CATALOGUE.model_copy(
        update={
            "touchpoints": (*CATALOGUE.touchpoints[:4], dear, *CATALOGUE.touchpoints[5:]),
            "levers": (Lever(weight=2.0, channel="mail"),),
            "exploration": Exploration(method="epsilon_greedy"),
        }
    )
    policy = read_artifact(folder, digest, catalogue=changed, version="3")
    assert policy.terms.costs.tolist() == [0.0, 3.0, 0.3, 8.0, 1.0]
    assert policy.terms.levers.tolist() == [1.0, 1.0, 1.0, 1.0, 2.0]
    assert policy.exploration.method == "epsilon_greedy"
    assert policy.scorer == make_policy().scorer


def test_a_touchpoint_that_the_catalogue_does_not_have_any_more_costs_nothing_and_is_still_known(written):
    folder, digest = written
    smaller = CATALOGUE.model_copy(update={"touchpoints": CATALOGUE.touchpoints[:-1]})
    policy = read_artifact(folder, digest, catalogue=smaller, version="3")
    assert policy.arms == CATALOGUE.arms
    assert policy.terms.costs.tolist() == [0.0, 0.05, 0.3, 8.0, 0.0]


def test_the_same_policy_has_the_same_digest_and_another_has_another(written, tmp_path):
    assert write_artifact(tmp_path / "again", make_policy(), PROVENANCE) == written[1]
    assert write_artifact(tmp_path / "other", make_policy(offset=0.11), PROVENANCE) != written[1]


def test_nothing_but_text_and_json_is_written(written):
    assert sorted(path.name for path in written[0].iterdir()) == [
        "churn.txt",
        "conversion.txt",
        "effect_0.txt",
        "effect_1.txt",
        "policy.json",
        "value.txt",
    ]
    assert all("\0" not in path.read_text(encoding="utf-8") for path in written[0].iterdir())


def edit(folder, **changes):
    path = folder / "policy.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_effects(folder, **changes):
    edit(folder, effects=json.loads((folder / "policy.json").read_text())["effects"] | changes)


TAMPERING = {
    "a changed number": lambda folder: edit(folder, chosen={"none": 5}),
    "a changed model": lambda folder: (folder / "effect_0.txt").write_text((folder / "effect_0.txt").read_text() + "\n"),
    "two models swapped": lambda folder: (folder / "value.txt").write_bytes((folder / "churn.txt").read_bytes()),
    "a missing file": lambda folder: (folder / "churn.txt").unlink(),
    "a planted pickle": lambda folder: (folder / "model.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR."),
    "a folder in place of a file": lambda folder: ((folder / "churn.txt").unlink(), (folder / "churn.txt").mkdir()),
    "no folder at all": lambda folder: folder.rename(folder.with_name("gone")),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_a_folder_that_is_not_the_registered_one_is_refused(written, kind):
    folder, digest = written
    TAMPERING[kind](folder)
    with pytest.raises(ArtifactError):
        read_artifact(folder, digest, catalogue=CATALOGUE, version="1")


UNREADABLE = {
    "not a number": lambda folder: edit_effects(folder, slope=float("nan")),
    "another format": lambda folder: edit(folder, format=3),
    "a model too few": lambda folder: (folder / "effect_1.txt").unlink(),
    "a model too many": lambda folder: (folder / "extra.txt").write_text("tree"),
    "a linear model without numbers": lambda folder: (folder / "churn.txt").write_text('{"kind": "linear"}'),
    "an unknown key": lambda folder: edit(folder, loader="os.system"),
    "too few offsets": lambda folder: edit_effects(folder, offsets=[0.0]),
    "arms without doing nothing": lambda folder: edit(folder, arms=["a.b", "a.c", "a.d", "a.e", "a.f"]),
    "more features than the model reads": lambda folder: edit(folder, feature_names=["count", "days", "extra"]),
    "no JSON": lambda folder: (folder / "policy.json").write_text("{"),
    "no model": lambda folder: (folder / "churn.txt").write_text("tree\n"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_folder_that_was_registered_so_but_makes_no_policy_is_refused(written, kind):
    folder, _ = written
    UNREADABLE[kind](folder)
    with pytest.raises(ArtifactError, match="train"):
        read_artifact(folder, artifact_sha256(folder), catalogue=CATALOGUE, version="1")


def test_a_policy_for_other_features_is_refused(written):
    folder, digest = written
    with pytest.raises(ArtifactError, match="other features \\(visits\\)"):
        read_artifact(folder, digest, catalogue=CATALOGUE, version="1", feature_names=(*NAMES, "visits"))
    with pytest.raises(ArtifactError, match="their order"):
        read_artifact(folder, digest, catalogue=CATALOGUE, version="1", feature_names=NAMES[::-1])


def test_a_policy_without_models_or_a_used_folder_is_not_written(written, tmp_path):
    prior = Policy.of(CATALOGUE, PriorScorer.of(CATALOGUE, base_rate=0.1, value=1.0), name="prior", version="0")
    with pytest.raises(ArtifactError, match="PriorScorer"):
        write_artifact(tmp_path / "prior", prior, PROVENANCE)
    with pytest.raises(ArtifactError, match="not empty"):
        write_artifact(written[0], make_policy(), PROVENANCE)
