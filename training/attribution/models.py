"""All attribution models on the same paths; to add one is one file and one line here."""

from dataclasses import dataclass

from training.attribution.bootstrap import Interval, interval_of_markov, interval_of_touches
from training.attribution.credit import Credit, credit_by_touch
from training.attribution.exposure import Exposure
from training.attribution.hazard import data_driven
from training.attribution.heuristics import rules
from training.attribution.markov import markov
from training.attribution.paths import Paths
from training.attribution.shapley import MOST_PLAYERS, set_shares, shapley, shapley_of_rates

SHOWN = ("first touch", "last touch", "linear", "markov 1", "shapley", "data-driven")
"""The models in figures; tables have all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """What one model says, and how sure that is.

    Attributes
    ----------
    interval : 95 %, of what is credited; None where it would take too long to draw again.
    """

    credit: Credit
    interval: Interval | None = None


def attribute(paths: Paths, exposure: Exposure | None, *, half_life_days: float, seed: int) -> tuple[Attributed, ...]:
    """The credit by every model that these paths allow.

    Parameters
    ----------
    exposure : None leaves out the data-driven model.

    Raises
    ------
    TrainingError
        When no path converts.
    """
    found = []
    for name, rule in rules(half_life_days).items():
        shares = rule(paths)
        found.append(
            Attributed(credit=credit_by_touch(name, paths, shares), interval=interval_of_touches(paths, shares, seed=seed))
        )
    found.append(Attributed(credit=markov(paths), interval=interval_of_markov(paths, seed=seed)))
    found.append(Attributed(credit=markov(paths, order=2)))
    found.append(Attributed(credit=shapley(paths), interval=interval_of_touches(paths, set_shares(paths), seed=seed)))
    if len(paths.names) <= MOST_PLAYERS:
        found.append(Attributed(credit=shapley_of_rates(paths)))
    if exposure is not None:
        found.append(Attributed(credit=data_driven(paths, exposure)))
    return tuple(found)
