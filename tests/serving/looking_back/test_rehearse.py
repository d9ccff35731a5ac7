"""What a rule change would have done, on decisions that the service took and kept."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from features.domain import Interaction, Kind
from features.errors import ConfigurationError
from features.journal import RecordedDecision
from serving.cli import app
from serving.deciding.compose import Question
from serving.deciding.record import DecisionRecord, record_as_json
from serving.looking_back.rehearsal import Compared, Moved, Rehearsal
from serving.looking_back.rehearse import rehearse

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CAPS = 'caps = [{ limit = 1, days = 7 }, { limit = 1, days = 30, touchpoint = "mail.offer" }]'
COLD = ("ann", "bea", "cyd", "dan")
"""Nobody contacted them."""
WARM = "eve"
"""Had an e-mail four days before the decision."""


@pytest.fixture
def records(bench: Any) -> list[DecisionRecord]:
    """One decision a minute, each for a customer of their own, so that none counts for another."""
    bench.workspace.journal.add_contacts([("c1", WARM, "email.news", NOW - timedelta(days=4))])
    return [
        bench.assembly.decider.decide(
            Question(customer_id=who, decision_id=f"d-{who}", context={"age": number}, request={"customer_id": who}),
            now=NOW + timedelta(minutes=number),
        )
        for number, who in enumerate((*COLD, WARM))
    ]


@pytest.fixture
def tried(bench: Any, records: list[DecisionRecord], tmp_path: Path) -> Callable[..., Rehearsal]:
    """Tries a catalogue that differs from the one in force in its caps, and has more tables at its end."""

    def run(more: str = "", *, caps: str = CAPS, days: float = 7) -> Rehearsal:
        text = bench.workspace.settings.catalogue_path.read_text(encoding="utf-8")
        assert CAPS in text
        path = tmp_path / "new.toml"
        path.write_text(text.replace(CAPS, caps) + more, encoding="utf-8")
        return rehearse(bench.workspace, path, days=days, now=NOW + timedelta(hours=1), on_progress=lambda message: None)

    return run


def compared(found: Rehearsal, touchpoint: str) -> Compared:
    return next(each for each in found.touchpoints if each.touchpoint == touchpoint)


def test_under_the_same_rules_everything_is_as_it_was_recorded(
    tried: Callable[..., Rehearsal], records: list[DecisionRecord]
) -> None:
    found = tried()
    assert (found.decisions, found.left_out, found.dropped, found.allowed, found.chosen_dropped) == (5, 0, (), (), 0)
    for index, name in enumerate(("none", "mail.offer", "email.news")):
        recorded = sum(record.candidates[index].probability for record in records)
        assert compared(found, name).expected_before == pytest.approx(recorded)
        assert compared(found, name).expected_after == pytest.approx(recorded)
    worth = sum(each.probability * each.net_value for record in records for each in record.candidates)
    assert found.value_before == found.value_after == pytest.approx(worth)


def test_what_a_new_cap_drops_is_told_by_touchpoint_and_rule_with_how_often_it_was_the_choice(
    tried: Callable[..., Rehearsal], records: list[DecisionRecord]
) -> None:
    found = tried(caps='caps = [{ limit = 1, days = 7 }, { limit = 0, days = 1, channel = "email" }]')
    chosen = sum(record.chosen == "email.news" for record in records if record.customer_id in COLD)
    rule = "at most 0 x email in 1 days"
    assert found.dropped == (Moved(touchpoint="email.news", stage="contacts", rule=rule, decisions=4, chosen=chosen),)
    assert (found.allowed, found.chosen_dropped) == ((), chosen)
    news = compared(found, "email.news")
    assert (news.eligible_before, news.eligible_after, news.expected_after) == (4, 0, 0.0)
    assert found.contacts_after == compared(found, "mail.offer").expected_after


def test_what_fewer_rules_allow_is_told_with_the_rule_that_is_gone(tried: Callable[..., Rehearsal]) -> None:
    found = tried(caps="")
    rule = "at most 1 x any touchpoint in 7 days"
    assert found.allowed == tuple(
        Moved(touchpoint=name, stage="contacts", rule=rule, decisions=1, chosen=0) for name in ("email.news", "mail.offer")
    )
    assert found.dropped == () and found.contacts_after > found.contacts_before


def test_rules_that_look_further_back_than_the_records_find_older_contacts_in_the_journal(
    bench: Any, records: list[DecisionRecord], tried: Callable[..., Rehearsal]
) -> None:
    bench.workspace.journal.add_contacts([("old", "ann", "email.news", NOW - timedelta(days=40))])
    found = tried(caps='caps = [{ limit = 1, days = 7 }, { limit = 1, days = 60, touchpoint = "email.news" }]')
    assert [(each.touchpoint, each.decisions) for each in found.dropped] == [("email.news", 1)]


def test_a_new_budget_counts_what_was_sent_before_that_quarter_of_an_hour(
    bench: Any, records: list[DecisionRecord], tried: Callable[..., Rehearsal]
) -> None:
    sent = Interaction(
        message_id="m",
        customer_id="fay",
        touchpoint="email.news",
        kind=Kind.CONTACT,
        at=NOW - timedelta(hours=1),
        received_at=NOW,
        source="test",
    )
    bench.workspace.journal.append_interactions([sent, replace(sent, message_id="n", at=NOW - timedelta(days=1))])
    assert tried("[[budgets]]\ncontacts = 2\npaced = false\nchannel = 'email'").dropped == ()
    (moved,) = tried("[[budgets]]\ncontacts = 1\npaced = false\nchannel = 'email'").dropped
    assert (moved.touchpoint, moved.stage, moved.decisions) == ("email.news", "budget", 4)


def test_conditions_see_what_came_with_the_question_and_what_no_record_knows_is_told(tried: Callable[..., Rehearsal]) -> None:
    found = tried("[[conditions]]\nvalue = 'context.age'\nat_least = 2\n[[conditions]]\nvalue = 'context.mood'\nequals = 'x'")
    eligible = {(each.touchpoint, each.rule): each.decisions for each in found.dropped}
    assert eligible["mail.offer", "context.mood must be x"] + eligible["mail.offer", "context.age must be at least 2"] == 4
    assert any("No record knows context.mood" in note for note in found.notes)
    only = tried("[[conditions]]\nvalue = 'context.age'\nat_least = 2")
    assert compared(only, "mail.offer").eligible_after == 2  # cyd and dan; eve was contacted
    assert not any("No record knows" in note for note in only.notes)


def test_a_lever_moves_what_is_expected_and_drops_nothing(tried: Callable[..., Rehearsal]) -> None:
    found = tried("[[levers]]\ntouchpoint = 'mail.offer'\nweight = 50")
    assert found.dropped == found.allowed == ()
    offer = compared(found, "mail.offer")
    assert offer.expected_after > offer.expected_before


def test_a_new_touchpoint_counts_by_its_prior_and_a_mandatory_one_goes_before_all_others(
    tried: Callable[..., Rehearsal],
) -> None:
    new = "[[touchpoints]]\nname = 'call.adviser'\nstage = 'retention'\nrecommendable = true\nmandatory = true\n"
    found = tried(new)
    assert compared(found, "call.adviser").expected_after == pytest.approx(4.0)  # for eve it is capped
    assert compared(found, "call.adviser").eligible_before == 0
    assert ("none", "mandatory", 4) in [(each.touchpoint, each.stage, each.decisions) for each in found.dropped]
    gone = next(each for each in found.allowed if each.touchpoint == "call.adviser")
    assert gone.rule == "not recommendable in this catalogue"
    assert any("No record scored call.adviser" in note for note in found.notes)


def test_a_touchpoint_and_a_placement_that_are_gone_are_no_error(
    bench: Any, records: list[DecisionRecord], tmp_path: Path
) -> None:
    asked = Question(customer_id="gus", decision_id="g", candidates=("email.news",), request={"customer_id": "gus"})
    bench.assembly.decider.decide(asked, now=NOW)
    path = tmp_path / "new.toml"
    path.write_text("[[touchpoints]]\nname = 'mail.offer'\nstage = 'retention'\nrecommendable = true\nplacements = ['home']")
    found = rehearse(bench.workspace, path, days=7, now=NOW + timedelta(hours=1), on_progress=lambda message: None)
    (moved,) = [each for each in found.dropped if each.touchpoint == "email.news"]
    assert (moved.rule, moved.decisions) == ("not recommendable in this catalogue", 5)
    kept = record_of(records[0], placement="cart")
    bench.workspace.journal.append_decision(kept, contacts_seen=None)
    again = rehearse(bench.workspace, path, days=7, now=NOW + timedelta(hours=1), on_progress=lambda message: None)
    assert (again.decisions, compared(again, "mail.offer").eligible_after) == (7, compared(found, "mail.offer").eligible_after)


def record_of(record: DecisionRecord, *, placement: str | None) -> RecordedDecision:
    """The same decision with another placement, or as older software kept it: without its situation."""
    situation = None if placement is None or record.situation is None else replace(record.situation, placement=placement)
    changed = replace(record, decision_id=f"{record.decision_id}-{placement}", situation=situation)
    return RecordedDecision(
        decision_id=changed.decision_id,
        customer_id=changed.customer_id,
        touchpoint=changed.chosen,
        at=changed.at,
        request_hash="r",
        record=record_as_json(changed),
        candidates=("none",),
        probability=1.0,
    )


def test_records_without_a_situation_or_of_another_form_are_counted_and_told(
    bench: Any, records: list[DecisionRecord], tried: Callable[..., Rehearsal]
) -> None:
    old = record_of(records[0], placement=None)
    bench.workspace.journal.append_decision(old, contacts_seen=None)
    bench.workspace.journal.append_decision(replace(old, decision_id="x", record='{"form": 1}'), contacts_seen=None)
    found = tried()
    assert (found.decisions, found.left_out) == (5, 2)
    assert "2 decisions are left out: their records do not say what the rules went by." in found.in_words()


def test_only_decisions_of_the_days_asked_for_are_looked_at(tried: Callable[..., Rehearsal]) -> None:
    # an hour after noon; the decisions were taken in the first minutes after noon
    assert tried(days=57.5 / 1440).decisions == 2
    nothing = tried(days=0)
    assert (nothing.decisions, nothing.contacts_before, nothing.touchpoints) == (0, 0, ())
    assert "on 0 decisions" in nothing.in_words()


def test_who_chose_at_random_still_does(bench: Any, tried: Callable[..., Rehearsal], records: list[DecisionRecord]) -> None:
    kept = record_of(replace(records[0], arm="random"), placement="anywhere")
    bench.workspace.journal.append_decision(kept, contacts_seen=None)
    found = tried()
    recorded = sum(record.candidates[0].probability for record in records)
    assert compared(found, "none").expected_before == pytest.approx(recorded + 1 / 3)


def test_a_dry_run_writes_nothing_and_is_told_in_words(
    bench: Any, tried: Callable[..., Rehearsal], records: list[DecisionRecord]
) -> None:
    words = tried(caps='caps = [{ limit = 0, days = 1, channel = "email" }]').in_words()
    assert "on 5 decisions from 2026-01-24 13:00 to 2026-01-31 13:00 UTC" in words
    assert "(contacts: at most 0 x email in 1 days)" in words
    assert "Under the new rules earlier decisions would have been others" in words
    assert len(list(bench.workspace.journal.decisions_since(NOW - timedelta(days=30)))) == 5


def test_the_command_tells_it_as_json_and_refuses_a_wrong_catalogue(
    bench: Any, records: list[DecisionRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = bench.workspace.settings
    monkeypatch.setenv("TOUCHPOINT_HOME", str(settings.home))
    monkeypatch.setenv("TOUCHPOINT_JOURNAL_URL", str(settings.journal_url))
    path = tmp_path / "new.toml"
    path.write_text(settings.catalogue_path.read_text(encoding="utf-8"), encoding="utf-8")
    result = CliRunner().invoke(app, ["rehearse", str(path), "--days", "3650", "--json"], catch_exceptions=False)
    told = json.loads(result.stdout)
    assert (result.exit_code, told["decisions"], told["dropped"]) == (0, 5, [])
    path.write_text("caps = 3", encoding="utf-8")
    wrong = CliRunner().invoke(app, ["rehearse", str(path)])
    assert isinstance(wrong.exception, ConfigurationError) and "caps" in str(wrong.exception)


def test_without_a_policy_the_priors_are_rehearsed(bench: Any, tmp_path: Path) -> None:
    bench.assembly.live.current = None
    decided = bench.assembly.decider.decide(Question(customer_id="ann", decision_id="p"), now=NOW)
    assert decided.fallback == "no_policy"
    path = bench.workspace.settings.catalogue_path
    found = rehearse(bench.workspace, path, days=1, now=NOW + timedelta(hours=1), on_progress=lambda message: None)
    assert compared(found, "none").expected_after == pytest.approx(decided.candidates[0].probability)


def test_a_new_touchpoint_counts_with_what_it_gives_away(tried: Callable[..., Rehearsal], records: list[DecisionRecord]) -> None:
    new = "[[touchpoints]]\nname = 'call.adviser'\nstage = 'retention'\nrecommendable = true\nmandatory = true\n"
    plain, costly = tried(new), tried(new + "prior_uplift = 0.02\nincentive = 5\ndiscount = 0.1\n")
    nothing = [record.candidates[0] for record in records[:4]]  # for eve it is capped
    gained = sum(0.02 * each.value * 0.25 - (each.propensity + 0.02) * (5 + 0.1 * each.value) for each in nothing)
    assert costly.value_after - plain.value_after == pytest.approx(gained)
