"""Off-policy evaluation, in plain numpy: what a policy would have earned, from a log of decisions that another one took.

Look at the support first, then at the estimates: `ips` and `snips` trust the logged probabilities, `dm` trusts the reward
model, `dr` needs either to be right, and `difference` compares two policies on the same log.
"""

from training.ope.dm import dm
from training.ope.dr import difference, dr
from training.ope.estimate import Estimate
from training.ope.ips import ips
from training.ope.log import Log
from training.ope.snips import snips
from training.ope.support import Support, SupportLimits, support

__all__ = [
    "Estimate",
    "Log",
    "Support",
    "SupportLimits",
    "difference",
    "dm",
    "dr",
    "ips",
    "snips",
    "support",
]
