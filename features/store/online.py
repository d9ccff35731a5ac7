"""States online: read, pushed, materialized and erased, in SQLite or Redis, without Feast in between."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa

from features.errors import StoreError
from features.store.definitions import TABLE, entity_key, no_answer, store_errors
from features.store.packing import NAME_BYTES, Layout
from features.store.registered import Registered
from features.tables import POSITION, STATE_AT, State

_ROWS_PER_PUSH = 100  # others who write wait for as long as they take


class OnlineStates:
    """The latest states by identifier."""

    def __init__(self, registered: Registered) -> None:
        self._at = registered
        self._earlier: dict[bytes, Layout] = {}

    def read(self, identifiers: Sequence[str]) -> list[State | None]:
        """The states in the order given; None for an identifier that has none."""
        layout = self._at.readable
        try:
            values = self._at.rows.read(TABLE, [entity_key(identifier) for identifier in identifiers])
        except self._at.rows.errors as error:
            raise no_answer(error) from error
        return [None if value is None else self._state(layout, value) for value in values]

    def push(self, states: Mapping[str, State]) -> int:
        """Write those that are newer than what is there, by position and then `state_at`; give how many that were."""
        written, identifiers, layout = 0, list(states), self._at.readable
        for start in range(0, len(identifiers), _ROWS_PER_PUSH):
            asked = identifiers[start : start + _ROWS_PER_PUSH]
            with store_errors(*self._at.rows.errors), self._at.rows.writing():
                there = zip(asked, self.read(asked), strict=True)
                newer = {name: states[name] for name, old in there if old is None or _order(old) < _order(states[name])}
                rows = [(entity_key(name), layout.pack(int(state[STATE_AT] or 0), state)) for name, state in newer.items()]
                if rows:
                    self._at.rows.write(TABLE, rows)
            written += len(newer)
        return written

    def write(self, batches: Iterable[pa.RecordBatch], *, on_written: Callable[[int], None]) -> None:
        """Write rows whatever is there, and tell after each batch how many that were so far."""
        written, layout = 0, self._at.layout
        for rows in batches:
            keys = [entity_key(name) for name in rows.column("customer_id").to_pylist()]
            values = layout.pack_rows(rows, rows.column("visible_at"))
            with self._at.rows.writing():
                self._at.rows.write(TABLE, list(zip(keys, values, strict=True)))
            written += rows.num_rows
            on_written(written)

    def erase(self, identifiers: Sequence[str]) -> int:
        """Remove the rows of identifiers; give how many there were."""
        keys = [entity_key(identifier) for identifier in identifiers]
        with self._at.rows.writing():
            return self._at.rows.erase(TABLE, keys)

    def _state(self, layout: Layout, value: bytes) -> State:
        if value.startswith(layout.name):
            return layout.unpack(value)
        # written for another catalogue; the next materialization writes it again
        columns = self._of_name(value[:NAME_BYTES]).unpack(value)
        return {name: columns.get(name) for name, _ in layout.columns}

    def _of_name(self, name: bytes) -> Layout:
        if name not in self._earlier:
            with store_errors(*self._at.rows.errors):
                found = self._at.rows.layout(name)
            if found is None:
                raise StoreError(
                    f"an online row is of a layout that nobody registered, {name.hex()}; run `touchpoint materialize`"
                )
            self._earlier[name] = found
        return self._earlier[name]


def _order(state: State) -> tuple[int, int]:
    return int(state[POSITION] or 0), int(state[STATE_AT] or 0)
