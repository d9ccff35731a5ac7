"""The index of identities: which customer every identifier is now, kept in the same transaction as the facts it follows from."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, String, Table, and_, bindparam, case, func, insert, or_, select, update

from features.catalogue.identifiers import IdentifierType
from features.domain import PERSON, Interaction, Link
from features.identity.names import links_of
from features.identity.resolve import resolve
from features.identity.standing import Pair, Standing, standing_after
from features.instants import microseconds, moment
from features.journal.append import append_links, in_chunks
from features.journal.neighbourhood import neighbourhood
from features.journal.records import Identity
from features.journal.rows import as_link, link_row
from features.journal.schema import CONSENTS, IDENTITIES, INTERACTIONS, LINKS
from features.journal.statements import Asked, Prepared, Rows, ask

Entry = tuple[str, str, int]
"""An identifier, its customer, and since when it is known, in microseconds."""

_PAIRS = 100  # in one query, each being a term of its own

_NAME = bindparam("name", type_=String)
_SAME = Prepared(
    select(IDENTITIES.c.identifier, IDENTITIES.c.customer_id).where(
        IDENTITIES.c.customer_id
        == func.coalesce(select(IDENTITIES.c.customer_id).where(IDENTITIES.c.identifier == _NAME).scalar_subquery(), _NAME)
    )
)


def identity_of(connection: Connection, identifier: str) -> Identity:
    """Who that is now; whom no fact names is their own customer."""
    (same,) = ask(connection, [same_customer(identifier)])
    return as_identity(identifier, same)


def same_customer(identifier: str) -> list[Asked]:
    """The question for everybody who is the same customer; `as_identity` reads its answer."""
    return _SAME.of(name=identifier)


def as_identity(identifier: str, same: Rows) -> Identity:
    """Who somebody is, of the answer to `same_customer`."""
    if not same:
        return Identity(identifier, (identifier,))
    customer_id = same[0][1]
    return Identity(customer_id, tuple(sorted({customer_id, identifier, *(row[0] for row in same)})))


def append_observed(connection: Connection, interactions: Sequence[Interaction], types: Mapping[str, IdentifierType]) -> None:
    """Append what interactions prove, as far as it is news, and see who that makes them."""
    observed = [link for interaction in interactions if interaction.identifiers for link in links_of(interaction)]
    if not observed:
        return
    standings = _standings(connection, sorted({_pair(link) for link in observed}))
    news = {_pair(link): link for link in reversed(observed) if _is_news(standings.get(_pair(link)))}
    if news:
        append_links(connection, [link_row(link) for link in reversed(news.values())])
        refresh(connection, {end for pair in news for end in pair}, types)


def refresh(
    connection: Connection,
    changed: Iterable[str],
    types: Mapping[str, IdentifierType],
    since: Mapping[str, datetime] | None = None,
) -> None:
    """See who the changed identifiers are now, and everybody whom facts connect with them.

    The index stays as it is for who has more facts than `MOST_FACTS`; `touchpoint identify` sees to them.

    Parameters
    ----------
    since : when identifiers became known, for those that the index does not have; otherwise the first record of them counts.
    """
    near = neighbourhood(connection, changed, types)
    known = _known(connection, near.identifiers)
    new = near.identifiers - known.keys()
    times = {each: at for each, (_, at) in known.items()} | _first(connection, new, near.facts)
    times |= {each: microseconds(at) for each, at in (since or {}).items() if each in new}
    customers = resolve(near.facts, types=types, since={each: moment(at) for each, at in times.items()})
    _write(connection, [(each, customers.get(each, each), times[each]) for each in sorted(times)], known)


def customers_of(connection: Connection, identifiers: Iterable[str]) -> dict[str, str]:
    """Who each of them is now; whom no fact names is their own customer."""
    wanted = set(identifiers)
    return {each: each for each in wanted} | {each: who for each, (who, _) in _known(connection, wanted).items()}


def put_identities(connection: Connection, entries: Sequence[Entry], types: Mapping[str, IdentifierType], *, after: int) -> int:
    """Write what was found over the whole lake; give how many entries were new or changed.

    Facts that came online after a position were not known there. What follows from them is seen to at once, because what is
    in between would be taken for the truth by whoever asks.
    """
    written = _write(connection, entries, _known(connection, [entry[0] for entry in entries]))
    if written:
        refresh(connection, _ends(connection, LINKS.c.position > after), types)
    return written


def named_since(connection: Connection, position: int, at: int) -> list[str]:
    """The identifiers that facts name which came online after a position, or became known since a time in microseconds."""
    return _ends(connection, or_(LINKS.c.position > position, LINKS.c.at >= at, LINKS.c.received_at >= at))


def _ends(connection: Connection, late: ColumnElement[bool]) -> list[str]:
    query = select(LINKS.c.left, LINKS.c.right).where(late, ~LINKS.c.superseded)
    return sorted({end for row in connection.execute(query) for end in row})


def _write(connection: Connection, entries: Sequence[Entry], known: Mapping[str, tuple[str, int]]) -> int:
    new = [entry for entry in entries if entry[0] not in known]
    changed = [entry for entry in entries if entry[0] in known and known[entry[0]] != entry[1:]]
    if new:
        rows = [{"identifier": name, "customer_id": customer_id, "since": since} for name, customer_id, since in new]
        connection.execute(insert(IDENTITIES), rows)
    if changed:
        rows = [{"name": name, "customer_id": customer_id, "since": since} for name, customer_id, since in changed]
        connection.execute(update(IDENTITIES).where(IDENTITIES.c.identifier == bindparam("name")), rows)
    return len(new) + len(changed)


def _known(connection: Connection, identifiers: Iterable[str]) -> dict[str, tuple[str, int]]:
    return {
        row.identifier: (row.customer_id, row.since)
        for chunk in in_chunks(list(identifiers))
        for row in connection.execute(select(IDENTITIES).where(IDENTITIES.c.identifier.in_(chunk)))
    }


def _first(connection: Connection, identifiers: Iterable[str], facts: Iterable[Link]) -> dict[str, int]:
    """When each identifier was first known, in microseconds: the first record under it, or the first fact about it."""
    wanted = set(identifiers)
    times = [(end, microseconds(link.visible_at)) for link in facts for end in (link.left, link.right) if end in wanted]
    times += [time for table in (INTERACTIONS, CONSENTS) for time in _first_records(connection, table, wanted)]
    first: dict[str, int] = {}
    for identifier, at in times:
        first[identifier] = min(at, first.get(identifier, at))
    return first


def _first_records(connection: Connection, table: Table, customers: Iterable[str]) -> list[tuple[str, int]]:
    customer, visible_at = table.c.customer_id, case((table.c.at > table.c.received_at, table.c.at), else_=table.c.received_at)
    query = select(customer, func.min(visible_at)).group_by(customer)
    return [
        (row[0], row[1]) for chunk in in_chunks(list(customers)) for row in connection.execute(query.where(customer.in_(chunk)))
    ]


def _standings(connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, Standing]:
    """How pairs stand; without those about which there is no fact."""
    facts = [
        as_link(row)
        for chunk in in_chunks(pairs, _PAIRS)
        for row in connection.execute(
            select(LINKS).where(or_(*(and_(LINKS.c.left == left, LINKS.c.right == right) for left, right in chunk)))
        )
    ]
    standings: dict[Pair, Standing] = {}
    for link in sorted(facts, key=lambda link: (link.visible_at, link.link_id)):
        by_person, at = link.source == PERSON, microseconds(link.visible_at)
        standings[_pair(link)] = standing_after(standings.get(_pair(link)), link.action, by_person=by_person, at=at)
    return standings


def _is_news(standing: Standing | None) -> bool:
    """Whether it changes anything that an interaction links the pair."""
    return standing is None or (standing.linked_at is None and not standing.blocked)


def _pair(link: Link) -> Pair:
    return link.left, link.right
