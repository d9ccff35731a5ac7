"""Makes the journal's tables, and those of an earlier version what they would be had they been made today."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import JSON, Connection, func, insert, inspect, literal, select, text, update
from sqlalchemy.sql.expression import Insert, Update

from features.domain import ANSWERS, NONE
from features.journal.contacts import OUTCOME
from features.journal.schema import CONTACTS, DECISIONS, INTERACTIONS, METADATA, OUTCOMES, VOLUMES
from features.journal.volumes import QUARTER


def create_tables(connection: Connection) -> None:
    """Make what is missing: tables, and in those of an earlier version the columns that came since, which are all nullable.

    What such a table or column would hold by now is filled in: once, and of decisions whenever some were recorded without, since
    a service of an earlier version may run on beside this one.
    """
    before = set(inspect(connection).get_table_names())
    METADATA.create_all(connection)
    if not before:
        return
    made = METADATA.tables.keys() - before | _add_columns(connection)
    for name in sorted(made & _FILLS.keys()):
        for statement in _FILLS[name]():
            connection.execute(statement)
    connection.execute(_facts(connection.dialect.name))


def _add_columns(connection: Connection) -> set[str]:
    """Add the columns and indices that are missing; give the columns as `table.column`."""
    inspector, added = inspect(connection), set()
    for table in METADATA.sorted_tables:
        present = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                kind = column.type.compile(connection.dialect)
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
                added.add(f"{table.name}.{column.name}")
        indexed = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexed:
                index.create(connection)
    return added


def _answers() -> list[Insert]:
    """What customers answered before answers were kept beside the contacts."""
    told_id = literal(OUTCOME).concat(OUTCOMES.c.message_id)
    of_decision = DECISIONS.c.decision_id == OUTCOMES.c.decision_id
    told = select(told_id, DECISIONS.c.customer_id, DECISIONS.c.touchpoint, OUTCOMES.c.at, OUTCOMES.c.kind)
    names = ("customer_id", "touchpoint", "at", "kind")
    posted = select(INTERACTIONS.c.message_id, *(INTERACTIONS.c[name] for name in names))
    known = select(CONTACTS.c.contact_id)
    queries = (
        posted.where(
            INTERACTIONS.c.kind.in_(ANSWERS), INTERACTIONS.c.touchpoint != NONE, INTERACTIONS.c.message_id.not_in(known)
        ),
        told.join_from(OUTCOMES, DECISIONS, of_decision).where(
            OUTCOMES.c.kind.in_(ANSWERS), DECISIONS.c.touchpoint != NONE, told_id.not_in(known)
        ),
    )
    return [insert(CONTACTS).from_select(("contact_id", *names), query) for query in queries]


def _volumes() -> list[Insert]:
    """How many contacts there were before volumes were kept."""
    quarter = CONTACTS.c.at // QUARTER
    query = select(CONTACTS.c.touchpoint, quarter, func.count()).where(CONTACTS.c.kind.is_(None))
    grouped = query.group_by(CONTACTS.c.touchpoint, quarter)
    return [insert(VOLUMES).from_select(("touchpoint", "quarter", "contacts"), grouped)]


def _facts(dialect: str) -> Update:
    """What decisions of an earlier version are found by, which only their records told; those of today all have an arm."""
    record = func.json(DECISIONS.c.record, type_=JSON)  # SQLite takes CAST(… AS JSON) for one to a number
    told = {"arm": record["arm"], "policy_version": record[("policy", "version")], "fallback": record["fallback"]}
    filled = update(DECISIONS).where(DECISIONS.c.arm.is_(None))
    if dialect == "sqlite":
        filled = filled.where(func.typeof(DECISIONS.c.record) == "text")  # earlier versions compressed nothing
    return filled.values({name: value.as_string() for name, value in told.items()})


_FILLS: Mapping[str, Callable[[], Sequence[Insert]]] = MappingProxyType({"contacts.kind": _answers, "volumes": _volumes})
