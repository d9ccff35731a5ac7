"""Pairs of profiles that a person should look at, in a file of the home folder: what was suggested and what was decided.

The decision is written first, and the link facts follow from the file. So to be killed in between loses nothing: `links` gives
the same facts again, and the log knows them by their names.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from features.domain import PERSON, Link, LinkAction
from features.errors import StoreError, UnknownRecordError
from features.identity.names import link_of
from features.identity.probabilistic import SuggestedPair

_LOCK_SECONDS = 60.0
_ID_LENGTH = 16


class Verdict(StrEnum):
    """What a person said of a pair."""

    ACCEPTED = "accepted"  # one person: a link
    REJECTED = "rejected"  # two people, whatever is found later: a block


@dataclass(frozen=True, slots=True)
class ReviewPair:
    """A pair for a person to decide on; it shows how much each column says, and no value of it.

    Attributes
    ----------
    pair_id : hexadecimal name of the pair.
    left, right, probability, weights : as those of the SuggestedPair.
    verdict, decided_at : None while it is pending.
    """

    pair_id: str
    left: str
    right: str
    probability: float
    weights: Mapping[str, float]
    suggested_at: datetime
    verdict: Verdict | None = None
    decided_at: datetime | None = None

    @classmethod
    def of(cls, pair: SuggestedPair, at: datetime) -> Self:
        """The pair as it goes on the list."""
        name = sha256(f"{pair.left}\x1f{pair.right}".encode()).hexdigest()[:_ID_LENGTH]
        return cls(name, pair.left, pair.right, pair.probability, dict(pair.weights), at)

    @property
    def link(self) -> Link | None:
        """The fact that follows from what was decided; None while it is pending."""
        if self.verdict is None or self.decided_at is None:
            return None
        action = LinkAction.LINK if self.verdict is Verdict.ACCEPTED else LinkAction.BLOCK
        at = self.decided_at
        # Named with the time, because a person may change their mind twice
        return link_of(self.left, self.right, action, at=at, received_at=at, source=PERSON, message_id=at.isoformat())


class ReviewList:
    """The review list at a path; nothing is created before the first pair.

    Every method raises StoreError when the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def add(self, pairs: Sequence[SuggestedPair], *, at: datetime) -> int:
        """Put pairs on the list; give how many are new. One that is there keeps its verdict and gets the new probability."""
        if not pairs:
            return 0
        with self._changing() as known:
            new = 0
            for pair in (ReviewPair.of(each, at) for each in pairs):
                before = known.get(pair.pair_id)
                new += before is None
                known[pair.pair_id] = replace(before, probability=pair.probability, weights=pair.weights) if before else pair
        return new

    def decide(self, pair_id: str, verdict: Verdict, *, at: datetime) -> ReviewPair:
        """Keep a person's verdict; the same one again changes nothing.

        Raises
        ------
        UnknownRecordError
            When no such pair is on the list.
        """
        with self._changing() as known:
            pair = known.get(pair_id)
            if pair is None:
                raise UnknownRecordError(f"pair {pair_id!r} is not on the review list; list it with `touchpoint review`")
            if pair.verdict is not verdict:
                known[pair_id] = replace(pair, verdict=verdict, decided_at=at)
            return known[pair_id]

    def forget(self, identifiers: Collection[str]) -> int:
        """Take every pair that names one of the identifiers off the list, as if it had never been there; give how many it was."""
        if not any({pair.left, pair.right} & set(identifiers) for pair in self.pairs()):
            return 0
        with self._changing() as known:
            gone = [name for name, pair in known.items() if {pair.left, pair.right} & set(identifiers)]
            for name in gone:
                del known[name]
        return len(gone)

    def pairs(self) -> list[ReviewPair]:
        """Every pair, decided or not, the likeliest first."""
        return sorted(self._read().values(), key=lambda pair: (-pair.probability, pair.left, pair.right))

    def pending(self) -> list[ReviewPair]:
        """The pairs that nobody decided on, the likeliest first."""
        return [pair for pair in self.pairs() if pair.verdict is None]

    def links(self) -> list[Link]:
        """The facts of everything that was decided; to be appended to the link log, which knows those that it has."""
        return [link for pair in self.pairs() if (link := pair.link) is not None]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, ReviewPair]]:
        """The pairs by their ids; what is changed in them is written at the end, wholly or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path.with_suffix(".lock"), timeout=_LOCK_SECONDS):
                known = self._read()
                before = dict(known)
                yield known
                if known != before:
                    self._write(known)
        except Timeout:
            raise StoreError(
                f"{self.path}: another process has been writing for {_LOCK_SECONDS:g} s; repeat this later"
            ) from None

    def _read(self) -> dict[str, ReviewPair]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            return {pair.pair_id: pair for pair in (_from_json(line) for line in lines)}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self.path}: not readable as a review list: {error}; correct the line, or remove it") from error

    def _write(self, known: Mapping[str, ReviewPair]) -> None:
        written = self.path.with_suffix(".new")
        try:
            with written.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(pair), default=datetime.isoformat) + "\n" for pair in known.values())
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.path)
        except OSError as error:
            raise StoreError(f"{self.path}: not written: {error}") from error


def _from_json(line: str) -> ReviewPair:
    values: dict[str, Any] = json.loads(line)
    values["suggested_at"] = datetime.fromisoformat(values["suggested_at"])
    if values["verdict"] is not None:
        values["verdict"], values["decided_at"] = Verdict(values["verdict"]), datetime.fromisoformat(values["decided_at"])
    return ReviewPair(**values)
