"""Customers by any identifier: asked about, merged, parted, contacted as the strictest of their identifiers allows."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from features.domain import PERSON, UNKNOWN_TOUCHPOINT
from features.workspace import Workspace
from serving.assembly import assemble
from serving.http.problems import PROBLEM_TYPES

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MAIL, COOKIE, PHONE = "Eve.Clear@Example.org", "cookie-clear-1", "+1 212-555-0143"
CLEAR = (MAIL, MAIL.lower(), COOKIE, "2125550143", "555-0143", "not-an-address-clear")
SEEN = {"touchpoint": "store.checkout", "kind": "visit", "at": "2026-01-31T12:00:00+01:00"}
BOUGHT = {"touchpoint": "store.checkout", "kind": "purchase", "value": 50}


def post(client: Any, message_id: str, identifiers: dict[str, str], **more: Any) -> Any:
    return client.post("/v1/interactions", {**SEEN, "message_id": message_id, "identifiers": identifiers, **more}).json()


def ask(client: Any, identifiers: dict[str, str], **more: Any) -> Any:
    return client.post("/v1/recommend", {"identifiers": identifiers, "dry_run": True, **more}).json()


def record_of(client: Any, **asked: Any) -> Any:
    answer = client.post("/v1/recommend", asked).json()
    return client.get(f"/v1/decisions/{answer['decision_id']}").json()


def refused(response: Any, name: str, pointer: str) -> str:
    assert response.status_code == PROBLEM_TYPES[name].status, response.text
    assert pointer in [error["pointer"] for error in response.json()["errors"]]
    return str(response.text)


def test_an_unknown_identifier_is_a_customer_by_itself_and_asking_links_nobody(client: Any) -> None:
    customer = ask(client, {"cookie": COOKIE})["customer_id"]
    assert customer.startswith("cookie:") and COOKIE not in customer
    ask(client, {"cookie": COOKIE, "email": MAIL, "customer_id": "ann"})
    client.post("/v1/recommend", {"identifiers": {"cookie": COOKIE, "email": MAIL}})
    journal = client.bench.workspace.journal
    assert journal.rows_after("links", 0, 10) == []
    assert ask(client, {"cookie": COOKIE})["customer_id"] == customer
    assert ask(client, {"cookie": customer})["customer_id"] == customer


def test_a_known_customer_is_found_by_every_identifier_that_came_with_an_interaction(client: Any) -> None:
    post(client, "m1", {"email": MAIL, "cookie": COOKIE}, customer_id="ann")
    for identifiers in ({"email": MAIL}, {"email": MAIL.upper()}, {"cookie": COOKIE}, {"customer_id": "ann"}):
        assert ask(client, identifiers)["customer_id"] == "ann"
    assert client.post("/v1/recommend", {"customer_id": "ann", "dry_run": True}).json()["customer_id"] == "ann"


def test_an_anonymous_visitor_becomes_known_within_the_request_that_brings_the_login(client: Any) -> None:
    post(client, "m1", {"cookie": COOKIE})
    post(client, "m2", {"cookie": COOKIE})
    before = record_of(client, customer_id="ann")["features"]["values"]["kind_visit_lifetime_count"]
    login = {**SEEN, "message_id": "m3", "identifiers": {"cookie": COOKIE}}
    record = record_of(client, customer_id="ann", interactions=[login])
    assert (before, record["features"]["values"]["kind_visit_lifetime_count"]) == (0, 3)
    assert record["features"]["values"]["kind_purchase_lifetime_count"] == 2  # what files said of ann
    assert len(record["identifiers"]) == 2 and record["customer_id"] == "ann"


def test_of_identifiers_of_different_customers_the_strongest_wins(client: Any) -> None:
    post(client, "m1", {"email": MAIL}, customer_id="eve")
    post(client, "m2", {"cookie": COOKIE}, customer_id="ann")
    assert ask(client, {"email": MAIL, "cookie": COOKIE})["customer_id"] == "eve"
    assert ask(client, {"email": "nobody@example.org", "cookie": COOKIE})["customer_id"] == "ann"
    assert ask(client, {"customer_id": "new", "cookie": COOKIE})["customer_id"] == "new"
    assert ask(client, {"ip": "10.0.0.1", "cookie": COOKIE})["customer_id"] == "ann"


def test_a_person_links_and_unlinks_and_everybody_gets_their_history_back(client: Any) -> None:
    post(client, "m1", {"cookie": COOKIE})
    post(client, "m2", {"email": MAIL})
    merged = client.post("/v1/links", {"left": {"cookie": COOKIE}, "right": {"customer_id": "ann"}})
    assert merged.status_code == 202
    assert (merged.json()["status"], merged.json()["customers"]) == ("accepted", ["ann"])
    assert ask(client, {"cookie": COOKIE})["customer_id"] == "ann"
    client.bench.clock.now += timedelta(seconds=1)
    parted = client.post("/v1/links", {"left": {"cookie": COOKIE}, "right": {"customer_id": "ann"}, "action": "unlink"}).json()
    assert len(parted["customers"]) == 2
    assert ask(client, {"cookie": COOKIE})["customer_id"].startswith("cookie:")
    assert {link.source for _, link in client.bench.workspace.journal.rows_after("links", 0, 10)} == {PERSON}


def test_a_list_of_links_takes_the_good_ones_and_names_the_others(client: Any) -> None:
    good = {"left": {"customer_id": "a"}, "right": {"customer_id": "b"}, "message_id": "l1", "at": "2026-01-30T00:00:00Z"}
    same = {"left": {"cookie": COOKIE}, "right": {"cookie": COOKIE}}
    two = {"left": {"cookie": COOKIE, "email": MAIL}, "right": {"customer_id": "b"}}
    bad = {"left": {"email": "not-an-address-clear"}, "right": {"customer_id": "b"}}
    taken = client.post("/v1/links", [good, good, same, two, bad]).json()
    assert [one["status"] for one in taken] == ["accepted", "duplicate", *["quarantined"] * 3]
    assert len(client.bench.workspace.journal.rows_after("quarantine", 0, 10)) == 3
    refused(client.post("/v1/links", bad), "invalid-request", "/left/identifiers/email")
    refused(client.post("/v1/links", {**good, "action": "merge"}), "invalid-request", "/action")


def test_of_statements_in_one_list_the_last_one_counts(client: Any) -> None:
    for link, unlink in (("a", "b"), ("c", "d"), ("e", "f")):
        sides = {"left": {"customer_id": link}, "right": {"customer_id": unlink}}
        taken = client.post("/v1/links", [sides, {**sides, "action": "unlink"}]).json()
        assert taken[-1]["customers"] == [link, unlink]


def test_a_cap_counts_contacts_under_every_identifier_of_the_customer(client: Any) -> None:
    sent = {"touchpoint": "mail.offer", "kind": "contact", "at": "2026-01-30T12:00:00Z"}
    post(client, "m1", {"email": MAIL}, **sent)
    post(client, "m2", {"email": MAIL}, customer_id="ann")
    record = record_of(client, customer_id="ann")
    assert [(each["touchpoint"], each["stage"]) for each in record["candidates"][1:]] == [
        ("mail.offer", "contacts"),
        ("email.news", "contacts"),
    ]
    assert client.post("/v1/recommend", {"customer_id": "zoe"}).json()["arm"] == "treatment"


def test_consent_refused_by_one_identifier_holds_for_the_customer(client: Any) -> None:
    post(client, "m1", {"email": MAIL}, customer_id="ann")
    said = {"status": "withdrawn", "channel": "email", "purpose": "marketing", "message_id": "c1"}
    assert client.post("/v1/consents", {**said, "identifiers": {"email": MAIL}}).json()["status"] == "accepted"
    client.post("/v1/consents", {"customer_id": "ann", "status": "granted", "at": "2026-01-29T00:00:00Z"})
    record = record_of(client, customer_id="ann", candidates=["mail.offer", "email.news"])
    offer, news = record["candidates"][1:]
    assert offer["eligible"] and (news["eligible"], news["stage"]) == (False, "consent")
    assert "withdrawn on 2026-01-31" in news["rule"]


def test_the_record_says_on_what_ground_the_customer_may_be_contacted(with_rules: Callable[[str], Any]) -> None:
    client = with_rules('[[consent]]\npurpose = "marketing"\nbasis = "opt_in"\n')
    record = record_of(client, customer_id="ann")
    assert (record["chosen"], record["consent"]) == ("none", None)
    client.post("/v1/consents", {"customer_id": "ann", "status": "granted"})
    grounds = {each["chosen"]: each["consent"] for each in (record_of(client, customer_id="ann") for _ in range(8))}
    contacted = {touchpoint: ground for touchpoint, ground in grounds.items() if touchpoint != "none"}
    assert contacted and all("granted on 2026-01-31 (api)" in ground for ground in contacted.values())


def test_to_unsubscribe_is_to_withdraw_consent(client: Any) -> None:
    item = {"customer_id": "ann", "touchpoint": "email.news", "kind": "unsubscribe", "message_id": "u1"}
    assert [client.post("/v1/interactions", item).json()["status"] for _ in range(2)] == ["accepted", "duplicate"]
    assert record_of(client, customer_id="ann")["candidates"][2]["stage"] == "consent"
    record = record_of(
        client, customer_id="zoe", interactions=[{k: v for k, v in item.items() if k != "customer_id"} | {"message_id": "u2"}]
    )
    assert record["candidates"][2]["stage"] == "consent"


def test_a_list_of_consents_takes_the_good_ones_and_links_what_is_named_together(client: Any) -> None:
    both = {"customer_id": "ann", "identifiers": {"email": MAIL}, "status": "denied"}
    taken = client.post("/v1/consents", [both, both, {"status": "denied"}, {**both, "status": "maybe"}]).json()
    assert [one["status"] for one in taken] == ["accepted", "duplicate", "quarantined", "quarantined"]
    assert ask(client, {"email": MAIL})["customer_id"] == "ann"


def test_whoever_is_in_the_holdout_by_any_identifier_is_left_alone(with_rules: Callable[[str], Any]) -> None:
    client = with_rules('[holdout]\nshare = 0.5\nsalt = "test"\n')
    from features.privacy import in_holdout

    holdout = client.bench.workspace.catalogue.holdout
    inside, outside = (next(f"c{n}" for n in range(99) if in_holdout([f"c{n}"], holdout) is wanted) for wanted in (True, False))
    assert record_of(client, customer_id=outside)["arm"] == "treatment"
    record = record_of(client, customer_id=inside)
    assert (record["arm"], record["chosen"], record["candidates"][0]["probability"]) == ("holdout", "none", 1.0)
    assert {each["stage"] for each in record["candidates"][1:]} == {"holdout"}
    client.post("/v1/links", {"left": {"customer_id": inside}, "right": {"customer_id": outside}})
    assert client.post("/v1/recommend", {"customer_id": outside}).json()["arm"] == "holdout"
    assert client.get(f"/v1/customers/{outside}").json()["arm"] == "holdout"


def test_a_customer_is_shown_by_any_identifier_with_links_and_consents(client: Any) -> None:
    post(client, "m1", {"cookie": COOKIE})
    post(client, "m2", {"cookie": COOKIE, "email": MAIL}, customer_id="ann")
    client.post("/v1/consents", {"identifiers": {"email": MAIL}, "status": "denied"})
    view = client.get("/v1/customers/ann").json()
    assert view["customer_id"] == "ann" and len(view["identifiers"]) == 3
    assert [link["action"] for link in view["links"]] == ["link", "link"]
    assert [consent["status"] for consent in view["consents"]] == ["denied"]
    assert [each["message_id"] for each in view["journey"][:2]] == ["m2", "m1"]
    for name in view["identifiers"]:
        assert client.get(f"/v1/customers/{name}").json() == view
    assert client.post("/v1/customers/find", {"identifiers": {"email": MAIL}}).json() == view
    assert client.get(f"/v1/customers/email={MAIL}").json() == view


def test_whoever_is_erased_is_gone_by_every_identifier_and_does_not_come_back(client: Any) -> None:
    post(client, "m1", {"cookie": COOKIE, "email": MAIL})
    decision_id = client.post("/v1/recommend", {"identifiers": {"email": MAIL}}).json()["decision_id"]
    exported = client.get(f"/v1/exports/email={MAIL}").json()
    assert [each["message_id"] for each in exported["interactions"]] == ["m1"]
    report = client.call("DELETE", f"/v1/customers/email={MAIL}")
    assert report.status_code == 200 and report.json()["removed"]["journal.interactions"] == 1
    for path in (f"/v1/customers/email={MAIL}", f"/v1/customers/cookie={COOKIE}", f"/v1/decisions/{decision_id}"):
        assert client.get(path).status_code == 404
    assert post(client, "m1", {"cookie": COOKIE, "email": MAIL})["status"] == "erased"
    assert client.call("DELETE", "/v1/customers/nobody-at-all").status_code == 404


def test_a_bad_identifier_is_refused_by_its_place(client: Any) -> None:
    bad = {"email": "not-an-address-clear"}
    text = refused(client.post("/v1/recommend", {"identifiers": bad}), "invalid-request", "/identifiers/email")
    text += refused(client.post("/v1/interactions", {**SEEN, "identifiers": bad}), "invalid-request", "/identifiers/email")
    text += refused(
        client.post("/v1/consents", {"status": "denied", "identifiers": bad}), "invalid-request", "/identifiers/email"
    )
    asked = {"customer_id": "ann", "interactions": [{**SEEN, "identifiers": bad}]}
    text += refused(client.post("/v1/recommend", asked), "invalid-request", "/interactions/0/identifiers/email")
    refused(client.post("/v1/recommend", {"identifiers": {}}), "invalid-request", "/identifiers")
    refused(client.post("/v1/recommend", {"identifiers": {"E-Mail": "x"}}), "invalid-request", "/identifiers")
    refused(client.post("/v1/recommend", {"customer_id": "a", "identifiers": {"customer_id": "b"}}), "invalid-request", "")
    assert "not-an-address-clear" not in text


def test_the_same_question_under_one_id_is_known_by_its_hashed_identifiers(client: Any) -> None:
    asked = {"identifiers": {"email": MAIL}, "decision_id": "d1"}
    first = client.post("/v1/recommend", asked)
    assert client.post("/v1/recommend", {"identifiers": {"email": MAIL.upper()}, "decision_id": "d1"}).content == first.content
    assert client.post("/v1/recommend", {"identifiers": {"email": "x@example.org"}, "decision_id": "d1"}).status_code == 409


def test_the_time_is_kept_as_it_was_sent_as_well(client: Any) -> None:
    post(client, "m1", {"cookie": COOKIE})
    ((_, kept),) = client.bench.workspace.journal.rows_after("interactions", 0, 10)
    assert (kept.original_at, kept.at.isoformat()) == ("2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00+00:00")


def test_dark_traffic_is_kept_at_the_unknown_touchpoint(client: Any) -> None:
    item = {"message_id": "m1", "customer_id": "ann", "touchpoint": UNKNOWN_TOUCHPOINT, "kind": "visit"}
    assert client.post("/v1/interactions", item).json()["status"] == "accepted"
    assert client.get("/v1/customers/ann").json()["features"]["kind_visit_lifetime_count"] == 1


@pytest.mark.parametrize("message", ["one", "list"])
def test_no_identifier_is_in_clear_in_journal_records_answers_or_metrics(client: Any, message: str, tmp_path: Any) -> None:
    identifiers = {"email": MAIL, "cookie": COOKIE, "phone": PHONE}
    said = {"note": f"write to {MAIL}", MAIL: "known"}
    good = {**BOUGHT, "identifiers": identifiers, "message_id": "m1", "properties": said, "traits": said}
    bad = [{**good, "message_id": "m2", "touchpoint": "no.where"}, {**good, "kind": "dance"}, {**good, "email": MAIL}, MAIL]
    bad += [{**good, MAIL: 1}, {**good, "message_id": "m3", "touchpoint": MAIL}, {**good, "properties": {MAIL: None}}]
    texts = [client.post("/v1/interactions", good if message == "one" else [good, *bad]).text]
    own = {**SEEN, "identifiers": identifiers, "properties": said}
    answer = client.post("/v1/recommend", {"identifiers": identifiers, "interactions": [own], "context": said}).json()
    texts += [json.dumps(answer), client.get(f"/v1/decisions/{answer['decision_id']}").text]
    texts += [client.post("/v1/links", {"left": {"email": MAIL}, "right": {"phone": PHONE}}).text]
    texts += [client.post("/v1/customers/find", {"identifiers": identifiers}).text, client.get("/metrics").text]
    journal = client.bench.workspace.journal
    tables = ("interactions", "decisions", "outcomes", "links", "consents", "quarantine")
    texts += [str(record) for table in tables for _, record in journal.rows_after(table, 0, 100)]
    journal.close()
    texts += [path.read_bytes().decode("latin-1") for path in tmp_path.glob("journal.db*")]
    assert [clear for clear in CLEAR for text in texts if clear in text] == []


def test_after_a_change_of_the_key_everybody_is_still_known_by_what_they_were_known_by(bench: Any, client: Any) -> None:
    post(client, "m1", {"email": MAIL}, customer_id="eve")
    key = (bench.workspace.settings.home / "identifier.key").read_text().strip()
    changed = bench.workspace.settings.model_copy(
        update={"identifier_key": SecretStr("another key, hard to guess"), "identifier_key_before": SecretStr(key)}
    )
    workspace = Workspace(changed)
    workspace.store, workspace.journal = bench.workspace.store, bench.workspace.journal
    later = type(client)(type(bench)(workspace, assemble(workspace)), changed)
    assert ask(later, {"email": MAIL})["customer_id"] == "eve"
    assert later.get(f"/v1/customers/email={MAIL}").json()["customer_id"] == "eve"
    post(later, "m2", {"email": MAIL}, customer_id="eve")
    assert len(later.get("/v1/customers/eve").json()["identifiers"]) == 3
