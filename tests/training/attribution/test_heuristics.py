import numpy as np
import pytest

from training.attribution.credit import credit_by_touch
from training.attribution.heuristics import first_touch, last_touch, linear, position, rules, time_decay
from training.attribution.paths import Paths, paths_of

WRITTEN = paths_of(["a > b > c > b", "a > c", "b"], conversions=np.array([10.0, 4.0, 1.0]), values=np.array([100.0, 8.0, 3.0]))


def credited(rule):
    return dict(zip(WRITTEN.names, credit_by_touch("rule", WRITTEN, rule(WRITTEN)).conversions.tolist(), strict=True))


def test_first_touch_gives_all_to_the_beginning():
    assert credited(first_touch) == {"a": 14.0, "b": 1.0, "c": 0.0}


def test_last_touch_gives_all_to_the_end():
    assert credited(last_touch) == {"a": 0.0, "b": 11.0, "c": 4.0}


def test_linear_gives_the_same_to_every_touch():
    assert credited(linear) == {"a": 2.5 + 2.0, "b": 5.0 + 1.0, "c": 2.5 + 2.0}


def test_position_gives_40_percent_to_the_ends_half_of_two_and_all_to_one():
    assert credited(position) == pytest.approx({"a": 4.0 + 2.0, "b": 4.0 + 1.0 + 1.0, "c": 1.0 + 2.0})


def test_time_decay_without_times_halves_with_every_step_back():
    # a > b > c > b: 1, 2, 4, 8 of 15; a > c: 1, 2 of 3
    assert credited(lambda paths: time_decay(paths, half_life_days=7.0)) == pytest.approx(
        {"a": 10 / 15 + 4 / 3, "b": 100 / 15 + 1.0, "c": 40 / 15 + 8 / 3}
    )


def test_time_decay_goes_by_the_age_even_where_two_to_its_power_is_nothing():
    ages = np.array([9007.0, 9000.0])
    one = np.ones(1)
    old = Paths(
        names=("a", "b"),
        codes=np.array([0, 1]),
        offsets=np.array([0, 2]),
        conversions=one,
        values=one,
        nulls=0 * one,
        groups=np.zeros(1, dtype=np.int64),
        ages=ages,
    )
    assert time_decay(old, half_life_days=7.0) == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize("name", list(rules(7.0)))
def test_every_rule_divides_all_conversions_and_all_money(name):
    credit = credit_by_touch(name, WRITTEN, rules(7.0)[name](WRITTEN))
    assert credit.conversions.sum() == pytest.approx(15.0)
    assert credit.values.sum() == pytest.approx(111.0)
    assert credit.shares.sum() == pytest.approx(1.0)


def test_of_the_example_paths_alpha_has_6308_first_and_8447_last_touches(public_data):
    # The figures that go with ChannelAttribution's example data
    import pyarrow.csv as csv

    rows = csv.read_csv(public_data("attribution_pathdata/PathData.csv.gz"))
    paths = paths_of(rows["path"], conversions=rows["total_conversions"].to_numpy().astype(float))
    alpha = paths.names.index("alpha")
    first, last = (credit_by_touch("", paths, rule(paths)).conversions[alpha] for rule in (first_touch, last_touch))
    assert (first, last) == (6308.0, 8447.0)
