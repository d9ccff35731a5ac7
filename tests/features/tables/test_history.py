"""The executions agree: history over a table, as of given times, the latest row, and one interaction at a time, in any order."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.domain import METRIC_RANGE, Interaction, Kind, Metric, Stage
from features.tables import Feature, State, all_columns, empty_state, fold, microseconds

START = datetime(2024, 1, 1, tzinfo=UTC)
AsOf = Callable[[Sequence[Interaction], Sequence[tuple[int, str, int]]], dict[int, Any]]
OverTable = Callable[[Sequence[Interaction]], tuple[list[Any], list[Any]]]


@st.composite
def interactions(draw: st.DrawFn) -> Interaction:
    at = START + timedelta(
        days=draw(st.sampled_from([-12_000, 0, 0.5, 1, 2, 3, 7, 30, 400])), microseconds=draw(st.integers(0, 1))
    )
    metric = draw(st.none() | st.sampled_from(Metric))
    traits = draw(
        st.dictionaries(st.sampled_from(["age", "income", "other"]), st.sampled_from(["young", "old", "12.5", 'a"b', ""]))
    )
    return Interaction(
        message_id="",
        customer_id=draw(st.sampled_from(["ann", "bob"])),
        touchpoint=draw(st.sampled_from(["web.product_page", "store.checkout", "email.offer", "unknown.x"])),
        kind=draw(st.sampled_from(Kind)),
        at=at,
        received_at=at + timedelta(days=draw(st.sampled_from([0, 0, 0, 1, 29, 12_000]))),
        source="test",
        stage=draw(st.none() | st.sampled_from(Stage)),
        value=draw(st.none() | st.sampled_from([0.0, 0.01, 9.99, 1e6])),
        metric=metric,
        score=None if metric is None else draw(st.sampled_from(METRIC_RANGE[metric])),
        sentiment=draw(st.none() | st.sampled_from([-1.0, 0.25, 0.9])),
        traits=traits,
    )


@st.composite
def streams(draw: st.DrawFn) -> list[Interaction]:
    drawn = draw(st.lists(interactions(), min_size=1, max_size=14))
    return [_renamed(each, f"m{number}") for number, each in enumerate(drawn)]


def _renamed(each: Interaction, message_id: str, delay: timedelta = timedelta(0)) -> Interaction:
    values = {name: getattr(each, name) for name in each.__slots__}
    return Interaction(**{**values, "message_id": message_id, "received_at": each.received_at + delay})


def _folded(features: Sequence[Feature], stream: Sequence[Interaction]) -> State:
    state = empty_state(features)
    for each in stream:
        state = fold(features, state, each)
    return state


def _assert_equal(features: Sequence[Feature], found: dict[str, Any], expected: dict[str, Any]) -> None:
    for column in all_columns(features):
        if column.dtype == "float" and expected[column.name] is not None:
            assert found[column.name] == pytest.approx(expected[column.name], rel=1e-9, abs=1e-12), column.name
        else:
            assert found[column.name] == expected[column.name], column.name


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stream=streams(), seed=st.integers(0, 2**32), repeated=st.lists(st.integers(0, 13), max_size=3))
def test_a_history_row_is_the_fold_of_all_that_was_visible_in_any_order_and_the_last_is_the_latest(
    features: tuple[Feature, ...], over_table: OverTable, stream: list[Interaction], seed: int, repeated: list[int]
) -> None:
    duplicates = [
        _renamed(stream[index], stream[index].message_id, timedelta(days=3)) for index in repeated if index < len(stream)
    ]
    shuffled = random.Random(seed).sample(stream + duplicates, len(stream) + len(duplicates))
    past, now = over_table(shuffled)
    assert {(row["customer_id"], row["visible_at"]) for row in past} == {(each.customer_id, each.visible_at) for each in stream}
    assert len(past) == len({(each.customer_id, each.visible_at) for each in stream})
    unique = random.Random(seed).sample(stream, len(stream))
    for row in past:
        visible = [each for each in unique if each.customer_id == row["customer_id"] and each.visible_at <= row["visible_at"]]
        _assert_equal(features, row, _folded(features, visible))
    for row in now:
        _assert_equal(features, row, _folded(features, [each for each in unique if each.customer_id == row["customer_id"]]))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stream=streams(), days=st.lists(st.sampled_from([-12_000, 0, 1, 7, 430, 20_000]), min_size=1, max_size=3))
def test_a_row_as_of_a_time_is_the_fold_of_what_any_of_its_customers_had_visible_then_but_the_contacts_of_that_moment(
    features: tuple[Feature, ...], as_of_times: AsOf, stream: list[Interaction], days: list[int]
) -> None:
    groups = (["ann"], ["bob"], ["ann", "bob"])
    questions = [(START + timedelta(days=day), names) for day in days for names in groups]
    asked = [(row, name, microseconds(until)) for row, (until, names) in enumerate(questions) for name in names]
    found = as_of_times(stream, asked)
    for row, (until, names) in enumerate(questions):
        visible = [
            each
            for each in stream
            if each.customer_id in names and (each.visible_at < until or (each.visible_at == until and each.kind != Kind.CONTACT))
        ]
        assert (row in found) == bool(visible)
        if visible:
            _assert_equal(features, found[row], _folded(features, visible))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stream=streams(), extra=interactions())
def test_an_interaction_that_becomes_visible_later_changes_no_earlier_row(
    features: tuple[Feature, ...], over_table: OverTable, stream: list[Interaction], extra: Interaction
) -> None:
    before = {(row["customer_id"], row["visible_at"]): row for row in over_table(stream)[0]}
    after = {(row["customer_id"], row["visible_at"]): row for row in over_table([*stream, _renamed(extra, "extra")])[0]}
    for (customer_id, visible_at), row in before.items():
        if customer_id != extra.customer_id or visible_at < extra.visible_at:
            _assert_equal(features, after[customer_id, visible_at], row)


def test_decayed_counts_halve_with_every_half_life_and_late_rows_enter_decayed(
    over_table: OverTable, interaction: Callable[..., Interaction]
) -> None:
    # day 0, day 7, and one of day 0 that is received on day 14: at the half-life of 7 days
    past, now = over_table([interaction(0), interaction(7), interaction(0, kind="click", delay=14)])
    assert [row["any_7d_count"] for row in sorted(past, key=lambda row: row["visible_at"])] == [1.0, 1.5, 0.25 + 0.5 + 0.25]
    assert now[0]["any_7d_count"] == 1.0
    assert now[0]["any_lifetime_count"] == 3


def test_thirty_eight_years_of_history_neither_overflow_nor_vanish(
    over_table: OverTable, interaction: Callable[..., Interaction]
) -> None:
    days = 38 * 365.25
    past, _ = over_table([interaction(0, "purchase", value=1e9), interaction(days, "purchase", value=1e9)])
    assert [row["purchase_7d_money"] for row in sorted(past, key=lambda row: row["visible_at"])] == [1e9, 1e9]


def test_an_empty_table_has_no_rows(over_table: OverTable) -> None:
    assert over_table([]) == ([], [])
