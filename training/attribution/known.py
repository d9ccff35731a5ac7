"""Everything about attribution that the page tells, computed once."""

from collections.abc import Mapping
from dataclasses import dataclass

from features.errors import TrainingError
from features.insights.look import Look
from training.attribution.against import Compared, ModelError, against_lift, errors_of_models
from training.attribution.decisions import load_drawn
from training.attribution.exposure import load_exposure
from training.attribution.happened import happened
from training.attribution.holdout import against_holdout
from training.attribution.journeys import Frequent, Journeys, frequent_paths, load_journeys
from training.attribution.lift import Lift, lifts
from training.attribution.models import SHOWN, Attributed, attribute
from training.attribution.returns import Return, contacts_of, returns
from training.experiment.lift import Effect

MOST_PATHS, LONGEST_PATH = 20, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What one look says of credit and lift.

    Attributes
    ----------
    attributed : by every model.
    contacts : of the period, by touchpoint.
    decisions : drawn with known probabilities, whose outcome window closed.
    holdout : all touchpoints against none; None without a holdout.
    compared, errors : credit against lift; empty without decisions drawn by chance.
    """

    journeys: Journeys
    attributed: tuple[Attributed, ...]
    frequent: list[Frequent]
    contacts: Mapping[str, float]
    decisions: int
    lifts: tuple[Lift, ...]
    holdout: Effect | None
    compared: tuple[Compared, ...]
    errors: tuple[ModelError, ...]
    returns: tuple[Return, ...]

    @property
    def judged(self) -> tuple[ModelError, ...]:
        """The errors of the models that figures show, the one that is closest to the lift first."""
        return tuple(each for each in self.errors if each.model in SHOWN)

    @property
    def names(self) -> tuple[str, ...]:
        """The touchpoints that were met."""
        return self.journeys.paths.names

    def of(self, model: str) -> Attributed | None:
        """What a model says; None where it could not be run."""
        return next((each for each in self.attributed if each.credit.model == model), None)


def learn(look: Look) -> Known:
    """Run every model on a period, and hold it against what was drawn by chance.

    Raises
    ------
    TrainingError
        When no touch was followed by a conversion in the period.
    """
    insights = look.catalogue.insights
    with happened(look) as past:
        journeys = load_journeys(past)
        paths = journeys.paths
        if not paths.conversions.any():
            raise TrainingError(_nothing(journeys, insights.attribution_days))
        exposure = load_exposure(past, paths, half_life_days=insights.half_life_days)
        attributed = attribute(paths, exposure, half_life_days=insights.half_life_days, seed=look.seed)
        frequent = frequent_paths(past, paths.names, most=MOST_PATHS, longest=LONGEST_PATH)
        contacts, drawn = contacts_of(past), load_drawn(past, look.catalogue)
    found = lifts(drawn, seed=look.seed)
    compared = against_lift([each.credit for each in attributed], paths.names, found, contacts)
    return Known(
        journeys=journeys,
        attributed=attributed,
        frequent=frequent,
        contacts=contacts,
        decisions=len(drawn),
        lifts=found,
        holdout=against_holdout(look),
        compared=compared,
        errors=errors_of_models(compared),
        returns=returns(attributed, paths.names, found, contacts, look.catalogue),
    )


def _nothing(journeys: Journeys, days: float) -> str:
    if not journeys.conversions:
        return "nobody converted in the period; ingest purchases, or set objective.conversion to what counts as a conversion"
    return (
        f"none of {journeys.conversions:,.0f} conversions came within {days:g} days after a touch; ingest contacts, opens, "
        "visits or calls, or set insights.attribution_days higher"
    )
