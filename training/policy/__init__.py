"""The decision logic, in plain numpy: eligible → score → arbitrate → explore.

1. eligible: which touchpoints may be chosen at all; `none` always may, unless a mandatory one goes before it.
2. score: the propensity of every arm, and from it the money that it changes, part by part; doing nothing is worth zero.
3. arbitrate: the order among the eligible arms, by net value and the business's levers.
4. explore: exact probabilities, from which the choice is drawn and by which the log is later read.

Off-policy evaluation, simulation and a request all run this one code.
"""

from training.policy.arbitrate import arbitrate
from training.policy.arms import variant
from training.policy.constant import ConstantPolicy, constant_policies
from training.policy.eligibility import Allowance, Candidate, EligibilityStage, Rules, Situation, allowances, eligibility
from training.policy.explore import arm_at, draw, explore, rng_for
from training.policy.policy import Decided, Policy, Ranking, TargetPolicy
from training.policy.score import PriorScorer, Scorer, Scores
from training.policy.value import Terms, ValueParts, priorities, value_parts

__all__ = [
    "Allowance",
    "Candidate",
    "ConstantPolicy",
    "Decided",
    "EligibilityStage",
    "Policy",
    "PriorScorer",
    "Ranking",
    "Rules",
    "Scorer",
    "Scores",
    "Situation",
    "TargetPolicy",
    "Terms",
    "ValueParts",
    "allowances",
    "arbitrate",
    "arm_at",
    "constant_policies",
    "draw",
    "eligibility",
    "explore",
    "priorities",
    "rng_for",
    "value_parts",
    "variant",
]
