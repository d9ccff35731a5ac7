"""What one policy would have earned, by every estimator, and how it compares with another one on the same decisions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.gate import Comparison
from training.ope import (
    NORMAL,
    Agreement,
    Cautious,
    Estimate,
    Interval,
    Log,
    Support,
    agreement,
    difference,
    dm,
    dr,
    ips,
    snips,
    snips_difference,
    support,
    switch_dr,
)

Floats = NDArray[np.float64]

HEADER = f"{'policy':<28}{'value (doubly robust)':>32}{'SWITCH-DR':>11}{'SNIPS':>10}{'IPS':>10}{'DM':>10}{'effective n':>14}"

_FEW = 400.0  # effective customers; with fewer, intervals also follow the skewness of the log


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """What one policy would have earned per decision, by every estimator, how well the log covers it, and whether they agree.

    Attributes
    ----------
    dr : the one that judges.
    snips : None where the policy never chooses what the log holds.
    """

    name: str
    dr: Estimate
    snips: Estimate | None
    ips: Estimate
    dm: Estimate
    switch_dr: Estimate
    support: Support
    agreement: Agreement

    @property
    def row(self) -> str:
        """Its line in a table under `HEADER`."""
        best = f"{self.dr.value:.3f} [{self.dr.low:.3f}, {self.dr.high:.3f}]"
        weighed = "-" if self.snips is None else f"{self.snips.value:.3f}"
        return (
            f"{self.name:<28}{best:>32}{self.switch_dr.value:>11.3f}{weighed:>10}{self.ips.value:>10.3f}{self.dm.value:>10.3f}"
            f"{self.support.effective_sample_size:>14,.0f}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """The decisions that judge, and the reward model that helps them.

    Attributes
    ----------
    rewards : shape (n, k), expected reward of every arm, by models that have not seen the row's customer.
    seed : of the bootstrap, where the log is small.
    """

    log: Log
    rewards: Floats
    seed: int

    def value(self, name: str, target: Floats) -> PolicyValue:
        """What a policy would have earned; `target` is its probabilities, shape (n, k)."""
        covered = support(self.log, target)
        interval = self._interval(covered)
        return PolicyValue(
            name,
            dr=dr(self.log, target, self.rewards, interval=interval),
            snips=snips(self.log, target, interval=interval) if covered.max_weight > 0 else None,
            ips=ips(self.log, target, interval=interval),
            dm=dm(self.log, target, self.rewards, interval=interval),
            switch_dr=switch_dr(self.log, target, self.rewards, interval=interval),
            support=covered,
            agreement=agreement(self.log, target, self.rewards),
        )

    def compare(self, ours: PolicyValue, rival: PolicyValue, *, target: Floats, other: Floats) -> Comparison:
        """The first policy against the second, paired; `target` and `other` are their probabilities."""
        interval = self._interval(ours.support, rival.support)
        held = ours.snips is not None and rival.snips is not None
        return Comparison(
            rival.name,
            rival.dr,
            difference(self.log, target, other, self.rewards, interval=interval),
            rival.support,
            snips_difference(self.log, target, other, interval=interval) if held else None,
        )

    def _interval(self, *supports: Support) -> Interval:
        """Normal, unless few customers tell of one of the policies."""
        few = min(covered.effective_customers for covered in supports) < _FEW
        return Cautious(self.seed) if few else NORMAL
