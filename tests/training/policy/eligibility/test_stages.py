"""The order of the stages, and what each of those says that look at no contact."""

from datetime import datetime

import pytest

from features.errors import PolicyError, RequestError
from training.policy import Candidate, EligibilityStage, Situation

EMAIL = "email:" + 32 * "0"
COOKIE = "cookie:" + 32 * "0"
REACH = {"channels": {"email": {"needs": ["email", "crm"]}}}
MARKETING = ["mail.offer", "email.offer", "email.news"]


def test_without_rules_every_arm_is_eligible_in_catalogue_order_after_none(rules):
    assert rules.eligible({}) == ["none", *rules.arms]


def test_what_was_not_asked_for_is_not_available(rules):
    found = rules.found({}, candidates=("email.news",))
    assert [name for name, each in found.items() if each.eligible] == ["none", "email.news"]
    assert found["mail.offer"] == Candidate("mail.offer", False, "available", "not among the candidates of the request")


def test_what_the_request_excludes_is_not_available_and_none_cannot_be_excluded(rules):
    found = rules.found({}, exclude=("none", "mail.offer"))
    assert found["none"].eligible
    assert found["mail.offer"] == Candidate("mail.offer", False, "available", "excluded by the request")


def test_what_is_shown_elsewhere_is_not_available_and_without_a_place_everything_is(rules):
    tables = {"touchpoints": {"mail.offer": {"placements": ["home", "cart"]}, "email.news": {"placements": ["cart"]}}}
    assert "mail.offer" in rules.eligible(tables) and "mail.offer" in rules.eligible(tables, placement="home")
    assert rules.dropped(tables, "email.news", placement="home")[:2] == ("available", "shown at cart, not at home")
    assert rules.found(tables, placement="home")["call.adviser"].eligible  # shown anywhere


@pytest.mark.parametrize(
    ("asked", "field", "named"),
    [
        ({"candidates": ("mail.offr",)}, "/candidates", "'mail.offr'"),
        ({"candidates": ("web.cart",)}, "/candidates", "'web.cart'"),
        ({"exclude": ("mail.offr", "web.cart", "x")}, "/exclude", "'mail.offr', 'x'"),
        ({"placement": "hme"}, "/placements", "'hme' no placement .* give some of home"),
    ],
)
def test_unknown_names_are_refused_by_name(rules, asked, field, named):
    with pytest.raises(RequestError, match=named) as refusal:
        rules.eligible({"touchpoints": {"mail.offer": {"placements": ["home"]}}}, **asked)
    assert refusal.value.field == field


def test_where_no_touchpoint_names_placements_any_place_will_do(rules):
    assert rules.eligible({}, placement="anywhere_else") == ["none", *rules.arms]


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(PolicyError, match="has no time zone"):
        Situation(at=datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("identifiers", "reaches"),
    [(("ann", EMAIL), True), (("crm:" + 32 * "1",), True), (("ann", COOKIE), False), (("email",), False), ((), False)],
)
def test_a_channel_reaches_who_has_one_of_the_identifiers_that_it_needs(rules, identifiers, reaches):
    assert ("email.offer" in rules.eligible(REACH, identifiers=identifiers)) is reaches
    assert "mail.offer" in rules.eligible(REACH, identifiers=identifiers)


def test_what_is_transactional_needs_an_address_as_well(rules):
    rule = "email needs an identifier of type email or crm: none is known"
    assert rules.dropped(REACH, "email.receipt", identifiers=("ann",)) == ("reachable", rule, None)


def test_in_the_holdout_only_what_is_transactional_may_be_chosen(rules):
    assert rules.eligible({"holdout": {"share": 0.1}}, held_out=True) == ["none", "email.receipt"]
    rule = "in the holdout of 10 % of all customers"
    assert rules.dropped({"holdout": {"share": 0.1}}, "mail.offer", held_out=True) == ("holdout", rule, None)


def test_a_withdrawal_drops_what_it_covers_and_is_told_with_its_rule(rules):
    said = (rules.consent("withdrawn", channel="email", purpose="marketing"),)
    assert rules.eligible({}, consents=said) == ["none", "mail.offer", "email.receipt", "call.adviser"]
    rule = "marketing on any channel is opt-out: withdrawn on 2026-11-20 (crm)"
    assert rules.dropped({}, "email.offer", consents=said) == ("consent", rule, None)


def test_where_the_customer_must_opt_in_silence_is_a_no(rules):
    tables = {"consent": [{"purpose": "marketing", "channel": "email", "basis": "opt_in"}]}
    assert rules.eligible(tables) == ["none", "mail.offer", "email.receipt", "call.adviser"]
    assert rules.eligible(tables, consents=(rules.consent("granted", channel="email"),)) == ["none", *rules.arms]


LAYERS = [
    ("available", {}, {"exclude": ("mail.offer",)}),
    ("reachable", {"channels": {"mail": {"needs": ["address"]}}}, {}),
    ("holdout", {}, {"held_out": True}),
    ("consent", {"consent": [{"purpose": "marketing", "basis": "opt_in"}]}, {}),
    ("eligible", {"conditions": [{"value": "context.age", "at_least": 18}]}, {}),
    ("applicable", {"conditions": [{"stage": "applicable", "value": "context.home", "equals": 1}]}, {}),
    ("suitable", {"conditions": [{"stage": "suitable", "value": "context.mood", "equals": "good"}]}, {}),
    ("contacts", {"caps": [{"limit": 0, "days": 1}]}, {}),
    ("quiet_hours", {"quiet_hours": [{"start": "11:00", "end": "13:00"}]}, {}),
    ("budget", {"budgets": [{"contacts": 0}]}, {}),
    ("mandatory", {"touchpoints": {"call.adviser": {"mandatory": True}}}, {}),
]


@pytest.mark.parametrize("index", range(len(LAYERS)), ids=[stage for stage, _, _ in LAYERS])
def test_the_first_stage_that_drops_a_touchpoint_is_the_one_told(rules, index):
    tables, given = {}, {}
    for _, more, asked in LAYERS[index:]:
        given |= asked
        for name, table in more.items():
            both = isinstance(table, list) and name in tables
            tables[name] = [*tables[name], *table] if both else table
    assert rules.dropped(tables, "mail.offer", **given)[0] == LAYERS[index][0]
    assert [stage.value for stage in EligibilityStage] == [stage for stage, _, _ in LAYERS]


def test_of_several_rules_of_a_stage_the_one_that_lasts_longest_is_told(rules):
    caps = [{"limit": 1, "days": 2}, {"limit": 1, "days": 9}, {"limit": 1, "days": 4}]
    assert rules.dropped({"caps": caps}, "mail.offer", contacts=[("mail.offer", 1)])[1].startswith(
        "at most 1 x any touchpoint in 9"
    )
    never = [*caps, {"limit": 0, "days": 1}]
    assert rules.dropped({"caps": never}, "mail.offer", contacts=[("mail.offer", 1)])[1:] == (
        "at most 0 x any touchpoint in 1 days: never",
        None,
    )


FIRST = {"touchpoints": {"call.adviser": {"mandatory": True}}}


def test_a_mandatory_touchpoint_goes_before_everything_and_before_doing_nothing(rules):
    assert rules.eligible(FIRST) == ["call.adviser"]
    assert rules.dropped(FIRST, "none") == ("mandatory", "goes after the mandatory call.adviser", None)
    assert rules.dropped(FIRST, "mail.offer", exclude=("mail.offer",))[0] == "available"


def test_a_mandatory_touchpoint_that_a_rule_drops_goes_before_nothing(rules):
    rest = ["none", *rules.arms[:-1]]
    assert rules.eligible(FIRST, exclude=("call.adviser",)) == rest
    assert rules.eligible(FIRST, candidates=rules.arms[:-1]) == rest
    assert rules.eligible(FIRST | {"budgets": [{"channel": "call", "contacts": 0}]}) == rest


def test_of_several_mandatory_touchpoints_any_may_be_chosen(rules):
    both = {"touchpoints": {"call.adviser": {"mandatory": True}, "email.news": {"mandatory": True}}}
    assert rules.eligible(both) == ["email.news", "call.adviser"]
    assert rules.dropped(both, "mail.offer")[1] == "goes after the mandatory email.news or call.adviser"
