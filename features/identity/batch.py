"""`identify`: who was whose at every time, out of all links of the lake.

At every time it is what `resolve` says of the facts that counted by then: a membership begins when its link became known, never
earlier. What only ever grows is settled at once by `growing`, the rest fact by fact by `chronicle`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.catalogue.identifiers import IdentifierType
from features.domain import LinkAction
from features.identity.chronicle import Chronicle, Fact
from features.identity.growing import Grown, Pairs, grow
from features.identity.members import MEMBERS_FILE, memberships_in
from features.identity.observed import Observed, observed
from features.identity.standing import worth_of
from features.identity.timeline import NEVER, Changes, Memberships, memberships
from features.lake import Lake, literal

_EXAMPLES = 100
_PAIRS_AT_ONCE = 500_000  # that need care, held as Python objects


@dataclass(frozen=True, slots=True)
class IdentifyReport:
    """What the links say today, and what that changes since the last time.

    Attributes
    ----------
    identifiers : how many of them links name, customer_ids included.
    customers : how many those are today.
    merges : identifiers that were a customer the last time, and are another's now.
    splits : identifiers that were another's the last time, and are a customer now.
    moves : identifiers that were one customer's the last time, and are another's now. Who was not named then is none of these.
    shared : identifiers that are linked with more persons than their type allows, and therefore link nobody.
    kept_apart : pairs that were unlinked or blocked last.
    merged, split : examples, each the former, or the new, customer, and the one it is or was part of.
    """

    identifiers: int
    customers: int
    merges: int
    splits: int
    moves: int
    shared: int
    kept_apart: int
    merged: tuple[tuple[str, str], ...]
    split: tuple[tuple[str, str], ...]


def identify(
    lake: Lake, *, types: Mapping[str, IdentifierType], folder: Path, now: datetime, on_progress: Callable[[str], None]
) -> IdentifyReport:
    """Find out who was whose, and write it to `members.parquet` in `folder`, all of it or nothing.

    Its columns: identifier, customer_id, since (when the identifier became known, which is never revised), valid_from, valid_to
    (null: today); times are microseconds since 1970. An identifier has one customer at a time, from the first link that names it
    on; before, and without links, it is its own.

    Parameters
    ----------
    types : the types of identifiers there are.
    now : links that count later are left to a later run.
    on_progress : is told what goes on.

    Raises
    ------
    StoreError
        When the lake cannot be read, the file cannot be written, or another process keeps the lake locked.
    """
    path, unfinished = folder / MEMBERS_FILE, folder / f"{MEMBERS_FILE}.unfinished"
    folder.mkdir(parents=True, exist_ok=True)
    on_progress("reading links")
    # Under the lake's lock, so that nobody is erased between the reading and the writing, and two runs do not write one file
    with lake.lock(), observed(lake, types, before=path, now=now) as (links, connection):
        nodes, pairs = links.nodes(), links.pairs()
        on_progress(f"{len(nodes.named):,} identifiers in {len(pairs.one):,} pairs: resolving")
        grown = grow(nodes, pairs)
        del pairs  # a hundred bytes for each
        cared = _Cared(links, types, grown)
        found = memberships(nodes.named, Changes.of([grown.changes, *cared.changes()]))
        on_progress(f"{len(found.who):,} memberships: writing")
        _write(connection, found, unfinished)
        report = IdentifyReport(
            identifiers=len(nodes.named),
            customers=int(np.count_nonzero((found.who == found.customer) & (found.end == NEVER))),
            shared=int(np.count_nonzero(grown.shared_from < NEVER)) + cared.shared,
            kept_apart=cared.kept_apart,
            **_differences(connection, before=memberships_in(path), after=memberships_in(unfinished)),
        )
        os.replace(unfinished, path)
    return report


class _Cared:
    """The part that needs care, some components at a time; it counts as it goes."""

    def __init__(self, links: Observed, types: Mapping[str, IdentifierType], grown: Grown) -> None:
        self._links, self._grown, self._worth = links, grown, worth_of(types)
        self.shared = self.kept_apart = 0

    def changes(self) -> Iterator[Changes]:
        """What changes, chunk by chunk."""
        order = np.argsort(self._grown.component, kind="stable")
        component = self._grown.component[order]
        begin = 0
        while begin < len(order):
            last = component[min(begin + _PAIRS_AT_ONCE, len(order)) - 1]
            end = int(np.searchsorted(component, last, side="right"))
            yield self._some(self._grown.left.where(order[begin:end]))
            begin = end

    def _some(self, pairs: Pairs) -> Changes:
        codes = np.unique(np.concatenate([pairs.one, pairs.other]))
        names = self._links.names(codes)
        rank = {name: code for code, name in names.items()}
        turns = {names[code]: at for code in codes.tolist() if (at := int(self._grown.shared_from[code])) < NEVER}
        chronicle = Chronicle({name: self._worth(name) for name in rank}, rank)
        chronicle.follow(sorted(self._facts(pairs, names), key=lambda fact: fact.at), turns)
        self.shared += len(chronicle.shared - turns.keys())
        self.kept_apart += chronicle.kept_apart
        told = [(rank[identifier], rank[customer], at) for identifier, customer, at in chronicle.changes]
        return Changes(*np.array(told, np.int64).reshape(-1, 3).T)

    def _facts(self, pairs: Pairs, names: Mapping[int, str]) -> Iterator[Fact]:
        for one, other, at, plain in zip(
            *(each.tolist() for each in (pairs.one, pairs.other, pairs.at, pairs.plain)), strict=True
        ):
            if plain:
                low, high = sorted((names[one], names[other]))
                yield Fact(at, (low, high), LinkAction.LINK)
        yield from self._links.facts(pairs.where(~pairs.plain))


def _write(connection: Any, found: Memberships, path: Path) -> None:
    columns = {"who": found.who, "customer": found.customer, "valid_from": found.begin, "finish": found.end}
    connection.register("found", pa.table(columns))
    connection.execute(f"""
        COPY (SELECT a.name AS identifier, b.name AS customer_id, a.since, valid_from, nullif("finish", {NEVER}) AS valid_to
              FROM found JOIN nodes AS a ON a.code = who JOIN nodes AS b ON b.code = customer)
        TO {literal(str(path))} (FORMAT parquet)""")
    connection.unregister("found")


def _differences(connection: Any, *, before: str, after: str) -> dict[str, Any]:
    """What is different today from what it was the last time, of those who were named then."""
    connection.execute(f"""
        CREATE TEMP TABLE changed AS
        SELECT identifier, old.customer_id AS before, new.customer_id AS after
        FROM {after} AS new JOIN {before} AS old USING (identifier)
        WHERE new.valid_to IS NULL AND old.valid_to IS NULL AND old.customer_id <> new.customer_id""")
    counts = "SELECT count(*) FILTER (before = identifier), count(*) FILTER (after = identifier), count(*) FROM changed"
    merges, splits, total = connection.execute(counts).fetchall()[0]

    def examples(own: str, other: str) -> tuple[tuple[str, str], ...]:
        query = f"SELECT identifier, {other} FROM changed WHERE {own} = identifier ORDER BY identifier LIMIT {_EXAMPLES}"
        return tuple(connection.execute(query).fetchall())

    return {
        "merges": merges,
        "splits": splits,
        "moves": total - merges - splits,
        "merged": examples("before", "after"),
        "split": examples("after", "before"),
    }
