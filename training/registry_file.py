"""Reads the registry that MLflow keeps in the home's SQLite file, without MLflow: its import takes seconds and a hundred MiB.

For the service's worker processes, which only ask what is in force and copy its files. Everything else, and every registry that
is not such a file, goes through `training.registry`; a test holds that both say the same.
"""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from features.errors import ArtifactError
from training.artifact import artifact_sha256
from training.registered import RegisteredPolicy
from training.registry import CHALLENGER, CHAMPION, FOLDER, POLICY, ROLLED_BACK

_BUSY_SECONDS = 10.0


class RegistryFile:
    """What `training.registry.Registry` knows of the policy's versions, to be read only; every method asks the file anew.

    Every method raises ArtifactError when the file does not answer, and OtherLayoutError when it is none that this can read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def champion(self) -> tuple[int, str] | None:
        """Version and SHA-256 of what serves, or None."""
        return (policy.version, policy.sha256) if (policy := self._aliased(CHAMPION)) else None

    def challenger(self) -> RegisteredPolicy | None:
        """The policy registered last, or None."""
        return self._aliased(CHALLENGER)

    def is_rolled_back(self, version: int) -> bool:
        """Whether a version was in force, was rolled back, and has not been put in force again since."""
        return ROLLED_BACK in self._tags(version)

    def download(self, version: int, target: Path) -> Path:
        """Copy a version's folder to `target`, which must not be there yet, and check its SHA-256; nothing is loaded.

        Raises
        ------
        ArtifactError
            When there is no such version, or its files are not the registered ones.
        """
        query = "SELECT r.artifact_uri, v.run_id FROM model_versions v JOIN runs r ON r.run_uuid = v.run_id"
        found = self._rows(f"{query} WHERE v.name = ? AND v.version = ?", (POLICY, version))
        if not found:
            raise ArtifactError(f"there is no policy version {version}; the MLflow UI lists those of {POLICY}")
        ((place, run_id),) = found
        policy = self._policy(version, run_id)
        try:
            shutil.copytree(Path(url2pathname(urlparse(place).path)) / FOLDER, target)
        except OSError as error:
            raise ArtifactError(f"policy {version}: its files could not be copied ({error}); roll back, or train again") from None
        if (sha256 := artifact_sha256(target)) != policy.sha256:
            raise ArtifactError(f"policy {version}: SHA-256 is {sha256}, registered was {policy.sha256}; roll back")
        return target

    def _aliased(self, alias: str) -> RegisteredPolicy | None:
        query = "SELECT v.version, v.run_id FROM registered_model_aliases a"
        query += " JOIN model_versions v ON v.name = a.name AND v.version = a.version WHERE a.name = ? AND a.alias = ?"
        found = self._rows(query, (POLICY, alias))
        return self._policy(*found[0]) if found else None

    def _policy(self, version: int, run_id: str) -> RegisteredPolicy:
        return RegisteredPolicy.of(SimpleNamespace(version=version, run_id=run_id, tags=self._tags(version)))

    def _tags(self, version: int) -> dict[str, str]:
        return dict(self._rows("SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?", (POLICY, version)))

    def _rows(self, query: str, values: Sequence[object]) -> list[Any]:
        try:
            with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            kind = OtherLayoutError if str(error).startswith("no such") else ArtifactError
            raise kind(f"the registry at {self._path} does not answer: {error}") from None


class OtherLayoutError(ArtifactError):
    """The file has other tables: it was made by another release of MLflow, and only that can read it."""
