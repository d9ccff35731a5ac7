from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.errors import ArtifactError
from features.settings import Settings
from training.artifact import POLICY_FILE, artifact_sha256
from training.linear import Linear
from training.registered import InForce, history_tag
from training.registry import POLICY, Registry
from training.stored import load_model


def folder_of(tmp_path, text):
    """The registry looks at files and digests only, so any text will do for a model."""
    folder = tmp_path / text
    folder.mkdir()
    for name in (POLICY_FILE, "conversion.txt", "value.txt", "churn.txt"):
        (folder / name).write_text(f"{text} {name}")
    return folder


@pytest.fixture
def register(registry, tmp_path):
    def added(text):
        folder = folder_of(tmp_path, text)
        with registry.run(f"test {text}") as run:
            return registry.register_policy(run, folder, fingerprint=f"data of {text}")

    return added


def test_a_folder_is_registered_once(registry, register, tmp_path):
    first = register("once")
    again = registry.register_policy(first.run_id, tmp_path / "once", fingerprint="data of once")
    assert again == first
    assert first.sha256 == artifact_sha256(tmp_path / "once")
    assert first in registry.versions()


def test_promotion_moves_the_champion_and_repeating_it_changes_nothing(registry, register):
    first, second = register("a"), register("b")
    registry.promote(first.version)
    assert registry.champion() == (first.version, first.sha256)
    registry.promote(second.version)
    registry.promote(second.version)
    assert registry.champion() == (second.version, second.sha256)
    assert registry.rollback() == first.version
    assert registry.champion() == (first.version, first.sha256)


def test_aliases_of_the_policy_move_those_of_the_models_that_it_is_made_of(registry, tmp_path):
    client = registry._client
    client.create_registered_model("touchpoint-scored")
    versions = {}
    for text in ("m1", "m2"):
        with registry.run(f"test {text}") as run:
            source = folder_of(tmp_path, text)
            client.log_artifacts(run, str(source), "model")
            model = client.create_model_version("touchpoint-scored", source=f"runs:/{run}/model", run_id=run)
            policy = registry.register_policy(run, source, fingerprint=text, models={"scored": int(model.version)})
        versions[text] = (policy.version, int(model.version))
    registry.promote(versions["m1"][0])
    registry.challenge(versions["m2"][0])
    aliases = {
        alias: int(client.get_model_version_by_alias("touchpoint-scored", alias).version) for alias in ("champion", "challenger")
    }
    assert aliases == {"champion": versions["m1"][1], "challenger": versions["m2"][1]}


def test_rolling_back_goes_from_predecessor_to_predecessor(registry, register):
    versions = [register(text).version for text in ("c", "d", "e")]
    for version in versions:
        registry.promote(version)
    assert [registry.rollback(), registry.rollback()] == [versions[1], versions[0]]


def test_a_promotion_killed_before_the_alias_moved_leaves_the_champion_and_can_be_repeated(registry, register):
    first, second, third = (register(text).version for text in ("f", "f2", "f3"))
    registry.promote(first)
    registry.promote(second)
    registry._client.set_registered_model_tag(POLICY, *history_tag([InForce(version) for version in (first, second, third)]))
    assert registry.champion()[0] == second
    registry.promote(third)
    assert [registry.rollback(), registry.rollback()] == [second, first]


def test_rolling_back_an_older_version_that_was_forced_goes_to_what_was_in_force_before_and_ends(tmp_path):
    registry = Registry(Settings(home=tmp_path / "own"))
    versions = []
    for text in ("first", "second"):
        with registry.run(text) as run:
            versions.append(registry.register_policy(run, folder_of(tmp_path, text), fingerprint=text).version)
    first, second = versions
    for version in (first, second, first):
        registry.promote(version)
    assert [registry.rollback(), registry.rollback()] == [second, first]
    with pytest.raises(ArtifactError, match="replaced no other; 'train' and 'promote' another instead"):
        registry.rollback()


def test_a_version_is_marked_as_rolled_back_until_it_is_put_in_force_again(registry, register):
    first, second = register("m").version, register("n").version
    registry.promote(first)
    registry.promote(second)
    assert not registry.is_rolled_back(second)
    registry.rollback()
    assert registry.is_rolled_back(second) and not registry.is_rolled_back(first)
    registry.promote(second)
    assert not registry.is_rolled_back(second)


def test_a_version_that_was_put_in_force_by_hand_is_rolled_back_to_the_champion_before_it(registry, register):
    first, second = register("o").version, register("p").version
    registry.promote(first)
    registry._client.set_registered_model_alias(POLICY, "champion", str(second))
    assert registry.rollback() == first


DAY = timedelta(days=1)
MONDAY = datetime(2024, 1, 1, 8, 30, tzinfo=UTC)


def test_since_when_each_version_is_in_force_is_kept_and_repeating_a_promotion_does_not_change_it(tmp_path):
    registry = Registry(Settings(home=tmp_path / "times"))
    assert registry.in_force() == ()
    versions = []
    for text in ("first", "second"):
        with registry.run(text) as run:
            versions.append(registry.register_policy(run, folder_of(tmp_path, text), fingerprint=text).version)
    first, second = versions
    registry.promote(first, at=MONDAY)
    registry.promote(second, at=MONDAY + DAY)
    registry.promote(second, at=MONDAY + 2 * DAY)
    assert registry.in_force() == (InForce(first, MONDAY), InForce(second, MONDAY + DAY))
    registry.rollback(at=MONDAY + 3 * DAY, reasons=["value fell", "so did conversion"])
    assert registry.in_force() == (InForce(first, MONDAY + 3 * DAY),)
    tags = registry._version(second).tags
    assert (tags["rolled_back"], tags["promoted_at"]) == ("value fell; so did conversion", "2024-01-02 08:30:00+00:00")
    registry.promote(second, at=MONDAY + 4 * DAY)
    assert registry.in_force() == (InForce(first, MONDAY + 3 * DAY), InForce(second, MONDAY + 4 * DAY))


def test_a_history_without_times_is_read(registry, register):
    first, second = register("q").version, register("r").version
    registry.promote(first)
    registry.promote(second)
    registry._client.set_registered_model_tag(POLICY, "history", f"[{first}, {second}]")
    assert registry.in_force() == (InForce(first), InForce(second))
    assert registry.rollback() == first


def test_another_process_sees_the_champion(registry, register):
    policy = register("h")
    registry.promote(policy.version)
    assert Registry(registry.settings).champion() == (policy.version, policy.sha256)


def test_the_challenger_is_the_version_pointed_at(registry, register):
    policy = register("i")
    registry.challenge(policy.version)
    assert registry.challenger() == policy


def test_a_verdict_is_kept_with_its_version(registry, register):
    version = register("j").version
    assert registry.verdict(version) is None
    registry.record_verdict(version, passed=True, champion=None, reasons=["promoted as the first policy"])
    registry.record_verdict(version, passed=False, champion=3, reasons=["refused: „worse“"])
    verdict = registry.verdict(version)
    assert (verdict.passed, verdict.champion, verdict.reasons) == (False, 3, ("refused: „worse“",))


def test_a_download_is_the_registered_folder_and_replaces_what_was_there(registry, register, tmp_path):
    policy = register("k")
    target = tmp_path / "serving" / "policy"
    target.mkdir(parents=True)
    (target / "stale.txt").write_text("from before")
    assert registry.download(policy.version, target) == target
    assert artifact_sha256(target) == policy.sha256
    assert [path.name for path in target.parent.iterdir()] == ["policy"]


def test_a_download_of_changed_files_is_refused_and_leaves_what_was_there(registry, register, tmp_path):
    policy = register("l")
    target = registry.download(policy.version, tmp_path / "policy")
    stored = next(registry.settings.artifacts_path.glob(f"{policy.run_id}/artifacts/policy/value.txt"))
    stored.write_text("tampered with")
    with pytest.raises(ArtifactError, match="registered was"):
        registry.download(policy.version, target)
    assert artifact_sha256(target) == policy.sha256
    stored.unlink()
    with pytest.raises(ArtifactError):
        registry.download(policy.version, target)


def test_what_does_not_exist_is_said_so(registry, tmp_path):
    with pytest.raises(ArtifactError, match="no policy version 999"):
        registry.promote(999)
    with pytest.raises(ArtifactError, match="no policy version 999"):
        registry.download(999, tmp_path / "policy")


def test_a_run_that_fails_is_marked_so(registry):
    with pytest.raises(RuntimeError), registry.run("fails") as failed:
        raise RuntimeError
    with registry.run("works") as parent, registry.run("child", parent=parent) as child:
        registry.log_values(child, {"known": 1.0, "unknown": float("nan")})
        registry.log_parameters(child, {"seed": 3})
    runs = {run: registry._client.get_run(run) for run in (failed, parent, child)}
    assert [runs[run].info.status for run in (failed, parent, child)] == ["FAILED", "FINISHED", "FINISHED"]
    assert runs[child].data.metrics == {"known": 1.0}
    assert (runs[child].data.params, runs[child].data.tags["mlflow.parentRunId"]) == ({"seed": "3"}, parent)


def test_a_model_of_any_kind_is_registered_as_text(registry):
    model = Linear.constant(2, 0.5)
    with registry.run("straight") as run:
        version = registry.log_model(run, "straight", model, example=np.zeros((3, 2)), columns=["a", "b"])
    assert version == 1
    file = next(registry.settings.artifacts_path.glob(f"{run}/artifacts/straight/model.txt"))
    assert load_model(file.read_text(encoding="utf-8")) == model
