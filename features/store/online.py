"""States online: read, pushed, materialized and erased, through Feast, in SQLite or Redis."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from features.store.definitions import PUSH, VIEW, entity_key, feast_errors
from features.store.registered import Registered
from features.tables import POSITION, STATE_AT, State
from features.tables.frames import frame, rows_frame

_ROWS_PER_PUSH = 100  # readers of the same process wait for as long as they take
_ROWS_PER_READ = 1_000


class OnlineStates:
    """The latest states by identifier."""

    def __init__(self, registered: Registered) -> None:
        self._at = registered

    def read(self, identifiers: Sequence[str]) -> list[State | None]:
        """The states in the order given; None for an identifier that has none."""
        states: list[State | None] = []
        for start in range(0, len(identifiers), _ROWS_PER_READ):
            asked = {"customer_id": list(identifiers[start : start + _ROWS_PER_READ])}
            with feast_errors(*self._at.rows.errors), self._at.rows.reading():
                answer = self._at.feast.get_online_features(features=self._at.service, entity_rows=asked).to_dict()
            # by value: what a missing customer's status says differs from store to store
            present = [value is not None for value in answer[STATE_AT]]
            states += [self._state(answer, index) if known else None for index, known in enumerate(present)]
        return states

    def push(self, states: Mapping[str, State]) -> int:
        """Write those that are newer than what is there, by position and then `state_at`; give how many that were."""
        written, identifiers = 0, list(states)
        for start in range(0, len(identifiers), _ROWS_PER_PUSH):
            asked = identifiers[start : start + _ROWS_PER_PUSH]
            with feast_errors(*self._at.rows.errors), self._at.rows.writing():
                there = zip(asked, self.read(asked), strict=True)
                newer = {name: states[name] for name, old in there if old is None or _order(old) < _order(states[name])}
                if newer:
                    self._at.feast.push(PUSH, frame(self._at.columns, newer))
            written += len(newer)
        return written

    def write(self, batches: Iterable[pa.RecordBatch], *, on_written: Callable[[int], None]) -> None:
        """Write rows whatever is there, and tell after each batch how many that were so far."""
        written = 0
        for rows in batches:
            with self._at.rows.writing():
                self._at.feast.write_to_online_store(VIEW, rows_frame(rows))
            written += rows.num_rows
            on_written(written)

    def erase(self, identifiers: Sequence[str]) -> int:
        """Remove the rows of identifiers; give how many there were."""
        keys = [entity_key(identifier) for identifier in identifiers]
        with self._at.rows.writing():
            return self._at.rows.erase(keys)

    def _state(self, answer: Mapping[str, Sequence[Any]], index: int) -> State:
        return {column.name: answer[column.name][index] for column in self._at.columns}


def _order(state: State) -> tuple[int, int]:
    return int(state[POSITION] or 0), int(state[STATE_AT] or 0)
