"""Decisions are found by what they were, newest first, page by page, by an index alone; on both databases."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

from features.domain import Kind, Outcome
from features.errors import RequestError
from features.journal import Journal, RecordedDecision, compressed
from features.journal.search import ANY, NEITHER, Place, Wanted

AT = datetime(2026, 3, 1, tzinfo=UTC)
DECIDED: Sequence[tuple[str, str, float, str, str, str | None]] = (
    ("ann", "mail.a", 3, "treatment", "1", None),
    ("bob", "mail.b", 1, "random", "1", None),
    ("ann", "none", 5, "holdout", "2", "no_policy"),
    ("cookie:x", "mail.a", 5, "treatment", "2", None),
    ("zoe", "mail.a", 4, "treatment", "2", "stale_features"),
)
"""Customer, touchpoint, day, arm, policy version and fallback of d0, d1, …"""


def decision(number: int, told: tuple[str, str, float, str, str, str | None]) -> RecordedDecision:
    customer_id, touchpoint, day, arm, version, fallback = told
    return RecordedDecision(
        decision_id=f"d{number}",
        customer_id=customer_id,
        touchpoint=touchpoint,
        at=AT + timedelta(days=day),
        request_hash="q",
        record=json.dumps({"arm": arm, "policy": {"name": "p", "version": version}, "fallback": fallback}),
        candidates=("none", touchpoint),
        probability=0.5,
        arm=arm,
        policy_version=version,
        fallback=fallback,
    )


@pytest.fixture
def decided(journal: Journal) -> Journal:
    for number, told in enumerate(DECIDED):
        journal.append_decision(decision(number, told), contacts_seen=None)
    return journal


def ids(journal: Journal, **wanted: Any) -> list[str]:
    return [each.decision_id for each in journal.search_decisions(Wanted(**wanted), limit=10).decisions]


def test_decisions_come_newest_first_and_of_one_time_the_last_recorded_first(decided: Journal) -> None:
    assert ids(decided) == ["d3", "d2", "d4", "d0", "d1"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"identifiers": ("ann", "cookie:x")}, ["d3", "d2", "d0"]),
        ({"identifiers": ("ann",), "touchpoint": "mail.a"}, ["d0"]),
        ({"identifiers": ()}, []),
        ({"touchpoint": "mail.a"}, ["d3", "d4", "d0"]),
        ({"arm": "holdout"}, ["d2"]),
        ({"policy_version": "1"}, ["d0", "d1"]),
        ({"fallback": ANY}, ["d2", "d4"]),
        ({"fallback": NEITHER}, ["d3", "d0", "d1"]),
        ({"fallback": "stale_features"}, ["d4"]),
        ({"since": AT + timedelta(days=3), "until": AT + timedelta(days=5)}, ["d4", "d0"]),
        ({"touchpoint": "' OR 1=1 --"}, []),
    ],
)
def test_every_part_of_what_is_wanted_counts(decided: Journal, wanted: dict[str, Any], found: list[str]) -> None:
    assert ids(decided, **wanted) == found


@pytest.mark.parametrize("identifiers", [None, ("ann", "bob", "zoe", "cookie:x")])
@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_follow_each_other_without_gap_or_repetition(
    decided: Journal, identifiers: tuple[str, ...] | None, limit: int
) -> None:
    wanted, after, seen = Wanted(identifiers=identifiers), None, []
    while True:
        page = decided.search_decisions(wanted, limit=limit, after=after)
        seen += [each.decision_id for each in page.decisions]
        if page.next is None:
            break
        after = Place.read(str(page.next))
    assert seen == ["d3", "d2", "d4", "d0", "d1"]


def test_what_is_decided_meanwhile_moves_no_page(decided: Journal) -> None:
    first = decided.search_decisions(Wanted(), limit=2)
    decided.append_decision(decision(5, ("new", "mail.a", 9, "treatment", "2", None)), contacts_seen=None)
    second = decided.search_decisions(Wanted(), limit=2, after=first.next)
    assert [each.decision_id for each in second.decisions] == ["d4", "d0"]


def test_what_was_found_says_what_the_decision_was(decided: Journal) -> None:
    (found,) = decided.search_decisions(Wanted(arm="holdout"), limit=10).decisions
    assert (found.customer_id, found.touchpoint, found.at) == ("ann", "none", AT + timedelta(days=5))
    assert (found.arm, found.policy_version, found.fallback) == ("holdout", "2", "no_policy")
    assert (found.probability, found.deferred) == (0.5, False)


@pytest.mark.parametrize("text", ["", "x", "1", "1.", "1.2.3", "1e5.2", "\u0661.\u0662", "9" * 30 + ".1"])
def test_a_place_that_no_page_gave_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="cursor"):
        Place.read(text)


def test_the_first_decision_tells_since_when_there_are_any(journal: Journal) -> None:
    assert journal.first_decided() is None
    for number, told in enumerate(DECIDED):
        journal.append_decision(decision(number, told), contacts_seen=None)
    assert journal.first_decided() == AT + timedelta(days=1)


def test_outcomes_of_decisions_come_in_the_order_in_which_they_happened(decided: Journal) -> None:
    told = [("m1", "d0", 7), ("m2", "d1", 5), ("m3", "d0", 6)]
    decided.append_outcomes(
        [
            Outcome(message_id=name, decision_id=of, kind=Kind.CLICK, at=AT + timedelta(days=day), received_at=AT, source="shop")
            for name, of, day in told
        ]
    )
    assert [each.message_id for each in decided.outcomes_of(["d0", "d9"])] == ["m3", "m1"]
    assert decided.outcomes_of([]) == []


def test_decisions_of_an_earlier_version_are_found_as_well(journal: Journal, url: str) -> None:
    for number, told in enumerate(DECIDED):
        journal.append_decision(decision(number, told), contacts_seen=None)
    journal.close()
    _as_an_earlier_version_wrote(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        for index in ("decisions_searched", "decisions_without_arm"):
            connection.execute(text(f"DROP INDEX {index}"))
        for column in ("arm", "policy_version", "fallback"):
            connection.execute(text(f"ALTER TABLE decisions DROP COLUMN {column}"))
    engine.dispose()
    journal.create()
    assert ids(journal, arm="holdout", fallback="no_policy", policy_version="2") == ["d2"]
    assert ids(journal, fallback=NEITHER) == ["d3", "d0", "d1"]


def test_decisions_that_an_earlier_version_records_beside_this_one_are_found_after_the_next_start(
    journal: Journal, url: str
) -> None:
    for number, told in enumerate(DECIDED):
        earlier = replace(decision(number, told), arm=None, policy_version=None, fallback=None)
        journal.append_decision(earlier, contacts_seen=None)
    assert ids(journal, arm="holdout") == []
    _as_an_earlier_version_wrote(url)
    journal.create()
    assert ids(journal, arm="holdout", fallback="no_policy", policy_version="2") == ["d2"]


def test_records_that_an_earlier_version_wrote_are_read_as_they_are(journal: Journal, url: str) -> None:
    new = decision(0, DECIDED[0])
    journal.append_decision(new, contacts_seen=None)
    _as_an_earlier_version_wrote(url)
    assert journal.decision("d0") == new


def test_sqlite_keeps_a_fraction_of_a_long_record_and_gives_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    journal = Journal(f"sqlite:///{file}")
    journal.create()
    long = json.dumps({"candidates": [{"touchpoint": f"mail.é{number % 30}", "probability": 1 / 30} for number in range(300)]})
    journal.append_decision(replace(decision(0, DECIDED[0]), record=long, arm=None), contacts_seen=None)
    found = journal.decision("d0")
    assert found is not None and found.record == long
    with closing(sqlite3.connect(file)) as connection:
        ((size,),) = connection.execute("SELECT length(record) FROM decisions").fetchall()
    assert size < len(long) / 10
    journal.create()  # what has no arm though it is of this version is none that has to be filled in
    journal.close()


def test_a_search_among_everybody_reads_an_index_alone(journal: Journal, url: str) -> None:
    if url.startswith("postgresql"):
        _fill(url)  # of an empty table it would read all
    asked: list[tuple[str, Any]] = []
    event.listen(journal._database.engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
    wanted = Wanted(touchpoint="mail.a", arm="random", policy_version="1", fallback=ANY, since=AT, until=AT + timedelta(days=9))
    journal.search_decisions(wanted, limit=10, after=Place(1, 1))
    journal.search_decisions(Wanted(identifiers=("ann",)), limit=10)
    everybody, customer = [_plan(journal, url, *each) for each in list(asked)]
    if url.startswith("sqlite"):
        assert "USING COVERING INDEX decisions_searched (at>? AND at<?)" in everybody and "USE TEMP B-TREE" not in everybody
    else:
        assert "Index Only Scan Backward using decisions_searched" in everybody
    assert "decisions_of_customer" in customer


def _as_an_earlier_version_wrote(url: str) -> None:
    """Records as text, which is what PostgreSQL has in any case."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for position, record in connection.execute(text("SELECT position, record FROM decisions")).fetchall():
            asked = text("UPDATE decisions SET record = :record WHERE position = :position")
            connection.execute(asked, {"record": compressed.told(record), "position": position})
    engine.dispose()


def _fill(url: str) -> None:
    filled = """INSERT INTO decisions
            (decision_id, customer_id, touchpoint, at, request_hash, record, candidates, probability, superseded, arm)
        SELECT 'd' || n, 'c' || n, 'mail.b', n, 'q', repeat('x', 500), '[]', 0.5, false, 'treatment'
        FROM generate_series(1, 5000) AS n"""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(filled))
        connection.execute(text("VACUUM ANALYZE decisions"))
    engine.dispose()


def _plan(journal: Journal, url: str, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if url.startswith("sqlite") else "EXPLAIN"
    with journal._database.reading() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(str(row[-1]) for row in rows)
