"""Every preset reads records in its vendor's documented shape; `records/<preset>.toml` says what must come out of them."""

import hmac
import json
import re
import tomllib
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from features.capture import ingest
from features.capture.online import map_records
from features.capture.preset import PREFIX, load_source, preset_names, preset_path
from features.catalogue import parse_catalogue
from features.catalogue.identifiers import KNOWN_TYPES
from features.domain import UNKNOWN_TOUCHPOINT, Channel, channel_of
from features.errors import ConfigurationError
from features.identity.names import Names
from features.lake import Lake

KEY, NOW = b"a key for tests", datetime(2024, 6, 1, tzinfo=UTC)
RECORDS = Path(__file__).parent / "records"
EXPECTED = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in RECORDS.glob("*.toml")}
CLEAR = re.compile(r"[\w.+-]+@[\w-]+\.\w+|\+?\(?\d{3}\)?[ -]\d{3}-\d{4}|\+1[ -]?\d{10}|\+44 20 7946 0958|\+1 202 555 0143")
TABLES = ("interactions", "links", "consents", "quarantine")
NAMES = Names(KEY, KNOWN_TYPES, region="US")


def named(text):
    """`email:ada@example.com` as the lake has it; a customer_id as it is."""
    type_, colon, value = text.partition(":")
    digest = hmac.new(KEY, text.encode(), sha256).hexdigest()[:32]
    return f"{type_}:{digest}" if colon and type_ in KNOWN_TYPES and value else text


def files_of(name):
    return sorted(path for path in RECORDS.glob(f"{name}.*") if path.suffix != ".toml")


def catalogue_of(name):
    """The preset's touchpoints, and one of the brand's own."""
    return parse_catalogue({"presets": [name], "touchpoints": [{"name": "web.order", "stage": "purchase"}]})


class Captured:
    """One lake, into which each preset's records are taken when first asked for."""

    def __init__(self, folder):
        self.lake, self.reports, self.messages = Lake(folder / "lake"), {}, []

    def ingest(self, name, mapping=None, files=None):
        return ingest(
            files or files_of(name),
            mapping or load_source(PREFIX + name),
            catalogue=catalogue_of(name),
            lake=self.lake,
            now=NOW,
            clock_skew_seconds=300,
            on_progress=self.messages.append,
            names=NAMES,
        )

    def report(self, name):
        if name not in self.reports:
            self.reports[name] = self.ingest(name)
        return self.reports[name]

    def rows(self, name, table):
        self.report(name)
        source = load_source(PREFIX + name).name
        return [row for row in self.lake.read(table).to_pylist() if row["source"] == source]


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    return Captured(tmp_path_factory.mktemp("presets"))


def said(row, name):
    """What a row of the lake says, in the words of `records/<preset>.toml`."""
    given = {key: row[key] for key in ("touchpoint", "kind", "at", "value", "metric", "score") if row[key] is not None}
    given |= {"customer": row["customer_id"]}
    given |= {"identifiers": sorted(row["identifiers"])} if row["identifiers"] else {}
    given |= {"received_at": row["received_at"]} if row["received_at"] != row["at"] else {}
    if row["sentiment"] is not None:
        given["sentiment"] = "neutral" if abs(row["sentiment"]) < 0.05 else "positive" if row["sentiment"] > 0 else "negative"
    return given | vendor_id(row, name)


def vendor_id(row, name):
    text = row["message_id"].removeprefix(f"{name}:")
    return {} if re.fullmatch(r"[0-9a-f]{64}", text) else {"message_id": text}


def meant(expected):
    """What the expected row is in the lake; in a message_id, `<type:value>` stands for an identifier."""
    given = {**expected, "customer": named(expected["customer"])}
    if "message_id" in expected:
        given["message_id"] = re.sub("<(.+?)>", lambda match: named(match[1]), expected["message_id"])
    return given | ({"identifiers": sorted(map(named, expected["identifiers"]))} if "identifiers" in expected else {})


def alike(rows):
    return sorted(rows, key=lambda row: (row["at"], row.get("message_id", ""), row.get("kind", "")))


def test_every_preset_has_records_and_what_they_mean():
    assert set(EXPECTED) == set(preset_names())
    assert all(files_of(name) for name in preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_records_become_the_expected_interactions(captured, name):
    rows = [said(row, name) for row in captured.rows(name, "interactions")]
    assert alike(rows) == alike(map(meant, EXPECTED[name]["interactions"]))


@pytest.mark.parametrize("name", preset_names())
def test_records_become_the_expected_consents(captured, name):
    keys = ("channel", "purpose", "status", "at")
    rows = [
        {key: row[key] for key in keys} | {"customer": row["customer_id"]} | vendor_id(row, name)
        for row in captured.rows(name, "consents")
    ]
    assert alike(rows) == alike(map(meant, EXPECTED[name].get("consents", [])))


@pytest.mark.parametrize("name", preset_names())
def test_identifiers_that_are_named_together_are_linked(captured, name):
    told = [(row["customer"], other) for row in EXPECTED[name]["interactions"] for other in row.get("identifiers", [])]
    links = [*told, *EXPECTED[name].get("links", [])]
    rows = captured.rows(name, "links")
    assert {frozenset((row["left"], row["right"])) for row in rows} == {frozenset(map(named, pair)) for pair in links}
    assert {row["action"] for row in rows} <= {"link"}


@pytest.mark.parametrize("name", ["segment", "cloudevents"])  # those through which the service takes requests
def test_records_mean_the_same_when_they_arrive_by_request(captured, name):
    records = [json.loads(line) for path in files_of(name) for line in path.read_text(encoding="utf-8").splitlines()]
    mapping = load_source(PREFIX + name)
    mapped = map_records(records, mapping, catalogue=catalogue_of(name), names=NAMES, now=NOW, clock_skew_seconds=300)
    keys = ("message_id", "customer_id", "touchpoint", "kind", "at", "value", "metric", "score", "sentiment")
    online = [tuple(getattr(each, key) for key in keys) for _, each in mapped.interactions]
    assert sorted(online) == sorted(tuple(row[key] for key in keys) for row in captured.rows(name, "interactions"))
    assert [each.reason for each in mapped.refused] == [row["reason"] for row in captured.rows(name, "quarantine")]


@pytest.mark.parametrize("name", preset_names())
def test_a_malformed_record_goes_to_the_quarantine_with_its_reason(captured, name):
    reasons = {row["reason"] for row in captured.rows(name, "quarantine")}
    assert len(reasons) == 1
    assert reasons.pop().startswith(EXPECTED[name]["refused"])


@pytest.mark.parametrize("name", preset_names())
def test_taken_twice_there_are_only_duplicates(captured, name):
    before = {table: captured.rows(name, table) for table in TABLES}
    again = captured.ingest(name)
    assert sum(again.accepted.values()) == 0
    assert again.duplicate["interactions"] == len(before["interactions"])
    assert again.duplicate.get("consents", 0) == len(before["consents"])
    assert {table: captured.rows(name, table) for table in TABLES} == before


@pytest.mark.parametrize("name", preset_names())
def test_no_address_and_no_number_is_in_clear_in_the_lake(captured, name):
    found = {text.lower() for path in files_of(name) for text in CLEAR.findall(path.read_text(encoding="utf-8"))}
    clear = found | {digits for text in found if len(digits := re.sub(r"\D", "", text)) >= 10}
    kept = repr([captured.rows(name, table) for table in TABLES]).lower()
    assert [text for text in clear if text in kept] == []
    assert not any(text in message.lower() for text in clear for message in captured.messages)


@pytest.mark.parametrize("name", preset_names())
def test_its_touchpoints_are_declared_and_all_of_them_are_used(name):
    mapping = load_source(PREFIX + name)
    used = {value for section in mapping.interactions for value in section.touchpoint.fixed_values}
    assert used - {UNKNOWN_TOUCHPOINT} == set(mapping.touchpoints)
    assert {channel_of(touchpoint) for touchpoint in mapping.touchpoints} <= set(Channel)


@pytest.mark.parametrize("name", preset_names())
def test_it_says_what_it_reads_and_what_to_change(name):
    comment = preset_path(name).read_text(encoding="utf-8").partition("name =")[0]
    assert re.search(r"What you (may )?have to change", comment)
    assert load_source(PREFIX + name).name == name


def test_one_touchpoint_has_one_stage_whichever_preset_brings_it():
    stages = {
        (touchpoint, stage) for name in preset_names() for touchpoint, stage in load_source(PREFIX + name).touchpoints.items()
    }
    assert len(stages) == len({touchpoint for touchpoint, _ in stages})


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(ConfigurationError, match=r"no preset 'segmnet'; choose of ads, braze, .*, or give the path"):
        load_source("preset:segmnet")


def test_a_path_is_a_mapping_of_ones_own(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(preset_path("ads").read_text(encoding="utf-8").replace('name = "ads"', 'name = "own"'), encoding="utf-8")
    assert load_source(own).name == load_source(str(own)).name == "own"


def test_tills_that_write_decimal_commas_need_one_key(captured, tmp_path):
    text = preset_path("store_pos").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace('decimal = "."', 'decimal = ","').replace('"store_pos"', '"store_de"'), encoding="utf-8")
    receipts = tmp_path / "receipts.csv"
    lines = (RECORDS / "store_pos.csv").read_text(encoding="utf-8").replace(",", ";").replace(".", ",")
    receipts.write_text(lines.replace("39,90", "1.039,90"), encoding="utf-8")
    captured.ingest("store_pos", load_source(own), [receipts])
    values = [row["value"] for row in captured.lake.read("interactions").to_pylist() if row["source"] == "store_de"]
    assert sorted(values) == [1039.9, 1049.95]
