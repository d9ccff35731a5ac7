import pytest

from features.insights.touchpoints.estimates import estimates
from features.insights.touchpoints.measuring import TOUCHPOINT, TOUCHPOINT_WEEKLY
from features.insights.touchpoints.satisfaction import CSAT, CSAT_MEAN, NPS


def rated(brand, touchpoint, metric, scores, *, day=1):
    return [
        brand.event(f"{touchpoint}{day}{n}", touchpoint, "rating", day, metric=metric, score=float(score))
        for n, score in enumerate(scores)
    ]


def test_small_counts_are_drawn_to_their_like_and_keep_their_plain_value(brand):
    brand.add(
        *rated(brand, "call.service", "csat", [5, 5]),
        *rated(brand, "web.page", "csat", [5] * 60 + [1] * 40),
        *rated(brand, "store.checkout", "csat", [5] * 40 + [1] * 60),
    )
    found = brand.measured(TOUCHPOINT)
    told = dict(zip(found.keys, estimates(CSAT, found.sums["csat"], small_count=30), strict=True))
    few, many = told[("call.service",)], told[("web.page",)]
    assert (few.raw, few.n, few.shrunk) == (1.0, 2, True)
    assert 0.5 < few.value < 0.8 and few.low < few.value < few.high
    assert (many.value, many.shrunk) == (0.6, False)
    plain = dict(zip(found.keys, estimates(CSAT, found.sums["csat"], small_count=0), strict=True))
    assert (plain[("call.service",)].value, plain[("call.service",)].shrunk) == (1.0, False)


def test_what_has_no_like_is_not_shrunk(brand):
    brand.add(*rated(brand, "call.service", "csat", [5, 4]))
    found = brand.measured(TOUCHPOINT)
    (only,) = estimates(CSAT, found.sums["csat"], small_count=30)
    assert (only.value, only.shrunk) == (1.0, False)


def test_means_of_few_have_an_interval_although_their_own_ratings_do_not_differ(brand):
    brand.add(*rated(brand, "call.service", "nps", [10, 10]), *rated(brand, "web.page", "nps", [10] * 20 + [0] * 20 + [7] * 20))
    found = brand.measured(TOUCHPOINT)
    told = dict(zip(found.keys, estimates(NPS, found.sums["nps"], small_count=30), strict=True))
    few = told[("call.service",)]
    assert few.raw == 100.0 and few.shrunk and few.low < few.value <= few.high <= 100.0


def test_means_stay_on_their_scale(brand):
    brand.add(*rated(brand, "call.service", "csat", [5, 5, 5, 5, 1]))
    (found,) = brand.estimates("csat_mean", TOUCHPOINT).values()
    assert found.value == pytest.approx(4.2) and found.high == CSAT_MEAN.most == 5.0


def test_a_week_of_a_touchpoint_is_drawn_to_the_other_weeks_of_that_touchpoint(brand):
    brand.add(
        *(row for day in (1, 8, 15) for row in rated(brand, "call.service", "csat", [5] * 8 + [1] * 32, day=day)),
        *rated(brand, "call.service", "csat", [1, 5], day=22),
        *rated(brand, "web.page", "csat", [5] * 40, day=1),
    )
    found = brand.measured(TOUCHPOINT_WEEKLY)
    like = [key[0] for key in found.keys]
    told = dict(zip(found.keys, estimates(CSAT, found.sums["csat"], small_count=30, like=like), strict=True))
    assert told[("call.service", "2026-03-23")].shrunk and told[("call.service", "2026-03-23")].value < 0.22
