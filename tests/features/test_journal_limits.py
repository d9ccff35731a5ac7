"""Caps, budgets and consents hold exactly, however many threads and processes decide at once."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from sqlalchemy import text

from features.domain import Consent, ConsentStatus
from features.journal import Journal, RecordedDecision, VolumeLimit

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = (AT - timedelta(hours=12), AT + timedelta(hours=12))


def decision(
    decision_id: str, touchpoint: str = "mail.a", *, customer_id: str = "ann", deferred: bool = False
) -> RecordedDecision:
    return RecordedDecision(
        decision_id=decision_id,
        customer_id=customer_id,
        touchpoint=touchpoint,
        at=AT,
        request_hash="q",
        record="{}",
        candidates=("none", touchpoint),
        probability=0.5,
        deferred=deferred,
    )


def at_most(limit: float, **weights: float) -> VolumeLimit:
    return VolumeLimit({f"mail.{name}": weight for name, weight in weights.items()}, *DAY, limit)


def consent(message_id: str, customer_id: str = "ann") -> Consent:
    status = ConsentStatus.WITHDRAWN
    return Consent(message_id=message_id, customer_id=customer_id, status=status, at=AT, received_at=AT, source="shop")


def test_a_contact_beyond_a_limit_is_not_recorded_and_one_up_to_it_is(journal: Journal) -> None:
    limit = at_most(0.3, a=0.1)  # in floating point 0.1 + 0.1 + 0.1 is more
    recorded = [journal.append_decision(decision(f"d{i}"), contacts_seen=None, limits=[limit]) for i in range(5)]
    assert recorded == [True, True, True, False, False]
    assert journal.decision("d3") is None and journal.volume({"mail.a": 1}, *DAY) == 3


def test_every_limit_has_to_hold_and_only_for_what_weighs_something(journal: Journal) -> None:
    limits = [at_most(9, a=1), at_most(4.5, a=2, b=3)]
    assert journal.append_decision(decision("d1"), contacts_seen=None, limits=limits)
    assert not journal.append_decision(decision("d2", "mail.b"), contacts_seen=None, limits=limits), "2 + 3 is over 4.5"
    assert journal.append_decision(decision("d3"), contacts_seen=None, limits=limits), "2 + 2 is not"
    assert not journal.append_decision(decision("d4"), contacts_seen=None, limits=limits)
    for touchpoint in ("none", "mail.c"):
        assert journal.append_decision(decision(touchpoint, touchpoint), contacts_seen=None, limits=limits)


def test_a_limit_of_zero_is_never(journal: Journal) -> None:
    assert not journal.append_decision(decision("d1"), contacts_seen=None, limits=[at_most(0, a=1)])


def test_a_deferred_decision_uses_nothing_up_but_is_refused_when_all_is_used(journal: Journal) -> None:
    limit = at_most(1, a=1)
    for number in range(2):
        assert journal.append_decision(decision(f"d{number}", deferred=True), contacts_seen=0, limits=[limit])
    assert journal.append_decision(decision("d2"), contacts_seen=0, limits=[limit])
    assert not journal.append_decision(decision("d3", deferred=True), contacts_seen=1, limits=[limit])


def test_the_same_decision_again_is_recorded_whatever_has_changed(journal: Journal) -> None:
    for _ in range(2):
        assert journal.append_decision(decision("d1"), contacts_seen=0, limits=[at_most(1, a=1)], consents_seen=0)


def test_a_decision_based_on_old_consents_is_not_written(journal: Journal) -> None:
    journal.append_consents([consent("c1"), consent("c2", "bob"), consent("c3", "email:1")])
    who = ("ann", "email:1")
    seen = len(journal.consents_of(["ann"]))
    assert journal.append_decision(decision("d1"), contacts_seen=None, consents_seen=seen)
    journal.append_consents([consent("c4")])
    assert not journal.append_decision(decision("d2"), contacts_seen=None, consents_seen=seen)
    assert journal.append_decision(decision("d2"), contacts_seen=None, consents_seen=seen + 1)
    assert len(journal.consents_of(who)) == 3


def test_in_a_shared_commit_each_decision_sees_those_before_it(journal: Journal) -> None:
    begun, go_on = Event(), Event()

    def slow(connection: object, items: object) -> list[None]:
        begun.set()
        go_on.wait(20)
        return [None]

    def decide(number: int) -> bool:
        limits = [at_most(3, a=1)]
        return journal.append_decision(decision(f"d{number}", customer_id=f"c{number % 5}"), contacts_seen=0, limits=limits)

    with ThreadPoolExecutor(21) as pool:
        pool.submit(journal._group.run, slow, [None])
        begun.wait(20)
        answers = [pool.submit(decide, number) for number in range(20)]
        while len(journal._group._waiting) < 20:
            Event().wait(0.001)
        go_on.set()
        assert sum(answer.result(20) for answer in answers) == 3
    assert journal.volume({"mail.a": 1}, *DAY) == 3
    assert all(journal.contacts_of([f"c{number}"], AT).seen <= 1 for number in range(5))


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_writer_sees_what_was_committed_while_it_waited_whatever_the_server_is_set_to(url: str) -> None:
    journal = Journal(url.replace("options=", "options=-cdefault_transaction_isolation%3Dserializable+"))
    with journal._database.writing() as connection:
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "read committed"
    journal.close()


DECIDER = """
    import json, sys
    from datetime import UTC, datetime, timedelta
    from features.domain import Interaction, Kind, Outcome
    from features.journal import Journal, RecordedDecision, VolumeLimit

    url, name = sys.argv[1:]
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    day = (at - timedelta(hours=12), at + timedelta(hours=12))
    journal, refused, asked = Journal(url), 0, 0
    journal.head()

    def try_once(customer, touchpoint, cap, limits):
        global asked, refused
        found = journal.contacts_of([customer], day[0])
        consents = len(journal.consents_of([customer]))
        full = any(journal.volume(each.weights, *day) + each.weights[touchpoint] > each.at_most + 1e-9 for each in limits)
        if len(found.contacts) >= cap or full:
            return False
        asked += 1
        decision = RecordedDecision(decision_id=f"{name}-{asked}", customer_id=customer, touchpoint=touchpoint, at=at,
            request_hash="q", record="{}", candidates=("none", touchpoint), probability=0.5)
        refused += not journal.append_decision(decision, contacts_seen=found.seen, limits=limits, consents_seen=consents)
        return True

    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for customer in range(8):
        while try_once(f"capped-{customer}", "call.a", 3, []):
            pass
    for budget in range(5):
        for customer in range(8):  # each begins with another one, so that only the budget is in the way
            mail, own = f"mail.{budget}", (customer + int(name)) % 8
            while try_once(f"bought-{own}-{budget}", mail, 1, [VolumeLimit({mail: 0.1}, *day, 0.3)]):
                pass
    for number in range(12):
        told = {"decision_id": f"deferred-{number}", "kind": Kind.CONTACT, "at": at, "received_at": at, "source": name}
        journal.append_outcomes([Outcome(message_id=f"{name}-o{number}", **told)])
        sent = Interaction(message_id=f"{name}-i{number}", customer_id="eve", touchpoint="mail.b", **told)
        journal.append_interactions([sent])
    sys.stdout.write(json.dumps({"asked": asked, "refused": refused}))
"""


@pytest.fixture
def run_deciders(url: str) -> Iterator[Callable[[int], list[dict[str, int]]]]:
    """Starts processes that decide for the same customers at the same time, and gives what each says."""
    started: list[subprocess.Popen[str]] = []

    def run(count: int) -> list[dict[str, int]]:
        command = [sys.executable, "-c", textwrap.dedent(DECIDER), url]
        for number in range(count):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            started.append(subprocess.Popen([*command, str(number)], **pipes))  # type: ignore[call-overload]
        for process in started:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.communicate(timeout=120)[0]) for process in started]

    yield run
    for process in started:
        process.kill()
        process.wait()


def test_eight_processes_reach_caps_and_budgets_exactly_and_never_pass_them(
    journal: Journal, run_deciders: Callable[[int], list[dict[str, int]]]
) -> None:
    for number in range(12):
        deferred = decision(f"deferred-{number}", "mail.b", customer_id="eve", deferred=True)
        assert journal.append_decision(deferred, contacts_seen=None)
    said = run_deciders(8)
    assert [len(journal.contacts_of([f"capped-{customer}"], DAY[0]).contacts) for customer in range(8)] == [3] * 8
    bought = [[len(journal.contacts_of([f"bought-{own}-{budget}"], AT).contacts) for own in range(8)] for budget in range(5)]
    assert [sorted(each) for each in bought] == [[0] * 5 + [1] * 3] * 5, "0.30 buys 3 at 0.10"
    assert [len(journal.contacts_of(["eve"], DAY[0]).contacts)] == [12], "each once, of 16 who told"
    volumes = [journal.volume({touchpoint: 1}, *DAY) for touchpoint in ("call.a", "mail.0", "mail.b")]
    assert volumes == [24, 3, 12]
    refused, asked = sum(each["refused"] for each in said), sum(each["asked"] for each in said)
    assert asked - refused == 39 and refused > 0, "they did get in each other's way"
