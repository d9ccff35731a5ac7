"""What a command shows: progress on standard error, the result on standard output, as words or as JSON."""

import dataclasses
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from rich.console import Console
from rich.status import Status


@runtime_checkable
class Tells(Protocol):
    """A result that has words of its own."""

    def in_words(self) -> str:
        """What came out, for a reader."""


class Terminal:
    """Progress with elapsed seconds; a live line where there is a terminal, plain lines where there is none."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("…")
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    def say(self, message: str) -> None:
        """Show one step of the work."""
        if self._status is not None:
            self._status.update(message)
        self._console.print(f"· {message}", markup=False)

    def result(self, result: Any) -> None:
        """Print what came out: JSON, or the result's own words."""
        if self.as_json:
            text = json.dumps(as_plain(result), indent=2, ensure_ascii=False, allow_nan=False)
        else:
            text = result.in_words() if isinstance(result, Tells) else in_words(as_plain(result))
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def as_plain(value: Any) -> Any:
    """Dataclasses, arrays, times and enumerations as JSON values; a number that is not finite becomes null.

    >>> as_plain({"a": np.float64("nan"), "b": (1, datetime(2026, 1, 31))})
    {'a': None, 'b': [1, '2026-01-31T00:00:00']}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return as_plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [as_plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def in_words(plain: Any, *, indent: int = 0) -> str:
    """Plain values as indented lines.

    >>> print(in_words({"accepted": 2, "reasons": {"no customer": 1}}))
    accepted: 2
    reasons:
      no customer: 1
    """
    space = " " * indent
    if isinstance(plain, dict):
        return "\n".join(_line(f"{space}{key}:", item, indent) for key, item in plain.items())
    if isinstance(plain, list):
        return "\n".join(_line(f"{space}-", item, indent) for item in plain)
    return f"{space}{_shown(plain)}"


def _line(label: str, item: Any, indent: int) -> str:
    if isinstance(item, dict | list) and item:
        return f"{label}\n{in_words(item, indent=indent + 2)}"
    return f"{label} {_shown(item)}"


def _shown(value: Any) -> str:
    if value is None or value in ({}, []):
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
