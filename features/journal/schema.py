"""The journal's SQL tables; times are integer microseconds since 1970 UTC, which every database keeps exactly."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

METADATA = MetaData()


def _table(name: str, *columns: Column[object] | Index) -> Table:
    # AUTOINCREMENT, because plain SQLite would give the position of an erased last row to the next one
    position = Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    return Table(name, METADATA, position, *columns, sqlite_autoincrement=True)


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> Column[object]:
    return Column(name, Text, nullable=nullable, unique=unique)


def _id(name: str, *, nullable: bool = False, unique: bool = False) -> Column[object]:
    return Column(name, String(200), nullable=nullable, unique=unique)


def _time(name: str) -> Column[object]:
    return Column(name, BigInteger, nullable=False)


def _number(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, Float(53), nullable=nullable)


def _superseded() -> Column[object]:
    # The lake has the record of this id from a file: that one counts, and this one is only kept.
    return Column("superseded", Boolean, nullable=False, default=False)


INTERACTIONS = _table(
    "interactions",
    _id("message_id", unique=True),
    _id("customer_id"),
    _text("touchpoint"),
    _text("kind"),
    _time("at"),
    _time("received_at"),
    _text("source"),
    _text("stage", nullable=True),
    _number("value"),
    _text("metric", nullable=True),
    _number("score"),
    _id("decision_id", nullable=True),
    _text("identifiers", nullable=True),
    _text("direction", nullable=True),
    _text("contact_form", nullable=True),
    _number("sentiment"),
    _text("original_at", nullable=True),
    _text("traits", nullable=True),
    _text("properties", nullable=True),
    _text("digest"),
    _superseded(),
    Index("interactions_of_customer", "customer_id", "position"),
    Index("interactions_superseded", "customer_id", sqlite_where=text("superseded"), postgresql_where=text("superseded")),
)

DECISIONS = _table(
    "decisions",
    _id("decision_id", unique=True),
    _id("customer_id"),
    _text("touchpoint"),
    _time("at"),
    _text("request_hash"),
    _text("record"),  # see features/journal/compressed.py
    _text("candidates"),
    _number("probability", nullable=False),
    _superseded(),
    Column("deferred", Boolean),  # no contact until somebody tells that it was carried out; null is false
    _text("arm", nullable=True),
    _text("policy_version", nullable=True),
    _text("fallback", nullable=True),
    Index("decisions_of_customer", "customer_id", "position"),
    Index("decisions_at", "at", "position"),
    # All that a search asks for, so that it reads no record, each of which is some kilobytes
    Index("decisions_searched", "at", "position", "touchpoint", "arm", "policy_version", "fallback"),
    # Those that a service of an earlier version recorded, until they are filled in
    Index("decisions_without_arm", "position", sqlite_where=text("arm IS NULL"), postgresql_where=text("arm IS NULL")),
)

OUTCOMES = _table(
    "outcomes",
    _id("message_id", unique=True),
    _id("decision_id"),
    _text("kind"),
    _time("at"),
    _time("received_at"),
    _text("source"),
    _number("value"),
    _text("digest"),
    _superseded(),
    Index("outcomes_of_decision", "decision_id"),
)

CONTACTS = _table(
    "contacts",
    Column("contact_id", String(220), nullable=False, unique=True),
    _id("customer_id"),
    _text("touchpoint"),
    _time("at"),
    _text("kind", nullable=True),  # how the customer answered there; null is a contact
    Index("contacts_of_customer", "customer_id", "at"),
)

VOLUMES = Table(
    "volumes",
    METADATA,
    Column("touchpoint", String(200), primary_key=True),
    Column("quarter", BigInteger, primary_key=True, autoincrement=False),  # of an hour, counted from 1970 UTC
    Column("contacts", BigInteger, nullable=False),
)
"""How many contacts there were of anybody, by touchpoint and time; they name nobody, so they stay when somebody is erased."""

CATALOGUES = Table(
    "catalogues",
    METADATA,
    Column("version", String(64), primary_key=True),
    Column("content", Text, nullable=False),
    Column("at", BigInteger, nullable=False),  # when it was first in force
)
"""The rules under which decisions were taken, by the version that stands in their records."""

QUARANTINE = _table(
    "quarantine", _id("record_id", unique=True), _text("source"), _time("received_at"), _text("reason"), _text("raw")
)

LINKS = _table(
    "links",
    _id("link_id", unique=True),
    _id("left"),
    _id("right"),
    _text("action"),
    _time("at"),
    _time("received_at"),
    _text("source"),
    _superseded(),
    Index("links_of_left", "left", "right"),
    Index("links_of_right", "right"),
)

CONSENTS = _table(
    "consents",
    _id("message_id", unique=True),
    _id("customer_id"),
    _text("channel", nullable=True),
    _text("purpose", nullable=True),
    _text("status"),
    _time("at"),
    _time("received_at"),
    _text("source"),
    _text("digest"),
    _superseded(),
    Index("consents_of_customer", "customer_id"),
)

RANKS = _table(
    "ranks",
    Column("event_id", String(256), nullable=False, unique=True),
    _time("at"),
    _text("request_hash"),
    _text("request"),
    _text("ranking"),
    Column("chosen", String(256), nullable=False),
    _text("policy"),
    Column("deferred", Boolean, nullable=False),
)

RANK_FEEDBACK = _table(
    "rank_feedback",
    Column("event_id", String(256), nullable=False),
    _time("at"),
    _number("value"),  # of a reward; null says that the event was activated
    Index("rank_feedback_of_event", "event_id"),
)

IDENTITIES = Table(
    "identities",
    METADATA,
    Column("identifier", String(200), primary_key=True),
    Column("customer_id", String(200), nullable=False, index=True),
    Column("since", BigInteger, nullable=False),  # when it was first known; never revised, so that the oldest stays the oldest
)
"""Which customer an identifier is today, for those that the link log names; every other one is its own."""

TOMBSTONES = Table(
    "tombstones",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
)
"""Whom the project has been asked to forget, as keyed hashes: what is dated before is not taken again."""
