"""Off-policy evaluation, in plain numpy: what a policy would have earned, from a log of decisions that another one took.

Look at the support first, then at the estimates: `ips` and `snips` trust the logged probabilities, `dm` trusts the reward
model, `dr` needs either to be right, `switch_dr` leaves out the weights that cost more than they bring, and `difference`
compares two policies on the same log. Then see whether they agree. The interval of each is chosen by its argument `interval`.
"""

from training.ope.agreement import Agreement, agreement
from training.ope.dm import dm
from training.ope.dr import difference, dr
from training.ope.estimate import Estimate
from training.ope.interval import NORMAL, Bernstein, Bootstrap, Cautious, Interval, IntervalKind, Normal
from training.ope.ips import ips
from training.ope.log import Log
from training.ope.snips import snips, snips_difference
from training.ope.support import Support, SupportLimits, support
from training.ope.switch_dr import switch_dr, switch_threshold

__all__ = [
    "NORMAL",
    "Agreement",
    "Bernstein",
    "Bootstrap",
    "Cautious",
    "Estimate",
    "Interval",
    "IntervalKind",
    "Log",
    "Normal",
    "Support",
    "SupportLimits",
    "agreement",
    "difference",
    "dm",
    "dr",
    "ips",
    "snips",
    "snips_difference",
    "support",
    "switch_dr",
    "switch_threshold",
]
