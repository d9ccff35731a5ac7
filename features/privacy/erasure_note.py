"""The note of an erasure under way: it outlives a kill, and is gone once everybody it names is."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from features.errors import StoreError

_LOCK_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class ErasureNote:
    """Whom to remove, and what of theirs.

    Attributes
    ----------
    decision_ids : their decisions, by which their outcomes are found.
    at : what is dated later is a new person's, and stays.
    """

    identifiers: tuple[str, ...]
    decision_ids: tuple[str, ...]
    at: datetime

    @classmethod
    def read(cls, path: Path) -> Self:
        """The note in a file.

        Raises
        ------
        StoreError
            When it cannot be read.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            at = datetime.fromisoformat(values["at"])
            return cls(tuple(values["identifiers"]), tuple(values["decision_ids"]), at)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{path}: not readable as the note of an erasure: {error}; remove it, and erase again") from error

    def with_(self, others: Iterable["ErasureNote"]) -> "ErasureNote":
        """One note of all."""
        notes = [self, *others]
        identifiers = {each for note in notes for each in note.identifiers}
        decisions = {each for note in notes for each in note.decision_ids}
        return ErasureNote(tuple(sorted(identifiers)), tuple(sorted(decisions)), max(note.at for note in notes))


class ErasureNotes:
    """The notes of erasures under way, in a folder; nothing is created before the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one who erases.

        Raises
        ------
        StoreError
            When another process has been erasing for fifteen minutes.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._folder / ".lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout:
            raise StoreError(f"{self._folder}: another process is erasing; wait for it, or end it, and repeat") from None

    def all(self) -> list[ErasureNote]:
        """Every note there is; when nobody is erasing, those of erasures that were interrupted."""
        return [ErasureNote.read(path) for path in sorted(self._folder.glob("*.json"))]

    def naming(self, identifiers: Iterable[str]) -> list[ErasureNote]:
        """The notes that name one of the identifiers."""
        wanted = set(identifiers)
        return [note for note in self.all() if not wanted.isdisjoint(note.identifiers)]

    def write(self, note: ErasureNote, *, name: str) -> None:
        """Keep a note durably, readable by its owner alone.

        Raises
        ------
        StoreError
            When it cannot be written.
        """
        path = self._folder / f"{name}.json"
        unfinished = path.with_suffix(".unfinished")
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(note), file, default=datetime.isoformat)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
        except OSError as error:
            raise StoreError(f"{path}: not written, nothing was erased: {error}") from error

    def remove(self, done: ErasureNote) -> None:
        """An erasure is complete: remove its note, those that it took over, and what is left of killed writes."""
        for path in (*self._folder.glob("*.json"), *self._folder.glob("*.unfinished")):
            if path.suffix == ".unfinished" or set(ErasureNote.read(path).identifiers) <= set(done.identifiers):
                path.unlink()
