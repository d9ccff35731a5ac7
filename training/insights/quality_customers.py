"""The quality page's part about people: what customers are known by and what they allowed; and how decisions are logged."""

from pathlib import Path
from typing import Any

from features.catalogue import Catalogue
from features.identified import identified
from features.identity.members import MEMBERS_FILE, memberships_in
from features.insights import Column, Section, Table, Unit
from features.insights.look import Look
from features.instants import microseconds
from features.lake import ONLINE, literal


def customers_section(look: Look, identity: Path) -> Section:
    """Customers by what they are known by, what they said about consent, and how many were joined or parted."""
    parameters = {"since": microseconds(look.period.since), "until": microseconds(look.now)}
    with identified(look.lake, look.members) as connection:
        connection.execute(f"create temp table known as {_KNOWN}")
        customers = int(connection.execute("select count(distinct customer_id) from known").fetchall()[0][0])
        types = connection.sql(_TYPES.format(types=_types(look.catalogue))).to_arrow_table().to_pylist()
        consents = connection.sql(_CONSENTS).to_arrow_table().to_pylist()
        changes = connection.sql(
            _CHANGES.format(memberships=memberships_in(identity / MEMBERS_FILE)), params=parameters
        ).to_arrow_table()
    title, empty = "Who is known, and by what?", "Nobody is known yet: run 'touchpoint ingest'."
    if not customers:
        return Section(name="customers", title=title, empty=empty)
    changed = changes.to_pylist()[0]
    words = (
        f"{customers:,} customers; {changed['joined']:,} of them are known by more than one identifier that links named.",
        f"In the period {changed['merges']:,} identifiers that were customers of their own became another's (merges), and "
        f"{changed['splits']:,} became customers of their own again (splits).",
    )
    tables = (_share_table("identifiers", "Types of identifiers", types, customers), _consent_table(consents, customers))
    return Section(name="customers", title=title, words=words, tables=tables, empty=empty)


def _types(catalogue: Catalogue) -> str:
    return "[" + ", ".join(map(literal, catalogue.identifier_types)) + "]"


def _share_table(name: str, title: str, rows: list[dict[str, Any]], customers: int) -> Table:
    columns = (
        Column("type", "Known by"),
        Column("customers", "Customers", Unit.COUNT, "who have at least one of the type"),
        Column("share", "Share", Unit.SHARE, "of all customers who are known"),
    )
    told = tuple((row["type"], int(row["customers"]), row["customers"] / customers) for row in rows)
    return Table(name=name, title=title, columns=columns, rows=told)


def _consent_table(rows: list[dict[str, Any]], customers: int) -> Table:
    columns = (
        Column("status", "Said last"),
        Column("channel", "Channel"),
        Column("purpose", "Purpose"),
        Column("customers", "Customers", Unit.COUNT, "whose last word on it this is"),
        Column("share", "Share", Unit.SHARE, "of all customers who are known"),
    )
    told = tuple(
        (
            row["status"],
            row["channel"] or "any",
            row["purpose"] or "any",
            int(row["customers"]),
            min(row["customers"] / customers, 1.0),
        )
        for row in rows
    )
    note = "Who said nothing is in no row; then the catalogue's [[consent]] tables decide."
    return Table(name="consents", title="Consent", columns=columns, rows=told, note=note)


def decisions_section(look: Look) -> Section:
    """How many decisions can be learnt from: those with a probability say what else might have been chosen."""
    with identified(look.lake) as connection:
        rows = connection.sql(_LOGGED).to_arrow_table().to_pylist()
    columns = (
        Column("source", "Source"),
        Column("decisions", "Decisions", Unit.COUNT),
        Column("logged", "With probability", Unit.COUNT, "logged by who decided; without, it is estimated"),
        Column("share", "Share", Unit.SHARE, "with probability / decisions"),
        Column("candidates", "With candidates", Unit.COUNT, "what else could have been chosen is known"),
        Column("recorded", "With record", Unit.COUNT, "the whole record, as the service keeps it"),
    )
    told = tuple(
        (
            "the service" if row["source"] == ONLINE else row["source"],
            row["decisions"],
            row["logged"],
            row["logged"] / row["decisions"],
            row["candidates"],
            row["recorded"],
        )
        for row in rows
    )
    total, logged = sum(row["decisions"] for row in rows), sum(row["logged"] for row in rows)
    words = (f"{logged:,} of {total:,} decisions have a logged probability; of the others it is estimated, and marked so.",)
    empty = "There is no decision yet: ingest a log of contacts as decisions, or ask the service."
    table = Table(name="logged", title="Decisions by source", columns=columns, rows=told)
    return Section(
        name="decisions", title="Can decisions be learnt from?", words=words if rows else (), tables=(table,), empty=empty
    )


# An identifier is `type:digest`; what has no known type before the colon is a customer_id
_KNOWN = """
select distinct customer_id, identifier from (
    select customer_id, customer_id as identifier from interactions
    union all select customer_id, unnest(identifiers) from interactions where len(identifiers) > 0
    union all select customer_id, identifier from members
) where customer_id is not null and identifier is not null
"""

_TYPES = """
select case when list_contains({types}, type) and contains(identifier, ':') then type else 'customer_id' end as type,
       count(distinct customer_id) as customers
from (select customer_id, identifier, split_part(identifier, ':', 1) as type from known) group by 1 order by customers desc, 1
"""

_CONSENTS = """
with last as (
    select customer_id, channel, purpose, arg_max(status, ("at", received_at)) as status from consents group by all
)
select status, channel, purpose, count(*) as customers from last group by all order by customers desc, status, channel, purpose
"""

# An identifier's first membership is no change; one that ends when the next begins is
_CHANGES = """
with ordered as (
    select identifier, customer_id, valid_from, valid_to,
           lag(customer_id) over (partition by identifier order by valid_from) as before
    from {memberships}
)
select count(*) filter (before = identifier and customer_id <> identifier and valid_from between $since and $until) as merges,
       count(*) filter (before <> identifier and customer_id = identifier and valid_from between $since and $until) as splits,
       (select count(*) from (
            select customer_id from {memberships} where valid_to is null group by customer_id having count(*) > 1)) as joined
from ordered
"""

_LOGGED = """
select source, count(*) as decisions, count(probability) as logged, count(*) filter (len(candidates) > 0) as candidates,
       count(record) as recorded
from decisions group by source order by decisions desc, source
"""
