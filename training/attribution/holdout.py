"""All touchpoints together, against customers who were left alone by chance: the plainest measure of what they bring."""

from features.experiment import Arm
from features.insights.look import Look
from training.experiment.lift import LEAST_PERSONS, Effect, compare
from training.experiment.measures import Measure
from training.experiment.persons import persons


def against_holdout(look: Look) -> Effect | None:
    """Of how many customers more converted in the period, per customer; None without a holdout that is large enough."""
    if not look.catalogue.holdout.share:
        return None
    until = min(look.period.until, look.known_until)
    outcomes = persons(look.lake, look.catalogue, since=look.period.since, until=until, members=look.members)
    if min(int((outcomes.arm == arm).sum()) for arm in (Arm.TREATMENT, Arm.HOLDOUT)) < LEAST_PERSONS:
        return None
    return compare(outcomes, Measure.CONVERSION, arm=Arm.TREATMENT, reference=Arm.HOLDOUT)
