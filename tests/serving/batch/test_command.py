"""`touchpoint recommend --all`, as somebody would type it."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from features.errors import RequestError
from serving.cli import app


@pytest.fixture
def typed(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Types commands over the home, with a journal of the test's own."""
    monkeypatch.setenv("TOUCHPOINT_HOME", str(home))
    monkeypatch.setenv("TOUCHPOINT_JOURNAL_URL", f"sqlite:///{tmp_path / 'journal.db'}")

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, ["recommend", *arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def test_everybody_known_is_in_the_file_and_asked_alone_gets_the_same_answer(typed: Any, tmp_path: Path) -> None:
    file = tmp_path / "all.parquet"
    report = typed("--all", "--to", str(file), "--run", "night", "--limit", "2", "--probabilities")
    assert (report["customers"], report["recorded"], report["left_out"]) == (2, 0, 0)
    rows = parquet.read_table(file).to_pylist()
    assert [row["customer_id"] for row in rows] == ["ann", "zoe"]
    alone = typed("ann", "--decision-id", rows[0]["decision_id"])
    first = alone["recommendations"][0]
    assert (first["touchpoint"], first["probability"]) == (rows[0]["touchpoint"], rows[0]["probability"])
    assert alone["fallback"] == rows[0]["fallback"] == "no_policy"


def test_a_recorded_run_says_so_and_goes_on_under_its_name(typed: Any, tmp_path: Path) -> None:
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    assert typed("--all", "--to", str(first), "--run", "night", "--record", "--exclude", "mail.offer")["recorded"] == 2
    typed("--all", "--to", str(second), "--run", "night", "--record", "--exclude", "mail.offer")
    assert parquet.read_table(first).equals(parquet.read_table(second))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("ann", "--all", "--to", "x.parquet"),
        ("--all",),
        ("ann", "--to", "x.parquet"),
        ("ann", "--limit", "3"),
        ("--all", "--to", "x.parquet", "--decision-id", "d"),
        ("--all", "--to", "x.parquet", "--at", "2026-01-31"),
    ],
)
def test_one_customer_and_everybody_are_not_asked_about_at_once(typed: Any, arguments: tuple[str, ...]) -> None:
    with pytest.raises(RequestError, match="--all"):
        typed(*arguments)
