import pytest

from training.attribution.exposure import load_exposure
from training.attribution.happened import happened
from training.attribution.journeys import Level, frequent_paths, load_journeys


def paths_in(look, **given):
    """Each path as text, with its ages and how it ended."""
    with happened(look) as past:
        paths = load_journeys(past, **given).paths
    parts = zip(paths.offsets[:-1].tolist(), paths.offsets[1:].tolist(), strict=True)
    rows = []
    for number, (begin, end) in enumerate(parts):
        text = " > ".join(paths.names[code] for code in paths.codes[begin:end])
        ages = paths.ages[begin:end].tolist() if paths.conversions[number] else None
        rows.append((text, ages, paths.conversions[number], paths.nulls[number], paths.values[number]))
    return sorted(rows, key=str)


def test_a_path_holds_the_touches_since_the_last_conversion_and_within_the_window(story):
    story.add(
        "interactions",
        story.event("anna", 1, "web.page"),  # eleven days before: too old, and ten days without a conversion
        story.event("anna", 5, "email.news", "contact"),
        story.event("anna", 11.5, "web.page"),
        story.purchase("anna", 12, 30.0),
        story.event("anna", 13, "mail.offer", "contact"),
        story.purchase("anna", 14, 20.0),
        story.purchase("anna", 15, 5.0),  # after no touch since the one before
    )
    assert paths_in(story.look()) == [
        ("email.news > web.page", [7.0, 0.5], 1.0, 0.0, 30.0),
        ("mail.offer", [1.0], 1.0, 0.0, 20.0),
        ("web.page", None, 0.0, 1.0, 0.0),
    ]


def test_what_is_not_closed_is_not_counted(story):
    story.add(
        "interactions",
        story.event("closed", 19, "web.page"),  # its ten days are over on day 29
        story.event("open", 21, "web.page"),  # over on day 31, after the period
        story.event("later", 25, "web.page"),
        story.purchase("later", 33),  # a conversion of a later period
        story.event("before", -11, "web.page"),  # over on day -1
        story.event("reached", -3, "mail.offer", "contact"),
        story.purchase("reached", 2),  # of the period, though its touch came before it
    )
    assert paths_in(story.look()) == [("mail.offer", [5.0], 1.0, 0.0, 10.0), ("web.page", None, 0.0, 1.0, 0.0)]
    early = story.look(known_until=story.day(28), now=story.day(28))
    assert paths_in(early) == [("mail.offer", [5.0], 1.0, 0.0, 10.0)]


def test_touches_without_conversion_are_cut_into_pieces_of_the_window(story):
    days = [0, 4, 9, 12, 16]  # the first three lie within ten days, the others in the next ten
    story.add("interactions", *(story.event("ben", day, "email.news", "contact") for day in days))
    assert [text.count("email.news") for text, *_ in paths_in(story.look())] == [3, 2]


def test_an_answer_belongs_to_the_touch_that_it_follows(story):
    story.add(
        "interactions",
        story.event("carl", 1, "email.news", "contact"),
        story.event("carl", 1, "email.news", "open"),
        story.event("carl", 1.1, "email.news", "click"),
        story.event("carl", 1.2, "web.page", "view"),
        story.event("carl", 2, "email.news", "click"),  # comes back to the e-mail
        story.purchase("carl", 3),
    )
    assert [text for text, *_ in paths_in(story.look())] == ["email.news > web.page > email.news"]


def test_conversions_profiles_and_refunds_are_no_touches(story):
    story.add(
        "interactions",
        story.event("dora", 1, "other.profile", "profile"),
        story.event("dora", 2, "store.checkout", "refund", 3.0),
        story.event("dora", 3, "web.page", "subscribe"),
        story.purchase("dora", 4),
    )
    assert [text for text, *_ in paths_in(story.look())] == ["web.page"]
    subscribing = story.catalogue(objective={"conversion": ["subscribe"], "window_days": 7})
    with happened(story.look(catalogue=subscribing)) as past:
        assert load_journeys(past).conversions == 1.0


def test_what_is_converted_at_one_moment_is_one_conversion_however_it_is_told(story):
    story.add(
        "interactions",
        story.event("emil", 1, "web.page"),
        story.purchase("emil", 2, 10.0),
        story.purchase("emil", 2, 5.0),
        story.purchase("emil", 9, float("nan")),
    )
    story.add("decisions", story.decision("d", "emil", 0.5, "none", chances={"none": 1.0}))
    story.add("outcomes", story.outcome("d", 2, value=12.0), story.outcome("d", 4, value=7.0))
    with happened(story.look()) as past:
        found = load_journeys(past)
    assert (found.conversions, found.values) == (3.0, 15.0 + 7.0)
    assert (found.alone, found.alone_value) == (2.0, 7.0)


def test_a_decision_of_the_service_is_its_contact_once(story):
    chances = {"none": 0.5, "mail.offer": 0.5}
    story.add(
        "decisions",
        story.decision("told", "fay", 1, "mail.offer", chances=chances),
        story.decision("deferred", "gus", 1, "mail.offer", chances=chances, deferred=True),
        story.decision("carried", "hal", 1, "mail.offer", chances=chances, deferred=True),
        story.decision("nothing", "ida", 1, "none", chances=chances),
        story.decision("elsewhere", "jo", 1, "mail.offer", probability=0.5),  # an export tells its contacts itself
    )
    story.add("outcomes", story.outcome("carried", 2, "contact"))
    story.add(
        "interactions",
        story.event("fay", 1.01, "mail.offer", "contact", decision_id="told"),
        *(story.purchase(name, 3) for name in ("fay", "gus", "hal", "ida", "jo")),
    )
    assert [(text, ages) for text, ages, *_ in paths_in(story.look())] == [("mail.offer", [1.0]), ("mail.offer", [2.0])]


def test_channels_can_be_credited_instead(story):
    story.add(
        "interactions",
        story.event("kim", 1, "email.news", "contact"),
        story.event("kim", 2, "email.welcome", "open"),
        story.event("kim", 3, "web.page"),
        story.purchase("kim", 4),
    )
    assert [text for text, *_ in paths_in(story.look(), level=Level.CHANNEL)] == ["email > web"]


def test_linked_identifiers_are_one_customer(story):
    story.add("interactions", story.event("cookie:1", 1, "web.page"), story.purchase("lea", 2))
    members = "(select 'cookie:1' as identifier, 'lea' as customer_id)"
    assert paths_in(story.look()) == [("web.page", None, 0.0, 1.0, 0.0)]
    assert [text for text, *_ in paths_in(story.look(members=members))] == ["web.page"]


def test_a_sample_of_customers_stands_for_all(story):
    events = []
    for number in range(400):
        events += [story.event(f"c{number}", 1, "web.page"), story.purchase(f"c{number}", 2)]
    story.add("interactions", *events)
    with happened(story.look(), most_rows=400) as past:
        found = load_journeys(past)
        shares = past.share
    assert shares == 0.5
    assert 120 < len(found.paths) < 280
    assert found.paths.conversions.sum() == pytest.approx(found.conversions)
    assert found.paths.conversions.max() == 2.0


def test_the_most_frequent_paths_come_first_and_long_ones_are_cut(story):
    events = [story.event("long", 1 + step / 10, f"web.{'page' if step % 2 else 'cart'}") for step in range(6)]
    for name in ("x", "y"):
        events += [story.event(name, 1, "web.page"), story.purchase(name, 2)]
    story.add("interactions", *events)
    with happened(story.look()) as past:
        names = load_journeys(past).paths.names
        first, second = frequent_paths(past, names, most=5, longest=3)
    assert (first.touches, first.conversions, first.times) == (("web.page",), 2, 2)
    assert (second.touches, second.conversions) == (("web.cart", "web.page", "web.cart", "…"), 0)


def test_force_halves_in_a_half_life_and_ends_with_the_conversion(story):
    story.add("interactions", story.event("mia", 5, "web.page"), story.purchase("mia", 12), story.event("mia", 25, "web.page"))
    with happened(story.look()) as past:
        paths = load_journeys(past).paths
        exposure = load_exposure(past, paths, half_life_days=7.0)
    assert exposure.forces.tolist() == [0.5]
    # 7 / ln 2 x (1 - 1/2) days until the conversion, and 7 / ln 2 x (1 - 2^(-5/7)) until the period's end
    assert exposure.in_force.sum() == pytest.approx(10.0989 * 0.5 + 10.0989 * (1 - 2 ** (-5 / 7)), abs=1e-3)
    assert exposure.alone.sum() == 0.0
    assert exposure.days.sum() == pytest.approx(30.0)  # one customer, of the mean level


def test_a_customer_who_converted_more_before_is_expected_to_go_on(story):
    story.add(
        "interactions",
        *(story.purchase("nora", day) for day in (-9, -6, -3)),
        story.event("nora", 4, "web.page"),
        story.purchase("nora", 5),
        story.event("otto", 4, "web.page"),
        story.purchase("otto", 5),
    )
    with happened(story.look()) as past:
        exposure = load_exposure(past, load_journeys(past).paths, half_life_days=7.0)
    assert sorted(exposure.levels.tolist()) == pytest.approx(
        [1 / 2.5, 4 / 2.5]
    )  # three and none, and one more each; the mean is 2.5
    assert exposure.days.sum() == pytest.approx(60.0)
