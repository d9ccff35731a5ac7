"""Attribution over up to ten million interactions: how far from one DuckDB query by hand, and does it grow in proportion?

The peer is the rule-based models in one query over the same lake, as somebody would write it: each touch with its customer's next
conversion within the window, numbered from both ends, and the sums of first touch, last touch, linear, time decay and position.
It has neither paths without a conversion, nor answers taken as part of their touch, nor intervals, nor any model of chance.
Ours, in the first rows, is what the page reads history into (touches, conversions, paths with times, converting or not, of
everybody) and the same five models. It must credit as many conversions as the query does, give or take those whose only touches
were answers to others.

`all models` is everything of the page that follows from paths: intervals from 200 draws, Markov chains of two orders, Shapley
values of both games, the hazard model; nobody's SQL has that. `as the page does` reads a sample of customers where there are more
than two million interactions, as the console does, and so does not grow beyond.

Each size runs in a process of its own; ours and the peer take turns. `CREDIT_INTERACTIONS="100000 1000000"` sets other sizes.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.journeys import SIZES, figures_of, look_at_all, make_lake, measured_sizes, peak_gb, words
from benchmarks.ratios import Figure, in_turn, seconds
from features.insights.look import Look
from features.instants import DAY, microseconds
from features.lake import Lake, duckdb_session
from training.attribution.credit import Credit, credit_by_touch
from training.attribution.exposure import load_exposure
from training.attribution.happened import MOST_ROWS, TOUCHES, happened
from training.attribution.heuristics import rules
from training.attribution.journeys import load_journeys
from training.attribution.models import attribute

ROUNDS, LIMIT = 3, 2.0
EVERYBODY = 1_000_000_000

BY_HAND = """
WITH touches AS (
    SELECT hash(customer_id) AS customer, touchpoint, epoch_us("at") AS moment FROM {interactions} WHERE kind IN {touches}
), conversions AS (
    SELECT hash(customer_id) AS customer, epoch_us("at") AS moment, max(value) AS value FROM {interactions}
    WHERE kind IN {converting} AND epoch_us("at") >= {since} AND epoch_us("at") < {until} GROUP BY ALL
), paths AS (
    SELECT touchpoint, value, conversions.customer, conversions.moment AS ended,
           (conversions.moment - touches.moment) / {half_life} AS age,
           row_number() OVER path AS nth, count(*) OVER whole AS steps, min(age) OVER whole AS youngest
    FROM touches ASOF JOIN conversions ON touches.customer = conversions.customer AND touches.moment <= conversions.moment
    WHERE conversions.moment - touches.moment <= {window}
    WINDOW path AS (PARTITION BY conversions.customer, conversions.moment ORDER BY touches.moment, touchpoint),
           whole AS (PARTITION BY conversions.customer, conversions.moment)
), weighed AS (
    SELECT *, pow(2, youngest - age) AS weight FROM paths
), shares AS (
    SELECT touchpoint, value, (nth = 1)::INT AS first, (nth = steps)::INT AS last, 1 / steps AS linear,
           weight / sum(weight) OVER (PARTITION BY customer, ended) AS decay,
           CASE WHEN steps <= 2 THEN 1 / steps WHEN nth IN (1, steps) THEN 0.4 ELSE 0.2 / (steps - 2) END AS position
    FROM weighed
)
SELECT touchpoint, sum(first), sum(first * value), sum(last), sum(last * value), sum(linear), sum(linear * value),
       sum(decay), sum(decay * value), sum(position), sum(position * value)
FROM shares GROUP BY touchpoint"""


def measure(sizes: Sequence[int] = SIZES) -> dict[str, object]:
    """Time each size."""
    found = measured_sizes("benchmarks.credit", os.environ.get("CREDIT_INTERACTIONS"), sizes)
    figures = [*figures_of("attribution: paths and rules", "one DuckDB query by hand", found, at_most=LIMIT)]
    for size, each in found.items():
        for name in ("all models", "as the page does"):
            figures.append(Figure(name=f"attribution: {name}, {words(size)}", ours=each[name], unit="s"))
    return {"question": "attribution against one DuckDB query by hand", "figures": figures}


def _measured(size: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        lake = make_lake(Path(folder) / "lake", size)
        look = look_at_all(lake)
        _agree(_rules(look), _by_hand(look))
        pairs = in_turn(lambda: _rules(look), lambda: _by_hand(look), rounds=ROUNDS)
        peak = peak_gb()
        sampled = seconds(lambda: _all_models(look, most_rows=MOST_ROWS))
        return {
            "pairs": pairs,
            "peak_gb": peak,
            "as the page does": sampled,
            "all models": sampled if size <= MOST_ROWS else seconds(lambda: _all_models(look, most_rows=EVERYBODY)),
        }


def _rules(look: Look) -> list[Credit]:
    with happened(look, most_rows=EVERYBODY) as past:
        paths = load_journeys(past).paths
    of = rules(look.catalogue.insights.half_life_days)
    return [credit_by_touch(name, paths, rule(paths)) for name, rule in of.items()]


def _all_models(look: Look, *, most_rows: int) -> None:
    half_life = look.catalogue.insights.half_life_days
    with happened(look, most_rows=most_rows) as past:
        paths = load_journeys(past).paths
        exposure = load_exposure(past, paths, half_life_days=half_life)
    attribute(paths, exposure, half_life_days=half_life, seed=0)


def _by_hand(look: Look) -> list[tuple[Any, ...]]:
    with duckdb_session() as connection:
        return connection.execute(_query(look, look.lake)).fetchall()


def _query(look: Look, lake: Lake) -> str:
    converting, insights = tuple(kind.value for kind in look.catalogue.objective.conversion), look.catalogue.insights
    return BY_HAND.format(
        interactions=lake.relation("interactions"),
        touches=_listed([kind.value for kind in TOUCHES if kind.value not in converting]),
        converting=_listed(converting),
        since=microseconds(look.period.since),
        until=microseconds(look.period.until),
        window=round(insights.attribution_days * DAY),
        half_life=insights.half_life_days * DAY,
    )


def _listed(kinds: Sequence[str]) -> str:
    return "(" + ", ".join(f"'{kind}'" for kind in kinds) + ")"


def _agree(ours: Sequence[Credit], theirs: Sequence[tuple[Any, ...]]) -> None:
    """By each rule both credit nearly as many conversions in all."""
    for place, credit in enumerate(ours):
        credited, counted = float(credit.conversions.sum()), float(sum(row[1 + 2 * place] for row in theirs))
        if not 0.95 < credited / counted < 1.0 + 1e-6:
            raise SystemExit(f"{credit.model}: ours credits {credited:,.0f} conversions, the query {counted:,.0f}")


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]))))
