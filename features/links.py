"""Tells the journal what files and `touchpoint identify` said of identities, so that the service knows it as well."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from features.domain import Link, LinkAction
from features.identity.members import MEMBERS_FILE, memberships_in
from features.instants import moment
from features.journal import Journal
from features.lake import Lake, duckdb_session

_BATCH = 10_000
_CLOCKS_DIFFER = timedelta(hours=1)  # at most, between those who note when something became known


@dataclass(frozen=True, slots=True)
class BroughtLinks:
    """What was new to the journal.

    Attributes
    ----------
    links : facts that came in files.
    identities : identifiers that are new, or another customer's now.
    """

    links: int
    identities: int


def bring_links(lake: Lake, journal: Journal, identity_folder: Path) -> BroughtLinks:
    """Add the lake's facts about identities to the journal, and what `identify` found out of them; safe to repeat.

    Parameters
    ----------
    identity_folder : where `identify` wrote to.
    """
    links = sum(journal.bring_links(batch) for batch in _links_of_files(lake))
    path = identity_folder / MEMBERS_FILE
    if not path.exists():
        return BroughtLinks(links, 0)
    position = lake.last_position("links")
    identities = sum(journal.bring_identities(batch, after=position) for batch in _identities(path))
    # What came online since, `identify` did not know.
    journal.identify_again(after=position, since=_last_change(path) - _CLOCKS_DIFFER)
    return BroughtLinks(links, identities)


def _links_of_files(lake: Lake) -> Iterator[list[Link]]:
    columns = '"left", "right", action, epoch_us("at"), epoch_us(received_at), source'
    query = f"SELECT link_id, {columns} FROM {lake.relation('links')} WHERE position IS NULL"
    for rows in _batches(query):
        yield [
            Link(
                link_id=link_id,
                left=left,
                right=right,
                action=LinkAction(action),
                at=moment(at),
                received_at=moment(received_at),
                source=source,
            )
            for link_id, left, right, action, at, received_at, source in rows
        ]


def _identities(path: Path) -> Iterator[list[tuple[str, str, datetime]]]:
    # In this order, a customer's identifiers change together.
    query = f"""SELECT identifier, customer_id, since FROM {memberships_in(path)}
        WHERE valid_to IS NULL ORDER BY customer_id, identifier"""
    for rows in _batches(query):
        yield [(identifier, customer_id, moment(since)) for identifier, customer_id, since in rows]


def _last_change(path: Path) -> datetime:
    query = f"SELECT coalesce(max(greatest(valid_from, coalesce(valid_to, valid_from))), 0) FROM {memberships_in(path)}"
    with duckdb_session() as connection:
        ((last,),) = connection.execute(query).fetchall()
    return moment(last)


def _batches(query: str) -> Iterator[list[tuple[Any, ...]]]:
    with duckdb_session() as connection:
        found = connection.execute(query)
        while rows := found.fetchmany(_BATCH):
            yield rows
