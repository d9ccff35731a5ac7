"""Reads from the link log what there is to know of identifiers: the facts about them, about whom these name, and so on.

An identifier that proves nothing by its type is not followed, and neither is one that a crowd shares: it links nobody, and
leads to everybody. What is left is small as a rule; where it is not, it is given up.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, or_, select

from features.catalogue.identifiers import IdentifierType
from features.domain import Link, LinkAction
from features.identity.names import type_of
from features.journal.append import in_chunks
from features.journal.rows import as_link
from features.journal.schema import IDENTITIES, LINKS

MOST_FACTS = 2_000
"""About one customer; who has more is left to `touchpoint identify`."""

_CROWD = 20  # so many customers more than its type allows, and an identifier is shared whatever else is known
_SAMPLE = 200  # facts that are looked at to see a crowd


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Identifiers of which every fact that can matter was read, and those facts.

    Attributes
    ----------
    identifiers : without those of customers about whom there are more than MOST_FACTS facts.
    facts : without those about an identifier that proves nothing, or that a crowd shares.
    """

    identifiers: frozenset[str]
    facts: tuple[Link, ...]


def neighbourhood(connection: Connection, identifiers: Iterable[str], types: Mapping[str, IdentifierType]) -> Neighbourhood:
    """Whom facts connect with any of the identifiers, with all of these facts."""
    walk = _Walk(connection, types)
    frontier = {each for each in identifiers if walk.proves(each)}
    while frontier:
        frontier = walk.step(frontier)
    return walk.found()


class _Walk:
    """Goes from all identifiers at once, one fact further with every step, and notes who is connected with whom."""

    def __init__(self, connection: Connection, types: Mapping[str, IdentifierType]) -> None:
        self._connection, self._types = connection, types
        self._parent: dict[str, str] = {}  # of every identifier that was visited; those of one root are connected
        self._size: dict[str, int] = {}  # facts, by root
        self._crowded: set[str] = set()
        self._ahead: set[tuple[str, str]] = set()  # links to whom was not visited yet
        self._facts: dict[str, Link] = {}

    def proves(self, identifier: str) -> bool:
        type_ = type_of(identifier, self._types)
        return type_ is None or self._types[type_].proof

    def step(self, frontier: set[str]) -> set[str]:
        """Visit identifiers; give those that are next."""
        counts = _counts(self._connection, frontier)
        crowded = {each for each in frontier if counts.get(each, 0) > _CROWD and self._is_crowded(each)}
        large = {each for each in frontier - crowded if counts.get(each, 0) > MOST_FACTS}
        self._crowded |= crowded
        self._parent |= {each: each for each in frontier}
        self._size |= {each: counts[each] if each in large else 0 for each in frontier}
        reached = self._read(frontier - crowded - large)
        # those of the last step too: who turned out to be too large to be read does not lead back to who led there
        for here, there in reached | self._ahead:
            if there in self._parent and there not in self._crowded:
                self._connect(here, there)
        self._ahead = {(here, there) for here, there in reached if there not in self._parent and self.proves(there)}
        return {there for here, there in self._ahead if self._is_small(here)}

    def found(self) -> Neighbourhood:
        small = frozenset(each for each in self._parent if self._is_small(each))
        telling = (link for link in self._facts.values() if self._tells(link.left) and self._tells(link.right))
        return Neighbourhood(small, tuple(telling))

    def _read(self, identifiers: Set[str]) -> set[tuple[str, str]]:
        """Read the facts about identifiers; give the links from each of them to another."""
        reached: set[tuple[str, str]] = set()
        for link in _facts(self._connection, identifiers):
            ends = [pair for pair in ((link.left, link.right), (link.right, link.left)) if pair[0] in identifiers]
            if link.link_id not in self._facts:
                self._facts[link.link_id] = link
                self._size[self._root(ends[0][0])] += 1
            if link.action == LinkAction.LINK:
                reached.update(ends)
        return reached

    def _is_small(self, identifier: str) -> bool:
        return self._size[self._root(identifier)] <= MOST_FACTS

    def _tells(self, identifier: str) -> bool:
        return identifier not in self._crowded and self.proves(identifier)

    def _is_crowded(self, identifier: str) -> bool:
        """Whether a typed identifier is linked with so many of today's customers that no other fact can change that."""
        type_ = type_of(identifier, self._types)
        if type_ is None:
            return False
        query = select(LINKS.c.left, LINKS.c.right, LINKS.c.action).where(_about([identifier])).limit(_SAMPLE)
        others: dict[bool, set[str]] = {True: set(), False: set()}
        for left, right, action in self._connection.execute(query):
            others[action == LinkAction.LINK].add(left if right == identifier else right)
        customers = [each for each in others[True] - others[False] if type_of(each, self._types) is None]
        entries = select(IDENTITIES.c.identifier, IDENTITIES.c.customer_id).where(IDENTITIES.c.identifier.in_(customers))
        today = {identifier: customer_id for identifier, customer_id in self._connection.execute(entries)}
        return len({today.get(each, each) for each in customers}) > self._types[type_].most_customers + _CROWD

    def _connect(self, one: str, other: str) -> None:
        a, b = self._root(one), self._root(other)
        if a != b:
            self._parent[a] = b
            self._size[b] += self._size[a]

    def _root(self, identifier: str) -> str:
        while (parent := self._parent[identifier]) != identifier:
            self._parent[identifier] = identifier = self._parent[parent]
        return identifier


def _about(identifiers: Iterable[str]) -> ColumnElement[bool]:
    names = list(identifiers)
    return or_(LINKS.c.left.in_(names), LINKS.c.right.in_(names))


def _facts(connection: Connection, identifiers: Iterable[str]) -> list[Link]:
    chunks = in_chunks(list(identifiers))
    return [as_link(row) for chunk in chunks for row in connection.execute(select(LINKS).where(_about(chunk)))]


def _counts(connection: Connection, identifiers: Iterable[str]) -> dict[str, int]:
    """How many facts there are about each identifier; an index alone answers it."""
    counts: dict[str, int] = {}
    for chunk in in_chunks(list(identifiers)):
        for end in (LINKS.c.left, LINKS.c.right):
            for identifier, count in connection.execute(select(end, func.count()).where(end.in_(chunk)).group_by(end)):
                counts[identifier] = counts.get(identifier, 0) + count
    return counts
