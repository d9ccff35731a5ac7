"""Markov attribution: paths as a chain that ends in a conversion or in none; a touchpoint is worth what is lost without it.

The states of a chain of order k are the k touchpoints met last; a path with fewer is one state. A touchpoint is removed by
sending every path that comes to a state with it to no conversion. Nothing is simulated: the chain is followed until all of it
has ended.

References
----------
Eva Anderl, Ingo Becker, Florian von Wangenheim and Jan Hendrik Schumann, "Mapping the customer journey: Lessons learned from
graph-based online attribution modeling", 2016.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import TrainingError
from training.attribution.credit import Credit
from training.attribution.paths import Floats, Ints, Paths

_LEFT = 1e-14  # share of the paths that may still be under way when the chain is no longer followed
_STEPS = 100_000
_LARGEST_KEY = 2**62
_TABLE = 4_000_000  # keys up to here are looked up in an array, which is faster than sorting


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain with s states.

    Attributes
    ----------
    names : of the touchpoints.
    members : shape (s, order), the touchpoints of each state, the oldest first, as indices into `names`; -1 where there are
        fewer.
    start : shape (s,), P(a path begins in the state); sums to 1.
    moves : sparse, shape (s, s), P(the path goes on to the state of the column | it is in that of the row).
    converts : shape (s,), P(it converts next | state); what is left of 1 ends without.
    money : shape (s,), `converts` x the mean value of such conversions.
    conversions, values : of all paths together.
    """

    names: tuple[str, ...]
    members: Ints
    start: Floats
    moves: Any
    converts: Floats
    money: Floats
    conversions: float
    values: float

    @property
    def order(self) -> int:
        """How many touches are remembered."""
        return int(self.members.shape[1])

    def labels(self, separator: str = " > ") -> tuple[str, ...]:
        """The states as people write them."""
        return tuple(separator.join(self.names[code] for code in state if code >= 0) for state in self.members.tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalEffects:
    """What is lost without each touchpoint, of n.

    Attributes
    ----------
    rate : P(a path converts) in the whole chain.
    conversions, values : shape (n,), share of conversions, and of their money, that is lost; 0 to 1.
    """

    rate: float
    conversions: Floats
    values: Floats


def markov(paths: Paths, *, order: int = 1) -> Credit:
    """Credit in proportion to removal effects.

    Raises
    ------
    TrainingError
        When no path converts, or as `chain_of` does.
    """
    chain = chain_of(paths, order=order)
    return credit_of(removal_effects(chain), chain)


def chain_of(paths: Paths, *, order: int = 1) -> Chain:
    """The chain that paths, converting or not, were most likely drawn from.

    Raises
    ------
    TrainingError
        When the order is not 1 or more, or so high for so many touchpoints that states cannot be numbered.
    """
    from scipy.sparse import coo_array, diags_array

    keys, first, last, owner = _states(paths, order)
    states, index = _numbered(keys, (len(paths.names) + 1) ** order)
    ended = paths.conversions + paths.nulls
    inside = np.flatnonzero(~last)
    size, weight = (len(states), len(states)), ended[owner[inside]]
    steps = coo_array((weight, (index[inside], index[inside + 1])), shape=size).tocsr()
    visits = np.bincount(index, weights=ended[owner], minlength=len(states))
    share = 1.0 / np.where(visits > 0.0, visits, 1.0)
    start, converts, money = (
        np.bincount(index[rows], weights=amounts[owner[rows]], minlength=len(states))
        for rows, amounts in ((first, ended), (last, paths.conversions), (last, paths.values))
    )
    return Chain(
        names=paths.names,
        members=_members(states, len(paths.names) + 1, order),
        start=start / max(float(ended.sum()), 1e-300),
        moves=diags_array(share) @ steps,
        converts=converts * share,
        money=money * share,
        conversions=float(paths.conversions.sum()),
        values=float(paths.values.sum()),
    )


def removal_effects(chain: Chain) -> RemovalEffects:
    """What is lost without each touchpoint: 1 - what still comes / what came with it.

    Raises
    ------
    TrainingError
        When no path converts.
    """
    kept = np.ones((len(chain.start), len(chain.names) + 1))  # a column for each touchpoint without it, the last with all
    rows, places = np.nonzero(chain.members >= 0)
    kept[rows, chain.members[rows, places]] = 0.0
    came = _followed(chain, kept)
    rate, money = came[:, -1]
    if not rate > 0.0:
        raise TrainingError("no path ends in a conversion, so nothing can be lost; look at a longer period")
    values = 1.0 - came[1, :-1] / money if money > 0.0 else np.zeros(len(chain.names))
    return RemovalEffects(rate=float(rate), conversions=1.0 - came[0, :-1] / rate, values=values)


def credit_of(effects: RemovalEffects, chain: Chain) -> Credit:
    """All conversions and all money, in proportion to the effects on each."""
    return Credit(
        model=f"markov {chain.order}",
        conversions=_shared(chain.conversions, effects.conversions),
        values=_shared(chain.values, effects.values),
    )


def _shared(total: float, effects: Floats) -> Floats:
    whole = float(effects.sum())
    return effects * (total / whole) if whole > 0.0 else np.zeros_like(effects)


def _followed(chain: Chain, kept: Floats) -> Floats:
    """Conversions and money per path, shape (2, columns), when only the states that a column keeps are passed on."""
    onward = chain.moves.T.tocsr()
    outcomes = np.vstack([chain.converts, chain.money])
    here = chain.start[:, None] * kept
    passed = np.zeros_like(here)
    for _ in range(_STEPS):
        passed += here
        here = (onward @ here) * kept
        if here[:, -1].sum() <= _LEFT:
            return np.asarray(outcomes @ (passed + here))
    raise TrainingError(
        f"paths have not ended after {_STEPS:,} steps of the chain; leave out the longest paths, or lower the order"
    )


def _states(paths: Paths, order: int) -> tuple[Ints, NDArray[np.bool_], NDArray[np.bool_], Ints]:
    """A key for the state at each step of each path, whether it is the path's first and its last, and its path."""
    base = len(paths.names) + 1
    if order < 1 or base**order > _LARGEST_KEY:
        raise TrainingError(
            f"order {order} with {len(paths.names)} touchpoints has no numbers for its states; choose an order of 1 to 4, or "
            "look at channels"
        )
    ends = np.repeat(paths.offsets[1:], paths.lengths)
    starts = np.repeat(paths.offsets[:-1], paths.lengths)
    place = np.arange(len(paths.codes))
    keys = paths.codes + 1
    for further in range(1, order):
        later = place + further
        inside = later < ends
        keys = np.where(inside, keys * base + paths.codes[np.minimum(later, len(keys) - 1)] + 1, keys)
    kept = np.flatnonzero((place + order <= ends) | (place == starts))
    first = place[kept] == starts[kept]
    return keys[kept], first, np.append(first[1:], True), paths.owners[kept]


def _numbered(keys: Ints, bound: int) -> tuple[Ints, Ints]:
    """The distinct keys in ascending order, and the index of each key among them."""
    if bound > _TABLE:
        return np.unique(keys, return_inverse=True)
    present = np.zeros(bound, dtype=bool)
    present[keys] = True
    return np.flatnonzero(present), (present.cumsum() - 1)[keys]


def _members(states: Ints, base: int, order: int) -> Ints:
    members = np.full((len(states), order), -1, dtype=np.int64)
    rest = states.copy()
    for place in range(order - 1, -1, -1):
        members[:, place] = rest % base - 1
        rest //= base
    return members
