"""The commands about people and refused records, one after the other on one home, as somebody would type them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from features.errors import TouchpointError
from serving.cli import app

CATALOGUE = """
[[touchpoints]]
name = "web.page"
stage = "consideration"

[[touchpoints]]
name = "email.offer"
stage = "retention"
recommendable = true

[sources.old]
retention_days = 30
"""

MAPPING = """
name = "{name}"

[[interactions]]
message_id = "id"
customer_id = "client"
identifiers = {{ email = "mail" }}
touchpoint = {{ constant = "web.page" }}
kind = "what"
at = "at"
"""

VISITS = """id,client,mail,what,at
1,ann,ann@example.com,view,2026-01-05T10:00:00Z
2,ann,,view,2026-01-06T10:00:00Z
3,,bob@example.com,view,2026-01-06T11:00:00Z
4,cy,,gone fishing,2026-01-07T10:00:00Z
"""


class Commands:
    """The commands on one home."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.setenv("TOUCHPOINT_HOME", str(folder / "home"))
        (folder / "home").mkdir()
        self.write("home/catalogue.toml", CATALOGUE)
        for name in ("visits", "old"):
            self.write(f"{name}.toml", MAPPING.format(name=name))
        self.write("visits.csv", VISITS)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run(self, *arguments: str) -> Any:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def json(self, *arguments: str) -> Any:
        return self.run(*arguments, "--json")

    def ingest(self, name: str = "visits") -> Any:
        return self.json("ingest", str(self.folder / f"{name}.csv"), "--source", str(self.folder / f"{name}.toml"))

    def customer_of(self, who: str) -> str:
        customer: str = self.json("recommend", who)["customer_id"]
        return customer


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(tmp_path, monkeypatch)


def test_links_of_a_file_make_customers_and_a_person_may_link_and_unlink_them(commands: Commands) -> None:
    assert commands.ingest()["accepted"] == {"interactions": 3, "links": 1}
    assert commands.json("identify")["identified"]["customers"] == 1
    commands.json("materialize")
    assert commands.customer_of("email=ANN@example.com") == "ann"
    bob = commands.customer_of("email=bob@example.com")
    assert bob.startswith("email:")
    assert commands.json("link", "ann", "email=bob@example.com")["customers"] == ["ann"]
    assert commands.customer_of(bob) == "ann"
    assert set(commands.json("unlink", "ann", bob)["customers"]) == {"ann", bob}
    assert commands.customer_of(bob) == bob
    commands.json("link", bob, "ann")
    commands.json("block", "ann", bob)
    commands.json("identify")
    assert commands.customer_of(bob) == bob


def test_a_misspelt_type_of_identifier_is_refused_and_nothing_in_clear_is_kept(commands: Commands) -> None:
    for arguments in (
        ("link", "ann", "mail=ada@example.com"),
        ("recommend", "telefon=+491711234567"),
        ("erase", "mail=a@b.example"),
    ):
        with pytest.raises(TouchpointError, match="is no type of identifier here; give some of customer_id, account"):
            commands.json(*arguments)


def test_the_older_customer_stays_also_when_only_files_tell_how_old_they_are(commands: Commands) -> None:
    commands.ingest()
    commands.json("materialize")
    assert commands.json("link", "ann", "a-newer-account")["customers"] == ["ann"]  # whose name comes first in the alphabet
    commands.json("identify")
    assert commands.customer_of("a-newer-account") == "ann"


def test_a_refused_record_is_listed_corrected_replayed_and_counts_once(commands: Commands) -> None:
    commands.ingest()
    (refused,) = commands.json("quarantine", "list", "--of", "visits")["records"]
    shown = commands.json("quarantine", "show", refused["record_id"][:10])
    assert "gone fishing" in shown["reason"] and json.loads(shown["raw"])["client"] == "cy"
    source = str(commands.folder / "visits.toml")
    assert commands.json("quarantine", "replay", "--of", "visits", "--source", source)["refused"] == 1
    (refused,) = commands.json("quarantine", "list", "--of", "visits")["records"]  # still there, and only once
    commands.json("quarantine", "correct", refused["record_id"], "--source", source, "--set", '{"what": "visit"}')
    assert commands.json("quarantine", "replay", "--of", "visits", "--source", source)["replayed"] == 1
    assert commands.json("quarantine", "list")["total"] == 0
    assert [each["kind"] for each in commands.run("export", "cy")["interactions"]] == ["visit"]


def test_a_refused_record_may_be_given_up(commands: Commands) -> None:
    commands.ingest()
    with pytest.raises(TouchpointError, match="give one"):
        commands.json("quarantine", "discard", "--of", "visits")
    assert commands.json("quarantine", "discard", "--of", "visits", "--because", "no such kind") == 1
    assert commands.json("quarantine", "list")["total"] == 0


def test_an_erased_person_is_gone_and_a_replay_does_not_bring_them_back(commands: Commands) -> None:
    commands.ingest()
    commands.json("materialize")
    assert len(commands.run("export", "email=ann@example.com")["interactions"]) == 2
    assert commands.json("erase", "email=ann@example.com")["identifiers"] == 2
    with pytest.raises(TouchpointError, match="nothing is known"):
        commands.run("export", "ann")
    again = commands.ingest()
    assert again["erased"] == {"interactions": 2} and sum(again["accepted"].values()) == 0
    assert len(commands.run("export", "email=bob@example.com")["interactions"]) == 1
    assert commands.json("reconcile")["differing"] == []


def test_what_is_older_than_its_source_may_keep_it_is_deleted(commands: Commands) -> None:
    commands.write("old.csv", VISITS)
    commands.ingest("old")
    commands.ingest()
    removed = commands.json("retention")["removed"]
    assert removed["lake.interactions"] == 3
    assert len(commands.run("export", "ann")["interactions"]) == 2


def test_quality_tells_of_every_source(commands: Commands) -> None:
    commands.ingest()
    assert {row["source"] for row in commands.json("quality", "--days", "900")["days"]} == {"visits"}


def test_a_recorded_decision_is_explained_and_taken_again(commands: Commands) -> None:
    answer = commands.json("recommend", "ann", "--record", "--decision-id", "d1")
    explained = commands.json("explain", "d1")
    assert explained["chosen"] == answer["recommendations"][0]["touchpoint"]
    assert [each["touchpoint"] for each in explained["candidates"]] == ["none", "email.offer"]
    assert commands.json("replay", "d1")["same"]
    changed = commands.json("replay", "d1", "--exclude", "email.offer", "--without-contacts", "--set", "tenure_lifetime_days=3")
    assert (changed["same"], changed["replayed"]["chosen"]) == (False, "none")
    for arguments in (("replay", "d1", "--set", "no_such_feature=3"), ("replay", "d1", "--set", "three"), ("explain", "d2")):
        with pytest.raises(TouchpointError):
            commands.json(*arguments)
    words = CliRunner().invoke(app, ["replay", "d1"]).stdout
    assert words == f"Decision d1: the same answer, {explained['chosen']}, to the last digit.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "65536"),
        ("ui", "--port", "-1"),
        ("quality", "--days", "99999999"),
        ("link", "", "b"),
        ("link", "a" * 201, "b"),
    ],
)
def test_bad_input_ends_with_code_2_and_no_traceback(commands: Commands, arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 2 or isinstance(result.exception, TouchpointError), result.exception


def test_packages_of_the_current_folder_that_have_our_names_are_left_alone(tmp_path: Path) -> None:
    for name in ("features", "training", "serving"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')", encoding="utf-8")
    (tmp_path / "catalogue.toml").write_text('[[touchpoints]]\nname = "web.page"\nstage = "purchase"\n', encoding="utf-8")
    command = [str(Path(sys.executable).with_name("touchpoint")), "quality", "--json"]
    environment = {**os.environ, "TOUCHPOINT_HOME": str(tmp_path)}
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0 and "not ours" not in finished.stderr, finished.stderr
