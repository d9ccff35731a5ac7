from dataclasses import replace

import pytest

from training.gate import Comparison, Finding, judge
from training.ope import Agreement, Estimate, IntervalKind, Support


def estimate(value, half_width=0.5, name="dr"):
    return Estimate(
        name=name,
        value=value,
        standard_error=half_width / 1.96,
        low=value - half_width,
        high=value + half_width,
        level=0.95,
        effective_sample_size=500.0,
        max_weight=4.0,
        clipped=0.0,
        overlap=1.0,
        n=1000,
    )


def covered(*reasons):
    return Support(
        n=1000,
        effective_sample_size=500.0,
        effective_customers=450.0,
        mean_weight=1.0,
        median_weight=1.0,
        high_weight=3.0,
        max_weight=4.0,
        overlap=1.0,
        rare_share=0.0,
        tail_share=0.02,
        tail_shape=None,
        reasons=reasons,
    )


def against(rival, difference, *, half_width=0.5, value=1.0, thin=(), weighed=None):
    without_model = None if weighed is None else estimate(weighed, half_width, "snips difference")
    return Comparison(rival, estimate(value), estimate(difference, half_width, "difference"), covered(*thin), without_model)


def judged(*, thin=(), champion=None, constants=(), agreement=None, tolerance=0.0):
    given = {"champion": champion, "constants": constants, "agreement": agreement, "tolerance": tolerance}
    return judge(estimate(2.0), covered(*thin), **given)


def gaps(*, ips=0.0, snips=0.0, dm=0.0):
    return Agreement(ips=estimate(ips), snips=estimate(snips), dm=estimate(dm))


def test_a_challenger_that_is_better_than_the_champion_beyond_doubt_is_promoted():
    verdict = judged(champion=against("champion 3", 0.6))
    assert verdict.promote
    assert verdict.reasons == (
        "challenger: value +2 (95% interval +1.5 to +2.5) per decision, from 1000 decisions",
        "promoted: better than champion 3: difference +0.6 (95% interval +0.1 to +1.1) per decision",
    )


def test_with_a_tolerance_a_challenger_passes_that_is_not_worse_by_more_than_that_beyond_doubt():
    promoted = judged(champion=against("champion 3", 0.1), tolerance=0.5)  # at the lower end, worse by 0.4
    assert promoted.promote
    assert promoted.reasons[1].startswith("promoted, since it is worse by no more than the tolerance of 0.5: not distinguishable")
    assert not judged(champion=against("champion 3", -0.1), tolerance=0.5).promote  # worse by 0.6
    assert not judged(champion=against("champion 3", -0.6), tolerance=2.0).promote  # worse beyond doubt
    assert not judged(champion=against("champion 3", 0.1, thin=("too few",)), tolerance=0.5).promote


@pytest.mark.parametrize(
    ("difference", "words"),
    [(0.4, "not distinguishable from champion 3"), (0.5, "not distinguishable"), (-0.6, "worse than champion 3")],
)
def test_any_doubt_keeps_the_champion(difference, words):
    verdict = judged(champion=against("champion 3", difference))
    assert not verdict.promote
    assert words in verdict.reasons[1]


def test_a_challenger_that_equals_the_champion_is_told_as_such():
    verdict = judged(champion=against("champion 3", 0.0, half_width=0.0))
    assert not verdict.promote
    assert "the same decisions as champion 3" in verdict.reasons[1]


def test_thin_support_refuses_whatever_the_estimates_say():
    verdict = judged(thin=("too few",), champion=against("champion 3", 9.0))
    assert not verdict.promote
    assert verdict.reasons[1] == "refused, the log does not cover the challenger: too few"


def test_a_champion_that_the_log_does_not_cover_cannot_be_beaten_on_it():
    verdict = judged(champion=against("champion 3", 9.0, thin=("too few",)))
    assert not verdict.promote
    assert "not comparable with champion 3: too few" in verdict.reasons[1]


def test_a_first_policy_is_promoted_though_not_distinguishable_from_the_best_constant_one():
    worse, best = against("always none", 0.7, value=1.0), against("always mail.offer", -0.1, value=2.1)
    verdict = judged(constants=[worse, best])
    assert verdict.promote
    assert verdict.reasons[1:] == (
        "promoted as the first policy: not distinguishable from the best constant policy always mail.offer: "
        "difference -0.1 (95% interval -0.6 to +0.4) per decision",
        "better than always none: difference +0.7 (95% interval +0.2 to +1.2) per decision",
    )


def test_a_first_policy_better_than_the_best_constant_one_says_so():
    verdict = judged(constants=[against("always none", 0.7)])
    assert verdict.promote
    assert "better than the best constant policy always none" in verdict.reasons[1]


def test_a_first_policy_that_is_worse_than_the_best_constant_one_beyond_doubt_is_refused():
    verdict = judged(constants=[against("always none", 1.0, value=1.0), against("always mail.offer", -0.6, value=2.6)])
    assert not verdict.promote
    assert verdict.reasons[1].startswith("refused: worse than the best constant policy always mail.offer")


def test_a_constant_policy_that_the_log_does_not_cover_is_not_the_best_one():
    rumoured = against("always call.adviser", -9.0, value=11.0, thin=("never called",))
    verdict = judged(constants=[rumoured, against("always none", 0.1)])
    assert verdict.promote
    assert "best constant policy always none" in verdict.reasons[1]
    assert verdict.reasons[2] == "not comparable with always call.adviser: never called"


def test_without_anything_to_compare_with_a_first_policy_is_promoted_and_the_reason_says_it():
    verdict = judged()
    assert verdict.promote
    assert "no constant policy could be compared" in verdict.reasons[1]


@pytest.mark.parametrize("thin", [(), ("too few",)])
def test_every_comparison_is_reported_champion_first(thin):
    champion, constants = against("champion 3", 0.6), [against("always none", 0.7), against("always mail.offer", -1.0)]
    verdict = judged(thin=thin, champion=champion, constants=constants)
    assert verdict.comparisons == (champion, *constants)
    assert [comparison.finding for comparison in verdict.comparisons] == [Finding.BETTER, Finding.BETTER, Finding.WORSE]
    assert verdict.promote is not bool(thin)


def test_no_first_policy_where_the_log_cannot_tell_what_doing_nothing_is_worth():
    nothing = against("always none", 1.0, thin=("no decision for none",))
    verdict = judged(constants=[nothing, against("always mail", 0.3)])
    assert not verdict.promote
    assert "refused, the log cannot tell what doing nothing is worth" in verdict.reasons[1]


def test_estimators_that_contradict_each_other_about_the_champion_refuse():
    verdict = judged(champion=against("champion 3", 0.6, weighed=-0.7))
    assert not verdict.promote
    assert verdict.reasons[1] == (
        "refused: the estimators contradict each other about champion 3: difference +0.6 (95% interval +0.1 to +1.1) "
        "per decision by DR, -0.7 (95% interval -1.2 to -0.2) by SNIPS; either the reward model or the logged probabilities are "
        "wrong"
    )


@pytest.mark.parametrize("weighed", [0.6, 0.0, -0.4])
def test_an_estimator_that_is_only_less_sure_contradicts_nothing(weighed):
    assert judged(champion=against("champion 3", 0.6, weighed=weighed)).promote


def test_estimators_that_contradict_each_other_about_the_best_constant_policy_refuse_a_first_policy():
    verdict = judged(constants=[against("always none", 0.6, weighed=-0.7)])
    assert not verdict.promote
    assert "contradict each other about the best constant policy always none" in verdict.reasons[1]


def test_disagreement_about_the_value_alone_warns_and_says_what_it_means():
    verdict = judged(champion=against("champion 3", 0.6), agreement=gaps(dm=0.8))
    assert verdict.promote
    assert verdict.reasons[-1] == (
        "warning: DR and DM differ by +0.8 (95.0% interval +0.3 to +1.3), more than chance allows: the reward model errs here, "
        "so its word alone is not to be believed"
    )


def test_estimators_that_agree_are_not_mentioned():
    assert len(judged(champion=against("champion 3", 0.6), agreement=gaps(ips=0.4, snips=-0.4)).reasons) == 2


def test_an_interval_that_is_not_the_normal_one_is_named():
    cautious = replace(estimate(2.0), interval=IntervalKind.CAUTIOUS)
    verdict = judge(cautious, covered(), champion=None, constants=())
    assert "(95% interval +1.5 to +2.5, the wider of normal and bootstrap)" in verdict.reasons[0]
