import pytest

from features.insights.touchpoints.measuring import CHANNEL, SEGMENT, STAGE, TOUCHPOINT, TOUCHPOINT_WEEKLY, WEEKLY
from features.insights.touchpoints.satisfaction import ces, ces_easy, csat, nps


def test_volume_contacts_customers_and_cost_are_counted_and_profiles_are_no_exchange(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", 1),
        brand.event("ann", "mail.offer", "contact", 2),
        brand.event("bob", "mail.offer", "open", 3),
        brand.event("bob", "store.checkout", "purchase", 4, value=30.0),
        brand.event("cyd", "other.profile", "profile", 5),
        brand.event("dan", "mail.offer", "contact", 60),  # the period ends before
        brand.event("dan", "mail.offer", "contact", -0.1),
    )
    found = brand.measured(TOUCHPOINT)
    assert found.keys == (("mail.offer",), ("store.checkout",))
    assert found.volume.tolist() == [3, 1]
    assert found.contacts.tolist() == [2, 0]
    assert found.customers.tolist() == [2, 1]
    assert found.cost.tolist() == [2.0, 0.0]
    assert found.booked.tolist() == [0.0, 30.0]


def test_every_grouping_counts_the_same_interactions(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", 1),
        brand.event("ann", "email.coupon", "contact", 8),
        brand.event("bob", "web.unheard_of", "view", 8),
    )
    segments = "(select * from (values ('ann', 'loyal')) as t(customer_id, segment))"
    keys = {each.name: brand.measured(each, segments=segments) for each in (CHANNEL, STAGE, SEGMENT, WEEKLY, TOUCHPOINT_WEEKLY)}
    assert set(keys["channel"].keys) == {("mail",), ("email",), ("web",)}
    assert keys["stage"].keys == (("retention",), ("unknown",))
    assert keys["segment"].keys == (("loyal",),)  # who is in no segment is in no row
    assert keys["week"].keys == (("2026-03-02",), ("2026-03-09",))
    assert keys["week"].volume.tolist() == [1, 2]
    assert ("mail.offer", "2026-03-02") in keys["touchpoint_and_week"].keys


def test_a_contact_is_answered_by_what_comes_before_the_next_contact_and_within_the_window(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", 0),
        brand.event("ann", "mail.offer", "contact", 3),
        brand.event("ann", "mail.offer", "redemption", 4),  # answers the second alone
        brand.event("bob", "mail.offer", "contact", 0),
        brand.event("bob", "mail.offer", "click", 10.5),  # too late: the window is 10 days
        brand.event("cyd", "mail.offer", "contact", 0),
        brand.event("cyd", "email.coupon", "open", 1),  # elsewhere
        brand.event("dan", "mail.offer", "contact", 5),
        brand.event("dan", "mail.offer", "click", 5),  # an export may know only the day
    )
    engagement, clicked = brand.estimate("engagement"), brand.estimate("click_through")
    assert (engagement.raw, engagement.n) == (2 / 5, 5)
    assert (clicked.raw, clicked.n) == (1 / 5, 5)


def test_contacts_whose_window_is_not_over_are_not_counted_even_if_they_are_answered(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", 0),
        brand.event("bob", "mail.offer", "contact", 15),
        brand.event("bob", "mail.offer", "open", 16),
    )
    assert brand.estimate("engagement", known=20).n == 1
    assert brand.estimate("engagement", known=25).n == 2


def test_conversion_is_by_customer_after_the_first_interaction_in_the_period(brand):
    brand.add(
        brand.event("ann", "web.page", "view", 0),
        brand.event("ann", "store.checkout", "purchase", 10),  # at the end of the window
        brand.event("bob", "web.page", "view", 0),
        brand.event("bob", "web.page", "view", 9),
        brand.event("bob", "store.checkout", "purchase", 11),  # within the window of the second view only
        brand.event("cyd", "store.checkout", "purchase", 0),  # converts, but nothing follows
        brand.event("dan", "web.page", "view", 0),
        brand.event("dan", "web.page", "view", 20),
        brand.event("dan", "store.checkout", "purchase", 21),  # nothing at all within the window of the first
    )
    found = brand.estimates("conversion", TOUCHPOINT)
    assert (found[("web.page",)].raw, found[("web.page",)].n) == (1 / 3, 3)
    assert (found[("store.checkout",)].raw, found[("store.checkout",)].n) == (0.0, 4)


def test_going_on_takes_an_own_deed_at_a_later_stage(brand):
    brand.add(
        brand.event("ann", "ads.banner", "click", 0),
        brand.event("ann", "store.checkout", "purchase", 1),  # two stages further
        brand.event("bob", "ads.banner", "click", 0),
        brand.event("bob", "mail.offer", "contact", 1),  # being contacted is no deed
        brand.event("cyd", "web.page", "view", 0),
        brand.event("cyd", "ads.banner", "click", 1),  # back
    )
    found = brand.estimates("next_stage", STAGE)
    assert (found[("awareness",)].raw, found[("awareness",)].n) == (1 / 3, 3)
    assert (found[("consideration",)].raw, found[("consideration",)].n) == (0.0, 1)
    assert found[("purchase",)].n == 1


def test_the_last_stage_has_none_after_it(brand):
    brand.add(brand.event("ann", "social.review", "share", 0, stage="advocacy"))
    assert brand.estimate("next_stage").value is None


def test_who_is_silent_for_the_gap_without_a_conversion_before_has_dropped_off(brand):
    brand.add(
        brand.event("ann", "web.page", "view", 0),  # silent ever after
        brand.event("bob", "web.page", "view", 0),
        brand.event("bob", "web.page", "view", 29),  # comes back within 30 days, then not any more
        brand.event("cyd", "store.checkout", "purchase", 0),
        brand.event("cyd", "web.page", "view", 1),  # the journey converted
        brand.event("dan", "web.page", "view", 0),
        brand.event("dan", "store.checkout", "purchase", 20),
    )
    found = brand.estimates("drop_off", TOUCHPOINT)
    assert (found[("web.page",)].raw, found[("web.page",)].n) == (2 / 4, 4)
    early = brand.estimates("drop_off", TOUCHPOINT, known=29)
    assert early[("web.page",)].n == 0  # 30 days after the first of them are not known yet


def test_ratings_follow_the_definitions_of_the_field(brand):
    scores = {"csat": [5, 4, 4, 3, 1], "nps": [10, 10, 9, 9, 9, 8, 7, 7, 6, 0], "ces": [7, 6, 5, 2]}
    brand.add(
        *(
            brand.event(f"{metric}{number}", "call.service", "rating", 1, metric=metric, score=float(score))
            for metric, given in scores.items()
            for number, score in enumerate(given)
        )
    )
    assert brand.estimate("csat").value == pytest.approx(csat(scores["csat"])) == 0.6
    assert brand.estimate("csat_mean").value == pytest.approx(17 / 5)
    assert brand.estimate("nps").value == pytest.approx(nps(scores["nps"])) == 30.0
    assert brand.estimate("ces").value == pytest.approx(ces(scores["ces"])) == 5.0
    assert brand.estimate("ces_easy").value == pytest.approx(ces_easy(scores["ces"])) == 0.75


def test_the_interval_of_nps_is_by_its_own_variance(brand):
    scores = [10] * 50 + [8] * 30 + [3] * 20
    brand.add(*(brand.event(f"c{n}", "survey.nps", "rating", 1, metric="nps", score=float(s)) for n, s in enumerate(scores)))
    # 50 - 20 = 30; variance (0.5 + 0.2 - 0.3^2) / 99 of the mean; Student's 97.5 % point with 99 degrees of freedom is 1.984
    half = 100 * 1.9842 * ((0.7 - 0.09) / 99) ** 0.5
    found = brand.estimate("nps")
    assert (found.low, found.high) == (pytest.approx(30 - half, abs=0.01), pytest.approx(30 + half, abs=0.01))


def test_scores_off_their_scale_sentiments_off_theirs_and_amounts_that_are_none_count_for_nothing(brand):
    brand.add(
        brand.event("ann", "call.service", "rating", 1, metric="csat", score=9.0),
        brand.event("ann", "call.service", "call", 1, sentiment=float("nan")),
        brand.event("ann", "call.service", "call", 1, sentiment=0.5),
        brand.event("ann", "store.checkout", "purchase", 1, value=float("nan")),
    )
    assert brand.estimate("csat").n == 0
    assert (brand.estimate("sentiment").raw, brand.estimate("sentiment").n) == (0.5, 1)
    assert brand.measured().booked.tolist() == [0.0]


def test_time_spent_is_read_from_the_properties_that_sources_give(brand):
    told = ['{"seconds": "30"}', '{"duration_seconds": "60"}', '{"milliseconds": "90000"}', '{"minutes": "2"}']
    useless = ['{"seconds": "999999"}', '{"seconds": "soon"}', '{"seconds": ', '{"queue": "a"}', None]
    brand.add(*(brand.event("ann", "call.service", "call", n, properties=text) for n, text in enumerate(told + useless)))
    assert (brand.estimate("seconds").raw, brand.estimate("seconds").n) == (75.0, 4)


def test_a_request_made_again_within_a_week_at_the_same_touchpoint_is_a_repeat(brand):
    brand.add(
        brand.event("ann", "call.service", "call", 0),
        brand.event("ann", "call.service", "complaint", 6),  # so the first was in vain
        brand.event("ann", "call.service", "call", 14),
        brand.event("ann", "ticket.web", "complaint", 15),  # another matter
        brand.event("bob", "call.service", "call", 0),
    )
    found = brand.estimate("repeat_contact")
    assert (found.raw, found.n) == (1 / 5, 5)


def test_requests_until_resolution_count_those_that_were_resolved(brand):
    brand.add(
        *(brand.event("ann", "call.service", "call", day) for day in (0, 2, 3)),
        brand.event("ann", "call.service", "resolution", 3),  # three calls
        brand.event("ann", "call.service", "call", 10),
        brand.event("ann", "call.service", "resolution", 11),  # one
        brand.event("bob", "call.service", "call", 0),  # never
        brand.event("cyd", "call.service", "call", 0),
        brand.event("cyd", "call.service", "resolution", 31),  # longer after than a journey goes on
    )
    found = brand.estimate("until_resolution")
    assert (found.raw, found.n) == (4 / 2, 2)


def test_who_is_one_person_today_counts_once(brand):
    brand.add(
        brand.event("cookie:1", "web.page", "view", 0),
        brand.event("ann", "web.page", "view", 2),
        brand.event("ann", "store.checkout", "purchase", 3),
    )
    members = "(select * from (values ('cookie:1', 'ann')) as m(identifier, customer_id))"
    assert brand.estimates("conversion", TOUCHPOINT)[("web.page",)].n == 2
    found = brand.estimates("conversion", TOUCHPOINT, members=members)[("web.page",)]
    assert (found.raw, found.n) == (1.0, 1)


def test_what_happened_after_what_is_known_changes_nothing(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", 0),
        brand.event("ann", "web.page", "view", 5),
        brand.event("bob", "web.page", "view", 14),
    )
    names = ("engagement", "conversion", "next_stage", "drop_off")
    before = [brand.estimate(name, known=15) for name in names], brand.measured(known=15).volume.tolist()
    brand.add(
        brand.event("ann", "mail.offer", "open", 15.1),
        brand.event("ann", "store.checkout", "purchase", 15.1, value=9.0),
        brand.event("bob", "web.page", "view", 16),
    )
    assert ([brand.estimate(name, known=15) for name in names], brand.measured(known=15).volume.tolist()) == before
