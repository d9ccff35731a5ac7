"""A run that records: each decision as if it had been asked for, and none twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.domain import Kind
from features.errors import DecisionConflictError
from serving.batch import Asked
from serving.batch.budgets import Purse
from serving.batch.recommend import Run
from serving.deciding.record import record_from_json

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SURE = '[exploration]\nmethod = "epsilon_greedy"\nepsilon = 0.0\nfloor = 0.0\n'
TWO = f"{SURE}\n[[budgets]]\nchannel = 'mail'\ncontacts = 9\npaced = false\n"  # seven were made today, so two are left


def decisions(assembly: Any) -> dict[str, Any]:
    found = assembly.workspace.journal.decisions_since(NOW - timedelta(days=1))
    return {each.customer_id: each for each in found}


@pytest.mark.parametrize("kind", ["boosted", "priors"])
def test_what_is_recorded_is_what_the_dry_run_says_and_can_be_replayed(world: Any, run: Any, kind: str) -> None:
    assembly = world(kind)
    dry, recorded = run(assembly, limit=2), run(assembly, limit=2, recorded=True)
    assert recorded.rows == dry.rows
    assert recorded.report.recorded == len(dry.rows) == len(decisions(assembly))
    for customer_id, decision in decisions(assembly).items():
        record = record_from_json(decision.record)
        assert record.decision_id == dry.rows[customer_id]["decision_id"]
        assert record.chosen == dry.rows[customer_id]["touchpoint"]


def test_a_record_is_the_one_that_the_api_would_have_kept(world: Any, run: Any) -> None:
    assembly, alike = world(), Asked(run="night", limit=2, recorded=True)
    expected = {name: assembly.decider.decide(replace(alike.question(name), dry_run=True), now=NOW) for name in ("ann", "c3")}
    run(assembly, limit=2, recorded=True)
    for name, record in expected.items():
        assert record_from_json(decisions(assembly)[name].record) == record


@pytest.mark.parametrize("deferred", [False, True])
def test_recorded_decisions_count_as_contacts_and_deferred_ones_do_not(world: Any, run: Any, deferred: bool) -> None:
    assembly = world(tables=SURE)
    rows = run(assembly, recorded=True, deferred=deferred, candidates=("email.news",)).rows
    counted = {name: len(assembly.workspace.journal.contacts_of([name], NOW).contacts) for name in ("c11", "c13", "c14")}
    assert {rows[name]["touchpoint"] for name in counted} == {"email.news"}
    assert set(counted.values()) == {0 if deferred else 1}


def test_a_run_that_broke_off_goes_on_where_it_was(world: Any, run: Any, tmp_path: Path) -> None:
    assembly = world()
    some = tmp_path / "some.txt"
    some.write_text("ann\nc5\nc6\n", encoding="utf-8")
    first = run(assembly, recorded=True, customers=some)
    later = run(assembly, recorded=True, at=NOW + timedelta(hours=1))
    assert {name: later.rows[name] for name in first.rows} == first.rows
    assert {row["at"] for name, row in later.rows.items() if name not in first.rows} == {NOW + timedelta(hours=1)}
    assert len(decisions(assembly)) == len(later.rows)
    assert run(assembly, recorded=True, at=NOW + timedelta(hours=2)).rows == later.rows


def test_the_same_run_with_other_options_is_refused(world: Any, run: Any) -> None:
    assembly = world()
    run(assembly, recorded=True)
    with pytest.raises(DecisionConflictError, match="--run 'night'"):
        run(assembly, recorded=True, limit=2)


def test_who_is_contacted_in_between_is_decided_for_again(world: Any, told: Any) -> None:
    assembly = world(tables=SURE)
    journal = assembly.workspace.journal
    batch = Run(assembly, Asked(run="night", recorded=True), at=NOW, probabilities=False)
    known = batch.reader.known([journal.identity_of(name) for name in ("c11", "c13")], at=NOW)
    journal.append_interactions([told("c11", 9_001, Kind.CONTACT, 0.01, "email.news")])
    one, other = batch._recording.recorded(known, Purse(assembly.workspace.catalogue, journal, at=NOW), now=NOW)
    assert (one.chosen, other.chosen) == ("none", "mail.offer")
    assert [candidate.stage for candidate in one.candidates] == [None, "contacts", "contacts"]


@pytest.mark.parametrize("recorded", [False, True])
def test_a_budget_goes_to_those_for_whom_it_is_worth_most(world: Any, run: Any, recorded: bool) -> None:
    plenty = run(world(tables=SURE), run="plenty").rows.values()
    worth = sorted((row["expected_value"] for row in plenty if row["touchpoint"] == "mail.offer"), reverse=True)
    assembly = world(tables=TWO)
    scarce = run(assembly, recorded=recorded)
    got = [row["expected_value"] for row in scarce.rows.values() if row["touchpoint"] == "mail.offer"]
    assert sorted(got, reverse=True) == pytest.approx(worth[:2])
    assert {row["touchpoint"] for row in scarce.rows.values()} == {"none", "mail.offer", "email.news"}


def test_a_budget_is_used_contact_by_contact_in_a_dry_run_as_in_a_real_one(world: Any, run: Any) -> None:
    assembly = world(tables=TWO)
    assert run(assembly).rows == run(assembly, recorded=True).rows
