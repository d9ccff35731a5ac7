"""Identifiers that are united step by step, as far as who is kept apart, and how many persons one of them may name, allows."""

from collections.abc import Iterable, Mapping

from features.identity.standing import Pair, Worth


class Clusters:
    """Which identifiers are of one customer; at first, everyone is alone.

    A union-find in which the members of the smaller cluster are relabelled: n log n steps in all, and every look-up is one.

    References
    ----------
    Galler and Fischer, "An improved equivalence algorithm", 1964.
    """

    def __init__(self, apart: Iterable[Pair], worth: Mapping[str, Worth]) -> None:
        self._worth = worth
        self._root: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._persons: dict[str, int] = {}
        self._foes: dict[str, set[str]] = {}
        for one, other in apart:
            self._foes.setdefault(one, set()).add(other)
            self._foes.setdefault(other, set()).add(one)

    def of(self, identifier: str) -> str:
        """The name of the identifier's cluster: one of its members."""
        return self._root.get(identifier, identifier)

    def members(self, cluster: str) -> list[str]:
        """Who is in the cluster of that name."""
        return self._members.get(cluster, [cluster])

    def persons(self, cluster: str) -> int:
        """How many persons are in the cluster of that name."""
        return self._persons.get(cluster, int(self._worth[cluster].is_customer))

    def declare(self, one: str, other: str) -> None:
        """Unite two customer_ids that somebody said are one person, unless they are kept apart."""
        a, b = self.of(one), self.of(other)
        if a != b and not self._are_apart(a, b):
            self._join(a, b, persons=1)

    def unite(self, one: str, other: str) -> bool:
        """Unite by an edge; False when that would bring together who is kept apart, or more persons than its ends allow."""
        a, b = self.of(one), self.of(other)
        if a == b:
            return True
        in_a, in_b = self.persons(a), self.persons(b)
        most = min(worth.most_customers for worth in (self._worth[one], self._worth[other]) if not worth.is_customer)
        if (in_a and in_b and in_a + in_b > most) or self._are_apart(a, b):
            return False
        self._join(a, b, persons=in_a + in_b)
        return True

    def _are_apart(self, a: str, b: str) -> bool:
        if a not in self._foes or b not in self._foes:
            return False
        small, large = sorted((a, b), key=lambda cluster: len(self.members(cluster)))
        return not self._foes[large].isdisjoint(self.members(small))

    def _join(self, a: str, b: str, *, persons: int) -> None:
        small, large = sorted((a, b), key=lambda cluster: len(self.members(cluster)))
        moved = self._members.pop(small, [small])
        self._root.update(dict.fromkeys(moved, large))
        self._members.setdefault(large, [large]).extend(moved)
        self._persons[large] = persons
        if small in self._foes:
            self._foes.setdefault(large, set()).update(self._foes.pop(small))


def united(linked: Mapping[Pair, int], apart: Iterable[Pair], worth: Mapping[str, Worth]) -> Clusters:
    """The clusters that linked pairs make.

    Parameters
    ----------
    linked : the pairs that are linked, each with the time since when.
    apart : the pairs that are kept apart.
    worth : what each identifier in them proves.

    References
    ----------
    Edges in order of strength: Kruskal, "On the shortest spanning subtree of a graph", 1956.
    """
    clusters = Clusters(apart, worth)
    both = {pair: worth[pair[0]].is_customer and worth[pair[1]].is_customer for pair in linked}
    for pair in sorted((pair for pair in linked if both[pair]), key=lambda pair: (linked[pair], pair)):
        clusters.declare(*pair)
    silent = shared(linked, clusters, worth)

    def conducts(identifier: str) -> bool:
        return worth[identifier].proof and identifier not in silent

    edges = [pair for pair in linked if not both[pair] and conducts(pair[0]) and conducts(pair[1])]
    for one, other in sorted(edges, key=lambda pair: (max(worth[end].priority for end in pair), linked[pair], pair)):
        clusters.unite(one, other)
    return clusters


def shared(linked: Iterable[Pair], persons: Clusters, worth: Mapping[str, Worth]) -> set[str]:
    """The identifiers that are linked with more persons than their type allows."""
    named: dict[str, set[str]] = {}
    for pair in linked:
        for identifier, other in (pair, pair[::-1]):
            if worth[other].is_customer and not worth[identifier].is_customer:
                named.setdefault(identifier, set()).add(persons.of(other))
    return {identifier for identifier, each in named.items() if len(each) > worth[identifier].most_customers}
