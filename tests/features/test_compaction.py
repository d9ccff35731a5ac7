import json
import random
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.compaction import compact
from features.domain import (
    Consent,
    ConsentStatus,
    ContactForm,
    Direction,
    Interaction,
    Kind,
    LinkAction,
    Metric,
    Outcome,
    Stage,
)
from features.identity import link_of
from features.journal import Journal, RecordedDecision
from features.lake import SCHEMAS, Lake
from features.privacy.lake_rows import delete_rows
from features.settings import load_settings
from features.tables import POSITION, TOTAL, empty_state, fold
from features.workspace import Workspace

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


def bring_files(lake, *records):
    """What ingested files add to the lake: records like those of `fill`, but for their changes, without a journal position."""
    for number, changes in records:
        same = {"customer_id": "c", "touchpoint": "web.page", "channel": "web", "kind": "view", "value": float(number)}
        row = {"message_id": f"m{number}", "at": AT, "received_at": AT, "source": "shop"} | same | changes
        lake.append("interactions", pa.Table.from_pylist([row], schema=SCHEMAS["interactions"]))
        row = {"message_id": f"o{number}", "decision_id": f"d{number}", "kind": "click", "at": AT, "received_at": AT} | changes
        lake.append("outcomes", pa.Table.from_pylist([row], schema=SCHEMAS["outcomes"]))


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
        identifiers=("email:1", "cookie:2"),
        direction=Direction.INBOUND,
        contact_form=ContactForm.DIRECT,
        sentiment=-0.5,
        original_at="1.5.2024 14:00",
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
            "identifiers": ["email:1", "cookie:2"],
            "direction": "inbound",
            "contact_form": "direct",
            "sentiment": -0.5,
            "original_at": "1.5.2024 14:00",
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
    assert (row["source"], row["wave"], row["position"], row["received_at"]) == ("/online", None, 1, AT)


def test_only_what_is_new_moves(journal, lake):
    fill(journal, 25)
    journal.quarantine("app", "no kind", '{"a":1}', received_at=AT)
    assert compact(journal, lake, batch=10).moved == {
        "interactions": 25,
        "decisions": 0,
        "outcomes": 25,
        "links": 0,
        "consents": 0,
        "quarantine": 1,
    }
    assert not any(compact(journal, lake, batch=10).moved.values())
    fill(journal, 5, start=25)
    journal.quarantine("app", "no time", '{"a":1}', received_at=AT)
    assert compact(journal, lake, batch=10).moved == {
        "interactions": 5,
        "decisions": 0,
        "outcomes": 5,
        "links": 0,
        "consents": 0,
        "quarantine": 1,
    }
    assert sorted(lake.read("interactions")["position"].to_pylist()) == list(range(1, 31))
    assert lake.read("quarantine")["file"].to_pylist() == ["/online", "/online"]


@pytest.mark.parametrize("name", ["a.csv", "online"])
def test_rows_from_files_do_not_hide_rows_of_the_journal(journal, lake, name):
    foreign = {"record_id": "r", "source": "pos", "received_at": AT, "file": name, "row": 900, "reason": "bad", "raw": "{}"}
    lake.append("quarantine", pa.Table.from_pylist([foreign], schema=SCHEMAS["quarantine"]))
    journal.quarantine("app", "no kind", "{}", received_at=AT)
    assert compact(journal, lake, batch=10).moved["quarantine"] == 1


def test_a_key_that_a_file_brought_before_is_not_doubled(journal, lake):
    fill(journal, 3)
    bring_files(lake, (1, {}))
    assert compact(journal, lake, batch=10).moved == {
        "interactions": 2,
        "decisions": 0,
        "outcomes": 2,
        "links": 0,
        "consents": 0,
        "quarantine": 0,
    }
    assert [each.message_id for _, each in journal.interactions_after("c", 0)] == ["m0", "m2"]
    assert not any(compact(journal, lake, batch=10).moved.values())


def test_what_was_posted_and_says_something_else_than_a_file_is_in_the_quarantine(journal, lake):
    fill(journal, 3)
    bring_files(lake, (2, {"value": 7.0}))
    decision = {"decision_id": "d", "customer_id": "c", "touchpoint": "mail.a", "at": AT, "received_at": AT, "source": "crm"}
    lake.append("decisions", pa.Table.from_pylist([decision], schema=SCHEMAS["decisions"]))
    journal.append_decision(
        RecordedDecision(
            decision_id="d",
            customer_id="c",
            touchpoint="none",
            at=AT,
            request_hash="q",
            record="{}",
            candidates=("none",),
            probability=1.0,
        ),
        contacts_seen=None,
    )
    for _ in range(2):
        compact(journal, lake, batch=10)
    refused = {row["reason"]: json.loads(row["raw"]) for row in lake.read("quarantine").to_pylist()}
    remedy = "came in a file for another record, which is kept; send this one with its own id"
    said = {f"message_id 'm2' {remedy}": 2.0, f"message_id 'o2' {remedy}": None, f"decision_id 'd' {remedy}": None}
    assert {reason: raw.get("value") for reason, raw in refused.items()} == said
    assert refused[f"decision_id 'd' {remedy}"]["touchpoint"] == "none"
    assert sorted(lake.read("interactions")["value"].to_pylist()) == [0.0, 1.0, 7.0]


def consent(name, **changes):
    given = dict(customer_id="c", status=ConsentStatus.DENIED, at=AT, received_at=AT + timedelta(hours=1), source="app")
    return Consent(message_id=name, **{**given, "channel": "email", "purpose": "marketing", **changes})


def said(one, other, **changes):
    given = dict(action=LinkAction.LINK, at=AT, received_at=AT + timedelta(hours=1), source="crm", message_id="said")
    return link_of(one, other, **{**given, **changes})


def row_of(record, **changes):
    return {name: getattr(record, name) for name in record.__dataclass_fields__} | changes


def test_links_and_consents_arrive_whole_and_once(journal, lake):
    journal.append_interactions([interaction(1, customer_id="ann", identifiers=("bob",))])
    journal.append_links([said("eve", "bob", action=LinkAction.BLOCK)])
    journal.append_consents([consent("c1"), consent("c2", channel=None, purpose=None, status=ConsentStatus.GRANTED)])
    moved = compact(journal, lake, batch=1).moved
    assert (moved["links"], moved["consents"]) == (2, 2)
    observed = said("ann", "bob", source="app", received_at=AT, message_id="m1")
    blocked = said("bob", "eve", action=LinkAction.BLOCK)
    assert sorted(lake.read("links").to_pylist(), key=lambda row: row["position"]) == [
        row_of(observed, position=1),
        row_of(blocked, position=2),
    ]
    assert sorted(lake.read("consents").to_pylist(), key=lambda row: row["position"]) == [
        row_of(consent("c1"), position=1),
        row_of(consent("c2", channel=None, purpose=None, status=ConsentStatus.GRANTED), position=2),
    ]
    assert not any(compact(journal, lake, batch=1).moved.values())


def test_links_and_consents_that_a_file_brought_before_count_once(journal, lake):
    lake.append("links", pa.Table.from_pylist([row_of(said("ann", "bob"))], schema=SCHEMAS["links"]))
    rows = [row_of(consent("c1")), row_of(consent("c2", status=ConsentStatus.GRANTED))]
    lake.append("consents", pa.Table.from_pylist(rows, schema=SCHEMAS["consents"]))
    journal.append_links([said("ann", "bob")])
    journal.append_consents([consent("c1"), consent("c2")])
    moved = compact(journal, lake, batch=10).moved
    assert (moved["links"], moved["consents"], moved["quarantine"]) == (0, 0, 1)
    (refused,) = lake.read("quarantine").to_pylist()
    assert refused["reason"].startswith("message_id 'c2' came in a file") and json.loads(refused["raw"])["status"] == "denied"
    assert journal.rows_after("links", 0, 9) == journal.rows_after("consents", 0, 9) == []
    assert journal.customer_of("bob") == "ann", "for the service it counts all the same"


def test_nothing_comes_back_of_who_was_erased(journal, lake):
    fill(journal, 4)
    journal.append_interactions([interaction("last", customer_id="ann", identifiers=("bob",))])
    journal.append_consents([consent("c1", customer_id="ann")])
    compact(journal, lake, batch=10)
    journal.bury([journal.tombstone("ann")], AT + timedelta(days=1))
    journal.erase(["ann"])
    for table, condition in (("interactions", "customer_id = 'ann'"), ("links", "\"left\" = 'ann'"), ("consents", "true")):
        delete_rows(lake, table, condition)
    assert lake.last_position("interactions") == 4, "lower than before"
    journal.append_interactions([interaction("last", customer_id="ann"), interaction(9)])
    assert compact(journal, lake, batch=10).moved["interactions"] == 1
    assert sorted(lake.read("interactions")["position"].to_pylist()) == [1, 2, 3, 4, 6]
    assert len(journal.interactions_after("c", 0)) == 5, "none was taken for one that a file brought"


COMPACT = """
    import sys
    from pathlib import Path
    from features.compaction import compact
    from features.journal import Journal
    from features.lake import Lake
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    compact(Journal(sys.argv[1]), Lake(Path(sys.argv[2])), batch=40)
"""


FILES = [(1, {}), (500, {}), (700, {"value": -1.0}), (999, {})]


def test_killed_anywhere_and_run_again_it_gives_what_one_clean_run_gives(journal, lake, tmp_path):
    fill(journal, 1000)
    bring_files(lake, *FILES)
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
    clean, untouched = Lake(tmp_path / "clean"), Journal(f"sqlite:///{tmp_path / 'untouched.db'}")
    untouched.create()
    fill(untouched, 1000)
    bring_files(clean, *FILES)
    compact(untouched, clean, batch=2000)
    assert lake.read("quarantine").num_rows == 2
    assert len(journal.interactions_after("c", 0)) == 996
    assert journal.interactions_after("c", 0) == untouched.interactions_after("c", 0)
    assert contents(lake) == contents(clean)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """One home for all cases, each with a customer of its own, since setting up Feast takes seconds."""
    home = tmp_path_factory.mktemp("home")
    (home / "catalogue.toml").write_text('[[touchpoints]]\nname = "web.page"\nstage = "awareness"\n')
    return Workspace(load_settings(home=home))


def posted(workspace, name, **changes):
    workspace.journal.append_interactions([replace(interaction(name, customer_id=name, value=5.0), **changes)])


def in_a_file(workspace, name):
    row = {
        "message_id": f"m{name}",
        "customer_id": name,
        "touchpoint": "web.page",
        "channel": "web",
        "kind": "view",
        "value": 5.0,
    }
    row |= {"at": AT, "received_at": AT, "source": "shop"}
    workspace.lake.append("interactions", pa.Table.from_pylist([row], schema=SCHEMAS["interactions"]))


def materialized(workspace):
    compact(workspace.journal, workspace.lake, batch=10)
    again = workspace.journal.superseded()
    workspace.store.materialize(workspace.lake, until=AT + timedelta(days=1), on_progress=lambda message: None, again=again)


def pushed(workspace, name):
    """What the service's streamer does."""
    state = workspace.store.online_states([name])[0] or empty_state(workspace.store.features)
    for position, each in workspace.journal.interactions_after(name, int(state[POSITION])):
        state = fold(workspace.store.features, state, each, position=position)
    workspace.store.push({name: state})


def marked_and_killed(workspace):
    """What a compaction leaves that dies before its append."""
    for position, each in workspace.journal.rows_after("interactions", workspace.lake.last_position("interactions"), 10):
        if each.message_id in workspace.lake.read("interactions")["message_id"].to_pylist():
            workspace.journal.supersede("interactions", [position], refused=[])


def killed_before_materialization(workspace):
    compact(workspace.journal, workspace.lake, batch=10)


def counted(workspace, name):
    """What the service sees of a customer: the online state, and what the journal has beyond it."""
    state = workspace.store.online_states([name])[0] or empty_state(workspace.store.features)
    for position, each in workspace.journal.interactions_after(name, int(state[POSITION])):
        state = fold(workspace.store.features, state, each, position=position)
    return state[TOTAL]


CASES = {
    "posted, filed": [posted, in_a_file],
    "filed, posted": [in_a_file, posted],
    "filed, materialized, posted": [in_a_file, materialized, posted],
    "filed, materialized, posted, pushed": [in_a_file, materialized, posted, pushed],
    "filed, materialized, posted, pushed, killed": [in_a_file, materialized, posted, pushed, killed_before_materialization],
    "posted, materialized, filed": [posted, materialized, in_a_file],
    "posted, filed, killed": [posted, in_a_file, marked_and_killed],
    "posted, filed, compacted": [posted, in_a_file, killed_before_materialization],
    "filed, materialized, posted, killed": [in_a_file, materialized, posted, marked_and_killed],
}


@pytest.mark.parametrize("value", [5.0, 6.0], ids=["the same", "another"])
@pytest.mark.parametrize("case", CASES)
def test_a_message_by_file_and_by_post_counts_once_whatever_came_first(workspace, case, value):
    name = f"{case}, {value}"
    for step in CASES[case]:
        if step is posted:
            posted(workspace, name, value=value)
        elif step in (in_a_file, pushed):
            step(workspace, name)
        else:
            step(workspace)
    materialized(workspace)
    assert counted(workspace, name) == 1
    posted(workspace, name, message_id=f"{name}: the next one")
    assert counted(workspace, name) == 2
    materialized(workspace)
    assert counted(workspace, name) == 2


def test_a_compaction_ends_although_records_keep_coming_and_the_next_brings_them(journal, lake):
    class Busy(Journal):
        """A journal that is posted to whenever it is read."""

        posted = 5

        def rows_after(self, table, position, limit):
            found = super().rows_after(table, position, limit)
            assert self.posted < 20, "it would never end"
            fill(journal, 1, start=self.posted)
            self.posted += 1
            return found

    fill(journal, 5)
    busy = Busy(str(journal._database.engine.url))
    assert compact(busy, lake, batch=3).moved["interactions"] == 7
    busy.close()
    compact(journal, lake, batch=3)
    assert lake.read("interactions").num_rows == journal.head()
