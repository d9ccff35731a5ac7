import json
import random
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta

import pytest

from features.errors import CaptureError, ConfigurationError
from features.lake import SCHEMAS, Lake

NOW = datetime(2024, 6, 1, tzinfo=UTC)
PURCHASE = """
customer_id = "client"
touchpoint = {constant = "store.checkout"}
kind = {constant = "purchase"}
at = "at"
"""


def test_a_row_becomes_a_whole_interaction(shop):
    report = shop.csv(
        'receipt,client,at,amount,store,age\nr1,007,2024-05-01 10:00,"1,234.50",north,65+\n',
        PURCHASE + 'value = "amount"\nmessage_id = "receipt"\nproperties = ["store"]\ntraits = {age = "age"}\n',
        head='timezone = "America/New_York"',
    )
    assert (report.accepted, report.duplicate, report.quarantined) == (
        {"interactions": 1},
        {"interactions": 0},
        {"interactions": 0},
    )
    at = datetime(2024, 5, 1, 14, 0, tzinfo=UTC)
    assert shop.rows() == [
        {
            "message_id": "shop:r1",
            "customer_id": "007",
            "touchpoint": "store.checkout",
            "channel": "store",
            "kind": "purchase",
            "stage": "purchase",
            "at": at,
            "received_at": at,
            "value": 1234.5,
            "metric": None,
            "score": None,
            "decision_id": None,
            "identifiers": None,
            "direction": "inbound",
            "contact_form": "direct",
            "sentiment": None,
            "original_at": "2024-05-01 10:00",
            "traits": '{"age":"65+"}',
            "properties": '{"store":"north"}',
            "source": "shop",
            "position": None,
        }
    ]


def test_one_row_gives_a_record_of_every_section_it_fits_and_ids_of_decisions_match(shop):
    both = '{template = "{campaign}-{client}"}'
    report = shop.ingest(
        f"""
        name = "crm"
        [[interactions]]
        customer_id = "client"
        touchpoint = {{column = "type", map = {{A = "mail.a", B = "mail.b"}}}}
        kind = {{constant = "contact"}}
        at = "sent"
        decision_id = {both}
        [[decisions]]
        customer_id = "client"
        touchpoint = {{column = "type", map = {{A = "mail.a", B = "mail.b"}}}}
        at = "sent"
        wave = "campaign"
        decision_id = {both}
        [[outcomes]]
        where = {{column = "redeemed", not_null = true}}
        decision_id = {both}
        kind = {{constant = "redemption"}}
        at = "redeemed"
        """,
        shop.write("crm.csv", "campaign,client,type,sent,redeemed\n1,7,A,2024-01-01,\n1,8,B,2024-01-01,2024-01-05\n"),
    )
    assert report.accepted == {"interactions": 2, "decisions": 2, "outcomes": 1}
    assert shop.column("decision_id") == shop.column("decision_id", "decisions") == ["1-7", "1-8"]
    assert shop.column("decision_id", "outcomes") == ["1-8"]
    (first, _) = shop.rows("decisions")
    assert (first["touchpoint"], first["candidates"], first["wave"]) == ("mail.a", None, "1")
    assert (first["probability"], first["record"]) == (None, None)


def test_known_probabilities_and_candidates_are_kept_and_checked(shop):
    mapping = """
        name = "log"
        [[decisions]]
        customer_id = "client"
        touchpoint = "chosen"
        at = {constant = 2024-01-01}
        probability = "p"
        candidates = ["none", "mail.a"]
        """
    rows = "client,chosen,p\n1,mail.a,0.25\n2,none,1\n3,mail.a,0\n4,mail.a,1.01\n5,mail.b,0.5\n6,mail.a,\n"
    report = shop.ingest(mapping, shop.write("log.csv", rows))
    assert report.accepted == {"decisions": 3}
    assert [
        (row["customer_id"], row["probability"]) for row in sorted(shop.rows("decisions"), key=lambda row: row["customer_id"])
    ] == [
        ("1", 0.25),
        ("2", 1.0),
        ("6", None),
    ]
    assert set(report.reasons) == {
        "probability '0' is not above 0 and at most 1",
        "probability '1.01' is not above 0 and at most 1",
        "touchpoint 'mail.b' is not among the candidates",
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",2024-05-01,1,web.page,view,", "no customer_id"),
        ("  ,2024-05-01,1,web.page,view,", "no customer_id"),
        ("NaN,2024-05-01,1,web.page,view,", "customer_id 'NaN' stands for nobody"),
        (f"{'x' * 201},2024-05-01,1,web.page,view,", "customer_id is longer than 200 characters"),
        ("a\0b,2024-05-01,1,web.page,view,", "customer_id contains a NUL character"),
        ("c,2024-05-01,1,,view,", "no touchpoint"),
        ("c,2024-05-01,1,web.pgae,view,", "touchpoint 'web.pgae' is not in the catalogue; add it there, or map it"),
        ("c,2024-05-01,1,none,view,", "touchpoint 'none' is not in the catalogue"),
        ("c,2024-05-01,1,web.page,bought,", "kind 'bought' is not one of contact"),
        ("c,,1,web.page,view,", "no at"),
        ("c,1/5/2024,1,web.page,view,", "at '1/5/2024' is not a time; give its format, or its unit"),
        ("c,2024-02-30,1,web.page,view,", "at '2024-02-30' is not a time"),
        ("c,infinity,1,web.page,view,", "at 'infinity' is not a time"),
        ("c,1989-12-31,1,web.page,view,", "at '1989-12-31' is before 1990"),
        ("c,2024-06-01 00:06,1,web.page,view,", "at '2024-06-01 00:06' is in the future"),
        ("c,9999-12-31,1,web.page,view,", "is in the future"),
        ("c,2024-05-01,lots,web.page,view,", "value 'lots' is not a finite number"),
        ("c,2024-05-01,nan,web.page,view,", "value 'nan' is not a finite number"),
        ("c,2024-05-01,inf,web.page,view,", "value 'inf' is not a finite number"),
        ("c,2024-05-01,1e999,web.page,view,", "value '1e999' is not a finite number"),
        ("c,2024-05-01,.,web.page,view,", "value '.' is not a finite number"),
        ("c,2024-05-01,1e16,web.page,view,", "value '1e16' is beyond 1e+15"),
        ("c,2024-05-01,1,web.page,rating,11", "score '11' is outside 0 to 10, the range of nps"),
    ],
)
def test_a_bad_row_goes_to_the_quarantine_with_its_reason_and_the_good_one_stays(shop, row, reason):
    mapping = """
        customer_id = "client"
        touchpoint = "where"
        kind = "what"
        at = "at"
        value = "amount"
        metric = {template = "{score}", map = {"11" = "nps", "9" = "nps"}, default = "nps"}
        score = {column = "score", default = 9}
        """
    report = shop.csv(f"client,at,amount,where,what,score\n{row}\nc,2024-06-01 00:05,-1.5e2,web.page,view,9\n", mapping)
    assert (report.accepted, report.quarantined) == ({"interactions": 1}, {"interactions": 1})
    (refused,) = shop.rows("quarantine")
    assert reason in refused["reason"]
    assert (refused["source"], refused["file"], refused["row"]) == ("shop", "export.csv", 1)
    assert shop.rows()[0]["value"] == -150.0


def test_a_value_outside_a_map_is_shown_with_the_remedy(shop):
    mapping = PURCHASE.replace('{constant = "purchase"}', '{column = "what", map = {P = "purchase"}}')
    report = shop.csv("client,at,what\n1,2024-05-01,P\n2,2024-05-01,Q\n3,2024-05-01,\n", mapping)
    assert report.reasons == {"kind 'Q' is not in its map; add it, or a default": 1, "no kind": 1}


def test_hostile_text_is_only_ever_data(shop):
    column = "a\"b'c; DROP TABLE x; --{"
    texts = ["'; DROP TABLE file; --", '"quoted"', "🛒 שלום \u202eabc", "{0}", "%s", "\\", "$$", "a,b\nc"]
    rows = "\n".join('"{}",2024-05-01,"{}"'.format(nth, text.replace('"', '""')) for nth, text in enumerate(texts))
    header = '"' + column.replace('"', '""') + '"'
    literal = "'''" + column + "'''"
    report = shop.csv(f"client,at,{header}\n{rows}\n", PURCHASE + f"traits = {{x = {{column = {literal}}}}}\n")
    assert report.accepted == {"interactions": len(texts)}
    assert sorted(row["traits"] for row in shop.rows()) == sorted(map(as_trait, texts))


def as_trait(text):
    return json.dumps({"x": text}, ensure_ascii=False, separators=(",", ":"))


def test_hostile_constants_are_only_ever_data(shop):
    hostile = "x', 'y'); DROP TABLE staged_interactions; --"
    shop.csv("client,at\n1,2024-05-01\n", PURCHASE + f'traits = {{x = {{constant = "{hostile}"}}}}\n')
    assert shop.rows()[0]["traits"] == as_trait(hostile)


def test_a_constant_with_nul_is_refused(shop):
    with pytest.raises(ConfigurationError, match="NUL"):
        shop.csv("client,at\n1,2024-05-01\n", PURCHASE + 'traits = {x = {constant = "a\\u0000b"}}\n')


def test_giving_a_file_again_changes_nothing(shop):
    export = "client,at,amount\n1,2024-05-01,5\n2,2024-05-01,6\n3,never,7\n"
    shop.csv(export, PURCHASE + 'value = "amount"')
    before, versions = shop.contents(), [shop.lake.version(table) for table in SCHEMAS]
    report = shop.csv(export, PURCHASE + 'value = "amount"')
    assert (report.accepted, report.duplicate, report.quarantined) == (
        {"interactions": 0},
        {"interactions": 2},
        {"interactions": 1},
    )
    assert shop.contents() == before
    assert [shop.lake.version(table) for table in SCHEMAS] == versions


def test_a_grown_file_adds_only_its_new_rows_also_much_later(shop):
    shop.csv("client,at\n1,2024-05-31\n")
    later = shop.ingest(
        f'name = "shop"\n[[interactions]]\n{PURCHASE}',
        shop.write("export.csv", "client,at\n2,2025-01-01\n1,2024-05-31\n"),
        now=NOW + timedelta(days=400),
    )
    assert (later.accepted, later.duplicate) == ({"interactions": 1}, {"interactions": 1})


def test_the_content_hash_does_not_depend_on_the_order_of_sections_or_on_the_file(shop):
    view = PURCHASE.replace("store.checkout", "web.page").replace("purchase", "view")
    one = f'name = "shop"\n[[interactions]]\n{PURCHASE}'
    two = f'name = "shop"\n[[interactions]]\n{view}\n[[interactions]]\n{PURCHASE}'
    shop.ingest(one, shop.write("a.csv", "client,at\n1,2024-05-01\n"))
    report = shop.ingest(two, shop.write("b.csv", "client,at\n1,2024-05-01\n"))
    assert (report.accepted, report.duplicate) == ({"interactions": 1}, {"interactions": 1})


def test_two_sections_of_a_row_that_differ_in_time_alone_are_two_records(shop):
    returned = PURCHASE.replace('at = "at"', 'at = "back"')
    mapping = f'name = "shop"\n[[interactions]]\n{PURCHASE}\n[[interactions]]\n{returned}'
    export = shop.write("a.csv", "client,at,back\n1,2024-05-01,2024-05-09\n")
    report = shop.ingest(mapping, export)
    assert (report.accepted, report.quarantined) == ({"interactions": 2}, {"interactions": 0})
    assert shop.column("at") == [datetime(2024, 5, day, tzinfo=UTC) for day in (1, 9)]
    assert shop.ingest(mapping, export).duplicate == {"interactions": 2}


def test_a_group_that_has_grown_is_the_same_record_even_when_its_time_has_moved(shop):
    mapping = f'name = "shop"\n[group]\nby = ["client"]\nmax = ["at"]\n[[interactions]]\n{PURCHASE}'
    shop.ingest(mapping, shop.write("a.csv", "client,at\n1,2024-05-01\n"))
    grown = shop.ingest(mapping, shop.write("b.csv", "client,at\n1,2024-05-01\n1,2024-05-02\n"))
    assert (grown.accepted, grown.quarantined) == ({"interactions": 0}, {"interactions": 1})


def test_what_could_be_chosen_is_unknown_unless_told_whatever_was_chosen(shop):
    mapping = """
        name = "test"
        [[decisions]]
        customer_id = "client"
        touchpoint = "chosen"
        at = {constant = 2024-01-01}
        probability = {constant = 0.5}
        """
    report = shop.ingest(mapping, shop.write("test.csv", "client,chosen\n1,mail.a\n2,none\n"))
    assert report.accepted == {"decisions": 2}
    assert shop.column("candidates", "decisions") == [None, None]


def test_the_same_id_in_two_sources_is_two_records(shop):
    for source in ("shop", "web"):
        mapping = f'name = "{source}"\n[[interactions]]\n{PURCHASE}message_id = "id"'
        assert shop.ingest(mapping, shop.write("a.csv", "id,client,at\n1,1,2024-05-01\n")).accepted == {"interactions": 1}
    assert shop.column("message_id") == ["shop:1", "web:1"]


def test_the_same_id_with_other_content_is_a_conflict_and_the_first_in_the_file_wins(shop):
    mapping = PURCHASE + 'message_id = "id"\nvalue = "amount"'
    report = shop.csv("id,client,at,amount\n1,1,2024-05-01,5\n1,1,2024-05-01,6\n1,1,2024-05-01,5\n", mapping)
    assert (report.accepted, report.duplicate, report.quarantined) == (
        {"interactions": 1},
        {"interactions": 1},
        {"interactions": 1},
    )
    assert shop.column("value") == [5.0]
    again = shop.csv("id,client,at,amount\n1,1,2024-05-01,7\n1,1,2024-05-01,5\n", mapping)
    assert (again.accepted, again.duplicate, again.quarantined) == ({"interactions": 0}, {"interactions": 1}, {"interactions": 1})
    assert all("was used before for another record" in row["reason"] for row in shop.rows("quarantine"))
    assert sorted(row["row"] for row in shop.rows("quarantine")) == [1, 2]


def test_a_decision_named_by_two_sources_is_one_decision(shop):
    mapping = """
        name = "{}"
        [[decisions]]
        customer_id = "client"
        touchpoint = {{constant = "mail.a"}}
        at = "at"
        decision_id = "id"
        """
    export = shop.write("a.csv", "id,client,at\nd1,1,2024-05-01\n")
    assert shop.ingest(mapping.format("crm"), export).accepted == {"decisions": 1}
    assert shop.ingest(mapping.format("backup"), export).duplicate == {"decisions": 1}


def test_late_records_become_visible_late(shop):
    delayed = shop.csv("client,at\n1,2024-05-01\n", PURCHASE + 'received_after = "36h"\n', name="a.csv")
    told = shop.csv("client,at,got\n2,2024-05-01,2024-05-09\n3,2024-05-01,\n", PURCHASE + 'received_at = "got"\n', name="b.csv")
    assert (delayed.accepted, told.accepted) == ({"interactions": 1}, {"interactions": 2})
    received = {row["customer_id"]: row["received_at"] for row in shop.rows()}
    assert received == {
        "1": datetime(2024, 5, 2, 12, tzinfo=UTC),
        "2": datetime(2024, 5, 9, tzinfo=UTC),
        "3": datetime(2024, 5, 1, tzinfo=UTC),
    }


def test_a_touchpoint_that_only_the_mapping_knows_is_refused_before_anything_is_read(shop):
    with pytest.raises(ConfigurationError, match=r"shop: interactions.0: touchpoint 'store.chekout' is not in the catalogue"):
        shop.csv("client,at\n1,2024-05-01\n", PURCHASE.replace("checkout", "chekout"))
    assert not shop.lake.path.exists()


def test_a_missing_second_file_is_noticed_before_the_first_is_taken(shop):
    with pytest.raises(CaptureError, match=r"b.csv: no such file; nothing was taken"):
        shop.ingest(
            f'name = "shop"\n[[interactions]]\n{PURCHASE}',
            shop.write("a.csv", "client,at\n1,2024-05-01\n"),
            shop.folder / "b.csv",
        )
    assert not shop.lake.exists("interactions")


def test_several_files_are_counted_together_and_told_of(shop):
    files = [shop.write(f"{nth}.csv", f"client,at\n{nth},2024-05-01\nx,2024-05-02\n") for nth in range(3)]
    report = shop.ingest(f'name = "shop"\n[[interactions]]\n{PURCHASE}', *files)
    assert (report.accepted, report.duplicate) == ({"interactions": 4}, {"interactions": 2})
    assert shop.messages[-1] == "2.csv: 1 accepted, 1 duplicate, 0 quarantined"


INGEST = """
    import sys, tomllib
    from datetime import UTC, datetime
    from pathlib import Path
    from features.capture import Mapping, ingest
    from features.catalogue import parse_catalogue
    from features.lake import Lake
    catalogue = parse_catalogue({"touchpoints": [{"name": "mail.a", "stage": "retention", "recommendable": True}]})
    mapping = Mapping.model_validate(tomllib.loads(Path(sys.argv[1]).read_text()))
    ingest([Path(each) for each in sys.argv[3:]], mapping, catalogue=catalogue, lake=Lake(Path(sys.argv[2])),
        now=datetime.now(UTC), clock_skew_seconds=300, on_progress=lambda _: None)
"""
EVERYTHING = """
name = "crm"
[[interactions]]
customer_id = "client"
touchpoint = {constant = "mail.a"}
kind = {constant = "contact"}
at = "at"
message_id = "id"
value = "amount"
[[decisions]]
customer_id = "client"
touchpoint = {constant = "mail.a"}
at = "at"
decision_id = "id"
[[outcomes]]
decision_id = "id"
kind = {constant = "click"}
at = "at"
"""


def exports(folder):
    """Three files that share rows, contradict each other and have bad lines."""
    for nth in range(3):
        lines = [f"{(row * 7 + nth) % 9000},{row % 999},2024-01-{1 + row % 31:02d},{row % 7}" for row in range(6000)]
        lines[77], lines[78] = "only,three,fields", "id,client,never,1"
        path = folder / f"{nth}.csv"
        path.write_text("id,client,at,amount\n" + "\n".join(lines))
        yield path


def start_ingest(folder, lake, files):
    (folder / "crm.toml").write_text(EVERYTHING)
    command = [sys.executable, "-c", textwrap.dedent(INGEST), str(folder / "crm.toml"), str(lake), *map(str, files)]
    return subprocess.Popen(command)


def contents(lake):
    """What it holds, but for when files were taken."""
    tables = ("interactions", "decisions", "outcomes", "quarantine")
    return {table: sorted(repr({**row, "received_at": None}) for row in lake.read(table).to_pylist()) for table in tables}


def commits(lake):
    return len(list(lake.glob("*/_delta_log/*.json")))


def test_killed_anywhere_and_run_again_it_gives_what_one_clean_run_gives(tmp_path):
    files = list(exports(tmp_path))
    assert start_ingest(tmp_path, tmp_path / "clean", files).wait(60) == 0
    chance, lake, killed = random.Random(11), tmp_path / "lake", 0
    for _ in range(5):
        before = commits(lake)
        process = start_ingest(tmp_path, lake, files)
        while process.poll() is None and commits(lake) == before:  # right after a commit, so before the next one
            time.sleep(0.001)
        time.sleep(chance.choice([0, 0.02, 0.1]))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed > 1
    assert start_ingest(tmp_path, lake, files).wait(60) == 0
    assert contents(Lake(lake)) == contents(Lake(tmp_path / "clean"))
    assert all(len(rows) > 3 for rows in contents(Lake(lake)).values())


def test_ingesting_the_same_files_in_two_processes_at_once_counts_nothing_twice(tmp_path):
    files = list(exports(tmp_path))[:1]
    processes = [start_ingest(tmp_path, tmp_path / "lake", files) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    ids = Lake(tmp_path / "lake").read("interactions", ["message_id"])["message_id"].to_pylist()
    assert len(ids) == len(set(ids)) > 1000
