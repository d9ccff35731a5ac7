import json
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from features.capture import Mapping
from features.capture.online import map_records
from features.domain import Consent, Interaction, Link, Outcome
from features.errors import ConfigurationError

NOW = datetime(2024, 6, 1, tzinfo=UTC)
EVERYTHING = """
name = "app"
each = "items"
pairs = ["more"]
timezone = "Europe/Berlin"
missing = ["-"]
[[interactions]]
where = {column = "type", in = ["view", "buy"]}
customer_id = "user.id"
identifiers = {email = ["user.mail", "mail"], cookie = "cid"}
touchpoint = {column = "more.page", map = {shop = "store.checkout"}, default = "web.page"}
kind = {column = "type", map = {view = "view", buy = "purchase"}}
at = "at"
value = "items.price"
currency = "currency"
text = "note"
properties = "*"
[[interactions]]
where = {column = "type", in = ["rate"]}
customer_id = "user.id"
touchpoint = {constant = "web.page"}
kind = {constant = "rating"}
metric = {constant = "nps"}
score = "score"
at = {column = "at", unit = "s"}
message_id = "id"
traits = {age = "user.age"}
[[outcomes]]
where = {column = "decision", not_null = true}
decision_id = "decision"
kind = {constant = "click"}
at = "at"
[[consents]]
where = {column = "ok", not_null = true}
identifiers = {email = "mail", cookie = "cid"}
status = {column = "ok", map = {yes = "granted"}}
at = "at"
[[links]]
where = {column = "type", in = ["alias"]}
left = {customer_id = "user.id"}
right = {cookie = "cid"}
at = "at"
"""
RECORDS = [
    {
        "type": "view",
        "user": {"id": "u1", "mail": "ada@example.com"},
        "cid": "k1",
        "at": "2024-05-01 10:00",
        "note": "I love it!",
    },
    {
        "type": "buy",
        "user": {"id": "-"},
        "cid": "k1",
        "at": "2024-05-01T10:00:00Z",
        "currency": "eur",
        "items": [{"price": 1.5}, {"price": 2}],
    },
    {"type": "view", "cid": "k2", "at": "2024-05-01", "more": [{"key": "page", "value": {"s": "shop"}}], "é": "ü\n\"'"},
    {"type": "rate", "user": {"id": "u2", "age": 7}, "at": 1714557600, "score": 9, "id": "r1"},
    {"type": "rate", "user": {"id": "u2"}, "at": 1714557600, "score": 11, "id": "r2", "by": "eve@example.com"},
    {"type": "view", "mail": "no address", "at": "2024-05-01"},
    {"type": "nothing", "decision": "d1", "at": "2024-05-02"},
    {"ok": "yes", "mail": "ada@example.com", "cid": "k1", "at": "2024-05-02"},
    {"type": "alias", "user": {"id": "u1"}, "cid": "k9", "at": "2024-05-03"},
    {"type": "of no interest"},
]


def parsed(text):
    return Mapping.model_validate(tomllib.loads(text))


MAPPING = parsed(EVERYTHING)


def mapped(shop, records, mapping=MAPPING, now=NOW):
    return map_records(records, mapping, catalogue=shop.catalogue, names=shop.names, now=now, clock_skew_seconds=300)


def told(rows, kind):
    """Rows of the lake as values of the domain have them, but for when they became known."""
    names = [name for name in kind.__dataclass_fields__ if name != "received_at"]
    whole = [{name: row[name] for name in names} for row in rows]
    for row in whole:
        row |= {name: json.loads(row[name] or "{}") for name in ("traits", "properties") if name in row}
        row |= {"identifiers": tuple(row["identifiers"] or ())} if "identifiers" in row else {}
    return sorted(whole, key=repr)


def said(items):
    return sorted(({name: value for name, value in asdict(item).items() if name != "received_at"} for _, item in items), key=repr)


@pytest.fixture
def filed(shop):
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS)
    shop.ingest(EVERYTHING, shop.write("a.jsonl", lines))
    return shop


def test_a_record_gives_online_what_it_gives_in_a_file(filed):
    online = mapped(filed, RECORDS)
    assert said(online.interactions) == told(filed.rows(), Interaction)
    assert said(online.outcomes) == told(filed.rows("outcomes"), Outcome)
    assert said(online.consents) == told(filed.rows("consents"), Consent)
    # What interactions prove the journal finds out itself
    pairs = [
        {"u1", filed.names.name("cookie", "k9")},
        {filed.names.name("email", "ada@example.com"), filed.names.name("cookie", "k1")},
    ]
    links = [row for row in filed.rows("links") if {row["left"], row["right"]} in pairs]
    assert said(online.links) == told(links, Link)
    refused = {(row["reason"], row["raw"]) for row in filed.rows("quarantine")}
    assert {(each.reason, each.raw) for each in online.refused} == refused
    assert len(online.interactions) == 5 and len(refused) == 2


def test_every_result_names_the_place_of_its_record(shop):
    online = mapped(shop, RECORDS)
    assert [index for index, _ in online.interactions] == [0, 1, 1, 2, 3]
    assert [index for index, _ in (*online.outcomes, *online.consents)] == [6, 7]
    assert sorted(each.index for each in online.refused) == [4, 5]


def test_what_is_refused_names_nobody_in_clear(shop):
    by_place = {each.index: each for each in mapped(shop, RECORDS).refused}
    assert json.loads(by_place[4].raw)["by"] == "…"
    assert json.loads(by_place[5].raw)["mail"] == "…"
    assert "no address" not in by_place[5].reason


def test_it_became_known_when_it_arrived_and_the_clock_is_that_of_the_request(shop):
    record = RECORDS[0] | {"at": "2024-06-02T00:00:00Z"}
    assert [each.reason.split(";")[0] for each in mapped(shop, [record]).refused] == [
        "at '2024-06-02T00:00:00Z' is in the future"
    ]
    later = NOW + timedelta(days=1)
    assert [item.received_at for _, item in mapped(shop, [record], now=later).interactions] == [later]


def test_one_request_knows_nothing_of_the_one_before(shop):
    assert len(mapped(shop, RECORDS[:2]).interactions) == 3
    assert len(mapped(shop, RECORDS[2:3]).interactions) == 1
    assert mapped(shop, []).interactions == ()


def test_a_body_that_holds_its_records_in_an_array_is_spread(shop):
    text = EVERYTHING.replace('each = "items"', 'records = "batch"')
    online = mapped(shop, [{"batch": RECORDS[:1]}, RECORDS[2], {"batch": [5, RECORDS[0]]}], parsed(text))
    assert [index for index, _ in online.interactions] == [0, 1, 2]
    assert [(each.index, each.reason, each.raw) for each in online.refused] == [(2, "not a JSON object", "…")]


@pytest.mark.parametrize("more", ['[group]\nby = ["cid"]\n', '[lookups.x]\nfile = "x.csv"\nkey = "cid"\n'])
def test_what_needs_files_is_no_mapping_for_requests(shop, more):
    plain = 'name = "app"\n' + more + EVERYTHING[EVERYTHING.index("[[outcomes]]") : EVERYTHING.index("[[consents]]")]
    with pytest.raises(ConfigurationError, match="group and lookups need files"):
        mapped(shop, [], parsed(plain))


def test_many_refused_records_keep_each_its_own_text_and_reason(shop):
    sections = [RECORDS[4] | {"score": score} for score in range(11, 300)]  # NPS ends at 10
    refused = mapped(shop, [RECORDS[0], *sections, RECORDS[5]]).refused
    assert [each.index for each in sorted(refused, key=lambda each: each.index)] == list(range(1, 291))
    of_scores = [each for each in refused if each.index < 290]
    assert all(json.loads(each.raw)["score"] == each.index + 10 for each in of_scores)
    assert all(f"'{each.index + 10}'" in each.reason for each in of_scores)
