"""Who is erased is in no row and no byte of the journal any more, and does not come back with what is sent again."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

import pytest

from features.domain import PERSON, Consent, ConsentStatus, Interaction, Kind, Link, LinkAction, Outcome
from features.identity import link_of
from features.journal import Identity, Journal, RecordedDecision

AT = datetime(2026, 3, 1, tzinfo=UTC)
ERASED_AT = AT + timedelta(days=30)


def typed(type_: str, value: str) -> str:
    return f"{type_}:{md5(value.encode()).hexdigest()}"


MAIL, CARD, COOKIE = (typed(type_, "secret") for type_ in ("email", "loyalty_card", "cookie"))
ANN = ("Ann-Secret", MAIL)


def interaction(message_id: str, customer_id: str, *identifiers: str, days: float = 0) -> Interaction:
    at = AT + timedelta(days=days)
    return Interaction(
        message_id=message_id,
        customer_id=customer_id,
        touchpoint="call.sales",
        kind=Kind.CONTACT,
        at=at,
        received_at=at,
        source="shop",
        identifiers=identifiers,
    )


def outcome(message_id: str, decision_id: str, days: float = 0) -> Outcome:
    at = AT + timedelta(days=days)
    return Outcome(message_id=message_id, decision_id=decision_id, kind=Kind.CLICK, at=at, received_at=at, source="shop")


def consent(message_id: str, customer_id: str, days: float = 0) -> Consent:
    at = AT + timedelta(days=days)
    status = ConsentStatus.GRANTED
    return Consent(message_id=message_id, customer_id=customer_id, status=status, at=at, received_at=at, source="shop")


def fact(one: str, other: str, days: float = 0) -> Link:
    at = AT + timedelta(days=days)
    return link_of(one, other, LinkAction.LINK, at=at, received_at=at, source=PERSON, message_id="said")


def decision(decision_id: str, customer_id: str) -> RecordedDecision:
    return RecordedDecision(
        decision_id=decision_id,
        customer_id=customer_id,
        touchpoint="mail.a",
        at=AT,
        request_hash="q",
        record=json.dumps({"customer": customer_id}),
        candidates=("none", "mail.a"),
        probability=0.5,
    )


def fill(journal: Journal) -> None:
    journal.append_interactions([interaction("m-secret-1", ANN[0], MAIL), interaction("m2", "bob", CARD)])
    journal.append_interactions([interaction("m-secret-3", COOKIE, MAIL)])
    for decision_id, customer_id in (("d-secret", ANN[0]), ("d2", "bob")):
        journal.append_decision(decision(decision_id, customer_id), contacts_seen=None)
    journal.append_outcomes([outcome("o-secret", "d-secret"), outcome("o2", "d2")])
    journal.append_consents([consent("c-secret", MAIL), consent("c2", "bob")])
    for raw in ({"who": {"id": ANN[0]}}, {"message_id": "m-secret-1"}, {"ids": ["x", "m-secret-3"]}, {"who": "bob"}):
        journal.quarantine("shop", "bad", json.dumps(raw), received_at=AT)
    journal.quarantine("shop", "bad", f"{ANN[0]}", received_at=AT)
    journal.quarantine("shop", "bad", '{"note": "mail from ann.secret@mail.example"}', received_at=AT)


def everything(journal: Journal) -> str:
    tables = ("interactions", "decisions", "outcomes", "links", "consents", "quarantine")
    rows = [journal.rows_after(table, 0, 1000) for table in tables]
    people = [(journal.identity_of(each), journal.contacts_of([each], AT)) for each in ("bob", CARD, COOKIE)]
    return repr((rows, people))


def test_all_that_names_a_person_goes_and_nobody_elses(journal: Journal) -> None:
    fill(journal)
    removed = journal.erase(ANN, is_theirs=lambda raw: "ann.secret@mail.example" in raw)
    assert removed == {
        "interactions": 2,
        "decisions": 1,
        "outcomes": 1,
        "contacts": 4,
        "links": 2,
        "identities": 2,
        "consents": 1,
        "quarantine": 5,
    }
    left = everything(journal)
    assert MAIL not in left and "ecret-" not in left and "nn-Secret" not in left
    assert journal.identity_of("bob") == Identity("bob", ("bob", CARD))
    assert journal.contacts_of(["bob", CARD], AT).seen == 3
    assert journal.volume({"mail.a": 1, "call.sales": 1}, AT, AT + timedelta(days=2)) == 5, "what was spent on her was spent"
    assert [len(journal.rows_after(table, 0, 9)) for table in ("interactions", "decisions", "outcomes", "consents")] == [1] * 4
    assert not any(journal.erase(ANN).values())


def test_the_rest_of_a_customer_is_seen_anew(journal: Journal) -> None:
    journal.append_interactions([interaction("m1", "ann", CARD), interaction("m2", COOKIE, CARD, days=1)])
    journal.append_links([fact("ann", "bob", days=2)])
    assert journal.customer_of(COOKIE) == journal.customer_of("bob") == "ann"
    journal.erase(["ann"])
    assert [journal.customer_of(each) for each in (COOKIE, CARD, "bob")] == [CARD, CARD, "bob"]


def test_what_reads_alike_stays(journal: Journal) -> None:
    journal.append_interactions([interaction("m1", "bob", "ANN"), interaction("m2", "ann_"), interaction("m3", "bob", "annx")])
    journal.quarantine("shop", "bad", '{"number": 12, "note": "an ann"}', received_at=AT)
    assert sum(journal.erase(["ann"]).values()) == 0
    journal.quarantine("shop", "bad", '{"number": 1}', received_at=AT)
    assert journal.erase(["1"])["quarantine"] == 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_no_byte_of_the_files_names_an_erased_person(journal: Journal, tmp_path: Path) -> None:
    fill(journal)
    journal.append_interactions([interaction(f"m-secret-{i}", ANN[0], MAIL, days=i / 100) for i in range(10, 500)])
    long = json.dumps({"customer_id": ANN[0], "numbers": [i * i for i in range(3_000)]})
    journal.append_decision(replace(decision("d-secret-2", ANN[0]), record=long), contacts_seen=None)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        records = connection.execute("SELECT record FROM decisions WHERE decision_id = 'd-secret-2'").fetchall()
    compressed: list[bytes] = [record[start : start + 64] for (record,) in records for start in range(0, len(record) - 64, 64)]

    def content() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))

    def occurrences() -> int:
        said = ("Ann-Secret", MAIL, "-secret-", "d-secret", "o-secret", "c-secret")
        return sum(content().count(text.encode()) for text in said)

    assert occurrences() > 1000 and sum(part in content() for part in compressed) > 50
    journal.erase(ANN, is_theirs=lambda raw: "ann.secret" in raw)
    assert occurrences() == 0
    assert not any(part in content() for part in compressed)


def test_positions_of_erased_rows_are_not_used_again(journal: Journal) -> None:
    first = journal.append_interactions([interaction("m1", "ann"), interaction("m2", "ann")])
    journal.erase(["ann"])
    (receipt,) = journal.append_interactions([interaction("m3", "bob")])
    assert receipt.position > max(each.position for each in first)


def test_what_happened_before_the_erasure_is_not_taken_again_and_what_happens_after_is(journal: Journal) -> None:
    fill(journal)
    journal.bury([journal.tombstone(each) for each in ANN], ERASED_AT)
    journal.erase(ANN)
    kept = everything(journal)
    again = [interaction("m-secret-1", ANN[0], MAIL), interaction("m5", "eve", MAIL), interaction("m2", "bob", CARD)]
    assert [each.status for each in journal.append_interactions(again)] == ["erased", "erased", "duplicate"]
    outcomes = journal.append_outcomes([outcome("o-secret", "d-secret"), outcome("o2", "d2")])
    assert [each.status for each in outcomes] == ["erased", "duplicate"]
    assert [each.status for each in journal.append_consents([consent("c-secret", MAIL)])] == ["erased"]
    assert [each.status for each in journal.append_links([fact(ANN[0], "bob", days=30)])] == ["erased"]
    assert everything(journal) == kept
    later = interaction("m9", ANN[0], MAIL, days=30.1)
    assert [(each.status, each.message_id) for each in journal.append_interactions([later])] == [("accepted", "m9")]
    assert journal.customer_of(MAIL) == ANN[0]


def test_tombstones_are_keyed_hashes_and_the_later_burial_counts(journal: Journal) -> None:
    digest = journal.tombstone("ann")
    # printf ann | openssl dgst -sha256 -hmac secret
    assert digest == "aad4e6199b77de3305e568999486a8be43b4cbc7d6299ff32eacded10d1a126b"
    journal.bury([digest, digest], AT)
    journal.bury([digest], AT - timedelta(days=1))
    assert journal.tombstones() == {digest: AT}
    journal.bury([digest], ERASED_AT)
    assert journal.tombstones() == {digest: ERASED_AT}


def test_who_was_buried_is_known_after_a_change_of_the_key(journal: Journal, url: str) -> None:
    journal.bury([journal.tombstone("ann")], ERASED_AT)
    changed = Journal(url, key=b"new", key_before=b"secret")
    assert [each.status for each in changed.append_interactions([interaction("m1", "ann")])] == ["erased"]
    changed.bury([changed.tombstone("bob")], ERASED_AT)
    assert [each.status for each in changed.append_interactions([interaction("m2", "bob")])] == ["erased"]
    changed.close()


def test_links_of_an_erased_person_are_not_brought_from_files(journal: Journal) -> None:
    journal.bury([journal.tombstone("ann")], ERASED_AT)
    assert journal.bring_links([fact("ann", MAIL), fact("bob", CARD)]) == 1
    assert journal.links_of(["ann", "bob"]) == [fact("bob", CARD)]
    assert journal.bring_identities([("ann", "ann", AT), (MAIL, "ann", AT), ("bob", "bob", AT), (CARD, "bob", AT)], after=0) == 2
    assert journal.customer_of(MAIL) == MAIL


def test_a_refused_record_of_somebody_who_was_buried_is_not_kept(journal):
    journal.bury([journal.tombstone("ann")], AT)
    refused = [("api", "no time", raw, AT) for raw in ('{"customer_id":"ann","at":"soon"}', '{"customer_id":"bob","at":"soon"}')]
    journal.quarantine_all(refused)
    assert [record.raw for _, record in journal.rows_after("quarantine", 0, 9)] == ['{"customer_id":"bob","at":"soon"}']
