"""Turns of several processes at one SQLite file: who waits is let in within a fraction of a millisecond.

SQLite lets a waiting writer look again after 1, 2, 5, 10 and up to 100 ms; with two workers that decide, most of a decision
would be such waiting. A lock of the operating system stands before it; SQLite's own goes on keeping the file whole.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from features.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows: there SQLite's own waiting has to do
    fcntl = None  # type: ignore[assignment]

_LOOK_SECONDS = 0.0002


class ProcessTurn:
    """The turn of one process among those that write into a file; within the process, threads queue elsewhere.

    Parameters
    ----------
    path : the file; None where there is none, and nobody to wait for.
    """

    def __init__(self, path: Path | None, *, seconds: float) -> None:
        self._path = None if path is None or fcntl is None else path.with_name(f"{path.name}-turn")
        self._seconds = seconds
        self._file: IO[bytes] | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for it, and have it; it is given back even where the process is killed.

        Raises
        ------
        StoreError
            When others had it for too long.
        """
        file = self._opened()
        if file is None:
            yield
            return
        self._wait(file)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file; the next turn opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _wait(self, file: IO[bytes]) -> None:
        deadline = time.monotonic() + self._seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(f"{file.name}: another process has been writing for {self._seconds:g} s; repeat") from None
                time.sleep(_LOOK_SECONDS)

    def _opened(self) -> IO[bytes] | None:
        if self._file is None and self._path is not None:
            with suppress(OSError):  # SQLite will say what is wrong with the folder
                self._file = self._path.open("ab")
        return self._file
