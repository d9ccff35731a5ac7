"""The form of which decisions are wanted: read from an address, shown filled in, and given as the journal's question."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from features.domain import Outcome
from features.errors import RequestError
from features.insights import Column, Table, Unit
from features.insights.table import Value
from features.journal.search import ANY, NEITHER, FoundDecision, Place, Wanted

FALLBACKS: Mapping[str, str] = {
    "": "any or none",
    NEITHER: "none",
    ANY: "any",
    "no_policy": "no policy was promoted yet",
    "unknown_customer": "nothing was known of the customer",
    "stale_features": "features were too old",
    "features_unavailable": "features could not be read",
}
MOST = 200
_COLUMNS = (
    Column("at", "When", Unit.TIME),
    Column("decision_id", "Decision", link="decision"),
    Column("customer_id", "Customer", link="customer"),
    Column("touchpoint", "Touchpoint"),
    Column("probability", "Probability", Unit.SHARE, "P(the policy chose it), over what was eligible."),
    Column("followed", "What followed", explains="Outcomes that were posted of it, and the money they tell of."),
    Column("arm", "Arm"),
    Column("policy_version", "Policy"),
    Column("fallback", "Fallback", explains="Why the customer's own features or a policy were not used."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What was filled in, each as it was written."""

    decision: str = ""
    customer: str = ""
    touchpoint: str = ""
    arm: str = ""
    policy: str = ""
    fallback: str = ""
    since: str = ""
    until: str = ""
    limit: str = ""
    cursor: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Sought":
        """What an address, or a form that was sent, says.

        Raises
        ------
        RequestError
            When something has a NUL.
        """
        given = {name: asked[name].strip() for name in cls.__slots__ if name in asked}
        for name, value in given.items():
            if "\x00" in value:  # which PostgreSQL has no text for
                raise RequestError(f"/{name}: text may not hold the character NUL; look it up again", field=f"/{name}")
        return cls(**given)

    @property
    def address(self) -> str:
        """The address of this search, without what was left empty."""
        given = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        return "/console/decisions" + (f"?{urlencode(given)}" if given else "")

    @property
    def is_narrow(self) -> bool:
        """Whether anything is asked for beside a number of rows."""
        return replace(self, limit="", cursor="") != Sought()

    def after(self, place: Place) -> "Sought":
        """The same search, continued."""
        return replace(self, cursor=str(place))

    def of_customer(self, customer: str) -> "Sought":
        """The same search, with another name of the customer."""
        return replace(self, customer=customer)

    @property
    def first(self) -> "Sought":
        """The same search, from the newest decision on."""
        return replace(self, cursor="")

    @property
    def place(self) -> Place | None:
        """Where to continue.

        Raises
        ------
        RequestError
            When no page gave it.
        """
        return Place.read(self.cursor) if self.cursor else None

    @property
    def most(self) -> int:
        """How many rows to show.

        Raises
        ------
        RequestError
            When it is no number from 1 to `MOST`.
        """
        return number_between(self.limit, "limit", least=1, most=MOST, default=50)

    def wanted(self, identifiers_of: Callable[[str], tuple[str, ...]]) -> Wanted:
        """As the journal is asked.

        Parameters
        ----------
        identifiers_of : gives all identifiers of a customer by any one of them.

        Raises
        ------
        RequestError
            When a time is none.
        """
        return Wanted(
            identifiers=identifiers_of(self.customer) if self.customer else None,
            touchpoint=self.touchpoint or None,
            arm=self.arm or None,
            policy_version=self.policy or None,
            fallback=self.fallback or None,
            since=moment_of(self.since, "since"),
            until=moment_of(self.until, "until"),
        )


def found_table(found: Sequence[FoundDecision], outcomes: Sequence[Outcome], *, currency: str) -> Table:
    """Decisions, one per row, with what followed them."""
    told: dict[str, list[Outcome]] = {}
    for each in outcomes:
        told.setdefault(each.decision_id, []).append(each)
    rows = [_row(each, told.get(each.decision_id, ()), currency) for each in found]
    return Table.of("decisions", "Decisions, newest first", _COLUMNS, rows)


def moment_of(text: str, name: str) -> datetime | None:
    """A day or time as somebody wrote it, UTC where no zone is said; None where nothing was written.

    Raises
    ------
    RequestError
        When it is none.

    Examples
    --------
    >>> moment_of("2026-01-31", "since").isoformat(), moment_of("2026-01-31T09:30+01:00", "since").isoformat()
    ('2026-01-31T00:00:00+00:00', '2026-01-31T08:30:00+00:00')
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        given = f"/{name}: {text[:40]!r} is no day or time; give one such as 2026-01-31 or 2026-01-31T09:30"
        raise RequestError(given, field=f"/{name}") from None


def number_between(text: str, name: str, *, least: int, most: int, default: int) -> int:
    """A whole number as somebody wrote it; the default where nothing was.

    Raises
    ------
    RequestError
        When it is none, or is out of range.
    """
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and least <= int(text[:9]) <= most and len(text) < 9):
        given = f"/{name}: {text[:40]!r} must be a whole number from {least} to {most:,}; correct it, or leave it out"
        raise RequestError(given, field=f"/{name}")
    return int(text)


def _row(decision: FoundDecision, outcomes: Sequence[Outcome], currency: str) -> dict[str, Value]:
    return {
        "at": decision.at.isoformat(),
        "decision_id": decision.decision_id,
        "customer_id": decision.customer_id,
        "touchpoint": decision.touchpoint,
        "probability": decision.probability,
        "followed": ", ".join(map(_told, outcomes, [currency] * len(outcomes))) or None,
        "arm": decision.arm,
        "policy_version": decision.policy_version,
        "fallback": decision.fallback,
    }


def _told(outcome: Outcome, currency: str) -> str:
    return outcome.kind.value if outcome.value is None else f"{outcome.kind.value} {outcome.value:.2f} {currency}"
