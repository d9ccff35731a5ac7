"""How the diagnostic arms of an experiment choose: like the policy, but for the part whose worth they are there to show."""

from dataclasses import dataclass, replace

import numpy as np

from features.catalogue import Catalogue
from training.policy.policy import Policy, Ranking
from training.policy.score import FloatArray, PriorScorer, Scorer, Scores

RANDOM, PROPENSITY, RULES = "random", "propensity", "rules"


def variant(policy: Policy, arm: str, catalogue: Catalogue) -> Policy:
    """The policy as customers of an arm meet it; for every other arm, the policy itself.

    `random` chooses among what is eligible with equal probability, though what is new stays held back. `propensity`
    orders touchpoints by what customers are likely to bring, whatever brings it about. `rules` goes by what the catalogue says
    that touchpoints change, not by what was learnt.
    """
    if arm == RANDOM:
        return replace(policy, exploration=policy.exploration.model_copy(update={"method": "squarecb", "sharpness": 0.0}))
    if arm == PROPENSITY:
        return replace(policy, ranking=Ranking.PROPENSITY)
    if arm == RULES:
        priors = PriorScorer.of(catalogue, base_rate=0.0, value=0.0)
        return replace(policy, scorer=_PriorEffects(policy.scorer, priors.propensity, priors.churn, priors.unsubscribe))
    return policy


@dataclass(frozen=True, slots=True)
class _PriorEffects:
    """A scorer's word on customers left alone, and the catalogue's, shape (k,), on what contacts change."""

    scorer: Scorer
    uplift: FloatArray
    churn: FloatArray
    unsubscribe: FloatArray

    def score(self, features: FloatArray) -> Scores:
        """Score `features`, shape (n, d)."""
        known = self.scorer.score(features)
        return replace(
            known,
            propensity=np.clip(known.propensity[:, :1] + self.uplift, 0.0, 1.0),
            churn=np.clip(known.churn[:, :1] + self.churn, 0.0, 1.0),
            unsubscribe=np.tile(self.unsubscribe, (len(features), 1)),
        )
