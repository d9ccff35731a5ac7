"""The catalogue: everything the business configures, as checked values; unset means no limit, zero means never."""

from collections.abc import Iterator
from hashlib import sha256
from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from features.catalogue.checks import rule_errors
from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.catalogue.insights import Insights
from features.catalogue.objective import Experiment, Exploration, Gate, Guardrail, Holdout, Objective
from features.catalogue.rules import (
    Budget,
    Cap,
    Condition,
    ConsentRule,
    Cooldown,
    Exclusion,
    Lever,
    QuietHours,
    Reach,
    Suppression,
)
from features.catalogue.table import CatalogueTable, Currency
from features.catalogue.touchpoint import Touchpoint
from features.domain import NONE, Channel


class Trait(CatalogueTable):
    """A customer attribute that becomes a feature."""

    type: Literal["category", "number"]
    categories: tuple[str, ...] = Field((), description="every value of a category, in a meaningful order where there is one")

    @model_validator(mode="after")
    def _categories_fit_the_type(self) -> Self:
        if (self.type == "category") != bool(self.categories):
            raise ValueError("a trait of type 'category' lists its categories; one of type 'number' does not")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("a category is listed twice")
        return self


class Source(CatalogueTable):
    """What is expected of a source of records, by its name in the mapping."""

    retention_days: float | None = Field(None, gt=0, description="older records are deleted; default: kept")
    quiet_hours: float | None = Field(
        None, gt=0, description="nothing for so long raises the alarm; default: learnt from how often records came"
    )


class Catalogue(CatalogueTable):
    """Everything the business configures."""

    currency: Currency = "USD"
    rates: dict[Currency, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="what one unit of another currency is worth in the catalogue's"
    )
    phone_region: str = Field("US", pattern="^[A-Z]{2}$", description="of telephone numbers without a country code")
    objective: Objective = Objective()
    exploration: Exploration = Exploration()
    presets: tuple[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], ...] = Field(
        (), description="source presets whose touchpoints belong to the catalogue as well"
    )
    touchpoints: tuple[Touchpoint, ...] = Field((), description="at least one, here or by a preset")
    traits: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=60)], Trait] = Field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    cooldowns: tuple[Cooldown, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    budgets: tuple[Budget, ...] = ()
    conditions: tuple[Condition, ...] = ()
    channels: dict[Channel, Reach] = Field(default_factory=dict, description="default: every customer can be reached")
    levers: tuple[Lever, ...] = Field((), description="default: none, so that value alone decides")
    identifiers: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=40)], IdentifierType] = Field(
        default_factory=dict, description="types of identifiers, beside those that are known anyway, or instead of them"
    )
    consent: tuple[ConsentRule, ...] = Field((), description="default: opt-out for every purpose but transactional")
    holdout: Holdout = Holdout()
    experiment: Experiment = Experiment()
    gate: Gate = Gate()
    guardrails: tuple[Guardrail, ...] = (Guardrail(metric="value"), Guardrail(metric="unsubscribe"))
    insights: Insights = Insights()
    sources: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=60)], Source] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_unique_and_rules_point_somewhere(self) -> Self:
        if not self.touchpoints and not self.presets:
            raise ValueError("a catalogue has at least one touchpoint: add [[touchpoints]], or presets")
        names = [touchpoint.name for touchpoint in self.touchpoints]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"touchpoint {name!r} is listed twice")
        for rule, touchpoint in self._named_touchpoints():
            if touchpoint not in names:
                raise ValueError(f"a rule of {rule} names {touchpoint!r}, which is no touchpoint of this catalogue")
        for trait in self.traits:
            if trait.endswith("_y"):
                raise ValueError(f"trait {trait!r}: a name ending in '_y' is lost by the feature store; rename it")
        for error in rule_errors(self):
            raise ValueError(error)
        return self

    def _named_touchpoints(self) -> Iterator[tuple[str, str]]:
        scoped = ("caps", "cooldowns", "suppressions", "quiet_hours", "budgets", "conditions", "levers")
        for table in scoped:
            yield from ((table, rule.touchpoint) for rule in getattr(self, table) if rule.touchpoint is not None)
        yield from (("exclusions", name) for rule in self.exclusions for name in rule.touchpoints)

    @property
    def recommendable(self) -> tuple[Touchpoint, ...]:
        """The touchpoints that the brand can start, in catalogue order."""
        return tuple(touchpoint for touchpoint in self.touchpoints if touchpoint.recommendable)

    @property
    def arms(self) -> tuple[str, ...]:
        """What a decision chooses from: `none` first, then the recommendable touchpoints in catalogue order."""
        return (NONE, *(touchpoint.name for touchpoint in self.recommendable))

    @property
    def identifier_types(self) -> dict[str, IdentifierType]:
        """Every type of identifier, strongest first."""
        types = {**KNOWN_TYPES, **self.identifiers}
        return dict(sorted(types.items(), key=lambda item: (item[1].priority, item[0])))

    def touchpoint(self, name: str) -> Touchpoint | None:
        """The touchpoint of that name, or None."""
        return next((touchpoint for touchpoint in self.touchpoints if touchpoint.name == name), None)

    def lever_of(self, touchpoint: Touchpoint) -> float:
        """The weight that the business puts on a touchpoint: the product of all levers that cover it."""
        return prod(lever.weight for lever in self.levers if lever.covers(touchpoint))

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that change whenever the content does."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:12]
