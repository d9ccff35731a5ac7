"""The journal's SQL tables; times are integer microseconds since 1970 UTC, which every database keeps exactly."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
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
    _text("record"),
    _text("candidates"),
    _number("probability", nullable=False),
    _superseded(),
    Index("decisions_of_customer", "customer_id", "position"),
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
    Index("contacts_of_customer", "customer_id", "at"),
)

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


def create_tables(connection: Connection) -> None:
    """Make what is missing: tables, and in those of an earlier version the columns that came since, which are all nullable."""
    METADATA.create_all(connection)
    inspector = inspect(connection)
    for table in METADATA.sorted_tables:
        present = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                kind = column.type.compile(connection.dialect)
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
