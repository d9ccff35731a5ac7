"""Values worked by hand: states folded from a few interactions, read at a given day."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.domain import Interaction, Metric
from features.tables import Feature, empty_state, fold, matrix, microseconds, read, stacked

START = datetime(2024, 1, 1, tzinfo=UTC)
Make = Callable[..., Interaction]


def _values(features: tuple[Feature, ...], interactions: list[Interaction], day: float) -> dict[str, object]:
    state = empty_state(features)
    for each in interactions:
        state = fold(features, state, each)
    at = np.array([microseconds(START + timedelta(days=day))], dtype=np.int64)
    return {name: values[0] for name, values in read(features, stacked(features, [state]), at).items()}


def test_decayed_counts_and_sums_are_read_as_of_any_later_time(features: tuple[Feature, ...], interaction: Make) -> None:
    bought = [interaction(day, "purchase", "store.checkout", value=value) for day, value in ((0, 10.0), (7, 40.0))]
    values = _values(features, bought, 14)
    assert values["kind_purchase_7d_count"] == pytest.approx(0.25 + 0.5, rel=1e-12)
    assert values["purchase_7d_money"] == pytest.approx(10 * 0.25 + 40 * 0.5, rel=1e-12)
    assert values["channel_store_7d_count"] == pytest.approx(0.75, rel=1e-12)
    assert values["channel_web_7d_count"] == 0.0


def test_lifetime_features_of_purchases(features: tuple[Feature, ...], interaction: Make) -> None:
    bought = [interaction(day, "purchase", "store.checkout", value=value) for day, value in ((0, 10.0), (2, 20.0), (10, 60.0))]
    values = _values(features, bought, 13)
    assert values["kind_purchase_lifetime_count"] == 3
    assert values["purchase_lifetime_money"] == 90
    assert values["purchase_mean_money"] == 30
    assert values["purchase_interval_days"] == 5
    assert values["kind_purchase_recency_days"] == 3
    assert values["tenure_lifetime_days"] == 13


def test_satisfaction_is_count_mean_and_last_score(features: tuple[Feature, ...], interaction: Make) -> None:
    rated = [interaction(day, "rating", metric=Metric.NPS, score=score) for day, score in ((0, 10.0), (2, 1.0), (1, 4.0))]
    values = _values(features, rated, 3)
    assert (values["nps_lifetime_count"], values["nps_mean_score"], values["nps_last_score"]) == (3, 5, 1)
    assert values["csat_lifetime_count"] == 0 and np.isnan(values["csat_mean_score"]) and np.isnan(values["csat_last_score"])


def test_sentiment_is_a_mean_of_what_was_said_and_a_recent_one_weighted_by_age(
    features: tuple[Feature, ...], interaction: Make
) -> None:
    said = [interaction(0, "call", sentiment=-0.8), interaction(30, "complaint", sentiment=0.4), interaction(30)]
    for day in (30, 90):  # the mean of two sums that decay alike stays as it is
        values = _values(features, said, day)
        assert values["sentiment_lifetime_count"] == 2
        assert values["sentiment_lifetime_score"] == pytest.approx(-0.2, rel=1e-12)
        assert values["sentiment_30d_score"] == pytest.approx((-0.8 * 0.5 + 0.4) / 1.5, abs=1e-12)
    assert np.isnan(_values(features, [interaction(0)], 1)["sentiment_30d_score"])


def test_response_rates_are_smoothed_and_one_half_before_any_contact(features: tuple[Feature, ...], interaction: Make) -> None:
    assert _values(features, [], 0)["response_email_lifetime_rate"] == 0.5
    asked = [interaction(day, "contact", "email.offer") for day in (0, 1)]
    values = _values(features, [*asked, interaction(2, "click", "email.offer"), interaction(2, "click")], 2)
    assert values["contact_email_lifetime_count"] == 2
    assert values["response_email_lifetime_rate"] == (1 + 1) / (2 + 2)


def test_a_cart_is_open_until_the_next_purchase(features: tuple[Feature, ...], interaction: Make) -> None:
    cart, purchase = interaction(1, "cart", value=25.0), interaction(2, "purchase", "store.checkout")
    assert _values(features, [], 3)["cart_open_flag"] == 0
    opened = _values(features, [cart], 3)
    assert (opened["cart_open_flag"], opened["cart_open_money"]) == (1, 25)
    closed = _values(features, [purchase, cart], 3)
    assert (closed["cart_open_flag"], closed["cart_open_money"]) == (0, 0)


def test_current_values_go_by_time_and_unknown_categories_are_unknown(features: tuple[Feature, ...], interaction: Make) -> None:
    known = interaction(1, "profile", traits={"age": "old", "income": "12.5"})
    older = interaction(0, "profile", traits={"age": "young", "income": "none"})
    values = _values(features, [known, older], 2)
    assert (values["trait_age_category"], values["trait_income_number"]) == ("old", 12.5)
    assert values["channel_last_category"] == "web"
    strange = _values(features, [interaction(3, "profile", traits={"age": "ageless", "income": "inf"})], 4)
    assert strange["trait_age_category"] is None and np.isnan(strange["trait_income_number"])


def test_a_state_read_before_it_stands_reads_as_it_stands(features: tuple[Feature, ...], interaction: Make) -> None:
    early, then = (_values(features, [interaction(5)], day) for day in (0, 5))
    np.testing.assert_equal(early, then)
    assert then["any_7d_count"] == 1.0 and then["any_recency_days"] == 0.0


def test_an_unknown_customer_has_zero_counts_and_unknown_times(features: tuple[Feature, ...]) -> None:
    values = _values(features, [], 0)
    assert values["any_7d_count"] == 0 and values["any_lifetime_count"] == 0
    assert np.isnan(values["any_recency_days"]) and np.isnan(values["tenure_lifetime_days"])


def test_the_matrix_has_categories_as_codes_and_nan_for_unknown(features: tuple[Feature, ...], interaction: Make) -> None:
    known = fold(features, empty_state(features), interaction(0, "profile", stage="retention", traits={"age": "old"}))
    states = stacked(features, [known, empty_state(features)])
    rows = matrix(features, read(features, states, np.array([microseconds(START)] * 2, dtype=np.int64)))
    column = {feature.name: index for index, feature in enumerate(features)}
    assert rows.shape == (2, len(features))
    assert rows[0, column["trait_age_category"]] == 1.0 and rows[0, column["stage_last_category"]] == 3.0
    assert np.isnan(rows[1, column["trait_age_category"]])


def test_folding_leaves_the_given_state_as_it_was_and_keeps_the_highest_position(
    features: tuple[Feature, ...], interaction: Make
) -> None:
    empty = empty_state(features)
    state = fold(features, fold(features, empty, interaction(1), position=8), interaction(0), position=5)
    assert empty == empty_state(features)
    assert state["position"] == 8 and state["state_at"] == microseconds(START + timedelta(days=1))
