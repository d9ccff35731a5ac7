"""Everything that rules look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from features.domain import Consent, Contact
from features.errors import PolicyError

Fact = float | int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One customer at one moment, as far as the rules are concerned.

    Attributes
    ----------
    at : the moment; what is dated later counts for no rule.
    candidates : the touchpoints asked for; None asks for all that are recommendable.
    exclude : touchpoints that the request rules out; ruling out `none` has no effect.
    placement : where it is to be shown; None is anywhere.
    contacts, answers : of the customer, in any order, as far back as `features.contacts.looks_back`.
    consents : what was said under any of the customer's identifiers; the catalogue's rules say what is needed.
    identifiers : all of the customer's.
    held_out : whether the customer is one whom the brand leaves alone, as `features.experiment.in_holdout` says.
    facts : features by name, `trait.<name>` and `context.<key>`; what is missing or None is not known.
    used : by the name of a budget, what its day's contacts weigh already.

    Raises
    ------
    PolicyError
        When `at` has no time zone.
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
    facts: Mapping[str, Fact] = field(default_factory=dict)
    used: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise PolicyError(f"{self.at.isoformat()} has no time zone; give a time in UTC")
