"""The gate: whether the challenger may become the champion, with the reasons in words and every comparison behind them.

Where the estimators of the challenger's value disagree beyond doubt, the reasons say so and what it means. They refuse only
where the disagreement reaches the verdict: doubly robust finds the challenger better, and the log without a reward model worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from features.domain import NONE
from training.ope import Agreement, Estimate, IntervalKind, Support

ALWAYS_NONE = f"always {NONE}"
"""The constant policy that does nothing."""


class Finding(StrEnum):
    """What a log says of the challenger against a rival."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "not distinguishable"
    SAME = "the same decisions"
    UNSUPPORTED = "not comparable"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The challenger against one rival, on the same log.

    Attributes
    ----------
    rival : its name, such as `champion 3` or `always mail.offer`.
    value : the rival's own value.
    difference : the challenger's value minus the rival's, paired.
    support : how well the log covers the rival.
    weighed : the same difference self-normalised, without a reward model; None where the log does not hold it.
    """

    rival: str
    value: Estimate
    difference: Estimate
    support: Support
    weighed: Estimate | None = None

    @property
    def finding(self) -> Finding:
        """What the interval of the difference allows to be said; nothing where the log does not cover the rival."""
        if self.support.thin:
            return Finding.UNSUPPORTED
        if self.difference.low > 0.0:
            contradicted = self.weighed is not None and self.weighed.high < 0.0
            return Finding.CONTRADICTED if contradicted else Finding.BETTER
        if self.difference.high < 0.0:
            return Finding.WORSE
        same = self.difference.value == 0.0 and self.difference.standard_error == 0.0
        return Finding.SAME if same else Finding.UNDECIDED

    @property
    def sentence(self) -> str:
        """The finding with its numbers."""
        figures = f"difference {in_words(self.difference)} per decision"
        if self.finding is Finding.UNSUPPORTED:
            return f"not comparable with {self.rival}: {'; '.join(self.support.reasons)}"
        if self.finding is Finding.CONTRADICTED and self.weighed is not None:
            return (
                f"the estimators contradict each other about {self.rival}: {figures} by DR, {in_words(self.weighed)} by SNIPS; "
                "either the reward model or the logged probabilities are wrong"
            )
        if self.finding is Finding.SAME:
            return f"takes the same decisions as {self.rival}"
        if self.finding is Finding.UNDECIDED:
            return f"not distinguishable from {self.rival}: {figures}"
        return f"{self.finding} than {self.rival}: {figures}"


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Promote or not, why, and the comparisons: the champion's first, then the constant policies' as given."""

    promote: bool
    reasons: tuple[str, ...]
    comparisons: tuple[Comparison, ...]


def judge(
    challenger: Estimate,
    support: Support,
    *,
    champion: Comparison | None,
    constants: Sequence[Comparison],
    agreement: Agreement | None = None,
    tolerance: float = 0.0,
) -> GateVerdict:
    """Judge the challenger on one log.

    With a champion, promote when the challenger is better beyond doubt, or where there is a tolerance, when it is not worse by
    more than that, beyond doubt. Without one, promote unless the challenger is
    worse than the best constant policy beyond doubt: a first policy is needed to learn from. Never promote on thin support,
    nor a first policy where the log cannot tell what doing nothing is worth, for then it cannot tell what a contact changes.

    Parameters
    ----------
    challenger : its value.
    support : how well the log covers the challenger.
    champion : the challenger against the champion; None where there is none yet.
    constants : the challenger against every constant policy.
    agreement : of the estimators of the challenger's value; what they disagree about stands among the reasons.
    tolerance : money per decision.
    """
    comparisons = (champion, *constants) if champion else tuple(constants)
    reasons = [f"challenger: value {in_words(challenger)} per decision, from {challenger.n} decisions"]
    if support.thin:
        reasons += [f"refused, the log does not cover the challenger: {reason}" for reason in support.reasons]
        return GateVerdict(False, tuple(reasons), comparisons)
    decisive = champion or _best_constant(constants)
    nothing = next((constant for constant in constants if constant.rival == ALWAYS_NONE), None)
    promote, reason = _against_champion(champion, tolerance) if champion else _first_policy(decisive, nothing)
    others = [comparison.sentence for comparison in comparisons if comparison is not decisive]
    doubts = () if agreement is None else tuple(f"warning: {doubt}" for doubt in agreement.doubts)
    return GateVerdict(promote, (*reasons, reason, *others, *doubts), comparisons)


def _against_champion(champion: Comparison, tolerance: float) -> tuple[bool, str]:
    if champion.finding is Finding.BETTER:
        return True, f"promoted: {champion.sentence}"
    if champion.finding is Finding.CONTRADICTED:
        return False, f"refused: {champion.sentence}"
    if champion.finding is Finding.UNDECIDED and champion.difference.low > -tolerance:
        return True, f"promoted, since it is worse by no more than the tolerance of {tolerance:g}: {champion.sentence}"
    return False, f"refused, only a challenger that is better beyond doubt replaces a champion: {champion.sentence}"


def _first_policy(best: Comparison | None, nothing: Comparison | None) -> tuple[bool, str]:
    if nothing is not None and nothing.finding is Finding.UNSUPPORTED:
        return False, f"refused, the log cannot tell what doing nothing is worth: {nothing.sentence}"
    if best is None:
        return True, "promoted as the first policy; no constant policy could be compared with it on this log"
    sentence = replace(best, rival=f"the best constant policy {best.rival}").sentence
    if best.finding in (Finding.WORSE, Finding.CONTRADICTED):
        return False, f"refused: {sentence}"
    return True, f"promoted as the first policy: {sentence}"


def _best_constant(constants: Sequence[Comparison]) -> Comparison | None:
    comparable = [comparison for comparison in constants if comparison.finding is not Finding.UNSUPPORTED]
    return max(comparable, key=lambda comparison: comparison.value.value, default=None)


def in_words(estimate: Estimate) -> str:
    """The value with its interval, and which one it is where it is no normal one."""
    kind = "" if estimate.interval is IntervalKind.NORMAL else f", {estimate.interval}"
    return f"{estimate.value:+.4g} ({100 * estimate.level:.5g}% interval {estimate.low:+.4g} to {estimate.high:+.4g}{kind})"
