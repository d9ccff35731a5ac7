"""The one code that decides and replays: exact also for slates, and moved only by what it is given."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import chisquare

from features.catalogue import Catalogue
from features.domain import Contact
from features.tables import feature_list
from serving.deciding.judge import Basis, Judge, row_of
from serving.deciding.record import SlatePlace
from training.policy import Policy, PriorScorer
from training.policy.eligibility import Situation

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SLATES = 6000


@pytest.fixture(scope="module")
def judge(catalogue: Catalogue) -> Judge:
    free = catalogue.model_copy(update={"caps": ()})
    return Judge(free, feature_list(free))


@pytest.fixture
def basis(judge: Judge) -> Basis:
    scorer = PriorScorer.of(judge.catalogue, base_rate=0.1, value=200.0)
    policy = Policy.of(judge.catalogue, scorer, name="priors", version="1")
    values = {feature.name: None for feature in judge.features}
    return Basis(
        decision_id="d",
        situation=Situation(at=NOW),
        values=values,
        row=row_of(judge.features, values),
        policy=policy,
        arm="treatment",
        seed=7,
    )


def test_slates_come_as_often_as_the_product_of_their_slots_probabilities_says(judge: Judge, basis: Basis) -> None:
    seen, expected = Counter[tuple[str, str]](), {}
    for index in range(SLATES):
        first = judge.judge(replace(basis, decision_id=f"s{index}"))
        before = () if first.chosen == "none" else (first.chosen,)
        sent = Situation(at=NOW, exclude=before, contacts=tuple(Contact(name, NOW) for name in before))
        place = SlatePlace(id=f"s{index}", slot=2, before=before)
        second = judge.judge(replace(basis, decision_id=f"s{index}/2", situation=sent, slate=place))
        seen[first.chosen, second.chosen] += 1
        for candidate in second.candidates:
            if candidate.probability:
                expected[first.chosen, candidate.touchpoint] = first.choice.probability * candidate.probability
    assert sum(expected.values()) == pytest.approx(1.0)
    assert set(seen) <= set(expected)
    counts = [seen[pair] for pair in expected]
    assert chisquare(counts, SLATES * np.array(list(expected.values()))).pvalue > 0.001


def test_the_draw_alone_chooses(judge: Judge, basis: Basis) -> None:
    verdict = judge.judge(basis)
    cumulative, chosen = 0.0, None
    for candidate in verdict.candidates:
        cumulative += candidate.probability
        if chosen is None and verdict.draw.u < cumulative:
            chosen = candidate.touchpoint
    assert verdict.chosen == chosen == verdict.choice.touchpoint
    assert judge.judge(basis) == verdict
    assert judge.judge(replace(basis, seed=8)).draw.u != verdict.draw.u


def test_the_order_ranks_by_value_with_what_is_not_eligible_last(judge: Judge, basis: Basis) -> None:
    # mail.offer: 0.02 x 200 x 0.25 - 0.50 = 0.50, email.news: -0.05
    assert judge.judge(basis).order == ("mail.offer", "none", "email.news")
    without = replace(basis, situation=Situation(at=NOW, exclude=("mail.offer",)))
    assert judge.judge(without).order == ("none", "email.news", "mail.offer")


def test_values_of_a_record_become_the_row_that_the_policy_read(judge: Judge) -> None:
    row = row_of(judge.features, {"trait_tier_category": "gold", "trait_age_number": 41.0, "kind_purchase_lifetime_count": 2})
    known = {feature.name: row[0, index] for index, feature in enumerate(judge.features)}
    assert (known["trait_tier_category"], known["trait_age_number"], known["kind_purchase_lifetime_count"]) == (1.0, 41.0, 2.0)
    assert np.isnan(known["tenure_lifetime_days"])
