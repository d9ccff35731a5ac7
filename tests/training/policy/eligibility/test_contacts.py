"""Caps, cooldowns, suppressions and exclusions."""

from datetime import timedelta

import pytest

NOT_EMAIL = ["none", "mail.offer", "email.receipt", "call.adviser"]


def test_a_used_up_cap_drops_what_it_covers_and_is_told_with_what_was_sent_and_when_it_opens(rules):
    tables, contacts = {"caps": [{"limit": 2, "days": 7, "channel": "email"}]}, [("email.offer", 1), ("email.news", 2)]
    assert rules.eligible(tables, contacts=contacts) == NOT_EMAIL
    rule = "at most 2 x email in 7 days: sent on 2026-11-19 and 2026-11-20"
    assert rules.dropped(tables, "email.offer", contacts=contacts) == ("contacts", rule, rules.at + timedelta(days=5))


def test_a_cap_with_more_contacts_than_it_allows_opens_when_enough_have_left(rules):
    contacts = [("email.offer", days) for days in (1, 2, 3, 4)]
    stage, rule, until = rules.dropped({"caps": [{"limit": 2, "days": 7}]}, "mail.offer", contacts=contacts)
    # four in the window, two are allowed: the third oldest, of two days ago, has to leave it
    assert (stage, until) == ("contacts", rules.at + timedelta(days=5))
    assert rule.endswith("sent on 2026-11-17 and 3 times since, last on 2026-11-20")


def test_a_cap_counts_contacts_at_every_touchpoint_that_it_covers_recommendable_or_not(rules):
    assert rules.eligible({"caps": [{"limit": 1, "days": 7}]}, contacts=[("web.cart", 1)]) == ["none", "email.receipt"]


@pytest.mark.parametrize("scope", [{}, {"channel": "email"}])
def test_what_is_transactional_is_neither_capped_nor_counted_by_rules_that_do_not_name_it(rules, scope):
    cap = {"caps": [{"limit": 1, "days": 7, **scope}]}
    assert rules.eligible(cap, contacts=[("email.receipt", 1)]) == ["none", *rules.arms]
    assert "email.receipt" in rules.eligible(cap, contacts=[("email.offer", 1)])


@pytest.mark.parametrize("scope", [{"touchpoint": "email.receipt"}, {"message_class": "transactional"}])
def test_what_is_transactional_is_capped_by_rules_that_name_it(rules, scope):
    cap = {"caps": [{"limit": 1, "days": 7, **scope}]}
    assert rules.eligible(cap, contacts=[("email.receipt", 1)]) == [
        "none",
        *(arm for arm in rules.arms if arm != "email.receipt"),
    ]


@pytest.mark.parametrize(
    ("days_ago", "counts"),
    [(0, True), (6.999, True), (7, False), (-0.001, False)],
    ids=["now", "just inside", "at the open end", "in the future"],
)
def test_the_window_is_open_at_its_start_and_closed_at_its_end(rules, days_ago, counts):
    cap = {"caps": [{"limit": 1, "days": 7, "touchpoint": "mail.offer"}]}
    assert rules.found(cap, contacts=[("mail.offer", days_ago)])["mail.offer"].eligible is not counts


def test_a_limit_of_zero_means_never(rules):
    cap = {"caps": [{"limit": 0, "days": 1, "message_class": "marketing"}]}
    assert rules.eligible(cap) == ["none", "email.receipt", "call.adviser"]
    assert rules.dropped(cap, "mail.offer") == ("contacts", "at most 0 x marketing in 1 days: never", None)


def test_doing_nothing_is_no_contact(rules):
    assert rules.eligible({"caps": [{"limit": 1, "days": 7}]}, contacts=[("none", 1)]) == ["none", *rules.arms]


def test_a_contact_at_a_touchpoint_since_removed_counts_for_its_channel_and_for_everything(rules):
    gone = [("mail.gone", 1)]
    assert rules.found({"caps": [{"limit": 1, "days": 7, "channel": "mail"}]}, contacts=gone)["mail.offer"].eligible is False
    assert rules.eligible({"caps": [{"limit": 1, "days": 7}]}, contacts=gone) == ["none", "email.receipt"]
    assert "mail.offer" in rules.eligible({"caps": [{"limit": 1, "days": 7, "message_class": "marketing"}]}, contacts=gone)


def test_a_cooldown_pauses_what_it_covers_for_its_hours_and_is_told_with_the_contact(rules):
    tables = {"cooldowns": [{"channel": "email", "hours": 36}]}
    assert rules.eligible(tables, contacts=[("email.news", 1)]) == NOT_EMAIL
    rule = "no email for 36 hours after email: sent on 2026-11-20 at 12:00 UTC"
    assert rules.dropped(tables, "email.offer", contacts=[("email.news", 1)]) == (
        "contacts",
        rule,
        rules.at + timedelta(hours=12),
    )
    assert rules.eligible(tables, contacts=[("email.news", 1.5)]) == ["none", *rules.arms]  # exactly 36 hours ago


@pytest.mark.parametrize(
    ("after", "contact", "pauses"),
    [
        ("call.adviser", "call.adviser", True),
        ("call.adviser", "mail.offer", False),
        ("mail", "mail.offer", True),
        ("mail", "email.news", False),
        ("service", "call.adviser", True),
        ("service", "mail.offer", False),
        ("email", "email.receipt", False),  # a channel stands for what is not transactional there
        ("transactional", "email.receipt", True),
        ("email.receipt", "email.receipt", True),
    ],
)
def test_a_cooldown_may_follow_a_touchpoint_a_channel_or_a_class(rules, after, contact, pauses):
    tables = {"cooldowns": [{"message_class": "marketing", "hours": 48, "after": after}]}
    assert ("email.news" not in rules.eligible(tables, contacts=[(contact, 1)])) is pauses
    assert "call.adviser" in rules.eligible(tables, contacts=[(contact, 1)])


SUPPRESSED = {"suppressions": [{"channel": "email", "ignored": 3, "within_days": 10, "days": 20}]}


def test_after_so_many_ignored_contacts_there_is_a_pause(rules):
    contacts = [("email.offer", 2), ("email.news", 4), ("email.news", 9)]
    assert rules.eligible(SUPPRESSED, contacts=contacts[:2]) == ["none", *rules.arms]
    assert rules.eligible(SUPPRESSED, contacts=contacts) == NOT_EMAIL
    assert rules.dropped(SUPPRESSED, "email.news", contacts=contacts) == (
        "contacts",
        "no email for 20 days after 3 ignored in 10 days: ignored those of 2026-11-12, 2026-11-17 and 2026-11-19",
        rules.at + timedelta(days=18),
    )


def test_every_further_ignored_contact_begins_the_pause_again(rules):
    contacts = [("email.news", days) for days in (2, 4, 6, 9)]
    assert rules.dropped(SUPPRESSED, "email.news", contacts=contacts)[2] == rules.at + timedelta(days=18)


@pytest.mark.parametrize(
    ("answers", "suppressed"),
    [
        ([("email.news", 1)], False),
        ([("email.news", 2)], False),  # at the moment of the last contact
        ([("email.gone", 3)], False),  # one ignored contact since
        ([("email.news", 5)], False),  # two
        ([("email.news", 9)], False),  # at the moment of the first contact
        ([("email.news", 9.5)], True),  # all three came after it
        ([("mail.offer", 1)], True),  # on another channel
        ([("email.receipt", 1)], True),  # who opens a receipt has not answered an offer
        ([("email.news", -1)], True),  # not yet
    ],
)
def test_an_answer_begins_the_count_again(rules, answers, suppressed):
    contacts = [("email.offer", 2), ("email.news", 4), ("email.news", 9)]
    assert ("email.offer" not in rules.eligible(SUPPRESSED, contacts=contacts, answers=answers)) is suppressed


def test_a_pause_runs_its_full_length_although_its_contacts_have_become_old(rules):
    # the last of three within ten days was 19 days ago: the pause of 20 days has one to go
    old = [("email.news", days) for days in (19, 21, 28)]
    assert rules.dropped(SUPPRESSED, "email.news", contacts=old)[2] == rules.at + timedelta(days=1)
    assert rules.eligible(SUPPRESSED, contacts=[(name, days + 1) for name, days in old]) == ["none", *rules.arms]
    assert rules.eligible(SUPPRESSED, contacts=[("email.news", days) for days in (1, 6, 11)]) == ["none", *rules.arms]


GROUP = {"exclusions": [{"touchpoints": ["mail.offer", "email.offer"], "days": 30}]}


def test_of_a_group_a_customer_gets_one_and_the_same_one_again(rules):
    rule = "one of mail.offer, email.offer in 30 days: mail.offer sent on 2026-11-20"
    until = rules.at + timedelta(days=29)
    assert rules.dropped(GROUP, "email.offer", contacts=[("mail.offer", 1)]) == ("contacts", rule, until)
    assert rules.dropped(GROUP, "email.offer", contacts=[("mail.offer", 1), ("mail.offer", 5)])[2] == until
    assert rules.eligible(GROUP, contacts=[("mail.offer", 1)]) == ["none", *(arm for arm in rules.arms if arm != "email.offer")]
    assert rules.eligible(GROUP, contacts=[("mail.offer", 30), ("email.news", 1)]) == ["none", *rules.arms]
