"""Attribution: who deserves the credit for conversions, and whether credit is what touchpoints really bring.

1. `happened` opens touches and conversions of a period, `journeys` makes `paths` of them, `exposure` what the hazard model needs.
2. `heuristics`, `markov`, `shapley` and `hazard` each give `credit`; `bootstrap` says how sure it is; `models` runs them all.
3. `decisions` reads what was drawn by chance, `lift` what that changed: the only part that tells cause from coincidence.
4. `against` puts credit beside lift and says which model misleads; `page` shows all of it.
"""

from training.attribution.credit import Credit
from training.attribution.markov import chain_of, markov, removal_effects
from training.attribution.paths import Paths, paths_of
from training.attribution.shapley import ordered_shapley, shapley

__all__ = ["Credit", "Paths", "chain_of", "markov", "ordered_shapley", "paths_of", "removal_effects", "shapley"]
