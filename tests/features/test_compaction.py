import random
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.compaction import compact
from features.domain import Interaction, Kind, Metric, Outcome, Stage
from features.journal import Journal, RecordedDecision
from features.lake import SCHEMAS, Lake

AT = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def interaction(i, **changes):
    given = dict(customer_id="c", touchpoint="web.page", kind=Kind.VIEW, at=AT, received_at=AT, source="app")
    return Interaction(message_id=f"m{i}", **{**given, **changes})


def fill(journal, count, start=0):
    journal.append_interactions([interaction(i, value=float(i)) for i in range(start, start + count)])
    journal.append_outcomes(
        [
            Outcome(message_id=f"o{i}", decision_id=f"d{i}", kind=Kind.CLICK, at=AT, received_at=AT, source="app")
            for i in range(start, start + count)
        ]
    )


@pytest.fixture
def journal(tmp_path):
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    journal.create()
    yield journal
    journal.close()


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def contents(lake):
    return {table: sorted(map(repr, lake.read(table).to_pylist())) for table in SCHEMAS}


def test_every_column_arrives(journal, lake):
    full = interaction(
        1,
        kind=Kind.RATING,
        stage=Stage.RETENTION,
        value=2.5,
        metric=Metric.CSAT,
        score=4.0,
        decision_id="d1",
        traits={"age": "30"},
        properties={"page": "ü"},
        received_at=AT + timedelta(hours=1),
    )
    journal.append_interactions([full])
    compact(journal, lake, batch=10)
    assert lake.read("interactions").to_pylist() == [
        {
            "message_id": "m1",
            "customer_id": "c",
            "touchpoint": "web.page",
            "channel": "web",
            "kind": "rating",
            "stage": "retention",
            "at": AT,
            "received_at": AT + timedelta(hours=1),
            "value": 2.5,
            "metric": "csat",
            "score": 4.0,
            "decision_id": "d1",
            "traits": '{"age":"30"}',
            "properties": '{"page":"ü"}',
            "source": "app",
            "position": 1,
        }
    ]


def test_decisions_keep_their_record_and_probability(journal, lake):
    decision = RecordedDecision(
        decision_id="d",
        customer_id="c",
        touchpoint="mail.a",
        at=AT,
        request_hash="q",
        record='{"x":1}',
        candidates=("none", "mail.a"),
        probability=0.25,
    )
    journal.append_decision(decision, contacts_seen=None)
    compact(journal, lake, batch=10)
    (row,) = lake.read("decisions").to_pylist()
    assert (row["record"], row["probability"], row["candidates"]) == ('{"x":1}', 0.25, ["none", "mail.a"])
    assert (row["source"], row["wave"], row["position"], row["received_at"]) == ("online", None, 1, AT)


def test_only_what_is_new_moves(journal, lake):
    fill(journal, 25)
    journal.quarantine("app", "no kind", '{"a":1}')
    assert compact(journal, lake, batch=10).moved == {"interactions": 25, "decisions": 0, "outcomes": 25, "quarantine": 1}
    assert not any(compact(journal, lake, batch=10).moved.values())
    fill(journal, 5, start=25)
    journal.quarantine("app", "no time", '{"a":1}')
    assert compact(journal, lake, batch=10).moved == {"interactions": 5, "decisions": 0, "outcomes": 5, "quarantine": 1}
    assert sorted(lake.read("interactions")["position"].to_pylist()) == list(range(1, 31))
    assert lake.read("quarantine")["file"].to_pylist() == ["online", "online"]


def test_rows_from_files_do_not_hide_rows_of_the_journal(journal, lake):
    foreign = {"record_id": "r", "source": "pos", "file": "a.csv", "row": 900, "reason": "bad", "raw": "{}"}
    lake.append("quarantine", pa.Table.from_pylist([foreign], schema=SCHEMAS["quarantine"]))
    journal.quarantine("app", "no kind", "{}")
    assert compact(journal, lake, batch=10).moved["quarantine"] == 1


def test_a_key_that_a_file_brought_before_is_not_doubled(journal, lake):
    fill(journal, 3)
    known = {"message_id": "m1", "customer_id": "other", "at": AT, "received_at": AT}
    lake.append("interactions", pa.Table.from_pylist([known], schema=SCHEMAS["interactions"]))
    assert compact(journal, lake, batch=10).moved["interactions"] == 2


COMPACT = """
    import sys
    from pathlib import Path
    from features.compaction import compact
    from features.journal import Journal
    from features.lake import Lake
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    compact(Journal(sys.argv[1]), Lake(Path(sys.argv[2])), batch=40)
"""


def test_killed_anywhere_and_run_again_it_gives_what_one_clean_run_gives(journal, lake, tmp_path):
    fill(journal, 1000)
    chance = random.Random(7)
    command = [sys.executable, "-c", textwrap.dedent(COMPACT), f"sqlite:///{tmp_path / 'journal.db'}", str(lake.path)]
    for _ in range(5):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        time.sleep(chance.uniform(0.01, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
    compact(journal, lake, batch=40)
    clean = Lake(tmp_path / "clean")
    compact(journal, clean, batch=2000)
    assert contents(lake) == contents(clean)
