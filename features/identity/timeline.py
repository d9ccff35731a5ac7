"""Who belonged to whom from when to when, out of the moments at which that changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
"""Stands for a time that does not come; times are microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Identifiers that became a customer's: those of one identifier in order of time, of one time the last counts.

    Attributes
    ----------
    who, customer : codes of the identifier and of its customer from then on, shape (m,).
    at : microseconds, shape (m,).
    """

    who: Codes
    customer: Codes
    at: Codes

    @classmethod
    def of(cls, parts: "Sequence[Changes]") -> "Changes":
        """Several one behind the other."""
        empty = np.empty(0, np.int64)
        return cls(
            *(np.concatenate([empty, *arrays]) for arrays in zip(*((p.who, p.customer, p.at) for p in parts), strict=True))
        )


@dataclass(frozen=True, slots=True)
class Memberships:
    """When which identifier was whose: of each identifier one row at a time, from the first time it was named on.

    Attributes
    ----------
    who, customer : codes, shape (m,).
    begin, end : microseconds, shape (m,); from `begin` on, and no longer at `end`, which is `NEVER` for what holds today.
    """

    who: Codes
    customer: Codes
    begin: Codes
    end: Codes


def memberships(named: Codes, changes: Changes) -> Memberships:
    """The history of every identifier: its own customer from when it was named, then whose it became.

    Parameters
    ----------
    named : when each identifier was first named, microseconds, shape (n,).
    """
    own = np.arange(len(named))
    times = np.bincount(changes.who, minlength=len(named))
    once = times[changes.who] == 1
    # Nearly all change once, when they are first named, and need no sorting
    still, single = own[times == 0], Changes(changes.who[once], changes.customer[once], changes.at[once])
    before = named[single.who] < single.at
    several = own[times > 1]
    rest = ~once
    parts = [
        Memberships(still, still, named[still], np.full(len(still), NEVER)),
        Memberships(single.who[before], single.who[before], named[single.who[before]], single.at[before]),
        Memberships(single.who, single.customer, single.at, np.full(len(single.who), NEVER)),
        _in_order(
            np.concatenate([several, changes.who[rest]]),
            np.concatenate([several, changes.customer[rest]]),
            np.concatenate([named[several], changes.at[rest]]),
        ),
    ]
    return Memberships(*(np.concatenate([getattr(part, name) for part in parts]) for name in Memberships.__slots__))


def _in_order(who: Codes, customer: Codes, at: Codes) -> Memberships:
    order = np.argsort(who, kind="stable")
    who, customer, at = who[order], customer[order], at[order]
    last = np.append((who[1:] != who[:-1]) | (at[1:] != at[:-1]), True)[: len(who)]
    who, customer, at = who[last], customer[last], at[last]
    news = np.append(True, (who[1:] != who[:-1]) | (customer[1:] != customer[:-1]))[: len(who)]
    who, customer, at = who[news], customer[news], at[news]
    goes_on = np.append(who[1:] == who[:-1], False)[: len(who)]
    return Memberships(who, customer, at, np.where(goes_on, np.append(at[1:], NEVER)[: len(at)], NEVER))
