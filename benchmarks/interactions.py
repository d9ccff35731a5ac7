"""A lake of interactions of any size, and SQL written by hand for the states as of given times: what several benchmarks use."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from deltalake import write_deltalake

from features.instants import DAY
from features.lake import SCHEMAS, Lake
from features.synthetic import synthetic_catalogue
from features.tables import Feature
from features.tables.extremes import Current, Extreme
from features.tables.feature import folds_of
from features.tables.folds import Count, DecayedSum, Fold, Total
from features.tables.where import Where

INTERACTIONS_PER_CUSTOMER = 20
START, YEAR = datetime(2023, 1, 1, tzinfo=UTC), 365 * DAY
UNTIL = datetime(2024, 1, 1, tzinfo=UTC)

INTERACTIONS = """
    SELECT 'm' || i AS message_id, 'c' || (hash(i) % {customers}) AS customer_id,
           {touchpoints}[1 + (hash(i, 1) % {n})::INT] AS touchpoint, split_part(touchpoint, '.', 1) AS channel,
           ['contact', 'open', 'click', 'view', 'visit', 'cart', 'purchase', 'call'][1 + (hash(i, 2) % 8)::INT] AS kind,
           [NULL, 'awareness', 'consideration', 'purchase'][1 + (hash(i, 3) % 4)::INT] AS stage,
           make_timestamptz({start} + (hash(i, 4) % {year})::BIGINT) AS "at", "at" AS received_at,
           CASE WHEN kind = 'purchase' THEN (hash(i, 5) % 10000) / 100 END AS value,
           CASE WHEN kind = 'call' THEN (hash(i, 6) % 200) / 100 - 1 END AS sentiment, 'bench' AS source
    FROM range({rows}) AS numbers(i)"""


def by_hand(features: tuple[Feature, ...], lake: Lake, questions: str, key: str) -> str:
    """SQL of all state columns, decayed to the time of the question."""
    folds = folds_of(features)
    half_lives = sorted({fold.half_life_days for fold in folds if isinstance(fold, DecayedSum)})
    weights = ", ".join(f"pow(2, (us - until) / {days * DAY:.0f}) AS left_{days:.0f}" for days in half_lives)
    columns = ",\n".join(column for fold in folds for column in _column(fold))
    return f"""
        WITH interactions AS (FROM {lake.relation("interactions")}),
             rows AS (SELECT *, epoch_us("at") AS us, epoch_us(greatest("at", received_at)) AS known FROM interactions),
             questions AS ({questions}),
             weighted AS (SELECT *, {weights} FROM rows JOIN questions ON customer_id = asker AND known <= until)
        SELECT {key}, max(known) AS state_at, max(coalesce(position, 0)) AS position, {columns} FROM weighted GROUP BY {key}"""


def _column(fold: Fold) -> list[str]:
    when = condition(fold.where)
    match fold:
        case DecayedSum():
            weight = f"left_{fold.half_life_days:.0f}" + ("" if fold.of == "count" else f" * coalesce({fold.of}, 0)")
            return [f"sum(CASE WHEN {when} THEN {weight} ELSE 0 END) AS {fold.name}"]
        case Count():
            return [f"sum(CASE WHEN {when} THEN 1 ELSE 0 END) AS {fold.name}"]
        case Total():
            return [f"sum(CASE WHEN {when} THEN coalesce({fold.of}, 0) ELSE 0 END) AS {fold.name}"]
        case Extreme():
            return [f"{'min' if fold.which == 'first' else 'max'}(CASE WHEN {when} THEN us END) AS {fold.name}"]
        case Current():
            said = f"(traits->>'$.{fold.trait}')" if fold.trait else fold.of
            since = f"CASE WHEN {when} AND {said} IS NOT NULL THEN us END"
            return [f"arg_max({said}, {since}) AS {fold.name}", f"max({since}) AS {fold.time_name}"]
    raise SystemExit(f"{fold}: write its column by hand")


def condition(where: Where) -> str:
    """Which interactions a fold counts, as SQL."""
    conditions = [f"kind IN ({', '.join(repr(kind.value) for kind in where.kinds)})"] if where.kinds else []
    for column, wanted in (("channel", where.channel), ("stage", where.stage), ("metric", where.metric)):
        conditions += [f"{column} = '{wanted}'"] if wanted else []
    return " AND ".join([*conditions, *(["sentiment IS NOT NULL"] if where.sentiment else [])]) or "true"


def make_lake(path: Path, rows: int) -> Lake:
    """A lake of so many interactions, twenty a customer, over the year 2023."""
    touchpoints = [touchpoint.name for touchpoint in synthetic_catalogue().touchpoints]
    given = {"customers": rows // INTERACTIONS_PER_CUSTOMER, "touchpoints": touchpoints, "n": len(touchpoints), "rows": rows}
    names = [f'"{name}"' for name in SCHEMAS["interactions"].names]
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(path.parent / "made")}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        empty = Lake(path).relation("interactions")
        made = INTERACTIONS.format(start=us(START), year=YEAR, **given)
        query = f"SELECT {', '.join(names)} FROM (FROM {empty} UNION ALL BY NAME ({made}))"
        reader = connection.sql(query).to_arrow_reader(100_000).cast(SCHEMAS["interactions"])
        write_deltalake(path / "interactions", reader)
    return Lake(path)


def require_the_same(ours: Any, by_hand: Any) -> None:
    """Stop where the two do not count the same."""
    if np.nansum(np.asarray(ours, dtype=float)) != np.nansum(np.asarray(by_hand, dtype=float)):
        raise SystemExit("the two do not count the same interactions")


def us(at: datetime) -> int:
    """Microseconds since 1970."""
    return int(at.timestamp()) * 1_000_000
