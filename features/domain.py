"""The nouns of the project, as plain immutable values: time-zone aware UTC everywhere, no I/O, no framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

NONE = "none"
"""The touchpoint that does nothing: always a candidate, always eligible, always worth zero."""

UNKNOWN_TOUCHPOINT = "unknown.unknown"
"""Where an interaction took place of which nobody says where: always a touchpoint, so that dark traffic is kept."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing is older: a time before it comes from a wrong format, or is the zero of somebody's clock."""

NOBODY = ("nan", "none", "null", "undefined")
"""What programs write for a customer they do not know; no customer is called so."""

LONGEST_ID = 200
"""Characters."""

PERSON = "person"
"""Stands as the source of what a person said about identities by command or by call; nothing else is named so."""


class Channel(StrEnum):
    """Where customer and brand meet; the part of a touchpoint's name before the dot."""

    WEB = "web"
    APP = "app"
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    SOCIAL = "social"
    ADS = "ads"
    MAIL = "mail"
    CALL = "call"
    CHAT = "chat"
    TICKET = "ticket"
    STORE = "store"
    EVENT = "event"
    SURVEY = "survey"
    OTHER = "other"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """How far along the relation a touchpoint stands."""

    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    PURCHASE = "purchase"
    RETENTION = "retention"
    ADVOCACY = "advocacy"


class Kind(StrEnum):
    """What happened in an interaction."""

    CONTACT = "contact"  # the brand reached out: a mail sent, an ad served, a call placed
    OPEN = "open"
    CLICK = "click"
    VIEW = "view"
    VISIT = "visit"
    SEARCH = "search"
    CART = "cart"
    PURCHASE = "purchase"
    REFUND = "refund"
    REDEMPTION = "redemption"
    CALL = "call"  # the customer called or wrote in
    COMPLAINT = "complaint"
    RESOLUTION = "resolution"
    RATING = "rating"
    SHARE = "share"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    PROFILE = "profile"  # the customer's traits became known or changed
    OTHER = "other"


ANSWERS = (Kind.OPEN, Kind.CLICK, Kind.REDEMPTION, Kind.PURCHASE)
"""Kinds after which earlier contacts at the same place count as answered, not ignored."""

RESPONSES = (Kind.OPEN, Kind.CLICK, Kind.REDEMPTION)
"""Kinds that answer a contact; a channel's response rate is their count over its contacts."""


class Direction(StrEnum):
    """Who began it: the customer (inbound) or the brand (outbound)."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class ContactForm(StrEnum):
    """Where it took place: at the brand itself (direct) or at somebody else's, as on social media or in an ad (indirect)."""

    DIRECT = "direct"
    INDIRECT = "indirect"


class LinkAction(StrEnum):
    """What a fact in the link log says of two identifiers."""

    LINK = "link"  # they are of one person
    UNLINK = "unlink"  # they are not, as far as the links before this one said so
    BLOCK = "block"  # they never are, whatever is observed later; only a person's own link takes it back


class ConsentStatus(StrEnum):
    """What a customer said about being contacted; the last one of an identifier counts, of several identifiers the strictest."""

    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class Metric(StrEnum):
    """Satisfaction scales: CSAT 1 to 5, NPS 0 to 10, CES 1 to 7."""

    CSAT = "csat"
    NPS = "nps"
    CES = "ces"


METRIC_RANGE: Mapping[Metric, tuple[float, float]] = {
    Metric.CSAT: (1.0, 5.0),
    Metric.NPS: (0.0, 10.0),
    Metric.CES: (1.0, 7.0),
}


def channel_of(touchpoint: str) -> str:
    """The channel of a touchpoint's name: the part before the first dot; `none` has none.

    >>> channel_of("email.abandoned_cart")
    'email'
    """
    return touchpoint.partition(".")[0]


def direction_of(kind: str) -> Direction:
    """Who began an interaction of that kind, where nobody says: the brand a contact, the customer everything else."""
    return Direction.OUTBOUND if kind == Kind.CONTACT else Direction.INBOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One exchange with one customer at one touchpoint at one time.

    Attributes
    ----------
    message_id : unique name of the record; a second record with the same one is a duplicate.
    customer_id : who it was, as the record says: a customer_id, or where it names none the strongest of its identifiers, such as
        `cookie:9f2c…`. Which customer that is today, `features/identity` knows.
    identifiers : the others that the record names, each `type:digest`; observed together, they are links.
    at : when it happened, UTC.
    received_at : when it became known, UTC; features see the interaction from `visible_at` on, never earlier.
    value : money, in the catalogue's currency.
    metric, score : a satisfaction rating and its scale; both or neither.
    decision_id : the decision this interaction carries out or answers.
    sentiment : of what the customer wrote or said, -1 to 1.
    original_at : the time as the source wrote it.
    traits : customer attributes that this interaction made known (kind `profile`).
    """

    message_id: str
    customer_id: str
    touchpoint: str
    kind: Kind
    at: datetime
    received_at: datetime
    source: str
    stage: Stage | None = None
    value: float | None = None
    metric: Metric | None = None
    score: float | None = None
    decision_id: str | None = None
    identifiers: tuple[str, ...] = ()
    direction: Direction | None = None
    contact_form: ContactForm | None = None
    sentiment: float | None = None
    original_at: str | None = None
    traits: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        """The touchpoint's channel."""
        return channel_of(self.touchpoint)

    @property
    def visible_at(self) -> datetime:
        """The first moment at which a decision could have known of it: the later of `at` and `received_at`."""
        return max(self.at, self.received_at)


@dataclass(frozen=True, slots=True)
class Contact:
    """That a customer was contacted, or answered (one of `ANSWERS`), at a touchpoint at a time: all that contact rules need."""

    touchpoint: str
    at: datetime
    kind: Kind = Kind.CONTACT


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedDecision:
    """A decision taken elsewhere, as an export tells it.

    Attributes
    ----------
    wave : the send it belonged to; customers known then and not in the wave got `none`.
    candidates : what could have been chosen, `none` included.
    probability : P(the sender chose `touchpoint`), or None where nobody logged it: then it is estimated, and marked so.
    """

    decision_id: str
    customer_id: str
    touchpoint: str
    at: datetime
    source: str
    wave: str | None = None
    candidates: tuple[str, ...] = ()
    probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a customer did in answer to a decision, reported with the decision's id."""

    message_id: str
    decision_id: str
    kind: Kind
    at: datetime
    received_at: datetime
    source: str
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One fact about two identifiers; the log of them is only ever added to.

    Attributes
    ----------
    link_id : unique name of the fact; a second one with the same name is a duplicate.
    left, right : the identifiers, in alphabetical order.
    at, received_at : when it was so, and when it became known; it counts from the later of the two on.
    source : who says so; `PERSON` where a person did.
    """

    link_id: str
    left: str
    right: str
    action: LinkAction
    at: datetime
    received_at: datetime
    source: str

    @property
    def visible_at(self) -> datetime:
        """From when on it counts."""
        return max(self.at, self.received_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a customer said about being contacted.

    Attributes
    ----------
    customer_id : as that of an interaction.
    channel : the channel it is about; None is every channel.
    purpose : the message class it is about; None is every purpose.
    source : where it was said.
    """

    message_id: str
    customer_id: str
    status: ConsentStatus
    at: datetime
    received_at: datetime
    source: str
    channel: str | None = None
    purpose: str | None = None
