"""What does one decision cost in the journal: its reads, and its durable record, against the same statements by hand?

By hand is `benchmarks.journal_bare`, in the same SQLite file. Reads are timed by the processor's time, as they wait for nobody;
a record by both, as what it waits for is the disk.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.journal_bare import BareJournal
from benchmarks.ratios import Figure, in_turn
from features.instants import microseconds
from features.journal import Journal, ProposedDecision, RecordedDecision, VolumeLimit

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE = AT - timedelta(days=28)
DECISIONS = int(os.environ.get("BENCH_JOURNAL_DECISIONS", "100"))  # in one round
ROUNDS = 15

LIMIT = VolumeLimit(weights={"mail.a": 1.0}, since=AT - timedelta(hours=12), until=AT + timedelta(hours=12), at_most=1e9)
_CANDIDATES = ("none", *(f"mail.{number}" for number in range(30)))
_RECORD = "r" * 6_000  # characters, as with thirty candidates
_BASIS: dict[str, Any] = {"contacts_seen": 0, "consents_seen": 0, "limits": [LIMIT]}


def decision_figures() -> list[Figure]:
    """One decision's reads and its record, each against the bare driver."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.db")
        with closing(Journal(f"sqlite:///{path}")) as journal:
            journal.create()
            with closing(BareJournal(str(path))) as bare:
                return _figures(journal, bare)


def _figures(journal: Journal, bare: BareJournal) -> list[Figure]:
    rounds = iter([[_decision(number * DECISIONS + each) for each in range(DECISIONS)] for number in range(6 * ROUNDS + 1)])

    def record(write: Callable[[RecordedDecision], bool]) -> Callable[[], None]:
        return lambda: _each(write, next(rounds))

    def read(name: str) -> object:
        return journal.surroundings(dict.fromkeys(journal.identity_of(name).identifiers, 0), since=SINCE)

    def submit(decision: RecordedDecision) -> bool:
        proposed = ProposedDecision(decision=decision, identifiers=(decision.customer_id,), **_BASIS)
        return journal.submit_decision(proposed).result()

    def append(decision: RecordedDecision) -> bool:
        return journal.append_decision(decision, identifiers=(decision.customer_id,), **_BASIS)

    def by_hand(decision: RecordedDecision) -> bool:
        return bare.record(decision, LIMIT, seen=0)

    record(append)()
    names, since = [f"c{number}" for number in range(DECISIONS)] * 4, microseconds(SINCE)
    reads = in_turn(
        lambda: _each(read, names),
        lambda: _each(lambda name: bare.read(name, since), names),
        rounds=ROUNDS,
        clock=time.process_time,
    )
    return [
        _figure("the journal's reads of a decision, processor", reads, len(names)),
        *(
            _figure(f"a decision recorded durably, {way}", in_turn(record(ours), record(by_hand), rounds=ROUNDS, clock=clock))
            for way, ours, clock in (
                ("processor", append, time.process_time),
                ("appended", append, time.perf_counter),
                ("submitted and waited for", submit, time.perf_counter),
            )
        ),
    ]


def _figure(name: str, rounds: Sequence[tuple[float, float]], each: int = DECISIONS) -> Figure:
    pairs = [(1e6 * ours / each, 1e6 * theirs / each) for ours, theirs in rounds]
    return Figure.of(name, "sqlite3, the same statements by hand", pairs, unit="us")


def _each(do: Callable[[Any], object], items: Sequence[Any]) -> None:
    for item in items:
        if not do(item):
            raise SystemExit(f"nothing came of {item!r}")


def _decision(number: int) -> RecordedDecision:
    return RecordedDecision(
        decision_id=f"d{number}",
        customer_id=f"c{number}",
        touchpoint="mail.a",
        at=AT + timedelta(milliseconds=number),
        request_hash="q",
        record=_RECORD,
        candidates=_CANDIDATES,
        probability=0.5,
        arm="treatment",
        policy_version="3",
    )
