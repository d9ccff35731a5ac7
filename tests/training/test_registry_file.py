"""The registry's file, read without MLflow, says what MLflow says of it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import ArtifactError
from features.settings import load_settings
from training.artifact import POLICY_FILE
from training.registry import Registry
from training.registry_file import OtherLayoutError, RegistryFile


def _registered(registry: Registry, folder: Path, text: str) -> int:
    folder.mkdir()
    (folder / POLICY_FILE).write_text(text)
    with registry.run(text) as run:
        return registry.register_policy(run, folder, fingerprint=text).version


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Two versions; of the second nothing is said yet."""
    home = tmp_path_factory.mktemp("a home")
    registry = Registry(load_settings(home=home))
    for text in ("first", "second"):
        _registered(registry, home / text, text)
    return registry


def _file(registry: Registry) -> RegistryFile:
    return RegistryFile(registry.settings.home / "mlflow.db")


def _same(registry: Registry) -> None:
    file = _file(registry)
    assert (file.champion(), file.challenger()) == (registry.champion(), registry.challenger())
    assert [file.is_rolled_back(version) for version in (1, 2)] == [registry.is_rolled_back(version) for version in (1, 2)]


def test_both_say_the_same_at_every_step_of_a_policys_life(registry: Registry) -> None:
    _same(registry)
    registry.challenge(1)
    _same(registry)
    registry.promote(1)
    registry.challenge(2)
    _same(registry)
    registry.promote(2)
    _same(registry)
    registry.rollback()
    _same(registry)
    assert _file(registry).champion() is not None and _file(registry).is_rolled_back(2)


def test_both_copy_the_same_files(registry: Registry, tmp_path: Path) -> None:
    for version in (1, 2):
        ours = _file(registry).download(version, tmp_path / f"ours-{version}")
        theirs = registry.download(version, tmp_path / f"theirs-{version}")
        assert {path.name: path.read_bytes() for path in ours.iterdir()} == {
            path.name: path.read_bytes() for path in theirs.iterdir()
        }


def test_a_version_that_is_not_there_or_was_changed_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="there is no policy version 9"):
        _file(registry).download(9, tmp_path / "9")
    (changed,) = [path for path in registry.settings.artifacts_path.rglob(POLICY_FILE) if path.read_text() == "second"]
    changed.write_text("other")
    try:
        with pytest.raises(ArtifactError, match="registered was"):
            _file(registry).download(2, tmp_path / "2")
    finally:
        changed.write_text("second")


def test_a_file_of_another_layout_is_told_from_one_that_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    sqlite3.connect(path).close()
    path.touch()
    with pytest.raises(OtherLayoutError):
        RegistryFile(path).champion()
    path.write_text("this is no database at all, and never was")
    with pytest.raises(ArtifactError, match="does not answer"):
        RegistryFile(path).champion()


def test_asking_the_file_imports_no_mlflow(registry: Registry) -> None:
    code = (
        "import sys; from pathlib import Path; from training.registry_file import RegistryFile\n"
        f"print(RegistryFile(Path({str(registry.settings.home / 'mlflow.db')!r})).champion() is None, 'mlflow' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split()[1] == "False"
