"""Features of any name as columns of a fixed number: context, action, and every product of one of each.

References
----------
Kilian Weinberger, Anirban Dasgupta, John Langford, Alex Smola and Josh Attenberg, "Feature Hashing for Large Scale Multitask
Learning", 2009.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.personalizer.question import Action, Features, RankQuestion

BITS = 18
"""There are 2 ** BITS columns; the weights of two names that fall into one are shared."""

_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: multiplying by it spreads hashes over the high bits
_PAIR = np.uint64(0xC2B2AE3D27D4EB4F)  # odd, and other than that, so that products fall elsewhere than their parts


@dataclass(frozen=True, slots=True)
class Columns:
    """One row of features: columns below 2 ** BITS, and the value in each; a column may come twice."""

    index: NDArray[np.int64]
    value: NDArray[np.float64]


def columns_of(context: Features, actions: Sequence[Action]) -> list[Columns]:
    """One row for each of the actions, in order."""
    hashed = _hashed("context", context)
    return [_row(hashed, _hashed("action", _described(action))) for action in actions]


def column_count(question: RankQuestion) -> int:
    """How many columns the rows have together; counted before any is made."""
    context = sum(1 for each in question.context for _ in named(each))
    return sum((context + 1) * (2 + sum(1 for each in action.features for _ in named(each))) for action in question.actions)


def named(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """The features in a JSON value, as names and numbers; a name that starts with an underscore is passed over.

    >>> list(named({"device": {"mobile": True, "os": "ios"}, "cart": 3, "sizes": [4, 8], "_id": "x"}))
    [('/device/mobile=true', 1.0), ('/device/os=ios', 1.0), ('/cart', 3.0), ('/sizes/0', 4.0), ('/sizes/1', 8.0)]
    """
    if isinstance(value, dict):
        for name, each in value.items():
            if not name.startswith("_"):
                yield from named(each, f"{path}/{name}")
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from named(each, f"{path}/{position}")
    elif isinstance(value, bool) or value is None:
        yield f"{path}={'null' if value is None else str(value).lower()}", 1.0
    elif isinstance(value, str):
        yield f"{path}={value}", 1.0
    else:
        yield path, float(value)


def _described(action: Action) -> Features:
    return [*action.features, {"id of the action": action.id}]


def _hashed(kind: str, features: Features) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Hashes and values; those of the constant 1 first, whose products with the others are the others themselves."""
    found = [("", 1.0), *(pair for each in features for pair in named(each))]
    digests = b"".join(blake2b(f"{kind}{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest() for name, _ in found)
    return np.frombuffer(digests, dtype="<u8"), np.array([value for _, value in found])


def _row(
    context: tuple[NDArray[np.uint64], NDArray[np.float64]], action: tuple[NDArray[np.uint64], NDArray[np.float64]]
) -> Columns:
    mixed = (context[0][:, None] * _PAIR + action[0][None, :]).ravel() * _ODD
    values = np.outer(context[1], action[1]).ravel()
    return Columns((mixed >> np.uint64(64 - BITS)).astype(np.int64)[1:], values[1:])  # but for the product of both constants


def stacked(rows: Sequence[Columns]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rows one below the other, as the three arrays of a compressed sparse matrix: row ends, columns, values."""
    ends = np.cumsum([0, *(len(row.index) for row in rows)])
    return ends, np.concatenate([row.index for row in rows]), np.concatenate([row.value for row in rows])
