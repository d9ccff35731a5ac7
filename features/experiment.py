"""Which arm of the experiment a customer is in: drawn once per person by salted hashes, and therefore always the same one.

The holdout and the arms have salts of their own, so the holdout's share is the same in every arm that would have been.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import sha256

from features.catalogue import Catalogue
from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.catalogue.objective import Experiment, Holdout
from features.identity.names import type_of


class Arm(StrEnum):
    """How touchpoints are chosen for a customer; strictest first: of a merged customer's arms the first counts."""

    HOLDOUT = "holdout"  # not at all: the brand leaves them alone
    RANDOM = "random"  # any eligible one, with equal probability
    PROPENSITY = "propensity"  # by what customers are likely to bring, whatever brings it about
    RULES = "rules"  # by the catalogue's priors, as if nothing had been learnt
    CHALLENGER = "challenger"  # by the challenger
    TREATMENT = "treatment"  # by the champion


_DIAGNOSTIC = (Arm.RANDOM, Arm.PROPENSITY, Arm.RULES, Arm.CHALLENGER)


def arm_of(identifiers: Iterable[str], catalogue: Catalogue) -> Arm:
    """The arm of the customer who has these identifiers.

    Each customer_id draws an arm; of the anonymous, each identifier does. Where a merge brings several draws together, the
    strictest arm counts: so nobody leaves the holdout or a diagnostic arm for the champion by a merge, in whatever order it came.
    A larger share takes customers from the others and gives none away; shares of later arms are changed without moving anybody
    between earlier ones.
    """
    types = catalogue.identifier_types
    names = drawing(identifiers, types)
    if in_holdout(names, catalogue.holdout, types):
        return Arm.HOLDOUT
    arms = {_drawn(name, catalogue.experiment) for name in names}
    return arms.pop() if len(arms) == 1 else next((arm for arm in Arm if arm in arms), Arm.TREATMENT)


def in_holdout(identifiers: Iterable[str], holdout: Holdout, types: Mapping[str, IdentifierType] = KNOWN_TYPES) -> bool:
    """Whether the hash of any of a customer's customer_ids falls into the holdout's share; of the anonymous, of any identifier.

    So nobody leaves the holdout by a merge of customer_ids. Devices and cookies do not count once there is a customer_id: they
    come and go, and each would be one more chance to be held out.
    """
    return any(_draw(name, holdout.salt) < holdout.share for name in drawing(identifiers, types))


def drawing(identifiers: Iterable[str], types: Mapping[str, IdentifierType] = KNOWN_TYPES) -> list[str]:
    """Which of a customer's identifiers draw an arm: the customer_ids, or without one, all of them."""
    every = list(identifiers)
    if len(every) == 1:
        return every  # of whatever type it is
    return [name for name in every if type_of(name, types) is None] or every


def chances(names: int, catalogue: Catalogue) -> dict[Arm, float]:
    """How likely each arm is for a customer of whom so many identifiers draw; they sum to 1.

    Who has several is likelier to be in a strict arm, so without this a holdout could look richer than the others.

    >>> catalogue = Catalogue(holdout=Holdout(share=0.1), experiment=Experiment(random=0.2), presets=("any",))
    >>> {arm.value: round(chance, 3) for arm, chance in chances(2, catalogue).items() if chance}
    {'holdout': 0.19, 'random': 0.292, 'treatment': 0.518}
    """
    found, before = {}, 1.0
    for arm in Arm:
        after = before - _share(arm, catalogue) if arm is not Arm.TREATMENT else 0.0
        found[arm] = before**names - after**names
        before = after
    return found


def _share(arm: Arm, catalogue: Catalogue) -> float:
    """Of all single names, that are in an arm."""
    if arm is Arm.HOLDOUT:
        return catalogue.holdout.share
    return (1.0 - catalogue.holdout.share) * float(getattr(catalogue.experiment, arm))


def _drawn(name: str, experiment: Experiment) -> Arm:
    """The first arm that a name's draw for it falls into, out of what the arms before it left."""
    left = 1.0
    for arm in _DIAGNOSTIC:
        share = float(getattr(experiment, arm))
        if share and _draw(name, f"{experiment.salt}:{arm}") < share / left:
            return arm
        left -= share
    return Arm.TREATMENT


def _draw(identifier: str, salt: str) -> float:
    """Uniform on [0, 1), fixed by identifier and salt."""
    digest = sha256(f"{salt}\0{identifier}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
