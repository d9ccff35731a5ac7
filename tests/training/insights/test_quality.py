"""The quality page: counted by hand, without any refused record on it, and with commands that work."""

import json
import shlex
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from features.insights import Page, Period
from features.insights.look import Look
from features.instants import microseconds
from features.lake import SCHEMAS
from features.quarantine import Selection, list_refused
from features.settings import Settings
from features.workspace import Workspace
from training.insights.quality import quality_page

END = datetime(2026, 3, 2, 12, tzinfo=UTC)
CATALOGUE = """
[[touchpoints]]
name = "web.home"
stage = "awareness"
"""


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    return Workspace(Settings(home=tmp_path))


def page_of(workspace):
    look = Look(
        lake=workspace.lake,
        catalogue=workspace.catalogue,
        period=Period.last(60, until=END),
        now=END,
        known_until=END,
        members=workspace.store.members().relation(),
    )
    page = quality_page(look, workspace)
    assert Page.from_json(json.loads(json.dumps(page.as_json(), allow_nan=False))) == page
    return page


def add(workspace, table, *rows):
    names = SCHEMAS[table].names
    filled = [{**dict.fromkeys(names), **row} for row in rows]
    workspace.lake.append(table, pa.Table.from_pylist(filled, schema=SCHEMAS[table]))


def seen(number, customer, *, ago=1.0, source="shop", identifiers=None):
    at = END - timedelta(days=ago)
    named = {"message_id": f"m{number}", "customer_id": customer, "identifiers": identifiers, "source": source}
    return {**named, "touchpoint": "web.home", "channel": "web", "kind": "view", "at": at, "received_at": at}


def test_an_empty_home_says_what_to_do(workspace):
    page = page_of(workspace)
    assert all(each.empty for each in page.sections) and not any(table.rows for table in page.tables)
    assert [card.value for card in page.cards] == [0, 0]


HOSTILE = "unknown kind 'ann@example.com'; $(rm -rf /) <b>\"it's\"</b>"


def test_what_was_refused_is_told_by_reason_and_the_command_lists_just_that(workspace):
    refused = [
        {"record_id": f"r{number}", "source": source, "received_at": END, "file": "f", "row": number, "reason": reason}
        for number, (source, reason) in enumerate([("o'shop", HOSTILE), ("o'shop", HOSTILE), ("crm", "no customer")])
    ]
    add(workspace, "quarantine", *(row | {"raw": '{"email": "ann@example.com"}'} for row in refused))
    add(workspace, "resolutions", {"record_id": "r2", "resolution": "discarded", "at": END})
    page = page_of(workspace)
    (row,) = page.table("quarantine").records
    assert (row["source"], row["records"]) == ("o'shop", 2)
    assert page.table("resolved").records == [{"resolution": "discarded", "records": 1}]
    assert "example.com" not in json.dumps(page.as_json())
    command, group, name, *options = shlex.split(row["command"])
    assert (command, group, name, options[0::2]) == ("touchpoint", "quarantine", "list", ["--of", "--reason"])
    assert list_refused(workspace.lake, Selection(source=options[1], reason=options[3])).total == 2


def test_sources_files_and_freshness_are_counted(workspace):
    add(workspace, "interactions", seen(1, "a"), seen(2, "b", ago=3.0), seen(3, "a", ago=5.0, source="crm"))
    taken = {
        "source": "shop",
        "target": "interactions",
        "received_at": END,
        "rows": 5,
        "accepted": 3,
        "duplicate": 1,
        "erased": 0,
    }
    add(
        workspace,
        "arrivals",
        taken | {"arrival_id": "1", "file": "one.csv", "quarantined": 1},
        taken | {"arrival_id": "2", "file": "two.csv", "quarantined": 1},
    )
    page = page_of(workspace)
    fresh = {row["source"]: (row["records"], row["age"]) for row in page.table("freshness").records}
    assert fresh == {"shop": (2, 1.0), "crm": (1, 5.0)}
    (arrived,) = page.table("arrivals").records
    assert (arrived["files"], arrived["records"], arrived["accepted"], arrived["quarantined"]) == (2, 10, 6, 2)
    assert "one.csv" not in json.dumps(page.as_json())
    volumes = sorted(row["volume"] for row in page.table("volume").records)
    assert volumes == [0] * 7 + [1, 1, 1]  # two sources, five days: a day without anything is a 0, and no gap


def test_customers_are_counted_by_what_they_are_known_by(workspace):
    """Three customers: ann by her id, an e-mail and a cookie that was linked; bob by his id; one by a cookie alone."""
    add(
        workspace,
        "interactions",
        seen(1, "ann", identifiers=["email:1f"]),
        seen(2, "cookie:aa"),
        seen(3, "bob"),
        seen(4, "cookie:bb"),
    )
    recently, never = microseconds(END - timedelta(days=5)), None
    rows = [
        ("ann", "ann", 1, never),
        ("cookie:aa", "cookie:aa", 1, recently),
        ("cookie:aa", "ann", recently, never),
        ("bob", "ann", 1, recently),
        ("bob", "bob", recently, never),
    ]
    names = ("identifier", "customer_id", "valid_from", "valid_to")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    workspace.settings.identity_path.mkdir()
    parquet.write_table(pa.table(columns | {"since": [1] * 5}), workspace.settings.identity_path / "members.parquet")
    said = {"at": END, "received_at": END, "source": "shop", "channel": "email"}
    add(
        workspace,
        "consents",
        said | {"message_id": "1", "customer_id": "ann", "status": "granted", "at": END - timedelta(days=9)},
        said | {"message_id": "2", "customer_id": "cookie:aa", "status": "withdrawn"},
    )
    page = page_of(workspace)
    types = {row["type"]: row["customers"] for row in page.table("identifiers").records}
    assert types == {"customer_id": 2, "cookie": 2, "email": 1}
    (consent,) = page.table("consents").records
    assert (consent["status"], consent["channel"], consent["customers"]) == ("withdrawn", "email", 1)
    assert consent["share"] == pytest.approx(1 / 3)
    words = " ".join(next(each for each in page.sections if each.name == "customers").words)
    assert "3 customers; 1 of them" in words and "1 identifiers that were" in words and "1 became customers" in words


def test_decisions_are_counted_by_what_was_logged_of_them(workspace):
    made = {"customer_id": "a", "touchpoint": "none", "at": END, "received_at": END}
    add(
        workspace,
        "decisions",
        made | {"decision_id": "1", "source": "/online", "probability": 0.4, "candidates": ["none"], "record": "{}"},
        made | {"decision_id": "2", "source": "campaigns", "probability": 0.5},
        made | {"decision_id": "3", "source": "campaigns"},
    )
    rows = {
        row["source"]: (row["decisions"], row["logged"], row["recorded"]) for row in page_of(workspace).table("logged").records
    }
    assert rows == {"campaigns": (2, 1, 0), "the service": (1, 1, 1)}
