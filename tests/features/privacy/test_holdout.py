from hashlib import sha256
from math import sqrt

from features.catalogue.model import Holdout
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
