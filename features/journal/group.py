"""Group commit: calls that come while another one is being committed share the next transaction, and its one fsync.

Whoever finds nobody writing writes at once, so a single caller never waits for company. The others wait; the first of them
then writes for all who wait by that time. After several were written for, they are given a moment to come again, as
otherwise the first of them would always write alone. Every call returns only after its own records are on disk.

Who cannot wait leaves the records to a thread of ours, which takes its turn like any other caller, and writes for all. It gives
nobody a moment: those who submit from an event loop compute meanwhile what they submit next, and would wait for each other.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from sqlalchemy import Connection

from features.errors import StoreError
from features.journal.connection import Database, in_children, is_unreachable

_MOST_ITEMS = 2_000  # in one shared transaction, so that nobody waits long for the others' records
_MOMENT_SECONDS = 0.001
_LOOK_SECONDS = 0.0001

Item = TypeVar("Item")
Result = TypeVar("Result")
Write = Callable[[Connection, Sequence[Item]], list[Result]]


@dataclass(eq=False, slots=True)
class _Call:
    write: Write[Any, Any]
    items: Sequence[Any]
    future: Future[Any] | None = None  # of who does not wait
    woken: Event = field(default_factory=Event)
    results: list[Any] = field(default_factory=list)
    error: BaseException | None = None
    done: bool = False

    def finish(self) -> None:
        self.done = True
        if self.future is None:
            self.woken.set()
        elif self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.results[0])


class GroupCommit:
    """Writes for many threads at once, in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._begin()
        in_children(self._begin)

    def _begin(self) -> None:
        self._mutex = Lock()  # guards the others, never held while writing
        self._waiting: list[_Call] = []
        self._is_led = False
        self._lately = 1  # calls in the last transaction
        self._writer: _Writer | None = None

    def run(self, write: Write[Item, Result], items: Sequence[Item]) -> list[Result]:
        """Write items, perhaps together with those of other callers; one result each, in order, durable on return.

        Parameters
        ----------
        write : writes any number of items inside a transaction and gives one result each. It may be called again after a
            failure, for some of the items, so it has no effect but on the database.

        Raises
        ------
        StoreError
            When the database does not answer, or not for these items; then none of them was written. Other callers' items are
            not affected by what is wrong with these.
        """
        if not items:
            return []
        call = _Call(write, items)
        if not self._join(call):
            self._wait(call)
        if not call.done:
            self._gather()
            self._lead(call)
        if call.error is not None:
            raise call.error
        return call.results

    def submit(self, write: Write[Item, Result], item: Item) -> Future[Result]:
        """As `run` for one item, without waiting: the future, which nobody can cancel, tells what came of it."""
        future: Future[Result] = Future()
        future.set_running_or_notify_cancel()
        with self._mutex:
            if not self._is_led:
                self._call_writer()
                self._is_led = True
            self._waiting.append(_Call(write, [item], future))
        return future

    def close(self) -> None:
        """Wait until what was submitted is written, and end the thread that does it; the next submission starts another."""
        if self._writer is None:
            return
        self.submit(_nothing, None).exception()  # behind all the others
        with self._mutex:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.end()

    def _join(self, call: _Call) -> bool:
        """Queue up; whether the caller has to lead."""
        with self._mutex:
            self._waiting.append(call)
            leads, self._is_led = not self._is_led, True
        return leads

    def _wait(self, call: _Call) -> None:
        """Wait until the call is done, or has to lead."""
        try:
            call.woken.wait()
        except BaseException:  # the thread was interrupted: nobody may count on it any more
            if self._leave(call) and call.woken.is_set():
                self._appoint()
            raise

    def _leave(self, call: _Call) -> bool:
        """Stop waiting; whether the call was."""
        with self._mutex:
            waits = call in self._waiting
            if waits:
                self._waiting.remove(call)
        return waits

    def _lead(self, call: _Call | None = None) -> None:
        """Write for all who wait; then let the next one lead."""
        batch: list[_Call] = []
        try:
            batch = self._take()
            self._commit(batch)
        except BaseException as error:  # the thread was interrupted: the others' items were rolled back with its own
            if call is not None:
                self._leave(call)
            for other in batch:
                other.error = error if other is call else StoreError("the writer was interrupted; repeat the call")
            raise
        finally:
            for other in batch:
                other.finish()
            self._appoint()

    def _gather(self) -> None:
        deadline = time.monotonic() + _MOMENT_SECONDS
        while len(self._waiting) < self._lately and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def _take(self) -> list[_Call]:
        with self._mutex:
            count, items = 1, len(self._waiting[0].items)
            while count < len(self._waiting) and items + len(self._waiting[count].items) <= _MOST_ITEMS:
                items += len(self._waiting[count].items)
                count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            self._lately = len(batch)
        return batch

    def _appoint(self) -> None:
        with self._mutex:
            self._is_led = bool(self._waiting)
            if self._waiting and self._waiting[0].future is None:
                self._waiting[0].woken.set()
            elif self._waiting:
                self._call_writer()

    def _call_writer(self) -> None:
        if self._writer is None:
            self._writer = _Writer(self._lead)
        self._writer.wake()

    def _commit(self, batch: Sequence[_Call]) -> None:
        try:
            with self._database.writing() as connection:
                _write(connection, batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
            elif is_unreachable(error.__cause__):
                for call in batch:
                    call.error = StoreError(*error.args)
            else:  # something is wrong with one of them: each by itself
                for call in batch:
                    self._commit([call])


class _Writer:
    """A thread that leads when it is told to."""

    def __init__(self, lead: Callable[[], None]) -> None:
        self._turns: SimpleQueue[bool] = SimpleQueue()
        self._thread = Thread(target=self._run, args=(lead,), name="journal", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._turns.put(True)

    def end(self) -> None:
        """End it after the turns that it was told of."""
        self._turns.put(False)
        self._thread.join()

    def _run(self, lead: Callable[[], None]) -> None:
        while self._turns.get():
            with suppress(BaseException):  # who submitted something heard of it
                lead()


def _nothing(connection: Connection, items: Sequence[Any]) -> list[None]:
    return [None] * len(items)


def _write(connection: Connection, batch: Sequence[_Call]) -> None:
    together: dict[Any, list[_Call]] = {}
    for call in batch:
        together.setdefault(call.write, []).append(call)
    for write, calls in together.items():
        results = iter(write(connection, [item for call in calls for item in call.items]))
        for call in calls:
            call.results = [next(results) for _ in call.items]
