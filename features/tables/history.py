"""All at once, over the lake: states as of every time, as of given times, or the latest, as lazy ibis expressions.

The expressions run on DuckDB and are written so that Spark takes them too: no Python float literal, no division by zero, no
`last(order_by=)`, no row hash.
"""

from collections.abc import Sequence
from typing import Any

import ibis

from features.domain import Kind
from features.tables.extremes import Current
from features.tables.feature import Feature, folds_of
from features.tables.folds import Fold
from features.tables.native import epoch_us, json_extract_string
from features.tables.state import POSITION, STATE_AT

KEY = ("customer_id", "visible_at")
"""A history row is the state of this customer after everything visible at this time."""


def history(features: Sequence[Feature], interactions: ibis.Table) -> ibis.Table:
    """One row per customer and `visible_at`: the state after everything visible then.

    Parameters
    ----------
    interactions : the lake's table; a `message_id` that occurs twice counts once.

    Returns
    -------
    `customer_id`, `visible_at` (timestamp), `state_at`, `position` and the state columns.
    """
    folds = folds_of(features)
    rows = _prepared(folds, _with_origin(_rows(folds, interactions)))
    order = {"group_by": "customer_id", "order_by": ["visible_at", "message_id"]}
    so_far = ibis.window(preceding=None, following=0, **order)
    gathered = rows.select(
        *KEY,
        "origin",
        following=rows.visible_at.lead().over(ibis.window(**order)),
        state_at=rows.known,
        **{name: reduction.over(so_far) for name, reduction in _gathered(folds, rows).items()},
    )
    # of interactions that became visible together only the last row has them all
    complete = gathered.filter(gathered.following.isnull() | (gathered.following != gathered.visible_at))
    return _settled(folds, complete)


def latest(features: Sequence[Feature], interactions: ibis.Table) -> ibis.Table:
    """One row per customer: the last row of `history`, by plain grouping, several times faster."""
    folds = folds_of(features)
    rows = _prepared(folds, _with_origin(_rows(folds, interactions)))
    gathered = rows.group_by("customer_id").agg(
        visible_at=rows.visible_at.max(), origin=rows.origin.min(), state_at=rows.known.max(), **_gathered(folds, rows)
    )
    return _settled(folds, gathered)


def as_of(features: Sequence[Feature], interactions: ibis.Table, asked: ibis.Table) -> ibis.Table:
    """One row per question: the state of all interactions of some customers that were visible at a time.

    A contact of that very microsecond is what was decided then, and not what was known: it is left out.

    By one join and one grouping: for a few times per customer much faster than looking them up in `history`.

    Parameters
    ----------
    asked : `row` (the question), `customer_id` and `until` (microseconds); several rows of one question are taken together.

    Returns
    -------
    `row`, `state_at`, `position` and the state columns; no row for a question to which nothing was visible.
    """
    folds = folds_of(features)
    rows = _rows(folds, interactions.semi_join(asked, "customer_id"))
    firsts = rows.group_by("customer_id").agg(origin=rows.at.min())
    asked = asked.join(firsts, "customer_id").select("row", "until", "origin", asker="customer_id")
    asked = asked.mutate(origin=asked.origin.min().over(ibis.window(group_by="row")))
    known_before = rows.known + (rows.kind == Kind.CONTACT.value).cast("int64")
    seen = _prepared(folds, rows.join(asked, [rows.customer_id == asked.asker, known_before <= asked.until]))
    gathered = seen.group_by("row").agg(origin=seen.origin.min(), state_at=seen.known.max(), **_gathered(folds, seen))
    return _settled(folds, gathered, key=("row",))


def _rows(folds: Sequence[Fold], interactions: ibis.Table) -> ibis.Table:
    """The interactions once each, with times in microseconds and traits as columns."""
    unique = _once(interactions)
    visible_at = ibis.greatest(unique.at, unique.received_at)
    return unique.select(
        *("customer_id", "message_id", "channel", "kind", "stage", "metric", "score", "value", "sentiment", "position"),
        visible_at=visible_at,
        known=epoch_us(visible_at),
        at=epoch_us(unique.at),
        **{f"trait_{trait}": json_extract_string(unique.traits, trait) for trait in _traits(folds)},
    )


def _once(interactions: ibis.Table) -> ibis.Table:
    """Of every message the copy received first; there is seldom a second one, so only those that have one are sorted."""
    copies = interactions.group_by("message_id").agg(copies=interactions.count())
    doubled = copies.filter(copies.copies > 1).select("message_id")
    copy = ibis.row_number().over(ibis.window(group_by="message_id", order_by=["received_at", "at"]))
    numbered = interactions.semi_join(doubled, "message_id").mutate(copy=copy)
    first = numbered.filter(numbered.copy == 0).drop("copy")
    return interactions.anti_join(doubled, "message_id").union(first)


def _with_origin(rows: ibis.Table) -> ibis.Table:
    """Every customer's first time, from which decayed sums count."""
    return rows.mutate(origin=rows.at.min().over(ibis.window(group_by="customer_id")))


def _prepared(folds: Sequence[Fold], rows: ibis.Table) -> ibis.Table:
    columns: dict[str, Any] = {}
    for fold in folds:
        columns |= fold.prepare(rows)
    return rows.mutate(**columns)


def _gathered(folds: Sequence[Fold], rows: ibis.Table) -> dict[str, Any]:
    reductions = {POSITION: rows.position.fill_null(0).max()}
    for fold in folds:
        reductions |= fold.gather(rows)
    return reductions


def _settled(folds: Sequence[Fold], gathered: ibis.Table, key: Sequence[str] = KEY) -> ibis.Table:
    columns: dict[str, Any] = {}
    for fold in folds:
        columns |= fold.settle(gathered)
    return gathered.select(*key, STATE_AT, POSITION, **columns)


def _traits(folds: Sequence[Fold]) -> list[str]:
    return sorted({fold.trait for fold in folds if isinstance(fold, Current) and fold.trait})
