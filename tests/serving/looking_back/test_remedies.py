"""What would have to change for a touchpoint that was not chosen; every figure worked by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from serving.deciding.record import (
    DecisionRecord,
    Draw,
    FeaturesUsed,
    Parts,
    PolicyInForce,
    Recommendation,
    ScoredCandidate,
)
from serving.looking_back.explain import money_sentences
from serving.looking_back.remedies import Remedies
from training.policy import Terms

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TERMS = Terms(
    costs=np.array([0.0, 0.5, 0.05]),
    incentives=np.array([0.0, 2.0, 0.0]),
    discounts=np.array([0.0, 0.1, 0.0]),
    levers=np.ones(3),
    margin=0.25,
)


def candidate(touchpoint: str, net_value: float, probability: float, **more: Any) -> ScoredCandidate:
    known = {"eligible": True, "stage": None, "rule": None, "propensity": 0.1, "uplift": 0.02, "value": 100.0, "cost": 0.0}
    given = known | {"priority": net_value} | more
    return ScoredCandidate(touchpoint=touchpoint, net_value=net_value, probability=probability, **given)


def record(*candidates: ScoredCandidate, chosen: str = "none", arm: str = "treatment", u: float = 0.4) -> DecisionRecord:
    first = Recommendation(
        touchpoint=chosen,
        channel=None,
        rank=1,
        probability=0.5,
        propensity=0.1,
        uplift=0.0,
        expected_value=0.0,
        cost=0.0,
        reasons=(),
    )
    return DecisionRecord(
        decision_id="d1",
        customer_id="ann",
        at=NOW,
        arm=arm,
        request={},
        interactions=(),
        features=FeaturesUsed(status="fresh", age_seconds=0.0, position=0, values={}),
        candidates=candidates,
        draw=Draw(seed=1, u=u),
        chosen=chosen,
        recommendations=(first,),
        policy=PolicyInForce(name="p", version="1"),
        catalogue_version="c",
        currency="USD",
        fallback=None,
        decided_at=NOW,
        software_version="1",
    )


NOTHING = candidate("none", 0.0, 0.2, uplift=0.0)


def test_a_better_uplift_or_a_cheaper_contact_would_have_made_it_best() -> None:
    # 0.30 is missing; a point of conversion brings 100 x 0.25 - (2 + 0.1 x 100) = 13, so 0.30 / 13 = 2.31 points more
    offer = candidate("mail.offer", 0.7, 0.2, cost=0.5)
    found = Remedies(record(NOTHING, offer, candidate("email.news", 1.0, 0.6)), TERMS).of_value(offer)
    assert found == (
        "it would have to be worth 0.30 USD more: 2.31 more points of conversion (4.31 instead of 2.00) "
        "or a contact that costs 0.20 instead of 0.50"
    )


def test_what_no_conversion_rate_can_reach_is_not_proposed() -> None:
    # 30 missing at 13 a conversion: more than everybody converting
    offer = candidate("mail.offer", -29.0, 0.2, cost=0.5)
    found = Remedies(record(NOTHING, offer, candidate("email.news", 1.0, 0.6)), TERMS).of_value(offer)
    assert found == "it would have to be worth 30.00 USD more"


def test_a_lever_counts_for_what_is_missing() -> None:
    # ordered by 1.0; with a lever of 2 a net value of 0.5 is enough, and 0.4 is there
    offer = candidate("mail.offer", 0.4, 0.2, lever=2.0, priority=0.8)
    found = Remedies(record(NOTHING, offer, candidate("email.news", 1.0, 0.6)), None).of_value(offer)
    assert found == "it would have to be worth 0.10 USD more"


def test_records_of_before_there_were_levers_are_ordered_by_value() -> None:
    old = [replace(each, priority=0.0) for each in (NOTHING, candidate("a.b", -1.0, 0.1), candidate("c.d", 2.0, 0.7))]
    assert Remedies(record(*old), None).best.touchpoint == "c.d"


def test_time_a_consent_or_a_condition_removes_a_rule() -> None:
    until = datetime(2026, 11, 24, 10, tzinfo=UTC)
    capped = candidate("mail.offer", 0.0, 0.0, eligible=False, stage="contacts", rule="at most 1", until=until)
    refused = candidate("email.news", 0.0, 0.0, eligible=False, stage="consent", rule="marketing is opt-in: not granted")
    remedies = Remedies(record(NOTHING, capped, refused), TERMS)
    assert remedies.of_rule(capped) == "that rule lets it through from 2026-11-24 10:00 UTC on"
    assert remedies.of_rule(refused) == "the customer would have to give the consent that is missing"
    worth_more = replace(capped, net_value=0.2, priority=0.2)
    assert remedies.of_rule(worth_more) == "that rule lets it through from 2026-11-24 10:00 UTC on; it would have looked best"


def test_of_the_best_the_draw_decides() -> None:
    best = candidate("email.news", 1.0, 0.6)
    remedies = Remedies(record(NOTHING, candidate("mail.offer", 0.7, 0.2), best, chosen="mail.offer", u=0.3), TERMS)
    assert remedies.of_chance(best) == "a draw from 0.4 to 1 would have chosen it; it was 0.3"


def test_doing_nothing_is_best_only_where_nothing_else_pays() -> None:
    remedies = Remedies(record(NOTHING, candidate("email.news", 1.0, 0.8), chosen="email.news"), TERMS)
    assert remedies.of_value(NOTHING) == "every other touchpoint would have to be worth less than it costs"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (Parts(retention=0.4), "The contact keeps customers who would leave, worth 0.40 USD."),
        (Parts(retention=-0.4), "The contact drives customers away, at a loss of 0.40 USD."),
        (Parts(fatigue=0.03), "That it tires the customer, who may unsubscribe, costs 0.03 USD."),
    ],
)
def test_each_part_that_matters_has_a_sentence(parts: Parts, words: str) -> None:
    assert list(money_sentences(candidate("mail.offer", 1.0, 0.5, parts=parts), currency="USD")) == [words]


def test_a_lever_has_one_too() -> None:
    held = candidate("mail.offer", 1.0, 0.5, lever=0.5, priority=0.5)
    assert list(money_sentences(held, currency="USD")) == [
        "A lever of the business holds it back: it is ordered by 0.50, not by 1.00."
    ]
