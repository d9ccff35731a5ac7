from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import parse_catalogue
from features.domain import Channel, Consent, ConsentStatus
from features.errors import PolicyError, RequestError
from training.policy import Candidate, eligibility

AT = datetime(2024, 5, 10, 12, tzinfo=UTC)
ARMS = ("mail.offer", "email.offer", "email.news", "call.adviser")


def catalogue(*caps, consent=(), share=0.0):
    touchpoints = [{"name": name, "stage": "purchase", "recommendable": True} for name in ARMS]
    touchpoints += [{"name": "web.cart", "stage": "purchase"}, {"name": "email.receipt", "stage": "purchase"}]
    touchpoints[3]["message_class"] = "service"
    return parse_catalogue(
        {"touchpoints": touchpoints, "caps": list(caps), "consent": list(consent), "holdout": {"share": share}}
    )


def eligible(*caps, candidates=None, exclude=(), contacts=(), consents=(), rules=(), held_out=False):
    """Contacts are (touchpoint, days ago)."""
    return eligibility(
        catalogue(*caps, consent=rules, share=0.1),
        candidates=candidates,
        exclude=exclude,
        contact_touchpoints=[name for name, _ in contacts],
        contact_times=[AT - timedelta(days=days) for _, days in contacts],
        at=AT,
        consents=consents,
        identifiers_in_holdout=held_out,
    )


def consent(status, *, channel=None, purpose=None, days=1.0, customer_id="c1"):
    said = AT - timedelta(days=days)
    return Consent(
        message_id=f"{customer_id}{status}{channel}{purpose}{days}",
        customer_id=customer_id,
        status=ConsentStatus(status),
        at=said,
        received_at=said,
        source="crm",
        channel=channel,
        purpose=purpose,
    )


def names(found):
    return [candidate.touchpoint for candidate in found if candidate.eligible]


def test_without_rules_every_arm_is_eligible_in_catalogue_order_after_none():
    assert [candidate.touchpoint for candidate in eligible()] == ["none", *ARMS]
    assert names(eligible()) == ["none", *ARMS]


def test_what_was_not_asked_for_is_dropped_as_not_available():
    found = eligible(candidates=["email.news"])
    assert names(found) == ["none", "email.news"]
    assert found[1] == Candidate("mail.offer", False, "available", "not among the candidates of the request")


def test_what_the_request_excludes_is_dropped_and_none_cannot_be():
    found = eligible(exclude=["none", "mail.offer"])
    assert names(found) == ["none", "email.offer", "email.news", "call.adviser"]
    assert found[1] == Candidate("mail.offer", False, "excluded", "excluded by the request")


def test_the_first_stage_that_drops_a_touchpoint_is_the_one_told():
    found = eligible({"limit": 0, "days": 7}, candidates=["email.news", "email.offer"], exclude=["mail.offer", "email.news"])
    assert [candidate.stage for candidate in found] == [None, "available", "caps", "excluded", "available"]


def test_in_the_holdout_nothing_but_none_may_be_chosen():
    found = eligible(held_out=True)
    assert names(found) == ["none"]
    assert found[1] == Candidate("mail.offer", False, "holdout", "in the holdout of 10 % of all customers")


def test_a_withdrawal_drops_what_it_covers_and_is_told_with_its_rule():
    found = eligible(consents=[consent("withdrawn", channel="email", purpose="marketing")])
    assert names(found) == ["none", "mail.offer", "call.adviser"]
    rule = "marketing on any channel is opt-out: withdrawn on 2024-05-09 (crm)"
    assert found[2] == Candidate("email.offer", False, "consent", rule)


def test_the_stages_drop_in_their_order():
    denied, cap = [consent("denied")], {"limit": 0, "days": 1}
    assert [each.stage for each in eligible(cap, consents=denied, held_out=True, exclude=ARMS[:1])][1:3] == [
        "excluded",
        "holdout",
    ]
    assert {each.stage for each in eligible(cap, consents=denied)} == {None, "consent"}
    assert {each.stage for each in eligible(cap)} == {None, "caps"}


def test_where_the_customer_must_opt_in_silence_is_a_no():
    rules = [{"purpose": "marketing", "channel": "email", "basis": "opt_in"}]
    assert names(eligible(rules=rules)) == ["none", "mail.offer", "call.adviser"]
    assert names(eligible(rules=rules, consents=[consent("granted", channel="email")])) == ["none", *ARMS]


def test_a_used_up_cap_drops_what_it_covers_and_is_told_by_its_name():
    found = eligible({"limit": 2, "days": 7, "channel": "email"}, contacts=[("email.offer", 1), ("email.news", 2)])
    assert names(found) == ["none", "mail.offer", "call.adviser"]
    assert found[2] == Candidate("email.offer", False, "caps", "at most 2 x email in 7 days")


def test_a_cap_counts_contacts_at_every_touchpoint_that_it_covers_recommendable_or_not():
    found = eligible({"limit": 1, "days": 7, "channel": "email"}, contacts=[("email.receipt", 1)])
    assert names(found) == ["none", "mail.offer", "call.adviser"]


@pytest.mark.parametrize(
    ("days_ago", "counts"),
    [(0, True), (6.999, True), (7, False), (-0.001, False)],
    ids=["now", "just inside", "at the open end", "in the future"],
)
def test_the_window_is_open_at_its_start_and_closed_at_its_end(days_ago, counts):
    found = eligible({"limit": 1, "days": 7, "touchpoint": "mail.offer"}, contacts=[("mail.offer", days_ago)])
    assert found[1].eligible is not counts


def test_a_limit_of_zero_means_never():
    assert names(eligible({"limit": 0, "days": 1, "message_class": "marketing"})) == ["none", "call.adviser"]


def test_a_cap_of_everything_counts_everything_but_none():
    cap = {"limit": 2, "days": 7}
    assert names(eligible(cap, contacts=[("none", 1), ("mail.offer", 1)])) == ["none", *ARMS]
    assert names(eligible(cap, contacts=[("call.adviser", 1), ("mail.offer", 1)])) == ["none"]


def test_a_contact_at_a_touchpoint_since_removed_still_counts_for_its_channel_and_for_everything():
    assert names(eligible({"limit": 1, "days": 7, "channel": "mail"}, contacts=[("mail.gone", 1)])) == ["none", *ARMS[1:]]
    assert names(eligible({"limit": 1, "days": 7}, contacts=[("mail.gone", 1)])) == ["none"]
    assert names(eligible({"limit": 1, "days": 7, "touchpoint": "mail.offer"}, contacts=[("mail.gone", 1)])) == ["none", *ARMS]


@pytest.mark.parametrize(
    ("asked", "field", "named"),
    [
        ({"candidates": ["mail.offr"]}, "/candidates", "'mail.offr'"),
        ({"candidates": ["web.cart"]}, "/candidates", "'web.cart'"),
        ({"exclude": ["mail.offr", "web.cart", "x"]}, "/exclude", "'mail.offr', 'x'"),
    ],
)
def test_unknown_names_are_refused_by_name(asked, field, named):
    with pytest.raises(RequestError, match=named) as refusal:
        eligible(**asked)
    assert refusal.value.field == field


def test_contacts_without_times_are_refused():
    with pytest.raises(PolicyError, match="1 contacts but 0 times"):
        eligibility(catalogue(), candidates=None, exclude=(), contact_touchpoints=["mail.offer"], contact_times=[], at=AT)


CAPS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"limit": st.integers(0, 3), "days": st.integers(1, 30)}),
        st.fixed_dictionaries({"limit": st.integers(0, 3), "days": st.integers(1, 30), "touchpoint": st.sampled_from(ARMS)}),
        st.fixed_dictionaries(
            {"limit": st.integers(0, 3), "days": st.integers(1, 30), "channel": st.sampled_from(["mail", "email", "call"])}
        ),
        st.fixed_dictionaries(
            {"limit": st.integers(0, 3), "days": st.integers(1, 30), "message_class": st.sampled_from(["marketing", "service"])}
        ),
    ),
    max_size=4,
)
CONTACTS = st.lists(st.tuples(st.sampled_from([*ARMS, "email.receipt", "mail.gone", "none"]), st.integers(-3, 40)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(CAPS, CONTACTS, CONTACTS)
def test_more_contacts_never_make_more_touchpoints_eligible(caps, contacts, more):
    before, after = eligible(*caps, contacts=contacts), eligible(*caps, contacts=contacts + more)
    assert set(names(after)) <= set(names(before))
    assert "none" in names(after)
    assert all((candidate.stage is None) == (candidate.rule is None) == candidate.eligible for candidate in after)


CONSENTS = st.builds(
    consent,
    st.sampled_from(list(ConsentStatus)),
    channel=st.sampled_from([None, Channel.EMAIL, Channel.MAIL]),
    purpose=st.sampled_from([None, "marketing", "service"]),
    days=st.integers(-1, 5),
    customer_id=st.sampled_from(["c1", "c2"]),
)
RULES = st.lists(
    st.fixed_dictionaries(
        {"purpose": st.sampled_from(["marketing", "service"]), "basis": st.sampled_from(["opt_in", "opt_out"])},
        optional={"channel": st.sampled_from(["email", "mail"])},
    ),
    max_size=3,
)


@settings(max_examples=50, deadline=None)
@given(RULES, st.lists(CONSENTS, max_size=6), CONSENTS.filter(lambda said: said.status != "granted"))
def test_a_refusal_never_makes_anything_eligible_and_nor_does_the_holdout(rules, consents, refusal):
    before, after = eligible(rules=rules, consents=consents), eligible(rules=rules, consents=[*consents, refusal])
    assert set(names(after)) <= set(names(before))
    assert names(eligible(rules=rules, consents=consents, held_out=True)) == ["none"]


@settings(max_examples=50, deadline=None)
@given(RULES, st.lists(CONSENTS, max_size=6))
def test_a_refusal_of_everything_after_all_else_leaves_only_what_needs_no_consent(rules, consents):
    assert names(eligible(rules=rules, consents=[*consents, consent("withdrawn", days=0)])) == ["none"]


@settings(max_examples=50, deadline=None)
@given(RULES, st.lists(CONSENTS, max_size=6), st.randoms())
def test_the_order_in_which_consents_are_read_does_not_matter(rules, consents, random):
    shuffled = random.sample(consents, len(consents))
    assert eligible(rules=rules, consents=consents) == eligible(rules=rules, consents=shuffled)
