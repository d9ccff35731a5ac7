from collections import Counter
from hashlib import sha256
from math import sqrt

import numpy as np
from scipy.stats import chi2_contingency, chisquare

from features.catalogue import Catalogue
from features.catalogue.objective import Experiment, Holdout
from features.experiment import Arm, arm_of, chances
from features.privacy import in_holdout

CUSTOMERS = [f"c{number}" for number in range(40_000)]


def share_of(holdout, customers=CUSTOMERS):
    return sum(in_holdout([customer], holdout) for customer in customers) / len(customers)


def test_the_holdout_is_as_large_as_asked_within_four_standard_errors():
    for share in (0.01, 0.1, 0.5):
        assert abs(share_of(Holdout(share=share)) - share) < 4 * sqrt(share * (1 - share) / len(CUSTOMERS))


def test_a_share_of_zero_holds_nobody_out():
    assert share_of(Holdout(share=0.0)) == 0.0


def test_who_is_in_stays_in_and_a_larger_share_only_adds():
    small, large = Holdout(share=0.05), Holdout(share=0.2)
    inside = [customer for customer in CUSTOMERS if in_holdout([customer], small)]
    assert inside and all(in_holdout([customer], large) for customer in inside)
    # by hand: SHA-256 of salt, NUL and identifier, its first six bytes over 2 ** 48
    draw = int(sha256(b"holdout\x00c1").hexdigest()[:12], 16) / 2**48
    assert in_holdout(["c1"], Holdout(share=0.5)) is (draw < 0.5)


def test_another_salt_draws_another_holdout():
    one, other = Holdout(share=0.5, salt="one"), Holdout(share=0.5, salt="other")
    both = sum(in_holdout([customer], one) and in_holdout([customer], other) for customer in CUSTOMERS) / len(CUSTOMERS)
    assert abs(both - 0.25) < 4 * sqrt(0.25 * 0.75 / len(CUSTOMERS))


def test_one_customer_id_in_the_holdout_holds_the_merged_customer_out():
    holdout = Holdout(share=0.5)
    inside = next(customer for customer in CUSTOMERS if in_holdout([customer], holdout))
    outside = next(customer for customer in CUSTOMERS if not in_holdout([customer], holdout))
    assert in_holdout([outside, inside], holdout) and in_holdout([inside, outside], holdout)
    assert not in_holdout([], holdout)


def test_devices_and_cookies_are_no_further_chances_to_be_held_out():
    holdout = Holdout(share=0.5)
    cookies = [f"cookie:{number:032x}" for number in range(20)]
    inside = next(cookie for cookie in cookies if in_holdout([cookie], holdout))
    outside = next(customer for customer in CUSTOMERS if not in_holdout([customer], holdout))
    assert not in_holdout([outside, *cookies], holdout)
    assert in_holdout([inside], holdout) and in_holdout(cookies, holdout)


SHARES = {"random": 0.05, "propensity": 0.1, "rules": 0.15, "challenger": 0.2}


def catalogue(*, holdout=0.1, salt="experiment", **shares):
    given = SHARES | shares
    return Catalogue(holdout=Holdout(share=holdout), experiment=Experiment(salt=salt, **given), presets=("any",))


def counts_of(customers, given):
    found = Counter(arm_of([customer], given) for customer in customers)
    return np.array([found[arm] for arm in Arm])


def test_every_arm_is_as_large_as_configured_out_of_who_is_not_held_out():
    # by hand: 0.1 held out, and of the other 0.9 as the shares say
    expected = len(CUSTOMERS) * np.array([0.1, 0.045, 0.09, 0.135, 0.18, 0.45])
    assert chisquare(counts_of(CUSTOMERS, catalogue()), expected).pvalue > 0.001


def test_the_holdouts_draw_and_the_experiments_are_independent():
    given = catalogue(holdout=0.5, salt="holdout")  # not even the same salt makes them alike
    without = catalogue(holdout=0.0, salt="holdout")
    inside = [in_holdout([customer], given.holdout) for customer in CUSTOMERS]
    would_be = [arm_of([customer], without) for customer in CUSTOMERS]
    table = [
        [sum(a == arm and i == held for a, i in zip(would_be, inside, strict=True)) for arm in Arm][1:] for held in (False, True)
    ]
    assert chi2_contingency(table).pvalue > 0.001


def test_an_experiment_without_shares_leaves_everybody_to_the_policy():
    given = Catalogue(presets=("any",))
    assert {arm_of([customer], given) for customer in CUSTOMERS[:500]} == {Arm.TREATMENT}
    assert arm_of([], catalogue()) == Arm.TREATMENT


def test_an_arm_is_for_good_and_depends_on_neither_order_nor_devices():
    given, cookies = catalogue(), [f"cookie:{number:032x}" for number in range(5)]
    for one, other in zip(CUSTOMERS[:400:2], CUSTOMERS[1:400:2], strict=True):
        assert arm_of([one, other], given) == arm_of([other, one], given)
        assert arm_of([one, *cookies], given) == arm_of([one], given)


def test_of_a_merged_customers_arms_the_strictest_counts():
    given, order = catalogue(), list(Arm)
    for one, other in zip(CUSTOMERS[:2000:2], CUSTOMERS[1:2000:2], strict=True):
        apart = [order.index(arm_of([name], given)) for name in (one, other)]
        assert order.index(arm_of([one, other], given)) == min(apart)


def test_a_larger_share_of_an_arm_keeps_who_is_in_it_and_leaves_those_of_earlier_arms_alone():
    before, after = catalogue(), catalogue(rules=0.3)
    for customer in CUSTOMERS[:4000]:
        old, new = arm_of([customer], before), arm_of([customer], after)
        if old in (Arm.HOLDOUT, Arm.RANDOM, Arm.PROPENSITY, Arm.RULES):
            assert new == old
        else:
            assert new in (old, Arm.RULES, Arm.CHALLENGER)


def test_of_merged_customers_as_many_are_in_each_arm_as_the_chances_say():
    given = catalogue()
    pairs = list(zip(CUSTOMERS[::2], CUSTOMERS[1::2], strict=True))
    found = Counter(arm_of(pair, given) for pair in pairs)
    expected = [len(pairs) * chances(2, given)[arm] for arm in Arm]
    assert chisquare([found[arm] for arm in Arm], expected).pvalue > 0.001
