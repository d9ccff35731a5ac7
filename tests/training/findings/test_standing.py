"""What stands out, by hand."""

import pytest

from training.findings.standing import Limit, Measured, critical, like, outliers


def one(subject, mean, *, stage="purchase", channel="web", n=1000.0, error=None):
    error = (mean * (1 - mean) / n) ** 0.5 if error is None else error
    return Measured(subject=subject, stage=stage, channel=channel, customers=int(n), observations=n, mean=mean, error=error)


HIGH = Limit(factor=1.5, gap=0.05)


def found(*measured, limit=HIGH):
    return [outlier.one.subject for outlier in outliers(measured, limit)]


def test_like_is_what_shares_stage_and_channel_and_where_that_is_too_little_stage_and_then_everything():
    cart, checkout, basket = one("web.cart", 0.1), one("web.checkout", 0.1), one("app.basket", 0.1, channel="app")
    home, review = one("web.home", 0.1, stage="awareness"), one("web.pay", 0.1)
    assert [each.subject for each in like(cart, [cart, checkout, review, basket])[0]] == ["web.checkout", "web.pay"]
    assert [each.subject for each in like(cart, [cart, checkout, basket, home])[0]] == ["web.checkout", "app.basket"]
    assert [each.subject for each in like(cart, [cart, checkout, home])[0]] == ["web.checkout", "web.home"]
    assert like(cart, [cart, home]) == ((), "")


def test_the_excess_is_what_goes_beyond_the_median():
    measured = [one("a", 0.4), one("b", 0.1), one("c", 0.12), one("d", 0.14)]
    (outlier,) = outliers(measured, HIGH)
    assert outlier.usual == 0.12
    assert outlier.excess == pytest.approx(280.0)  # (0.40 - 0.12) x 1000


def test_what_is_beyond_chance_but_not_beyond_the_limit_is_no_finding():
    """The limit is max(0.10 x 1.5, 0.10 + 0.05) = 0.15; of a million observations 0.14 is surely more than 0.10."""
    assert found(one("a", 0.14, n=1e6), one("b", 0.1, n=1e6), one("c", 0.1, n=1e6)) == []
    assert found(one("a", 0.16, n=1e6), one("b", 0.1, n=1e6), one("c", 0.1, n=1e6)) == ["a"]


def test_what_chance_explains_is_no_finding():
    """Of 60 observations 0.25 is 0.1 beyond the limit, about two standard errors, and three comparisons want 2.94."""
    assert round(critical(3), 2) == 2.94
    assert found(one("a", 0.25, n=60.0), one("b", 0.1, n=1e4), one("c", 0.1, n=1e4)) == []
    assert found(one("a", 0.25, n=600.0), one("b", 0.1, n=1e4), one("c", 0.1, n=1e4)) == ["a"]


def test_the_more_is_compared_the_more_it_takes():
    assert [round(critical(count), 1) for count in (0, 1, 100, 10_000)] == [2.6, 2.6, 3.9, 4.9]


def test_a_share_of_all_or_none_is_not_believed_more_than_its_limit_allows():
    """Its own standard error is 0; that of a share at the limit counts: of 30 observations, none is no surprise at 0.05."""
    low = Limit(factor=0.5, gap=0.05)
    assert found(one("a", 0.0, n=30.0), one("b", 0.1, n=1e4), one("c", 0.1, n=1e4), limit=low) == []
    assert found(one("a", 0.0, n=3000.0), one("b", 0.11, n=1e4), one("c", 0.11, n=1e4), limit=low) == ["a"]


def test_a_limit_that_cannot_be_reached_finds_nothing():
    assert found(one("a", 1.0), one("b", 0.7), one("c", 0.7)) == []
