"""The identities that only ever grow, all at once in NumPy: nearly all of them.

Where the facts about a connected component only ever link, and at most one customer_id is in it, no rule can refuse a link: what
is connected is one customer. Everything else is `careful`, and left to `chronicle`.

Codes number the identifiers in the order in which they name a customer: customer_ids first, then by age, then by name. So the
customer of a cluster is the smallest code in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.identity.timeline import NEVER, Changes, Codes

Flags = npt.NDArray[np.bool_]

_MOST_AT_ONCE = 32  # identifiers in a component that is not a star; beyond, its square would be felt


@dataclass(frozen=True, slots=True)
class Nodes:
    """The identifiers.

    Attributes
    ----------
    customers : how many of them, the first, are customer_ids.
    named : when each was first named by a link, microseconds, shape (n,).
    proof : whether links of it prove anything, shape (n,).
    most_customers : how many persons it may be linked with before it is shared, shape (n,).
    """

    customers: int
    named: Codes
    proof: Flags
    most_customers: Codes


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of identifiers that facts are about.

    Attributes
    ----------
    one, other : codes, `one` the smaller, shape (m,).
    at : when the first fact counted, microseconds, shape (m,).
    plain : whether all facts about it are links, shape (m,).
    """

    one: Codes
    other: Codes
    at: Codes
    plain: Flags

    def where(self, chosen: Flags | Codes) -> "Pairs":
        """Some of them, by flags or by places."""
        return Pairs(self.one[chosen], self.other[chosen], self.at[chosen], self.plain[chosen])


@dataclass(frozen=True, slots=True)
class Grown:
    """What is settled, and what is left.

    Attributes
    ----------
    changes : of the identifiers that are settled.
    shared_from : from when on an identifier is shared whatever happens later, microseconds, shape (n,).
    left : the pairs whose components need care; links with what is surely shared by then are not among them.
    component : of each of those, shape (m,).
    """

    changes: Changes
    shared_from: Codes
    left: Pairs
    component: Codes


def grow(nodes: Nodes, pairs: Pairs) -> Grown:
    """Settle all components that only grow."""
    n = len(nodes.named)
    pairs = pairs.where(nodes.proof[pairs.one] & nodes.proof[pairs.other] & (pairs.one != pairs.other))
    shared_from = _shared_from(nodes, pairs)
    # A link with what is shared by then joins nobody at any time. That keeps those apart who have but a kiosk in common.
    pairs = pairs.where(~pairs.plain | (pairs.at < np.minimum(shared_from[pairs.one], shared_from[pairs.other])))
    graph = coo_array((np.ones(len(pairs.one), np.int8), (pairs.one, pairs.other)), shape=(n, n))
    component = connected_components(graph, directed=False)[1].astype(np.int64)
    leaves = _shared_leaves(nodes, pairs, shared_from)
    careful = _careful(nodes, pairs, component, settled=(shared_from == NEVER) | leaves)
    star = _stars(nodes, pairs, component) & ~careful
    careful |= ~star & (np.bincount(component, minlength=len(careful)) > _MOST_AT_ONCE)
    of_star, of_left = star[component[pairs.one]], careful[component[pairs.one]]
    rays, left, others = (pairs.where(chosen) for chosen in (of_star, of_left, ~of_star & ~of_left))
    parted = np.flatnonzero(leaves & ~careful[component])
    changes = [
        Changes(rays.other, rays.one, rays.at),
        *_matrices(others, component),
        Changes(parted, parted, shared_from[parted]),
    ]
    return Grown(Changes.of(changes), shared_from, left, component[left.one])


def _shared_from(nodes: Nodes, pairs: Pairs) -> Codes:
    """From when on an identifier is linked with more persons than it may be, counting only those that nothing can take back."""
    explicit = pairs.where(pairs.other < nodes.customers)
    merged = np.zeros(nodes.customers, np.bool_)  # may be one person with another
    merged[explicit.one] = merged[explicit.other] = True
    owned = pairs.where(pairs.plain & (pairs.one < nodes.customers) & (pairs.other >= nodes.customers))
    owned = owned.where(~merged[owned.one])
    crowded = np.bincount(owned.other, minlength=len(nodes.named)) > nodes.most_customers
    owned = owned.where(crowded[owned.other])
    order = np.lexsort((owned.at, owned.other))
    who, at = owned.other[order], owned.at[order]
    starts = _runs(who)[2]
    result = np.full(len(nodes.named), NEVER)
    result[who[starts]] = at[starts + nodes.most_customers[who[starts]]]
    return result


def _shared_leaves(nodes: Nodes, pairs: Pairs, shared_from: Codes) -> Flags:
    """Which shared identifiers hang on one customer_id alone, until they are shared: nothing else changes with them."""
    n = len(nodes.named)
    degree = np.bincount(pairs.one, minlength=n) + np.bincount(pairs.other, minlength=n)
    owned = np.zeros(n, np.bool_)
    owned[pairs.other[pairs.plain & (pairs.one < nodes.customers)]] = True
    result: Flags = (shared_from < NEVER) & (degree == 1) & owned
    return result


def _careful(nodes: Nodes, pairs: Pairs, component: Codes, *, settled: Flags) -> Flags:
    """Which components have more than one customer_id, facts that are no links, or identifiers that come to be shared."""
    count = int(component.max(initial=-1)) + 1
    result: Flags = np.bincount(component[: nodes.customers], minlength=count) > 1
    result[component[pairs.one[~pairs.plain]]] = True
    linked = np.zeros(len(component), np.bool_)
    linked[pairs.one] = linked[pairs.other] = True
    result[component[linked & ~settled]] = True
    return result


def _stars(nodes: Nodes, pairs: Pairs, component: Codes) -> Flags:
    """Which components consist of a customer_id and what is linked with it directly."""
    result = np.zeros(int(component.max(initial=-1)) + 1, np.bool_)
    result[component[: nodes.customers]] = True
    result[component[pairs.one[pairs.one >= nodes.customers]]] = False
    return result


def _matrices(pairs: Pairs, component: Codes) -> Iterator[Changes]:
    """Grow small components link by link, those of one size at once.

    One row of a matrix is a component, one column an identifier, and what stands there is the column that names its customer. In
    step k the k-th link of every component replaces the larger of two names by the smaller.
    """
    pairs = pairs.where(np.lexsort((pairs.at, component[pairs.one])))
    row, step, _ = _runs(component[pairs.one])
    inside = np.zeros(len(component), np.bool_)
    inside[pairs.one] = inside[pairs.other] = True
    members = np.flatnonzero(inside)
    members = members[np.argsort(component[members], kind="stable")]
    _, column, starts = _runs(component[members])
    sizes = np.diff(starts, append=len(members))
    place = np.zeros(len(component), np.int64)
    place[members] = column
    for size in np.flatnonzero(np.bincount(sizes)):
        rows = np.flatnonzero(sizes == size)
        of_size = np.flatnonzero(sizes[row] == size)
        within = np.searchsorted(rows, row[of_size])
        yield from _one_size(
            members[starts[rows][:, None] + np.arange(size)],
            within,
            place[pairs.one[of_size]],
            place[pairs.other[of_size]],
            pairs.at[of_size],
            step[of_size],
        )


def _one_size(members: Codes, row: Codes, one: Codes, other: Codes, at: Codes, step: Codes) -> Iterator[Changes]:
    names = np.tile(np.arange(members.shape[1]), (len(members), 1))
    for k in range(int(step.max(initial=-1)) + 1):
        now = np.flatnonzero(step == k)
        rows = row[now]
        ends = np.stack([names[rows, one[now]], names[rows, other[now]]])
        kept, lost = ends.min(axis=0), ends.max(axis=0)
        renamed, column = np.nonzero((names[rows] == lost[:, None]) & (kept != lost)[:, None])
        names[rows[renamed], column] = kept[renamed]
        yield Changes(members[rows[renamed], column], members[rows[renamed], kept[renamed]], at[now][renamed])


def _runs(values: Codes) -> tuple[Codes, Codes, Codes]:
    """Of sorted values: which run of equal ones each is in, which place it has there, and where the runs start."""
    new = np.append(True, values[1:] != values[:-1])[: len(values)]
    starts = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    return run, np.arange(len(values)) - starts[run], starts
