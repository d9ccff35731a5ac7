"""What the business wants: what counts as success, how much is tried, whom it leaves alone, and when it takes a policy back."""

from typing import Literal, Self

from pydantic import Field, model_validator

from features.catalogue.table import CatalogueTable
from features.domain import Kind


class Objective(CatalogueTable):
    """What counts as success and what it is worth."""

    conversion: tuple[Kind, ...] = Field((Kind.PURCHASE,), min_length=1, description="kinds of interaction that convert")
    window_days: float = Field(28, gt=0, le=365, description="outcome window after a decision")
    margin: float = Field(0.25, gt=0, le=1, description="share of the value that is profit")
    churn_days: float = Field(56, gt=0, le=730, description="a customer with no conversion for so long has left")
    value_cap: float | None = Field(None, gt=0, description="value in one window above which it is clipped, against outliers")
    lifetime_days: float | None = Field(
        None,
        gt=0,
        le=3650,
        description="how far a customer's value is looked ahead; default: who leaves costs nothing",
    )
    unsubscribe_cost: float = Field(0.0, ge=0, description="money lost with a customer who unsubscribes")
    fatigue_cost: float = Field(
        0.0, ge=0, description="money that a contact costs for each contact of the last 30 days or so, however it is answered"
    )


class Exploration(CatalogueTable):
    """How much the policy tries what does not look best."""

    method: Literal["squarecb", "softmax", "epsilon_greedy"] = Field("squarecb", description="how a worse touchpoint gets rarer")
    sharpness: float = Field(
        2.0, ge=0, description="per unit of money: the higher, the rarer a worse touchpoint; 0 is uniform; not of epsilon_greedy"
    )
    growth: float = Field(
        0.0, ge=0, le=2, description="sharpness is multiplied by this power of the number of thousand decisions learnt from"
    )
    epsilon: float = Field(0.1, ge=0, le=1, description="of epsilon_greedy: how often it does not look at money at all")
    floor: float = Field(
        0.02, ge=0, le=0.5, description="least probability of every eligible touchpoint; times their number below 1"
    )
    ramp_decisions: int = Field(
        0, ge=0, description="a touchpoint is held back until it was chosen so often; 0 holds nothing back"
    )
    ramp_share: float = Field(0.05, gt=0, le=1, description="its largest probability at first; from there it grows in proportion")


class Holdout(CatalogueTable):
    """Customers whom the brand leaves alone, so that what touchpoints change can be measured."""

    share: float = Field(0.0, ge=0, le=0.5, description="of all customers; 0 is none")
    salt: str = Field("holdout", min_length=1, description="another salt draws another holdout")


class Experiment(CatalogueTable):
    """Shares of all customers whose touchpoints are chosen in another way, to see what each part of the policy is worth."""

    salt: str = Field("experiment", min_length=1, description="another salt draws other customers")
    random: float = Field(
        0.0, ge=0, le=0.5, description="share that gets any eligible touchpoint alike, but for new ones that still ramp up"
    )
    propensity: float = Field(0.0, ge=0, le=0.5, description="share for whom propensity counts instead of what changes it")
    rules: float = Field(0.0, ge=0, le=0.5, description="share for whom nothing learnt counts, only the catalogue's priors")
    challenger: float = Field(0.0, ge=0, le=0.5, description="share for whom the challenger decides")

    @model_validator(mode="after")
    def _leaves_customers_for_the_policy(self) -> Self:
        if self.random + self.propensity + self.rules + self.challenger > 0.9:
            raise ValueError("the shares leave less than a tenth of all customers to the policy; lower them")
        return self


class Gate(CatalogueTable):
    """When a challenger replaces the champion."""

    tolerance: float = Field(
        0.0,
        ge=0,
        description="money per decision by which a challenger may be worse, at the lower bound; 0: only better ones pass",
    )


class Guardrail(CatalogueTable):
    """A figure of the live policy that must not fall; where it falls beyond doubt, the policy before is put back in force."""

    metric: Literal["value", "conversion", "unsubscribe", "complaint"]
    tolerance: float = Field(0.0, ge=0, description="how much worse it may be, in the figure's unit per decision")
