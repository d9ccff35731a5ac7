"""The situation of a customer, as the rules see it and as a decision record keeps it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Self

from features.domain import Consent, Contact
from features.tables import Feature
from training.policy.eligibility import Situation

Fact = bool | float | int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSituation:
    """A situation as it stands in a record: without the features, which the record has anyway.

    Attributes
    ----------
    contacts, answers : of the customer, as far back as any rule looks.
    consents : all that was said under any of the customer's identifiers.
    used : of every budget, what had been used of it.
    facts : what conditions may name beside features: `trait.<name>` and `context.<key>`.
    """

    at: datetime
    candidates: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    placement: str | None = None
    contacts: tuple[Contact, ...] = ()
    answers: tuple[Contact, ...] = ()
    consents: tuple[Consent, ...] = ()
    identifiers: tuple[str, ...] = ()
    held_out: bool = False
    used: Mapping[str, float]
    facts: Mapping[str, Fact]

    @classmethod
    def of(cls, situation: Situation, features: Iterable[str]) -> Self:
        """What a record keeps of a situation; `features` are the names of those that stand elsewhere in it."""
        known = frozenset(features)
        return cls(
            at=situation.at,
            candidates=situation.candidates,
            exclude=situation.exclude,
            placement=situation.placement,
            contacts=situation.contacts,
            answers=situation.answers,
            consents=situation.consents,
            identifiers=situation.identifiers,
            held_out=situation.held_out,
            used=dict(situation.used),
            facts={name: value for name, value in situation.facts.items() if name not in known},
        )

    def restored(self, values: Mapping[str, Fact]) -> Situation:
        """The situation that was kept; `values` are the features of the same record."""
        return Situation(
            at=self.at,
            candidates=self.candidates,
            exclude=self.exclude,
            placement=self.placement,
            contacts=self.contacts,
            answers=self.answers,
            consents=self.consents,
            identifiers=self.identifiers,
            held_out=self.held_out,
            facts={**values, **self.facts},
            used=self.used,
        )


def facts_of(values: Mapping[str, Fact], context: Mapping[str, Any]) -> dict[str, Fact]:
    """Everything that a condition may name: features, traits, and what came with the question.

    >>> facts_of({"trait_tier_category": "gold"}, {"weather": "rain"})
    {'trait_tier_category': 'gold', 'trait.tier': 'gold', 'context.weather': 'rain'}
    """
    traits = {fact: values[key] for key, fact in _traits(tuple(values))}
    return {**values, **traits, **{f"context.{key}": value for key, value in context.items()}}


@lru_cache(maxsize=64)
def _traits(features: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Of a list of features, those that are traits, and the facts they give; lists of features are few."""
    return tuple((feature, f"trait.{name}") for feature in features if (name := trait_of(feature)) is not None)


def features_version(features: Sequence[Feature]) -> str:
    """Twelve hexadecimal digits that change whenever the list of features does."""
    listed = repr([(feature.name, feature.dtype, feature.categories) for feature in features])
    return sha256(listed.encode()).hexdigest()[:12]


def trait_of(feature: str) -> str | None:
    """The trait that a feature is the current value of, if it is one.

    >>> trait_of("trait_tier_category"), trait_of("tenure_lifetime_days")
    ('tier', None)
    """
    if not feature.startswith("trait_"):
        return None
    return feature.removeprefix("trait_").rpartition("_")[0]
