from datetime import UTC, datetime
from itertools import groupby

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from features.domain import Kind
from features.insights.history import open_history
from features.insights.journeys.flows import flows
from features.insights.journeys.steps import cut_into_steps, gather_journeys
from features.insights.journeys.window import JourneyWindow
from features.lake import SCHEMAS

START = datetime(2024, 3, 4, 12, tzinfo=UTC)  # of the days of `lived`
VIEW, CART, BUY = ("web.home", "view"), ("web.cart", "cart"), ("store.checkout", "purchase")


def test_a_journey_ends_with_a_conversion_and_the_next_one_begins_after_it(lived):
    lived.by("ann", (0, *VIEW), (1, *CART), (2, *BUY), (3, *VIEW))
    assert lived.told() == [(("web.home view", "web.cart cart", "store.checkout purchase"), True), (("web.home view",), False)]


def test_a_silence_as_long_as_the_gap_ends_a_journey_and_a_shorter_one_does_not(lived):
    lived.by("ann", (0, *VIEW), (29.999, *CART)).by("bob", (0, *VIEW), (30, *CART))
    assert sorted(lived.told()) == [
        (("web.cart cart",), False),
        (("web.home view",), False),
        (("web.home view", "web.cart cart"), False),
    ]


def test_interactions_of_one_kind_in_a_row_at_one_touchpoint_are_one_step_that_counts_them(lived):
    lived.by("ann", (0, *VIEW), (1, *VIEW), (2, *VIEW), (3, *CART), (4, *VIEW), (5, "web.home", "search"))
    assert lived.told() == [(("web.home view x3", "web.cart cart", "web.home view", "web.home search"), False)]


def test_the_facts_of_a_journey_are_those_of_its_interactions(lived):
    lived.by("ann", (1, *VIEW), (2, *VIEW), (4, *CART), (7, *BUY, {"value": 12.5}), (8, *VIEW))
    with lived.journeys() as connection:
        query = "select steps, interactions, (ended - began) / 86400000000, converted, value, p1 = p3, p4 from journeys"
        assert connection.execute(f"{query} order by began").fetchall() == [
            (3, 4, 6.0, True, 12.5, False, None),
            (1, 1, 0.0, False, None, None, None),
        ]
        query = (
            "select times, (arrived - min(arrived) over ()) / 86400000000, (departed - arrived) / 86400000000, starts from steps"
        )
        told = connection.execute(query + " order by arrived").fetchall()
    assert told == [(2, 0.0, 1.0, True), (1, 3.0, 0.0, False), (1, 6.0, 0.0, False), (1, 7.0, 0.0, True)]


def test_a_single_interaction_is_a_journey(lived):
    assert lived.by("ann", (5, *VIEW)).told() == [(("web.home view",), False)]


def test_an_empty_lake_has_no_journeys(lived):
    assert lived.told() == []


def test_lines_of_one_receipt_are_one_conversion_with_their_values_together(lived):
    lived.by("ann", (0, *VIEW), (2, *BUY, {"value": 3.0}), (2, *BUY, {"value": 4.0}), (2.5, *BUY, {"value": 5.0}))
    assert [steps for steps, _ in lived.told()] == [("web.home view", "store.checkout purchase x2"), ("store.checkout purchase",)]
    with lived.journeys() as connection:
        assert connection.execute("select value from journeys order by began").fetchall() == [(7.0,), (5.0,)]


def test_at_the_same_time_a_contact_comes_before_its_answer_and_the_answer_before_the_purchase(lived):
    lived.by("ann", (0, *BUY), (0, "email.offer", "click"), (0, "email.offer", "open"), (0, "email.offer", "contact"))
    steps = ("email.offer contact", "email.offer open", "email.offer click", "store.checkout purchase")
    assert lived.told() == [(steps, True)]


def test_the_order_in_which_rows_arrive_does_not_matter(lived, new_life):
    events = [(3, *BUY), (0, *VIEW), (0, *CART), (0, "web.help", "view"), (1, *VIEW), (40, *VIEW), (2, *CART)]
    late = new_life().by("ann", *events[4:])
    late.kept()
    assert lived.by("ann", *events).told() == late.by("ann", *reversed(events[:4])).told()


def test_identifiers_of_one_customer_make_one_journey(lived):
    lived.by("cookie:1", (0, *VIEW)).by("ann", (1, *CART)).by("card:7", (2, *BUY))
    assert len(lived.told()) == 3
    members = "(select unnest(['cookie:1', 'card:7']) as identifier, 'ann' as customer_id)"
    assert lived.told(members=members) == [(("web.home view", "web.cart cart", "store.checkout purchase"), True)]


def test_a_profile_is_no_step(lived):
    assert lived.by("ann", (0, *VIEW), (1, "web.home", "profile"), (2, *VIEW)).told() == [(("web.home view x2",), False)]


def test_journeys_that_may_go_on_are_left_out_whether_they_convert_or_not(lived):
    """Known until day 100 and a gap of 30 days: what ended after day 70 is left out, also where it ended with a conversion."""
    lived.by("open", (75, *VIEW)).by("bought", (75, *VIEW), (76, *BUY)).by("over", (69, *VIEW)).by("edge", (70, *CART))
    lived.by("came back", (65, *VIEW), (90, *CART))
    assert lived.told(known=100) == [(("web.home view",), False), (("web.cart cart",), False)]


def test_a_journey_belongs_to_the_period_in_which_it_ends_with_all_its_steps(lived):
    lived.by("ann", (-5, *VIEW), (5, *BUY)).by("bob", (-5, *VIEW), (-1, *BUY)).by("eve", (99, *VIEW), (101, *CART))
    assert lived.told() == [(("web.home view", "store.checkout purchase"), True)]
    with lived.journeys() as connection:
        assert connection.execute("select period, count(*) from journeys group by period order by period").fetchall() == [
            (1, 1),
            (2, 1),
        ]


def test_a_journey_is_followed_back_no_further_than_the_catalogue_says(lived):
    lived.by("ann", (-230, *VIEW), (-205, *CART), (-180, *VIEW), (-160, *CART), (-140, *VIEW), (-120, *CART), (-99, *BUY))
    with lived.journeys(back=90) as connection:  # the period before begins at day -100: nothing before day -190 is read
        assert connection.execute("select period, steps from journeys").fetchall() == [(2, 5)]


KINDS = [*((place, kind) for place in ("web.home", "web.cart") for kind in ("view", "cart")), BUY]


@st.composite
def histories(draw: DrawFn) -> list[tuple[str, float, str, str]]:
    event = st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.sampled_from(KINDS))
    return [(who, float(day), *what) for who, day, what in draw(st.lists(event, max_size=25))]


def by_hand(history, gap):
    """The journeys of a history by the definition, one customer and one interaction at a time."""
    order = [kind.value for kind in Kind]
    journeys = []
    for _, events in groupby(sorted(history, key=lambda it: (it[0], it[1], order.index(it[3]), it[2])), key=lambda it: it[0]):
        last = None
        for _, day, touchpoint, kind in events:
            receipt = last is not None and kind == "purchase" and last == (day, touchpoint, kind)
            if last is None or day - last[0] >= gap or (last[2] == "purchase" and not receipt):
                journeys.append([])
            if not journeys[-1] or journeys[-1][-1] != f"{touchpoint} {kind}":
                journeys[-1].append(f"{touchpoint} {kind}")
            last = (day, touchpoint, kind)
    return sorted(tuple(steps) for steps in journeys)


@given(history=histories())
@settings(max_examples=15, deadline=None)
def test_whatever_happens_journeys_are_as_defined_and_every_place_has_as_many_in_as_out(new_life, history):
    lived = new_life()
    for who, *event in history:
        lived.by(who, tuple(event))
    told = lived.told(gap=10.0)
    assert sorted(tuple(step.partition(" x")[0] for step in steps) for steps, _ in told) == by_hand(history, 10.0)
    assert all(converted == steps[-1].startswith("store.checkout") for steps, converted in told)
    with lived.journeys(gap=10.0) as connection:
        of = flows(connection)
    assert sum(start.count for start in of.starts) == len(told)
    assert sum(place.dropped + place.converted for place in of.places.values()) == len(told)
    for number, place in of.places.items():
        incoming = sum(move.count for move in of.moves if move.target == number)
        outgoing = sum(move.count for move in of.moves if move.source == number)
        assert place.visits == place.starts + incoming == outgoing + place.dropped + place.converted
    assert sum(place.interactions for place in of.places.values()) == len(history)


def test_long_histories_keep_their_order_over_many_batches_of_the_database(lived):
    """Windows without an order follow the order of a table, also where it is read in many pieces by several threads."""
    customers, visits = 1000, 300
    number = np.random.default_rng(3).permutation(customers * visits)
    page = number // customers  # every customer sees page after page, a second each
    at = pa.array(np.datetime64(START.replace(tzinfo=None), "us") + page.astype("timedelta64[s]")).cast(
        pa.timestamp("us", tz="UTC")
    )
    columns = {
        "message_id": pa.array([f"m{each}" for each in number]),
        "customer_id": pa.array([f"c{each}" for each in number % customers]),
        "touchpoint": pa.array([f"web.page_{each}" for each in page % 7]),
        "kind": pa.array(["view"] * len(number)),
    }
    lacking = {field.name: pa.nulls(len(number), field.type) for field in SCHEMAS["interactions"]}
    rows = pa.table({**lacking, **columns, "at": at, "received_at": at}).cast(SCHEMAS["interactions"])
    lived.lake.append("interactions", rows)
    look = lived.look()
    with open_history(look.lake, look.catalogue) as connection:
        connection.execute("set threads = 4")
        cut_into_steps(connection, JourneyWindow.of(look))
        gather_journeys(connection)
        query = "select count(*), min(steps), max(steps), min(ended - began), sum(interactions) from journeys"
        assert connection.execute(query).fetchall() == [(1000, 300, 300, 299_000_000, 300_000)]
        following = "select count(*) from steps join places as here using (place) join places as later on later.place = next "
        wrong = "where (here.touchpoint[-1]::int + 1) % 7 <> later.touchpoint[-1]::int or gap <> 1000000"
        assert connection.execute(following + wrong).fetchall() == [(0,)]
