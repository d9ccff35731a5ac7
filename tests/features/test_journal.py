import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from features.domain import Contact, Interaction, Kind, Metric, Outcome, Stage
from features.errors import ConfigurationError, DecisionConflictError, StoreError
from features.journal import Contacts, Journal, RecordedDecision, SentInteraction, SentOutcome, Status

AT = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def interaction(message_id, **changes):
    given = dict(customer_id="c1", touchpoint="web.page", kind=Kind.VIEW, at=AT, received_at=AT, source="app")
    return Interaction(message_id=message_id, **{**given, **changes})


def outcome(message_id, **changes):
    given = dict(message_id=message_id, decision_id="d1", kind=Kind.PURCHASE, at=AT, received_at=AT, source="app", value=9.5)
    return Outcome(**{**given, **changes})


def decision(decision_id, **changes):
    given = dict(
        decision_id=decision_id,
        customer_id="c1",
        touchpoint="mail.a",
        at=AT,
        request_hash="q",
        record='{"a":1}',
        candidates=("none", "mail.a"),
        probability=0.5,
    )
    return RecordedDecision(**{**given, **changes})


def quarantined(journal):
    return [record for _, record in journal.rows_after("quarantine", 0, 100)]


def test_an_interaction_comes_back_as_it_was_appended(journal):
    full = interaction(
        "m1",
        kind=Kind.RATING,
        stage=Stage.RETENTION,
        value=1e300,
        metric=Metric.NPS,
        score=10.0,
        decision_id="d9",
        traits={"age": "30", "z": "ü"},
        properties={"page": "'; DROP TABLE interactions; --", "emoji": "🛒", "rtl": "שלום", "nul": "a\0b"},
        received_at=AT + timedelta(hours=3),
    )
    plain = interaction("m2", at=datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    assert [receipt.status for receipt in journal.append_interactions([full, plain])] == ["accepted", "accepted"]
    assert journal.interactions_after("c1", 0) == [(1, full), (2, plain)]
    assert journal.interactions_after("c1", 1) == [(2, plain)]
    assert journal.interactions_after("c2", 0) == []
    assert journal.head() == 2


def test_the_same_record_again_is_a_duplicate_even_when_it_is_received_later(journal):
    journal.append_interactions([interaction("m1")])
    (receipt,) = journal.append_interactions([interaction("m1", received_at=AT + timedelta(days=1))])
    assert (receipt.status, receipt.position) == (Status.DUPLICATE, 1)
    assert journal.head() == 1
    assert quarantined(journal) == []


def test_what_the_receiver_fills_in_makes_no_other_record_and_what_the_sender_says_does(journal):
    def sent(text, minutes):
        at = AT + timedelta(minutes=minutes)
        whole = {field: getattr(interaction("m1"), field) for field in Interaction.__dataclass_fields__}
        return SentInteraction(**whole | {"at": at, "received_at": at, "digest": text})

    given = [sent("a", 0), sent("a", 1), sent("b", 2), sent("b", 3)]
    statuses = [receipt.status for each in given for receipt in journal.append_interactions([each])]
    assert statuses == ["accepted", "duplicate", "conflict", "conflict"]
    assert journal.interactions_after("c1", 0) == [(1, interaction("m1"))]
    assert len(quarantined(journal)) == 1


def test_an_outcome_is_known_again_by_what_its_sender_said(journal):
    def sent(minutes):
        at = AT + timedelta(minutes=minutes)
        return SentOutcome(message_id="o1", decision_id="d1", kind=Kind.CLICK, at=at, received_at=at, source="app", digest="a")

    assert [journal.append_outcomes([sent(minutes)])[0].status for minutes in (0, 1)] == ["accepted", "duplicate"]


def test_a_superseded_row_is_kept_and_counts_no_more(journal):
    journal.append_interactions([interaction(f"m{i}") for i in range(1, 4)])
    for _ in range(2):
        journal.supersede("interactions", [1, 3], refused=[("app", "said otherwise", "{}", AT)])
    assert [position for position, _ in journal.interactions_after("c1", 0)] == [2]
    assert [position for position, _ in journal.rows_after("interactions", 0, 10)] == [2]
    assert [each.message_id for each in journal.interactions_of(["c1"], 2)] == ["m3", "m2"]
    assert [record.reason for record in quarantined(journal)] == ["said otherwise"]
    assert journal.append_interactions([interaction("m1")])[0].status == "duplicate"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_tail_is_read_by_one_indexed_query(journal, url):
    query = "SELECT * FROM interactions WHERE customer_id = 'c1' AND position > 5 AND NOT superseded ORDER BY position"
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        ((*_, plan),) = database.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert plan == "SEARCH interactions USING INDEX interactions_of_customer (customer_id=? AND position>?)"


def test_another_record_of_the_same_id_is_a_conflict_and_goes_to_the_quarantine_once(journal):
    journal.append_interactions([interaction("m1", value=1.0)])
    for _ in range(2):
        (receipt,) = journal.append_interactions([interaction("m1", value=2.0)])
        assert receipt.status == Status.CONFLICT
    (record,) = quarantined(journal)
    assert "'m1' was used before" in record.reason and '"value": 2.0' in record.raw
    assert journal.interactions_after("c1", 0)[0][1].value == 1.0


def test_within_one_batch_the_first_of_an_id_counts(journal):
    batch = [interaction("m1"), interaction("m1"), interaction("m1", value=1.0), interaction("m2")]
    statuses = [receipt.status for receipt in journal.append_interactions(batch)]
    assert statuses == ["accepted", "duplicate", "conflict", "accepted"]


def test_positions_follow_the_order_of_a_large_batch(journal):
    batch = [interaction(f"m{i}") for i in range(3000)]
    assert [receipt.position for receipt in journal.append_interactions(batch)] == list(range(1, 3001))
    assert {receipt.status for receipt in journal.append_interactions(batch)} == {"duplicate"}


def test_appending_nothing_gives_no_receipts(journal):
    assert journal.append_interactions([]) == []
    assert journal.append_outcomes([]) == []


def test_an_outcome_comes_back_and_is_counted_once(journal):
    assert [receipt.status for receipt in journal.append_outcomes([outcome("o1"), outcome("o1"), outcome("o1", value=1.0)])] == [
        "accepted",
        "duplicate",
        "conflict",
    ]
    assert journal.rows_after("outcomes", 0, 10) == [(1, outcome("o1"))]


def test_half_a_surrogate_pair_is_refused_without_writing(journal):
    with pytest.raises(StoreError, match="nothing was acknowledged"):
        journal.append_interactions([interaction("m1"), interaction("m2", customer_id="\ud800")])
    assert journal.head() == 0


def test_a_decision_and_its_contact_are_recorded_together(journal):
    assert journal.append_decision(decision("d1"), contacts_seen=0)
    assert journal.decision("d1") == decision("d1")
    assert journal.decision("d2") is None
    assert journal.contacts_of(["c1"], AT) == Contacts(1, (Contact("mail.a", AT),), ())


def test_doing_nothing_is_no_contact(journal):
    assert journal.append_decision(decision("d1", touchpoint="none"), contacts_seen=0)
    assert journal.contacts_of(["c1"], AT).seen == 0


def test_a_decision_based_on_old_contacts_is_not_written(journal):
    journal.append_decision(decision("d1"), contacts_seen=0)
    assert not journal.append_decision(decision("d2"), contacts_seen=0)
    assert journal.decision("d2") is None
    assert journal.append_decision(decision("d2"), contacts_seen=1)
    assert journal.append_decision(decision("d3"), contacts_seen=None)


def test_a_repeated_decision_is_kept_once_and_another_question_is_refused(journal):
    journal.append_decision(decision("d1"), contacts_seen=0)
    assert journal.append_decision(decision("d1", touchpoint="none"), contacts_seen=0)
    assert journal.decision("d1").touchpoint == "mail.a"
    with pytest.raises(DecisionConflictError, match="'d1' was used before for another request"):
        journal.append_decision(decision("d1", request_hash="other"), contacts_seen=1)


def test_the_last_decisions_come_newest_first(journal):
    for i in range(5):
        journal.append_decision(decision(f"d{i}", touchpoint="none"), contacts_seen=None)
    journal.append_decision(decision("x", customer_id="c2"), contacts_seen=None)
    assert [each.decision_id for each in journal.decisions_of(["c1"], 3)] == ["d4", "d3", "d2"]


def test_contacts_come_from_decisions_posted_contacts_and_imports_each_once(journal):
    journal.append_decision(decision("d1"), contacts_seen=None)
    journal.append_interactions(
        [
            interaction("m1", kind=Kind.CONTACT, touchpoint="call.sales"),
            interaction("m2", kind=Kind.CONTACT, touchpoint="mail.a", decision_id="d1"),
            interaction("m3", kind=Kind.CLICK),
        ]
    )
    rows = [("i1", "c1", "mail.b", AT - timedelta(days=2)), ("i1", "c1", "mail.b", AT), ("m1", "c1", "call.sales", AT)]
    assert journal.add_contacts(rows) == 1
    assert journal.add_contacts(iter(rows)) == 0
    mail, call = Contact("mail.a", AT), Contact("call.sales", AT)
    earlier, click = Contact("mail.b", AT - timedelta(days=2)), Contact("web.page", AT, Kind.CLICK)
    assert journal.contacts_of(["c1"], AT - timedelta(days=9)) == Contacts(4, (earlier, mail, call), (click,))
    assert journal.contacts_of(["c1"], AT - timedelta(days=1)) == Contacts(4, (mail, call), (click,))


@pytest.mark.parametrize(
    "changes", [{"decision_id": "of another system"}, {"customer_id": "c2"}, {"touchpoint": "mail.b"}, {"touchpoint": "call.a"}]
)
def test_a_contact_that_names_a_decision_which_it_does_not_carry_out_counts(journal, changes):
    journal.append_decision(decision("d1"), contacts_seen=None)
    journal.append_interactions(
        [interaction("m1", **{"kind": Kind.CONTACT, "touchpoint": "mail.a", "decision_id": "d1"} | changes)]
    )
    assert sum(journal.contacts_of([customer], AT).seen for customer in ("c1", "c2")) == 2


def test_a_contact_in_conflict_with_an_earlier_record_is_not_counted(journal):
    journal.append_interactions([interaction("m1"), interaction("m1", kind=Kind.CONTACT)])
    assert journal.contacts_of(["c1"], AT).seen == 0


def test_readers_catch_up_in_bounded_steps(journal):
    journal.append_interactions([interaction(f"m{i}") for i in range(5)])
    assert [position for position, _ in journal.rows_after("interactions", 0, 2)] == [1, 2]
    assert [position for position, _ in journal.rows_after("interactions", 2, 10)] == [3, 4, 5]
    assert journal.rows_after("decisions", 0, 10) == []


def test_a_bad_url_and_a_missing_folder_are_refused_in_one_line(tmp_path):
    with pytest.raises(ConfigurationError, match="not a usable SQLAlchemy URL"):
        Journal("nonsense")
    with pytest.raises(StoreError, match="did not answer"):
        Journal(f"sqlite:///{tmp_path / 'missing' / 'journal.db'}").create()


def test_a_cap_of_one_contact_holds_among_many_threads(journal):
    def decide(i):
        seen = journal.contacts_of(["c1"], AT).seen
        return seen == 0 and journal.append_decision(decision(f"d{i}"), contacts_seen=seen)

    with ThreadPoolExecutor(16) as pool:
        recorded = list(pool.map(decide, range(64)))
    assert sum(recorded) == 1
    assert journal.contacts_of(["c1"], AT).seen == 1


WRITER = """
    import sys
    from datetime import UTC, datetime
    from features.domain import Interaction, Kind
    from features.journal import Journal
    url, name, batches = sys.argv[1], sys.argv[2], int(sys.argv[3])
    journal = Journal(url)
    journal.create()
    at = datetime(2024, 1, 1, tzinfo=UTC)
    for batch in range(batches):
        ids = [f"{name}-{batch}-{i}" for i in range(10)] + [f"shared-{batch}-{i}" for i in range(10)]
        same = dict(customer_id="c", touchpoint="web.page", kind=Kind.VIEW, at=at, received_at=at, source="w")
        for receipt in journal.append_interactions([Interaction(message_id=i, **same) for i in ids]):
            sys.stdout.write(f"{receipt.status} {receipt.position} {receipt.message_id}\\n")
        sys.stdout.flush()
"""


def start_writer(url, name, batches):
    script = textwrap.dedent(WRITER)
    return subprocess.Popen([sys.executable, "-c", script, url, name, str(batches)], stdout=subprocess.PIPE, text=True)


def test_several_processes_write_at_once_without_loss_doubles_or_disorder(journal, url):
    writers = [start_writer(url, name, 40) for name in "abcd"]
    acknowledged = [[line.split() for line in writer.communicate(timeout=60)[0].splitlines()] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    rows = journal.rows_after("interactions", 0, 10_000)
    stored = {each.message_id: position for position, each in rows}
    assert len(rows) == len(stored) == 4 * 400 + 400
    accepted = [line for lines in acknowledged for line in lines if line[0] == "accepted"]
    assert sorted(line[2] for line in accepted) == sorted(stored)
    for lines in acknowledged:
        assert all(stored[message_id] == int(position) for _, position, message_id in lines)
        own = [int(position) for status, position, _ in lines if status == "accepted"]
        assert own == sorted(own)


def test_what_was_acknowledged_before_kill_9_is_there(journal, url):
    writer = start_writer(url, "a", 100_000)
    acknowledged = [writer.stdout.readline() for _ in range(800)]
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.communicate(timeout=30)[0]
    complete = re.findall(r"^accepted \d+ (\S+)\n", "".join(acknowledged) + rest, flags=re.MULTILINE)
    stored = [each.message_id for _, each in journal.rows_after("interactions", 0, 1_000_000)]
    assert len(complete) >= 800
    assert set(complete) <= set(stored)
    assert len(stored) == len(set(stored)) and len(stored) % 20 == 0, "a batch is there as a whole or not at all"


def test_the_identifiers_of_what_counts_elsewhere_are_told(journal):
    receipts = journal.append_interactions([interaction("m1"), interaction("m2", customer_id="c2")])
    assert journal.superseded() == set()
    journal.supersede("interactions", [receipts[0].position], refused=[])
    assert journal.superseded() == {"c1"}
