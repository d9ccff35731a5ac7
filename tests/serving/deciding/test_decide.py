"""Decisions over a real journal, a real Feast store and real boosters."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.catalogue import Catalogue
from features.domain import Consent, ConsentStatus, Interaction, Kind
from features.errors import DecisionConflictError, RequestError
from serving.deciding.answer import answer_of
from serving.deciding.compose import Question
from serving.deciding.live import LoadedPolicy
from serving.deciding.record import DecisionRecord, record_from_json
from training.policy import Policy, rng_for

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ask(customer_id: str = "ann", decision_id: str = "d1", **more: Any) -> Question:
    return Question(customer_id=customer_id, decision_id=decision_id, request={"customer_id": customer_id}, **more)


def the_purchase(at: datetime = NOW) -> Interaction:
    return Interaction(
        message_id="p1",
        customer_id="ann",
        touchpoint="store.checkout",
        kind=Kind.PURCHASE,
        at=at,
        received_at=at,
        source="test",
        value=50.0,
    )


def test_a_decision_is_in_the_journal_whole_when_it_is_answered(bench: Any) -> None:
    record = bench.assembly.decider.decide(ask(), now=NOW)
    kept = bench.workspace.journal.decision("d1")
    assert kept is not None
    assert record_from_json(kept.record) == record
    assert (kept.customer_id, kept.touchpoint, kept.at) == ("ann", record.chosen, NOW)
    assert kept.probability == record.recommendations[0].probability


def test_probabilities_over_the_eligible_touchpoints_sum_to_one(bench: Any) -> None:
    record = bench.assembly.decider.decide(ask(), now=NOW)
    assert [candidate.touchpoint for candidate in record.candidates] == ["none", "mail.offer", "email.news"]
    assert sum(candidate.probability for candidate in record.candidates) == pytest.approx(1.0, abs=1e-12)


def test_net_value_is_uplift_times_value_times_margin_less_cost(bench: Any) -> None:
    offer = bench.assembly.decider.decide(ask(), now=NOW).candidates[1]
    assert offer.net_value == pytest.approx(offer.uplift * offer.value * 0.25 - 0.5)


def test_the_draw_can_be_repeated_from_the_record(bench: Any) -> None:
    record = bench.assembly.decider.decide(ask(), now=NOW)
    assert record.draw.u == rng_for("d1", record.draw.seed).random()


def test_an_interaction_moves_the_features_of_the_very_next_decision(bench: Any) -> None:
    before = bench.assembly.decider.decide(ask(decision_id="d1"), now=NOW)
    bench.workspace.journal.append_interactions([the_purchase()])
    after = bench.assembly.decider.decide(ask(decision_id="d2"), now=NOW)
    assert before.features.values["kind_purchase_lifetime_count"] == 2
    assert after.features.values["kind_purchase_lifetime_count"] == 3
    assert after.features.values["purchase_lifetime_money"] == pytest.approx(150.0)
    assert (before.features.position, after.features.position) == (0, 1)


def test_age_counts_from_the_end_of_the_files_whatever_else_comes_online(bench: Any) -> None:
    assert bench.assembly.decider.decide(ask(decision_id="d1"), now=NOW).features.age_seconds == 3600.0
    bench.workspace.journal.append_interactions([the_purchase(NOW - timedelta(minutes=1))])
    assert bench.assembly.decider.decide(ask(decision_id="d2"), now=NOW).features.age_seconds == 3600.0


def test_an_unknown_customer_gets_a_recorded_answer_from_the_same_policy(bench: Any) -> None:
    record = bench.assembly.decider.decide(ask("nobody"), now=NOW)
    assert (record.fallback, record.features.status, record.policy.version) == ("unknown_customer", "missing", "1")
    assert bench.workspace.journal.decision("d1") is not None


def test_stale_features_are_not_used(bench: Any) -> None:
    late = NOW + timedelta(days=30)
    record = bench.assembly.decider.decide(ask(), now=late)
    assert (record.fallback, record.features.status) == ("stale_features", "stale")
    assert record.features.age_seconds == timedelta(days=30, hours=1).total_seconds()
    assert record.features.values["kind_purchase_lifetime_count"] == 0


def test_without_a_policy_the_priors_decide(bench: Any) -> None:
    bench.assembly.live.current = None
    record = bench.assembly.decider.decide(ask(), now=NOW)
    assert (record.fallback, record.policy.name, record.policy.sha256) == ("no_policy", "priors", None)
    assert record.candidates[1].uplift == pytest.approx(0.02)
    assert len(record.recommendations[0].reasons) <= 2


def test_a_dry_run_keeps_nothing_but_counts_what_was_posted(bench: Any) -> None:
    record = bench.assembly.decider.decide(ask(dry_run=True, unrecorded=(the_purchase(),)), now=NOW)
    assert record.features.values["kind_purchase_lifetime_count"] == 3
    assert bench.workspace.journal.decision("d1") is None
    assert bench.workspace.journal.head() == 0
    assert bench.workspace.journal.contacts_of(["ann"], NOW - timedelta(days=365)).seen == 0


def test_a_question_beyond_the_clock_skew_in_the_future_is_refused(bench: Any) -> None:
    with pytest.raises(RequestError, match="in the future"):
        bench.assembly.decider.decide(ask(at=NOW + timedelta(seconds=301)), now=NOW)
    assert bench.assembly.decider.decide(ask(at=NOW + timedelta(seconds=299)), now=NOW).fallback is None


def test_a_question_about_a_time_before_what_is_known_is_refused_with_a_remedy(bench: Any) -> None:
    with pytest.raises(RequestError, match="leave 'at' out") as refused:
        bench.assembly.decider.decide(ask(at=NOW - timedelta(days=6)), now=NOW)
    assert refused.value.field == "/at"
    assert bench.assembly.decider.decide(ask(at=NOW - timedelta(days=4)), now=NOW).at == NOW - timedelta(days=4)


def test_only_the_touchpoints_asked_for_are_eligible_and_none(bench: Any) -> None:
    record = bench.assembly.decider.decide(ask(candidates=("email.news",)), now=NOW)
    assert [candidate.eligible for candidate in record.candidates] == [True, False, True]
    assert record.candidates[1].stage == "available"


def test_an_unknown_candidate_is_refused(bench: Any) -> None:
    with pytest.raises(RequestError) as refused:
        bench.assembly.decider.decide(ask(candidates=("email.nothing",)), now=NOW)
    assert refused.value.field == "/candidates"


def test_a_slate_starts_with_the_choice_and_goes_on_by_value(bench: Any) -> None:
    for index in range(12):
        record = bench.assembly.decider.decide(ask(decision_id=f"d{index}", limit=50, dry_run=True), now=NOW)
        slate = record.recommendations
        assert [item.rank for item in slate] == [1, 2, 3]
        assert slate[0].touchpoint == record.chosen
        assert slate[1].expected_value >= slate[2].expected_value
        assert sum(item.probability for item in slate) == pytest.approx(1.0)


def test_the_same_question_with_the_same_id_gets_the_same_answer(bench: Any) -> None:
    decider, question = bench.assembly.decider, ask()
    first = decider.decide(question, now=NOW)
    assert decider.earlier("d1", question.request) == first
    with pytest.raises(DecisionConflictError):
        decider.earlier("d1", {"customer_id": "bob"})


def test_two_at_once_with_one_decision_id_hear_the_same_answer(bench: Any) -> None:
    question = replace(ask(), request={"customer_id": "ann", "decision_id": "d1"})

    def decide(minutes: int) -> DecisionRecord:
        return bench.assembly.decider.decide(question, now=NOW + timedelta(minutes=minutes))

    with ThreadPoolExecutor(4) as pool:
        answers = {json.dumps(str(answer_of(record))) for record in pool.map(decide, range(4))}
    assert len(answers) == 1


def test_a_cap_holds_however_many_decide_at_once(bench: Any, make_policy: Callable[..., Policy]) -> None:
    eager = make_policy("2", uplift=0.8)
    bench.assembly.live.current = LoadedPolicy(eager)

    def decide(index: int) -> str:
        return str(bench.assembly.decider.decide(ask("bob", f"d{index}"), now=NOW + timedelta(microseconds=index)).chosen)

    with ThreadPoolExecutor(8) as pool:
        chosen = list(pool.map(decide, range(24)))
    assert len(chosen) - chosen.count("none") == 1
    assert bench.workspace.journal.contacts_of(["bob"], NOW - timedelta(days=365)).seen == 1


def test_a_contact_at_the_cap_drops_the_touchpoint_with_the_rule(bench: Any) -> None:
    bench.workspace.journal.add_contacts([("c1", "ann", "mail.offer", NOW - timedelta(days=10))])
    offer = bench.assembly.decider.decide(ask(), now=NOW).candidates[1]
    assert (offer.eligible, offer.stage, offer.probability) == (False, "contacts", 0.0)
    assert offer.rule == "at most 1 x mail.offer in 30 days: sent on 2026-01-21"


def test_a_contact_shortly_after_the_asked_time_counts_as_well(bench: Any) -> None:
    bench.workspace.journal.add_contacts([("c1", "ann", "mail.offer", NOW)])
    record = bench.assembly.decider.decide(ask(at=NOW - timedelta(days=1)), now=NOW)
    assert [candidate.eligible for candidate in record.candidates] == [True, False, False]


def test_the_choice_comes_with_its_money_and_with_what_moves_it(bench: Any) -> None:
    slate = bench.assembly.decider.decide(ask(limit=3, dry_run=True), now=NOW).recommendations
    offer = next(item for item in slate if item.touchpoint == "mail.offer")
    assert offer.reasons[0].startswith(f"expected value {offer.expected_value:.2f} USD = ")
    assert any("raises the effect of mail.offer" in reason for reason in offer.reasons[1:])


def test_a_choice_that_does_not_look_best_says_that_it_is_made_to_learn(bench: Any) -> None:
    records = [bench.assembly.decider.decide(ask(decision_id=f"d{i}", dry_run=True), now=NOW) for i in range(120)]
    best = max(records[0].candidates, key=lambda candidate: candidate.net_value).touchpoint
    for record in records:
        learns = any(reason.startswith("chosen to learn") for reason in record.recommendations[0].reasons)
        assert learns == (record.chosen != best)
    assert any(record.chosen != best for record in records)


def test_a_budget_holds_however_many_decide_at_once(with_rules: Callable[..., Any]) -> None:
    client = with_rules("[[budgets]]\ncontacts = 3\npaced = false\n", caps=False)
    decider = client.bench.assembly.decider

    def decide(index: int) -> DecisionRecord:
        return decider.decide(ask(f"c{index}", f"d{index}"), now=NOW)  # type: ignore[no-any-return]

    with ThreadPoolExecutor(8) as pool:
        records = list(pool.map(decide, range(24)))
    assert sum(record.chosen != "none" for record in records) == 3
    later = decider.decide(ask("late", "late"), now=NOW)
    assert {each.stage for each in later.candidates[1:]} == {"budget"}
    assert list(later.situation.used.values()) == [3.0]
    assert decider.decide(ask("next", "next"), now=NOW + timedelta(days=1)).candidates[1].eligible


def test_a_consent_withdrawn_while_it_is_decided_counts(bench: Any) -> None:
    journal = bench.workspace.journal
    steps = bench.assembly.decider.deciding(ask(), now=NOW)
    proposed = next(steps)
    said = Consent(message_id="k1", customer_id="ann", status=ConsentStatus.DENIED, at=NOW, received_at=NOW, source="test")
    journal.append_consents([said])
    given = {"contacts_seen": proposed.contacts_seen, "consents_seen": proposed.consents_seen}
    assert not journal.append_decision(proposed.decision, identifiers=proposed.identifiers, **given)
    again = record_from_json(steps.send(False).decision.record)
    assert {each.stage for each in again.candidates[1:]} == {"consent"}


def test_the_catalogue_of_a_recorded_decision_is_kept_and_a_dry_run_keeps_none(bench: Any) -> None:
    journal, catalogue = bench.workspace.journal, bench.workspace.catalogue
    bench.assembly.decider.decide(ask(dry_run=True), now=NOW)
    assert journal.catalogue(catalogue.version) is None
    record = bench.assembly.decider.decide(ask(), now=NOW)
    kept = Catalogue.model_validate_json(journal.catalogue(record.catalogue_version))
    assert (kept, kept.version) == (catalogue, record.catalogue_version)


def test_a_condition_on_the_context_of_the_question_is_heeded(with_rules: Callable[..., Any]) -> None:
    rule = '[[conditions]]\ntouchpoint = "mail.offer"\nvalue = "context.weather"\nequals = "rain"\n'
    decider = with_rules(rule, caps=False).bench.assembly.decider
    rain, sun = (decider.decide(ask("c", word, context={"weather": word}), now=NOW) for word in ("rain", "sun"))
    assert (rain.candidates[1].eligible, sun.candidates[1].eligible) == (True, False)


def test_every_part_of_the_money_is_in_the_record_and_adds_up(with_rules: Callable[..., Any]) -> None:
    keys = "objective = { unsubscribe_cost = 8.0, fatigue_cost = 0.1 }\n"
    lever = '[[levers]]\ntouchpoint = "mail.offer"\nweight = 1.5\n'
    offer = with_rules(lever, keys=keys, caps=False).bench.assembly.decider.decide(ask(), now=NOW).candidates[1]
    parts = offer.parts
    net = parts.gain + parts.retention - parts.cost - parts.incentive - parts.fatigue
    assert offer.net_value == pytest.approx(net)
    assert parts.gain == pytest.approx(offer.uplift * offer.value * 0.25)
    assert (offer.lever, offer.priority) == (1.5, pytest.approx(1.5 * net))


def test_a_question_from_before_there_were_records_is_refused(bench: Any) -> None:
    with pytest.raises(RequestError, match="before 1990"):
        bench.assembly.decider.decide(ask("old", at=datetime(1, 1, 2, tzinfo=UTC)), now=NOW)


def test_nobody_is_contacted_who_is_known_not_to_want_it_even_where_the_asking_clock_is_behind(bench: Any) -> None:
    said = Consent(message_id="k1", customer_id="cyd", status=ConsentStatus.WITHDRAWN, at=NOW, received_at=NOW, source="test")
    bench.workspace.journal.append_consents([said])
    record = bench.assembly.decider.decide(ask("cyd", at=NOW - timedelta(minutes=4)), now=NOW)
    assert {each.stage for each in record.candidates[1:]} == {"consent"}


def test_contacts_posted_with_a_dry_run_count_for_caps_and_budgets_as_in_earnest(with_rules: Callable[..., Any]) -> None:
    client = with_rules('[[budgets]]\nchannel = "mail"\ncontacts = 1\npaced = false\n')
    sent = {"touchpoint": "mail.offer", "kind": "contact", "message_id": "m1"}
    asked = {"customer_id": "cyd", "interactions": [sent], "limit": 9}
    dry = client.post("/v1/recommend", {**asked, "dry_run": True}).json()["recommendations"]
    assert [each["touchpoint"] for each in dry] == ["none"]
    question = ask("cyd", unrecorded=(replace(the_purchase(), touchpoint="mail.offer", kind=Kind.CONTACT),), dry_run=True)
    assert list(client.bench.assembly.decider.decide(question, now=NOW).situation.used.values()) == [1.0]
    assert [each["touchpoint"] for each in client.post("/v1/recommend", asked).json()["recommendations"]] == ["none"]
