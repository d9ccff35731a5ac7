"""Combining states: the state of all interactions follows from the states of any parts of them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.domain import METRIC_RANGE, Interaction, Kind, Metric, Stage
from features.instants import DAY
from features.tables import POSITION, STATE_AT, Feature, State, all_columns, combine, empty_state, fold

START = datetime(2024, 1, 1, tzinfo=UTC)
Make = Callable[..., Interaction]
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@st.composite
def interactions(draw: st.DrawFn) -> Interaction:
    at = START + timedelta(days=draw(st.sampled_from([-9000, 0, 0.5, 1, 30, 400])), microseconds=draw(st.integers(0, 1)))
    metric = draw(st.none() | st.sampled_from(Metric))
    return Interaction(
        message_id="",
        customer_id="",
        touchpoint=draw(st.sampled_from(["web.product_page", "store.checkout", "email.offer", "unknown.x"])),
        kind=draw(st.sampled_from(Kind)),
        at=at,
        received_at=at + timedelta(days=draw(st.sampled_from([0, 0, 29, 9000]))),
        source="test",
        stage=draw(st.none() | st.sampled_from(Stage)),
        value=draw(st.none() | st.sampled_from([0.0, 0.01, 9.99, 1e6])),
        metric=metric,
        score=None if metric is None else draw(st.sampled_from(METRIC_RANGE[metric])),
        sentiment=draw(st.none() | st.sampled_from([-1.0, 0.25])),
        traits=draw(st.dictionaries(st.sampled_from(["age", "income"]), st.sampled_from(["young", "old", "12.5", "ñ"]))),
    )


Parts = st.lists(st.lists(interactions(), max_size=4), min_size=1, max_size=4)


def _folded(features: Sequence[Feature], part: Sequence[Interaction], first: int = 1) -> State:
    state = empty_state(features)
    for position, each in enumerate(part, first):
        state = fold(features, state, each, position=position)
    return state


def _states(features: Sequence[Feature], parts: Sequence[Sequence[Interaction]]) -> list[State]:
    starts = np.cumsum([1, *(len(part) for part in parts)])
    return [_folded(features, part, int(first)) for part, first in zip(parts, starts, strict=False)]


def _assert_same(features: Sequence[Feature], found: dict[str, Any], expected: dict[str, Any]) -> None:
    for column in all_columns(features):
        value, wanted = found[column.name], expected[column.name]
        value = None if isinstance(value, float) and np.isnan(value) else value
        assert value == (pytest.approx(wanted, rel=1e-9, abs=1e-12) if isinstance(wanted, float) else wanted), column.name


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(parts=Parts)
def test_states_of_parts_combine_to_the_state_of_all_whatever_the_parts(features: tuple[Feature, ...], parts: list[Any]) -> None:
    together = _folded(features, [each for part in parts for each in part])
    _assert_same(features, combine(features, _states(features, parts)), together)


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
@given(parts=st.lists(st.lists(interactions(), max_size=3), min_size=3, max_size=3))
def test_combining_commutes_associates_and_the_empty_state_is_neutral(features: tuple[Feature, ...], parts: list[Any]) -> None:
    a, b, c = _states(features, parts)
    _assert_same(features, combine(features, [a, b]), combine(features, [b, a]))
    nested = combine(features, [a, combine(features, [b, c])])
    _assert_same(features, combine(features, [combine(features, [a, b]), c]), nested)
    _assert_same(features, combine(features, [empty_state(features), a, empty_state(features)]), a)


def test_decayed_sums_are_brought_to_the_later_time_and_the_later_value_holds(
    features: tuple[Feature, ...], interaction: Make
) -> None:
    early = _folded(features, [interaction(0, "purchase", value=8.0), interaction(0, "profile", traits={"age": "young"})])
    late = _folded(features, [interaction(7, "purchase", value=1.0), interaction(7, "profile", traits={"age": "old"})], 5)
    state = combine(features, [late, early])
    assert state["purchase_7d_money"] == 8.0 / 2 + 1.0
    assert (state["purchase_lifetime_money"], state["any_lifetime_count"], state["trait_age"]) == (9.0, 4, "old")
    assert int(state["any_last_at"] or 0) - int(state["any_first_at"] or 0) == 7 * DAY
    assert (state[STATE_AT], state[POSITION]) == (late[STATE_AT], 6)


def test_combining_leaves_its_parts_as_they_are_and_nothing_combines_to_the_empty_state(
    features: tuple[Feature, ...], interaction: Make
) -> None:
    part = _folded(features, [interaction(0)])
    before = dict(part)
    combine(features, [part])["any_lifetime_count"] = 9
    combine(features, [part, part])
    assert part == before
    assert combine(features, []) == empty_state(features)
