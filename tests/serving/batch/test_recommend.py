"""The file for everybody holds, for each customer, what that customer would be told now."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from features.domain import Kind
from features.errors import ConfigurationError, RequestError, StoreError
from features.experiment import Arm
from serving.batch import Asked, recommend_all
from serving.batch.rows import Rows

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
POLICIES = ("boosted", "mean", "priors", "challenged")


@pytest.mark.parametrize("kind", POLICIES)
def test_every_row_is_what_the_decider_answers_to_the_last_digit(world: Any, run: Any, kind: str) -> None:
    assembly = world(kind)
    ran = run(assembly, limit=3, probabilities=True)
    asked, rows = Asked(run="night", limit=3), Rows(assembly.workspace.catalogue.arms, limit=3, probabilities=True)
    records = [assembly.decider.decide(asked.question(customer_id), now=NOW) for customer_id in ran.rows]
    told = rows.recorded(records).to_pylist()
    assert len(told) > 60
    assert told == list(ran.rows.values())
    assert {row["arm"] for row in told} == {str(arm) for arm in Arm}


def test_features_that_are_too_old_are_not_used_and_the_row_says_so(world: Any, run: Any) -> None:
    assembly, later = world(tables=""), NOW + timedelta(days=400)
    ran, asked = run(assembly, at=later), Asked(run="night")
    assert ran.rows["c5"]["fallback"] == "stale_features"
    record = assembly.decider.decide(asked.question("c5"), now=later)
    assert Rows(assembly.workspace.catalogue.arms, limit=1, probabilities=False).recorded([record]).to_pylist() == [
        ran.rows["c5"]
    ]


def test_a_customer_is_one_row_whatever_identifiers_there_are(world: Any, run: Any) -> None:
    assembly = world()
    ran = run(assembly)
    journal = assembly.workspace.journal
    assert journal.customer_of("twin") == journal.customer_of("c1") == journal.customer_of("cookie:1")
    known = {journal.customer_of(name) for name in (*(f"c{n}" for n in range(60)), "ann", "zoe", "twin", "asked-only")}
    assert set(ran.rows) == known
    assert ran.rows["asked-only"]["fallback"] == "unknown_customer"


def test_nothing_is_kept_of_a_run_that_does_not_record(world: Any, run: Any) -> None:
    assembly = world()
    ran = run(assembly)
    assert ran.report.recorded == 0
    assert list(assembly.workspace.journal.decisions_since(NOW)) == []
    assert run(assembly).rows == ran.rows


def test_another_run_draws_anew(world: Any, run: Any) -> None:
    assembly = world()
    first, second = run(assembly, run="one").rows, run(assembly, run="two").rows
    assert {row["probability"] for row in first.values()} != {row["probability"] for row in second.values()}
    assert all(first[each]["decision_id"] != second[each]["decision_id"] for each in first)


def test_only_those_asked_for_are_in_it_by_whatever_name(world: Any, run: Any, tmp_path: Path) -> None:
    assembly = world()
    listed = tmp_path / "some.txt"
    listed.write_text("c5\n\ncookie:1\nc5\nnobody-knows-me\n", encoding="utf-8")
    ran = run(assembly, customers=listed)
    assert set(ran.rows) == {"c5", assembly.workspace.journal.customer_of("c1"), "nobody-knows-me"}
    assert ran.rows["nobody-knows-me"]["fallback"] == "unknown_customer"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_customers_may_be_a_column_of_a_file(world: Any, run: Any, tmp_path: Path, suffix: str) -> None:
    listed = tmp_path / f"some.{suffix}"
    if suffix == "csv":
        listed.write_text("name,customer_id\nA,c5\nB,c7\n", encoding="utf-8")
    else:
        parquet.write_table(pa.table({"customer_id": ["c5", "c7", None]}), listed)
    assert set(run(world(), customers=listed).rows) == {"c5", "c7"}
    bad = tmp_path / f"bad.{suffix}"
    bad.write_bytes(listed.read_bytes().replace(b"customer_id", b"customer_ix"))
    with pytest.raises(ConfigurationError, match="customer_id"):
        run(world(), customers=bad)


def test_candidates_and_exclusions_hold_for_everybody(world: Any, run: Any) -> None:
    assembly = world(tables="")
    assert {row["touchpoint"] for row in run(assembly, candidates=("mail.offer",)).rows.values()} == {"none", "mail.offer"}
    excluded = run(assembly, exclude=("mail.offer",), probabilities=True).rows.values()
    assert {dict(row["probabilities"])["mail.offer"] for row in excluded} == {0.0}
    with pytest.raises(RequestError, match="not recommendable"):
        run(assembly, candidates=("mail.offr",))


def test_who_is_known_of_in_the_future_is_left_out_and_counted(world: Any, run: Any, told: Any) -> None:
    assembly = world()
    assembly.workspace.journal.append_interactions([told("c5", 9_000, Kind.VIEW, -30)])
    ran = run(assembly)
    assert ran.report.left_out == 1
    assert "c5" not in ran.rows


def test_a_file_that_cannot_be_written_or_finished_leaves_nothing(world: Any, run: Any, tmp_path: Path) -> None:
    assembly, asked = world(), Asked(run="night")
    for file, error in ((tmp_path / "no" / "out.parquet", StoreError), (tmp_path / "out.csv", ConfigurationError)):
        with pytest.raises(error, match="--to"):
            recommend_all(assembly, file, asked, now=NOW, on_progress=lambda message: None)

    def interrupted(message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recommend_all(assembly, tmp_path / "out.parquet", asked, now=NOW, on_progress=interrupted)
    assert list(tmp_path.glob("out*")) == []
    (tmp_path / "out.parquet").write_text("of yesterday", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        recommend_all(assembly, tmp_path / "out.parquet", asked, now=NOW, on_progress=interrupted)
    assert (tmp_path / "out.parquet").read_text(encoding="utf-8") == "of yesterday"


@pytest.mark.parametrize(("option", "value"), [("run", "a b"), ("run", ""), ("limit", 0), ("limit", 51)])
def test_a_question_that_cannot_be_asked_is_refused(option: str, value: Any) -> None:
    with pytest.raises(RequestError, match=f"--{option}"):
        Asked(**{"run": "night", option: value})
