from datetime import UTC, datetime, timedelta

import pytest

from features.catalogue import Touchpoint
from features.catalogue.rules import ConsentRule
from features.domain import Consent, ConsentStatus
from features.privacy import consent_against, consent_basis

AT = datetime(2024, 5, 10, 12, tzinfo=UTC)
NEWS = Touchpoint(name="email.news", stage="retention", recommendable=True)
ADVICE = Touchpoint(name="call.advice", stage="retention", message_class="service", recommendable=True)
RECEIPT = Touchpoint(name="email.receipt", stage="purchase", message_class="transactional", recommendable=True)
OPT_IN = ConsentRule(purpose="marketing", channel="email", basis="opt_in")


def said(status, day, *, channel=None, purpose=None, customer_id="c1", received=None, message_id="m"):
    return Consent(
        message_id=message_id,
        customer_id=customer_id,
        status=ConsentStatus(status),
        at=datetime(2024, 5, day, tzinfo=UTC),
        received_at=datetime(2024, 5, received or day, tzinfo=UTC),
        source="crm",
        channel=channel,
        purpose=purpose,
    )


def against(*consents, rules=(), touchpoint=NEWS, at=AT):
    return consent_against(touchpoint, consents, rules, at=at)


def test_without_a_rule_marketing_and_service_are_opt_out_and_what_is_transactional_needs_nothing():
    assert [against(touchpoint=each) for each in (NEWS, ADVICE, RECEIPT)] == [None, None, None]
    denied = said("denied", 1)
    assert against(denied) == "marketing on any channel is opt-out: denied on 2024-05-01 (crm)"
    assert against(denied, touchpoint=ADVICE) == "service on any channel is opt-out: denied on 2024-05-01 (crm)"
    assert against(denied, touchpoint=RECEIPT) is None


def test_a_rule_of_the_channel_goes_before_the_general_one_and_of_two_the_strictest():
    general = ConsentRule(purpose="marketing", basis="opt_out")
    assert against(rules=[general, OPT_IN]) == "marketing on email is opt-in: not granted"
    loose = ConsentRule(purpose="marketing", channel="email", basis="opt_out")
    assert against(rules=[loose, OPT_IN]) == "marketing on email is opt-in: not granted"
    assert against(rules=[ConsentRule(purpose="marketing", basis="opt_in"), loose]) is None


def test_a_rule_can_make_what_is_transactional_need_consent():
    rule = ConsentRule(purpose="transactional", basis="opt_out")
    assert against(said("denied", 1), rules=[rule], touchpoint=RECEIPT) is not None


def test_the_last_statement_counts_however_late_an_older_one_arrives():
    assert against(said("granted", 1), said("withdrawn", 2)) is not None
    assert against(said("withdrawn", 2), said("granted", 3)) is None
    assert against(said("withdrawn", 2), said("granted", 1, received=9)) is not None
    assert against(said("withdrawn", 2), said("granted", 2)) is not None


def test_what_was_not_known_yet_does_not_count():
    late = said("withdrawn", 2, received=9)
    assert against(late, at=AT - timedelta(days=3)) is None
    assert against(late, at=datetime(2024, 5, 9, tzinfo=UTC)) is not None


def test_the_narrowest_statement_counts_but_a_later_refusal_of_more_takes_it_back():
    granted = said("granted", 2, channel="email", purpose="marketing")
    assert against(said("denied", 1), granted) is None
    assert against(said("denied", 1, channel="email"), granted) is None
    assert against(granted, said("withdrawn", 3)) is not None
    assert against(said("withdrawn", 2, channel="email", purpose="marketing"), said("granted", 3)) is not None


@pytest.mark.parametrize("scope", [{"channel": "sms"}, {"purpose": "service"}, {"channel": "sms", "purpose": "marketing"}])
def test_a_statement_about_something_else_does_not_count(scope):
    assert against(said("denied", 1, **scope)) is None
    assert against(said("granted", 1, **scope), rules=[OPT_IN]) is not None


def test_of_several_identifiers_the_strictest_counts():
    mine, other = said("granted", 5, customer_id="c1"), said("withdrawn", 1, customer_id="cookie:1")
    assert against(mine, other) is not None
    assert against(mine, other, rules=[OPT_IN]) is not None
    assert against(mine, said("granted", 1, customer_id="cookie:1"), rules=[OPT_IN]) is None
    assert against(mine, rules=[OPT_IN]) is None


def test_the_statement_that_allows_is_told_for_the_record():
    def basis(*consents, rules=(), touchpoint=NEWS):
        return consent_basis(touchpoint, consents, rules, at=AT)

    granted = said("granted", 5)
    assert basis(granted, said("granted", 4, customer_id="c2"), rules=[OPT_IN]) == (
        "marketing on email is opt-in: granted on 2024-05-05 (crm)"
    )
    assert basis() == "marketing on any channel is opt-out: not refused"
    assert basis(touchpoint=RECEIPT) == "transactional needs no consent"
    assert basis(said("denied", 1)) is None
