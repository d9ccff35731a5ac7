"""Step 1: which touchpoints may be chosen at all, and for every other one the stage and rule that dropped it.

The stages, in the order in which they drop touchpoints; a touchpoint is told the first that does:

1. available: asked for, not excluded by the request, shown at the placement asked for.
2. reachable: the customer has an identifier that the channel needs.
3. holdout: the customer is not one whom the brand leaves alone; what is transactional goes out all the same.
4. consent: the customer may be contacted so, and for that.
5. eligible, applicable, suitable: the catalogue's conditions, by what is known of the customer and came with the request.
6. contacts: caps, cooldowns, suppressions and exclusions, by what was sent and answered.
7. quiet_hours: it is not night where the customer lives.
8. budget: what all contacts of the day may cost or number is not used up.
9. mandatory: nothing that is mandatory goes before it; only here may `none` be dropped.

Unset means no limit, zero means never. Of several rules of one stage, the one that lasts longest is told.
"""

from training.policy.eligibility.budgets import Allowance, allowances
from training.policy.eligibility.situation import Situation
from training.policy.eligibility.stages import Candidate, EligibilityStage, Rules, eligibility

__all__ = ["Allowance", "Candidate", "EligibilityStage", "Rules", "Situation", "allowances", "eligibility"]
