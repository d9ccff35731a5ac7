"""What is planted in a town where nothing else is wrong is found and ranked first; where nothing is planted, nothing is found."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.catalogue import parse_catalogue
from features.domain import Stage
from features.insights import Page, Period, Table
from features.insights.look import Look
from features.lake import Lake
from training.findings.finding import Finding, FindingKind, ranked
from training.findings.page import find_all, findings_page

END = datetime(2026, 3, 2, tzinfo=UTC)


def leave_at_the_cart(town, frame, rng):
    """Of those who step to the cart, 40 % do nothing for 40 days: neither they nor the brand."""
    carts = town.rows[(town.rows.touchpoint == "web.cart") & (town.rows.kind == "view")]
    gone = carts[rng.random(len(carts)) < 0.4]
    return replace(town, rows=without(town.rows, gone, days=40.0))


def without(rows, gone, *, days):
    """The rows, but for the days after some moments of the same customers."""
    kept = np.ones(len(rows), dtype=bool)
    ago, places = rows.ago.to_numpy(), rows.groupby("customer_id").indices
    for customer, then in zip(gone.customer_id, gone.ago, strict=True):
        own = places[customer]
        kept[own] &= ~((ago[own] < then) & (ago[own] > then - days))
    return rows[kept].reset_index(drop=True)


def repeat_searches(town, frame, rng):
    searches = town.rows[(town.rows.touchpoint == "web.search") & (town.rows.kind == "view")]
    return town.add(pd.concat([searches.assign(ago=searches.ago - minutes / 1440) for minutes in (1, 2, 3)]))


def displease_in_the_store(town, frame, rng):
    rows = town.rows.copy()
    rated = (rows.touchpoint == "store.counter") & (rows.metric == "nps") & (rng.random(len(rows)) < 0.5)
    rows.loc[rated, "score"] = 3.0
    answered = rows[rated].assign(kind="resolution", metric=None, score=np.nan, ago=rows[rated].ago - 0.5)
    return replace(town, rows=pd.concat([rows, answered[answered.ago > 0]], ignore_index=True))


def forget_a_touchpoint(town, frame, rng):
    return replace(town, touchpoints=({"name": "call.adviser", "stage": "consideration"},))


def use_the_event_hardly(town, frame, rng):
    fair = {"name": "event.fair", "stage": "consideration"}
    return replace(town, touchpoints=(fair,)).add(frame(np.arange(5), 20.0, "event.fair", "visit"))


def never_choose_sms(town, frame, rng):
    at = {"ago": rng.uniform(0.001, 100, 4000), "touchpoint": "email.news", "source": "/online"}
    decided = pd.DataFrame({"customer_id": "c1", "candidates": [["none", "email.news", "sms.news"]] * 4000, **at})
    return replace(town, decisions=decided)


def leave_chat_alone(town, frame, rng):
    """Before, everybody hears of the brand within days: who chats does not."""
    greeted = town.rows[town.rows.kind.isin(["view", "call"])].sample(frac=0.3, random_state=1)
    town = town.add(greeted.assign(kind="contact", touchpoint="email.news", ago=greeted.ago - 1.0).query("ago > 0"))
    rows, replies = town.rows, town.rows.kind.isin(["contact", "resolution"]).to_numpy()
    chats = rows[(rows.touchpoint == "chat.help") & (rows.kind != "resolution") & rows.metric.isna()]
    rest = without(rows[replies].reset_index(drop=True), chats, days=7.0)
    return replace(town, rows=pd.concat([rows[~replies], rest], ignore_index=True))


def promise_different_things(town, frame, rng):
    coupon = {"name": "mail.coupon", "stage": "retention", "incentive": 5.0}
    sale = {"name": "email.sale", "stage": "retention", "discount": 0.2}
    who = np.arange(150)
    first, second = (frame(who, ago, name, "contact") for ago, name in ((50.0, "mail.coupon"), (48.0, "email.sale")))
    return replace(town, touchpoints=(coupon, sale)).add(pd.concat([first, second]))


def make_it_hard_to_compare(town, frame, rng):
    rows = town.rows.copy()
    rated = (rows.touchpoint == "web.compare") & (rows.metric == "ces") & (rng.random(len(rows)) < 0.5)
    rows.loc[rated, "score"] = 2.0
    answered = rows[rated].assign(kind="resolution", metric=None, score=np.nan, ago=rows[rated].ago - 0.5)
    return replace(town, rows=pd.concat([rows, answered[answered.ago > 0]], ignore_index=True))


def have_callers_call_again(town, frame, rng):
    calls = town.rows[(town.rows.touchpoint == "call.hotline") & (town.rows.kind == "call")]
    return town.add(calls.assign(ago=calls.ago - 1.0).query("ago > 0").sample(frac=0.5, random_state=1))


def answer_no_ticket(town, frame, rng):
    """Nobody writes to those who complained by ticket for a week."""
    rows, replies = town.rows, town.rows.kind.isin(["contact", "resolution"]).to_numpy()
    open_ = rows[(rows.touchpoint == "ticket.form") & (rows.kind == "complaint")]
    rest = without(rows[replies].reset_index(drop=True), open_, days=8.0)
    return replace(town, rows=pd.concat([rows[~replies], rest], ignore_index=True))


def be_silent_after_advocacy(town, frame, rng):
    """Nothing happens for 10 days after 30 % of what advocates do, and for 40 days after another 30 %."""
    steps = town.rows[town.rows.touchpoint.isin(["web.review", "social.share", "app.refer"]) & (town.rows.kind == "view")]
    drawn = rng.random(len(steps))
    rows = without(town.rows, steps[drawn < 0.3], days=40.0)
    return replace(town, rows=without(rows, steps[(drawn >= 0.3) & (drawn < 0.9)], days=10.0))


def sell_socks_with_shoes(town, frame, rng):
    shoes = town.rows[town.rows.properties == '{"category":"shoes"}']
    return town.add(shoes.assign(properties='{"category":"socks"}').sample(frac=0.7, random_state=1))


def lose_the_app(town, frame, rng):
    rows = town.rows.copy()
    rows.loc[rng.random(len(rows)) < 0.3, "source"] = "app"
    return replace(town, rows=rows[(rows.source != "app") | (rows.ago > 12.0)].reset_index(drop=True))


def pester_some(town, frame, rng):
    who = np.repeat(np.arange(800, 1000), 20)
    return town.add(frame(who, np.tile(np.linspace(2.0, 170.0, 20), 200), "email.news", "contact"))


PLANTED = {
    leave_at_the_cart: "friction:web.cart drop_off",
    displease_in_the_store: "neglected:store.counter nps",
    forget_a_touchpoint: "neglected:silent",
    never_choose_sms: "neglected:sms.news hardly_chosen",
    sell_socks_with_shoes: "opening:socks > shoes",
    repeat_searches: "friction:web.search repetition",
    promise_different_things: "inconsistent_messages:email.sale mail.coupon",
    make_it_hard_to_compare: "effort:web.compare ces",
    use_the_event_hardly: "neglected:event.fair hardly_used",
    have_callers_call_again: "effort:call.hotline repeated_contact",
    answer_no_ticket: "unanswered:ticket.form",
    pester_some: "contact_fatigue:email",
    lose_the_app: "quiet_source:app",
    leave_chat_alone: "neglected:chat.help no_follow_up",
    be_silent_after_advocacy: "gap:advocacy",
}
TOGETHER = (
    (leave_at_the_cart, displease_in_the_store, forget_a_touchpoint, never_choose_sms, sell_socks_with_shoes),
    (repeat_searches, promise_different_things, make_it_hard_to_compare),
    (use_the_event_hardly, have_callers_call_again, answer_no_ticket, lose_the_app),
    (pester_some,),
    (leave_chat_alone,),
    (be_silent_after_advocacy,),
)


@pytest.mark.parametrize("seed", range(2))
def test_where_nothing_is_planted_nothing_is_found(make_town, seed, tmp_path):
    assert [found.findings for found in find_all(make_town(seed=100 + seed).look(tmp_path)) if found.findings] == []


@pytest.mark.parametrize("plants", TOGETHER, ids=lambda plants: plants[0].__name__)
def test_what_is_planted_is_found_and_ranked_first(plants, calm_town, make_frame, tmp_path):
    town, rng = calm_town, np.random.default_rng(5)
    for plant in plants:
        town = plant(town, make_frame, rng)
    ids = [finding.id for finding in ranked(finding for found in find_all(town.look(tmp_path)) for finding in found.findings)]
    planted = {PLANTED[plant] for plant in plants}
    assert planted <= set(ids) and ids[0] in planted
    follows = set(ids) - planted  # who hears nothing has no answer to complaints either
    assert len(follows) <= 3 and all(each.startswith("unanswered:") for each in follows)


def test_the_page_ranks_by_money_and_shows_each_finding_with_its_evidence(calm_town, make_frame, tmp_path):
    rng = np.random.default_rng(5)
    town = never_choose_sms(answer_no_ticket(leave_at_the_cart(calm_town, make_frame, rng), make_frame, rng), make_frame, rng)
    page = findings_page(town.look(tmp_path), [Page(name="journeys", title="", lead="")]).page
    ranking = page.table("findings").records
    money = [row["money"] or 0.0 for row in ranking]
    assert money == sorted(money, reverse=True) and money[0] > money[1] > 0
    assert [row["rank"] for row in ranking] == list(range(1, len(ranking) + 1))
    assert ranking[0]["more"] == "journeys" and ranking[1]["more"] is None
    sections = {f"findings#{section.name}": section for section in page.sections}
    assert all(sections[row["evidence"]].tables[0].rows for row in ranking)
    assert ranking[-1]["customers"] is None and page.cards[0].alarm
    assert Page.from_json(json.loads(json.dumps(page.as_json(), allow_nan=False))) == page


def test_single_customers_are_in_the_cases_and_never_on_the_page(calm_town, make_frame, tmp_path):
    town = promise_different_things(calm_town, make_frame, np.random.default_rng(5))
    town.rows.customer_id = "person-" + town.rows.customer_id
    made = findings_page(town.look(tmp_path), ())
    cases = made.people["cases"].to_pylist()
    assert {case["customer_id"] for case in cases} == {f"person-c{number}" for number in range(150)}
    assert cases[0] == {
        "customer_id": "person-c0",
        "finding": "inconsistent_messages:email.sale mail.coupon",
        "kind": "inconsistent_messages",
        "touchpoint": "email.sale",
        "at": END - timedelta(days=48),
        "words": "got conflicting offers at email.sale and mail.coupon",
    }
    assert "person-" not in json.dumps(made.page.as_json())


def test_an_empty_home_gives_an_empty_page_that_says_what_to_do(tmp_path):
    look = Look(lake=Lake(tmp_path), catalogue=make_catalogue(), period=Period.last(30, until=END), now=END, known_until=END)
    made = findings_page(look, ())
    assert made.page.table("findings").rows == () and made.people["cases"].num_rows == 0
    assert any("map it to the property 'category'" in row["missing"] for row in made.page.table("compared").records)


def make_catalogue():
    return parse_catalogue({"touchpoints": [{"name": f"web.{stage}", "stage": stage} for stage in Stage]})


def test_hostile_names_of_products_and_sources_stay_text(calm_town, make_frame, tmp_path):
    hostile = "<script>'\"; drop table steps; --"
    town = sell_socks_with_shoes(calm_town, make_frame, np.random.default_rng(5))
    rows = town.rows.assign(
        properties=[text and text.replace("socks", json.dumps(hostile)[1:-1]) for text in town.rows.properties]
    )
    made = findings_page(replace(town, rows=rows.assign(source="o'neil")).look(tmp_path), ())
    assert any(hostile in str(row["finding"]) for row in made.page.table("findings").records)
    assert any(hostile in case["words"] for case in made.people["cases"].to_pylist())
    assert all(section.name.replace("_", "").isalnum() for section in made.page.sections)


def test_findings_keep_their_names_from_look_to_look():
    table = Table(name="t", title="", columns=(), rows=())
    told = {"title": "", "sentence": "", "computed": "", "confidence": "", "page": "", "suggestion": "", "evidence": table}
    one, other, more = (
        Finding(kind=FindingKind.FRICTION, subject=subject, customers=customers, money=None, **told)
        for subject, customers in (("web.cart drop_off", 5.0), ("web.cart_drop off", 5.0), ("web.cart drop_off", 9.0))
    )
    assert one.id == more.id == "friction:web.cart drop_off" and one.section == more.section
    assert one.section != other.section and one.section.startswith("friction_web_cart_drop_off_")
    assert ranked([one, more]) == (more, one)
