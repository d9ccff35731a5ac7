"""Lets the records of calls that come at the same time be mapped in one go, which takes hardly longer than those of one call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, TypeVar

from features.capture.made import Mapped
from features.errors import TouchpointError

Record = Mapping[str, Any]
Run = Callable[[Sequence[Record]], Mapped]
_Part = TypeVar("_Part")


@dataclass(slots=True, eq=False)
class _Call:
    records: Sequence[Record]
    mapped: Mapped | None = None
    error: Exception | None = None


@dataclass(slots=True, eq=False)
class Together:
    """Maps records for many threads: who gets the turn maps for all who wait.

    Attributes
    ----------
    most_records : of several calls in one go; more of them take turns.
    """

    most_records: int = 2_500
    _waiting: list[_Call] = field(default_factory=list)
    _list: Any = field(default_factory=Lock)
    _turn: Any = field(default_factory=Lock)

    def map(self, records: Sequence[Record], run: Run) -> Mapped:
        """What `run` makes of the records; whatever it raises of them is raised to this caller alone."""
        call = _Call(records)
        with self._list:
            self._waiting.append(call)
        with self._turn:
            if call.mapped is None and call.error is None:
                _serve(self._next(call), run)
        if call.mapped is None:
            raise call.error or TouchpointError("the records were not mapped; send them again")
        return call.mapped

    def _next(self, first: _Call) -> list[_Call]:
        with self._list:
            self._waiting.remove(first)
            calls, records = [first], len(first.records)
            while self._waiting and records + len(self._waiting[0].records) <= self.most_records:
                calls.append(self._waiting.pop(0))
                records += len(calls[-1].records)
        return calls


def _serve(calls: Sequence[_Call], run: Run) -> None:
    try:
        mapped = run([record for call in calls for record in call.records])
    except Exception as error:
        if len(calls) == 1:
            calls[0].error = error
            return
        for call in calls:  # the records of one are at fault, and must not be the others' concern
            _serve([call], run)
        return
    start = 0
    for call in calls:
        call.mapped = _between(mapped, start, start + len(call.records))
        start += len(call.records)


def _between(mapped: Mapped, start: int, end: int) -> Mapped:
    """The part of some records, with their places among themselves."""

    def part(found: Sequence[tuple[int, _Part]]) -> tuple[tuple[int, _Part], ...]:
        return tuple((place - start, each) for place, each in found if start <= place < end)

    return Mapped(
        interactions=part(mapped.interactions),
        outcomes=part(mapped.outcomes),
        consents=part(mapped.consents),
        links=part(mapped.links),
        refused=tuple(replace(each, index=each.index - start) for each in mapped.refused if start <= each.index < end),
    )
