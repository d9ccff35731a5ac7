"""The identities that need care, fact by fact: at every time they are what `resolve` says of the facts that count by then.

What can only grow is joined as it comes. Anything else resolves again what is connected with it at that time, and no more.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter

from features.identity.clusters import Clusters, united
from features.identity.standing import Pair, Standing, Worth, standing_after


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact about a pair, which counts from `at` on, in microseconds."""

    at: int
    pair: Pair
    action: str
    by_person: bool = False


Change = tuple[str, str, int]
"""An identifier, the customer whose it is from then on, and when that is, in microseconds."""


@dataclass(slots=True)
class _Cluster:
    """The identifiers of one customer.

    Attributes
    ----------
    calm : whether it is all that its members are connected with, with one person in it at most, and nobody kept apart from
        them. No link within it can be refused then, in whatever order; and none with it, unless each side brings a person.
    """

    customer: str
    members: list[str]
    persons: int
    calm: bool = True


class Chronicle:
    """Follows facts in the order in which they count.

    Parameters
    ----------
    worth : what each identifier proves.
    rank : by what the customer of a cluster is chosen: the smallest.

    Attributes
    ----------
    changes : what the facts so far did, by time; of several about one identifier at one time, the last counts.
    shared : who is linked with more persons than its type allows.
    """

    def __init__(self, worth: Mapping[str, Worth], rank: Mapping[str, int]) -> None:
        self.changes: list[Change] = []
        self.shared: set[str] = set()
        self._worth, self._rank = worth, rank
        self._standings: dict[Pair, Standing] = {}
        self._linked: dict[str, set[str]] = defaultdict(set)
        self._apart: dict[str, set[str]] = defaultdict(set)
        self._person: dict[str, str] = {}  # of customer_ids that were linked with each other
        self._surely_shared: set[str] = set()
        self._clusters: dict[str, _Cluster] = {}

    @property
    def kept_apart(self) -> int:
        """How many pairs are kept apart."""
        return sum(standing.linked_at is None for standing in self._standings.values())

    def follow(self, facts: Iterable[Fact], shared_from: Mapping[str, int]) -> None:
        """Take in all facts.

        Parameters
        ----------
        facts : about identifiers that prove something, in the order in which they count.
        shared_from : the times from which identifiers are shared, whatever the facts say.
        """
        told: Iterator[tuple[int, Fact | str]] = ((fact.at, fact) for fact in facts)
        turned = sorted(((at, identifier) for identifier, at in shared_from.items()), key=itemgetter(0))
        for at, events in groupby(merge(told, turned, key=itemgetter(0)), key=itemgetter(0)):
            self._take([event for _, event in events], at)

    def _take(self, events: Iterable[Fact | str], at: int) -> None:
        """Take in what counts from one time on."""
        touched: set[Pair] = set()
        doubtful: set[str] = set()  # who may be shared now, or no longer
        for event in events:
            if isinstance(event, str):
                self._surely_shared.add(event)
                doubtful.add(event)
            elif self._stands_otherwise(event) and not self._grows(event, at):
                touched.add(event.pair)
        if not touched and not doubtful:
            return
        dirty = {identifier for pair in touched for identifier in pair}
        for identifier in doubtful | self._doubtful(touched):
            if self._is_shared(identifier) != (identifier in self.shared):
                self.shared ^= {identifier}
                dirty |= {identifier} | self._linked[identifier]
        self._resolve(dirty, at)

    def _stands_otherwise(self, fact: Fact) -> bool:
        """Take in what a fact says of its pair; whether that is news."""
        before = self._standings.get(fact.pair)
        after = self._standings[fact.pair] = standing_after(before, fact.action, by_person=fact.by_person, at=fact.at)
        if before is not None and (before.linked_at is None) == (after.linked_at is None):
            return False
        near, far = (self._apart, self._linked) if after.linked_at is None else (self._linked, self._apart)
        for one, other in (fact.pair, fact.pair[::-1]):
            near[one].add(other)
            far[one].discard(other)
        return True

    def _grows(self, fact: Fact, at: int) -> bool:
        """Join the clusters of a pair, if it is linked now and that can change nothing else."""
        one, other = fact.pair
        if other not in self._linked[one] or one in self.shared or other in self.shared:
            return False
        small, large = sorted((self._cluster(one), self._cluster(other)), key=lambda cluster: len(cluster.members))
        if small is large:
            return small.calm
        if not any(each.calm and not each.persons for each in (small, large)):
            return False
        customer = min(small.customer, large.customer, key=self._rank.__getitem__)
        for cluster in (small, large):
            if cluster.customer != customer:
                self.changes.extend((member, customer, at) for member in cluster.members)
        large.members.extend(small.members)
        large.customer, large.calm = customer, small.calm and large.calm
        large.persons += small.persons
        self._clusters.update(dict.fromkeys(small.members, large))
        return True

    def _cluster(self, identifier: str) -> _Cluster:
        if identifier not in self._clusters:
            self._clusters[identifier] = _Cluster(identifier, [identifier], int(self._worth[identifier].is_customer))
        return self._clusters[identifier]

    def _doubtful(self, touched: Collection[Pair]) -> set[str]:
        """Who is linked with customer_ids that changed: with whom, or which person they are."""
        result = {end for pair in touched if any(self._worth[each].is_customer for each in pair) for end in pair}
        for pair in touched:
            if all(self._worth[end].is_customer for end in pair):
                for customer in self._declared(pair):
                    result |= self._linked[customer]
        return {identifier for identifier in result if not self._worth[identifier].is_customer}

    def _declared(self, pair: Pair) -> set[str]:
        """Find out anew which customer_ids are one person, after a statement about two of them."""

        def merged(identifier: str) -> Iterator[str]:
            return (other for other in self._linked[identifier] if self._worth[other].is_customer)

        around = _reached(pair, merged)
        persons = united(self._links(around, merged), self._disputes(around), self._worth)
        self._person.update({customer: persons.of(customer) for customer in around})
        return around

    def _is_shared(self, identifier: str) -> bool:
        if identifier in self._surely_shared:
            return True
        persons = {self._person.get(other, other) for other in self._linked[identifier] if self._worth[other].is_customer}
        return len(persons) > self._worth[identifier].most_customers

    def _resolve(self, dirty: Collection[str], at: int) -> None:
        """Resolve again whatever is connected with these."""

        def conducted(identifier: str) -> Iterator[str]:
            return (other for other in self._linked[identifier] if other not in self.shared and identifier not in self.shared)

        done: set[str] = set()
        for identifier in dirty:
            if identifier not in done:
                around = _reached((identifier,), conducted)
                done |= around
                links, disputes = self._links(around, conducted), self._disputes(around)
                self._settle(around, united(links, disputes, self._worth), at, disputed=bool(disputes))

    def _settle(self, around: Collection[str], clusters: Clusters, at: int, *, disputed: bool) -> None:
        names = {clusters.of(identifier) for identifier in around}
        calm = len(names) == 1 and not disputed and self.shared.isdisjoint(around)
        for name in names:
            members, persons = clusters.members(name), clusters.persons(name)
            customer = min(members, key=self._rank.__getitem__)
            self.changes.extend((each, customer, at) for each in members if self._cluster(each).customer != customer)
            cluster = _Cluster(customer, list(members), persons, calm and persons <= 1)
            self._clusters.update(dict.fromkeys(members, cluster))

    def _links(self, around: Iterable[str], near: Callable[[str], Iterable[str]]) -> dict[Pair, int]:
        pairs = ((one, other) for one in around for other in near(one) if one < other)
        return {pair: at for pair in pairs if (at := self._standings[pair].linked_at) is not None}

    def _disputes(self, around: Iterable[str]) -> list[Pair]:
        return [(one, other) for one in around for other in self._apart[one]]


def _reached(start: Iterable[str], near: Callable[[str], Iterable[str]]) -> set[str]:
    """Everyone whom a way leads to."""
    reached, ahead = set(start), list(start)
    while ahead:
        found = set(near(ahead.pop())) - reached
        reached |= found
        ahead.extend(found)
    return reached
