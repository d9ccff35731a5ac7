"""Policies of before come out of the real registry, byte for byte, once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.settings import load_settings
from features.workspace import Workspace
from serving.deciding.live import RegisteredPolicies
from serving.looking_back.archive import Archive
from serving.looking_back.decisions import Decisions
from serving.running.local import explain_decision, recommend_locally, replay_decision
from training.artifact import Provenance, write_artifact
from training.registry import Registry

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def trained(shared: Workspace, make_policy: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose champion is version 1; version 2 is registered as well."""
    home = tmp_path_factory.mktemp("trained")
    (home / "catalogue.toml").write_text(shared.settings.catalogue_path.read_text(encoding="utf-8"), encoding="utf-8")
    workspace = Workspace(load_settings(home=home, seed=7))
    workspace.store = shared.store
    registry = Registry(workspace.settings)
    for version, uplift in ((1, 0.1), (2, 0.3)):
        provenance = Provenance(fingerprint=f"{version}", catalogue_version="c", created_at=NOW, trained_until=NOW)
        folder = home / f"policy-{version}"
        write_artifact(folder, make_policy("", uplift=uplift), provenance)
        with registry.run(f"run {version}") as run_id:
            registry.register_policy(run_id, folder, fingerprint=f"{version}")
    registry.promote(1)
    yield workspace
    workspace.journal.close()


def test_a_decision_of_a_champion_of_before_is_taken_again_with_it(trained: Workspace) -> None:
    answer = recommend_locally(trained, "ann", at=None, now=NOW, record=True, decision_id="d1")
    Registry(trained.settings).promote(2)
    found = replay_decision(trained, "d1", {})
    assert answer.policy.version == "1"
    assert found.same, found.differences
    assert found.in_words() == f"Decision d1: the same answer, {answer.recommendations[0].touchpoint}, to the last digit."
    changed = replay_decision(trained, "d1", {"exclude": ["mail.offer"], "contacts": []})
    assert "mail.offer: not eligible (available: excluded by the request); it was eligible." in changed.in_words()
    assert explain_decision(trained, "d1").words[0].startswith("Decision d1 for customer ann")


def test_a_policy_is_fetched_once_however_often_it_is_asked_for(trained: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    recommend_locally(trained, "zoe", at=None, now=NOW, record=True, decision_id="d2")
    loads, load = [], RegisteredPolicies.load

    def counted(self: RegisteredPolicies, version: int, sha256: str) -> Any:
        loads.append(version)
        return load(self, version, sha256)

    monkeypatch.setattr(RegisteredPolicies, "load", counted)

    class Nothing:
        current = None
        challenger = None

    decisions = Decisions(trained.journal, Archive(trained.settings, trained.journal, trained.catalogue, Nothing()))
    for _ in range(3):
        assert decisions.explanation("d2").contributions or decisions.decision("d2").chosen == "none"
    assert len(loads) == 1


def test_the_home_is_not_touched(trained: Workspace, tmp_path: Path) -> None:
    recommend_locally(trained, "bob", at=None, now=NOW, record=True, decision_id="d3")
    replay_decision(trained, "d3", {})
    before = sorted(path for path in trained.settings.home.rglob("*") if path.is_file())
    replay_decision(trained, "d3", {"contacts": []})
    assert sorted(path for path in trained.settings.home.rglob("*") if path.is_file()) == before
