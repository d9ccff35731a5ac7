import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.insights.touchpoints.change import changes, shared_change
from features.insights.touchpoints.engagement import Contribution, Engagement
from features.insights.touchpoints.quality import Quality, QualitySource

factors = st.tuples(st.floats(0, 1e4), st.floats(0, 1), st.floats(0, 1))


@settings(max_examples=50)
@given(factors, factors)
def test_the_parts_add_up_to_the_change(before, after):
    change = after[0] * after[1] * after[2] - before[0] * before[1] * before[2]
    assert sum(shared_change(before, after)) == pytest.approx(change, abs=1e-6)


def of(name, rate, quality, conversion, source=QualitySource.RATINGS):
    return Contribution(
        touchpoint=name,
        volume=1,
        rate=rate,
        quality=Quality(quality, source),
        conversion=conversion,
        closed=1,
        effective=rate * quality * conversion,
        variance=0.0,
        value=0.0,
    )


def period(*contributions):
    total = sum(each.effective for each in contributions)
    return Engagement(
        contributions=contributions, total=total, low=total, high=total, value=0.0, measured=1.0, active=1, days=30.0
    )


def test_what_is_new_or_gone_changed_by_volume():
    found = {each.touchpoint: each for each in changes(period(of("old", 10, 0.5, 0.2)), period(of("new", 20, 0.5, 0.5)))}
    assert (found["old"].volume, found["old"].quality, found["old"].conversion) == (-1.0, 0.0, 0.0)
    assert (found["new"].volume, found["new"].quality, found["new"].conversion) == (5.0, 0.0, 0.0)


def test_a_quality_from_another_source_is_marked():
    (found,) = changes(period(of("a", 10, 0.5, 0.2, QualitySource.BEHAVIOUR)), period(of("a", 10, 0.9, 0.2)))
    assert not found.comparable and found.quality == pytest.approx(0.8)
