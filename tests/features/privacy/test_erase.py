import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.compaction import compact
from features.errors import StoreError, UnknownCustomerError
from features.identity.review import ReviewList
from features.insights import Period
from features.insights.snapshot import keep_snapshot
from features.journal import Status
from features.lake import duckdb_session
from features.privacy.erase import erase_customer, unfinished_erasures
from features.privacy.scan import places_holding

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
ANN, BOB, KEY = "ann-4711", "bob-0815", "a key of all these tests"
STEPS = ("journal", "lake", "features", "insights", "identity")


def erase(home, customer_id=ANN, *, now=NOW, on_progress=lambda line: None):
    return erase_customer(customer_id, home.places, now=now, on_progress=on_progress)


def check_only_bob_is_left(home):
    assert places_holding(home.path, home.traces) == []
    compact(home.journal, home.lake, batch=100)
    assert places_holding(home.path, home.traces) == []
    assert home.rows("interactions", "message_id") == ["b1", "b2", "f2"]
    assert home.rows("decisions", "decision_id") == ["bob-decision-1"]
    assert home.rows("outcomes", "message_id") == ["o2"]
    assert home.rows("consents", "message_id") == ["c3"]
    assert len(home.rows("links", "link_id")) == 1
    assert [json.loads(raw) for raw in home.rows("quarantine", "raw")] == [
        {"tel": "+12025550124"},
        {"user": {"mail": "bob@example.com"}},
    ]


def test_nothing_under_the_home_names_who_was_erased_and_everybody_else_stays(home):
    held = {place.split("/")[0].split(":")[0] for place in places_holding(home.path, home.traces)}
    assert {"lake", "journal.db", "identity"} <= held
    report = erase(home)
    check_only_bob_is_left(home)
    assert report.identifiers == 4
    assert [pair.left for pair in ReviewList(home.places.identity / "review.jsonl").pairs()] == [BOB]


def test_the_report_says_how_much_was_removed_where(home):
    removed = erase(home).removed
    lake = {place: count for place, count in removed.items() if place.startswith("lake.")}
    # of ann compaction brought m1, m2, a link of each, two consents, a decision, its outcome and a refused record; files f1 and
    # its link, a decision, its outcome and two refused records, one of them resolved
    assert lake == {
        "lake.interactions": 3,
        "lake.links": 3,
        "lake.consents": 2,
        "lake.decisions": 2,
        "lake.outcomes": 2,
        "lake.quarantine": 3,
        "lake.resolutions": 1,
    }
    assert removed["journal.interactions"] == 3 and removed["journal.decisions"] == 2 and removed["journal.quarantine"] == 2
    assert removed["identity.review"] == 1


def test_by_whichever_identifier_a_customer_is_erased_whole(home):
    assert erase(home, home.name("cookie", "k1")).identifiers == 4
    check_only_bob_is_left(home)


def test_somebody_unknown_cannot_be_erased_and_somebody_erased_can_be_again(home):
    with pytest.raises(UnknownCustomerError, match="nothing was removed"):
        erase(home, "zoe")
    erase(home)
    version = home.lake.version("interactions")
    again = erase(home)
    assert (again.identifiers, again.removed) == (0, {})
    assert home.lake.version("interactions") == version


def test_what_is_sent_or_read_again_does_not_come_back(home):
    erase(home)
    (receipt,) = home.journal.append_interactions([home.interaction("m1")])
    assert receipt.status == Status.ERASED
    assert (
        home.journal.append_interactions([home.interaction("n1", home.name("cookie", "k1"), days=9)])[0].status == Status.ERASED
    )
    assert home.journal.append_outcomes([home.outcome("o1", "ann-decision-1")])[0].status == Status.ERASED
    assert home.journal.append_outcomes([home.outcome("o4", "ann-decision-file")])[0].status == Status.ERASED
    assert home.journal.append_consents([home.consent("c1")])[0].status == Status.ERASED
    tombstones = home.journal.tombstones()
    assert tombstones[home.journal.tombstone(ANN)] == NOW  # for `ingest`, which asks the same of files
    assert places_holding(home.path, home.traces) == []


def test_what_was_dated_ahead_of_the_clock_does_not_come_back_either(home):
    ahead = (NOW - datetime(2024, 5, 1, 12, tzinfo=UTC)) / timedelta(days=1) + 0.001
    home.journal.append_interactions([home.interaction("early", days=ahead)])
    erase(home)
    assert home.journal.append_interactions([home.interaction("early", days=ahead)])[0].status == Status.ERASED


def test_what_is_dated_after_the_erasure_is_a_new_persons(home):
    erase(home)
    new = home.interaction("new", days=40)
    assert home.journal.append_interactions([new])[0].status == Status.ACCEPTED
    compact(home.journal, home.lake, batch=100)
    assert "new" in home.rows("interactions", "message_id")
    report = erase(home, now=new.at + timedelta(days=1))
    assert report.removed["lake.interactions"] == 1
    check_only_bob_is_left(home)


def test_who_is_known_by_a_refused_record_only_can_be_erased(home):
    assert erase(home, home.name("phone", "+12025550124")).removed == {"lake.quarantine": 1}
    home.journal.quarantine("shop", "no time", '{"customer_id": "dan-1"}', received_at=NOW)
    assert erase(home, "dan-1").removed == {"journal.quarantine": 1}


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_that_was_interrupted_before_a_step_is_finished_by_repeating_it(home, step):
    def interrupt(line):
        if line == f"erasing: {step}":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        erase(home, on_progress=interrupt)
    assert len(unfinished_erasures(home.places)) == 1
    assert home.journal.append_interactions([home.interaction("m1")])[0].status == Status.ERASED or step == STEPS[0]
    compact(home.journal, home.lake, batch=100)
    erase(home, home.name("email", "ann.lee@example.com") if step == "lake" else ANN, now=NOW + timedelta(hours=1))
    check_only_bob_is_left(home)
    assert unfinished_erasures(home.places) == []


def test_a_process_that_is_killed_in_the_middle_leaves_nothing_torn(home):
    (home.path / "settings.toml").write_text(f'identifier_key = "{KEY}"')
    killed = f"""
import os, signal
from datetime import datetime
from pathlib import Path
from features.privacy import erase, lake_rows
from features.settings import Settings
from features.workspace import Workspace

purge = lake_rows.purge
lake_rows.purge = lambda lake, table: os.kill(os.getpid(), signal.SIGKILL) if table == "decisions" else purge(lake, table)
home = Workspace(Settings(home=Path({str(home.path)!r})))
erase.erase_customer({ANN!r}, home.places, now=datetime.fromisoformat({NOW.isoformat()!r}), on_progress=lambda line: None)
"""
    process = subprocess.run([sys.executable, "-c", killed], capture_output=True, text=True)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert unfinished_erasures(home.places) and places_holding(home.path, home.traces)
    erase(home)
    check_only_bob_is_left(home)


def test_the_files_of_who_was_whose_are_written_without_them(home):
    path = home.places.identity / "members.parquet"
    rows = f"VALUES ('{ANN}', '{ANN}', 1::BIGINT), ('{home.name('cookie', 'k1')}', '{ANN}', 1), ('{BOB}', '{BOB}', NULL)"
    with duckdb_session() as connection:
        connection.execute(f"COPY (FROM ({rows}) t(identifier, customer_id, since)) TO '{path}'")
        assert erase(home).removed["identity.members"] == 2
        assert connection.execute(f"FROM '{path}'").fetchall() == [(BOB, BOB, None)]


def test_what_was_found_out_about_them_is_gone_from_every_look_that_is_kept(home):
    people = {"segments": pa.table({"customer_id": [ANN, BOB, None], "segment": ["loyal", "new", "new"]})}
    for day in (1, 2):
        at = NOW + timedelta(days=day)
        kept = keep_snapshot(home.places.insights, [], people, at=at, period=Period.last(30, until=at), currency="EUR")
    assert erase(home).removed["insights"] == 2
    check_only_bob_is_left(home)
    assert kept.of_customer("segments", BOB) == [{"customer_id": BOB, "segment": "new"}]


def test_a_note_that_cannot_be_read_is_an_error_that_says_what_to_do(home):
    folder = home.places.identity / "erasing"
    folder.mkdir()
    (folder / "a.json").write_text("{")
    with pytest.raises(StoreError, match=r"a\.json: not readable"):
        erase(home)


def test_the_feature_store_holds_nothing_either_and_brings_nothing_back(home):
    compact(home.journal, home.lake, batch=100)
    store = home.places.store
    store.materialize(home.lake, until=NOW, on_progress=lambda line: None)
    assert store.online_states([ANN])[0] is not None
    # history of m1 and f1 together, and of m3; of m2 under the cookie; and the two rows online
    assert erase(home).removed["features"] == 5
    check_only_bob_is_left(home)
    assert store.online_states([ANN, BOB])[0] is None
    store.materialize(home.lake, until=NOW, on_progress=lambda line: None)
    assert store.online_states([ANN, BOB])[0] is None and store.online_states([BOB])[0] is not None
    check_only_bob_is_left(home)
