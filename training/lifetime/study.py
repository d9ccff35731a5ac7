"""Everything that the page tells of, computed in one connection, in the order in which one thing needs the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from features.catalogue import Catalogue
from features.errors import TrainingError
from features.insights.history import open_history
from features.insights.look import Look
from features.insights.period import Period
from features.insights.segments.behaviour import journey_segments
from features.insights.segments.cohorts import CohortMonth, first_day_of_history, repeat_rate, retention_by_cohort
from features.insights.segments.costs import Cost, acquisition_and_retention
from features.insights.segments.earnings import Week, weekly_earnings
from features.insights.segments.facts import customer_facts, read_days
from features.insights.segments.moves import Move, Touched, moves_between, top_touchpoints
from features.insights.segments.outcomes import SegmentResult, segment_results
from features.insights.segments.rates import Rate
from features.insights.segments.rules import JOURNEY_ORDER, VALUE_ORDER
from features.instants import microseconds
from training.lifetime.holdout import Holdout, check_holdout
from training.lifetime.outlook import YEAR, Forecast, Total
from training.lifetime.people import Worth, everybody, score, standard_of, value_segments, weights_by_segment
from training.lifetime.valuation import Valuation, value_models

_DECILES = """
select tenth, count(*), sum(worth), sum(spent) from (
    select {column} as worth, spent, ntile(10) over (order by {column} desc, customer_id) as tenth from scored_now
) group by tenth order by tenth
"""

_COUNTS = """
select (select count(*) from everybody), (select count(*) from facts_now),
       (select count(*) from facts_now where silent <= {churn}), (select count(*) from facts_before where silent <= {churn}),
       (select count(*) from facts_now where first_moment >= {since})
"""


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of all who converted, from those who are worth most down.

    Attributes
    ----------
    worth : their sum of what customers are compared by.
    spent : money so far.
    """

    number: int
    customers: int
    worth: float
    spent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What was found; money is profit where it is expected, and value where it was spent.

    Attributes
    ----------
    ahead : days looked ahead.
    customers, converted : who ever did anything; who ever converted.
    active, active_before : who converted within churn_days of the end, and of the beginning, of the period.
    won : who converted for the first time in the period.
    conversions, value : of all customers within `ahead`; None where they cannot be foretold.
    holdout_reason : why there is no holdout.
    expected : value within `ahead` of each segment's customers, by segment; of value segments and journey segments.
    history_since : day of the first conversion known.
    people : one row per customer.
    """

    ahead: float
    customers: int
    converted: int
    active: int
    active_before: int
    won: int
    valuation: Valuation
    worth: Worth
    conversions: Total | None
    value: Total | None
    holdout: Holdout | None
    holdout_reason: str
    tenths: tuple[Tenth, ...]
    segments: tuple[SegmentResult, ...]
    journeys: tuple[SegmentResult, ...]
    expected: Mapping[str, Total]
    moves: tuple[Move, ...]
    journey_moves: tuple[Move, ...]
    touched: tuple[Touched, ...]
    acquisition: Cost
    retention: Cost
    weeks: tuple[Week, ...]
    cohorts: tuple[CohortMonth, ...]
    repeat: Rate
    history_since: str | None
    people: pa.Table


def study(look: Look) -> Study:
    """Look at customers as of the end of the period, or as far as is known.

    Raises
    ------
    PeriodError
        When the period begins after all that is known.
    """
    period = Period(look.period.since, min(look.period.until, look.known_until))
    since, until = microseconds(period.since), microseconds(period.until)
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        read_days(connection, until=until)
        customer_facts(connection, "facts_now", until=until)
        customer_facts(connection, "facts_before", until=since)
        return _study(connection, look.catalogue, (since, until), np.random.default_rng(look.seed))


def _study(connection: Any, catalogue: Catalogue, period: tuple[int, int], rng: np.random.Generator) -> Study:
    since, until = period
    objective, small_count = catalogue.objective, catalogue.insights.small_count
    ahead = objective.lifetime_days or YEAR
    valuation = value_models(connection, "facts_now")
    kinds = score(connection, "facts_now", "scored_now", valuation, ahead=ahead, margin=objective.margin)
    score(connection, "facts_before", "scored_before", valuation, ahead=ahead, margin=objective.margin)
    forecasts = None if valuation.model is None else Forecast.both(valuation.model, kinds, ahead)
    worth = standard_of(connection, "scored_now")
    for name, end in (("now", until), ("before", since)):
        segments, scored = f"value_{name}", f"scored_{name}"
        value_segments(connection, segments, scored, worth, until=end, churn_days=objective.churn_days)
        journey_segments(connection, f"journey_{name}", since=end - (until - since), until=end)
    counts = connection.execute(_COUNTS.format(churn=objective.churn_days, since=since)).fetchall()[0]
    holdout, reason = _holdout(connection, until, rng)
    expected = _expected(connection, forecasts[1], valuation, rng) if forecasts else {}
    all_of_them = expected.pop("", None)
    acquisition, retention = acquisition_and_retention(connection, "facts_now", period=period)

    def results(order: tuple[str, ...], kind: str) -> tuple[SegmentResult, ...]:
        return segment_results(
            connection,
            order,
            now=f"{kind}_now",
            before=f"{kind}_before",
            facts="facts_before",
            period=period,
            churn_days=objective.churn_days,
            small_count=small_count,
        )

    return Study(
        ahead=ahead,
        customers=counts[0],
        converted=counts[1],
        active=counts[2],
        active_before=counts[3],
        won=counts[4],
        valuation=valuation,
        worth=worth,
        conversions=_conversions(forecasts[0], rng) if forecasts else None,
        value=all_of_them,
        holdout=holdout,
        holdout_reason=reason,
        tenths=tuple(Tenth(*row) for row in connection.execute(_DECILES.format(column=worth.column)).fetchall()),
        segments=results(VALUE_ORDER, "value"),
        journeys=results(JOURNEY_ORDER, "journey"),
        expected=expected,
        moves=moves_between(connection, "value_before", "value_now", VALUE_ORDER),
        journey_moves=moves_between(connection, "journey_before", "journey_now", JOURNEY_ORDER),
        touched=top_touchpoints(connection, "value_now", period=period),
        acquisition=acquisition,
        retention=retention,
        weeks=weekly_earnings(connection, "facts_now", period=period),
        cohorts=retention_by_cohort(connection, "facts_now", until=until, small_count=small_count),
        repeat=repeat_rate(connection, "facts_now", since=since, until=until, within_days=objective.churn_days),
        history_since=first_day_of_history(connection),
        people=everybody(connection),
    )


def _holdout(connection: Any, until: int, rng: np.random.Generator) -> tuple[Holdout | None, str]:
    try:
        return check_holdout(connection, until=until, rng=rng), ""
    except TrainingError as error:
        return None, str(error)


def _conversions(forecast: Forecast, rng: np.random.Generator) -> Total:
    return forecast.total(forecast.of.count, forecast.of.count, rng=rng)


def _expected(connection: Any, forecast: Forecast, valuation: Valuation, rng: np.random.Generator) -> dict[str, Total]:
    """Profit of every segment, and of all under no name; empty where no value was captured."""
    spend = valuation.spend
    if not (spend.model or spend.mean):
        return {}
    found: dict[str, Total] = {}
    money, squares = np.zeros(len(forecast.of)), np.zeros(len(forecast.of))
    for table in ("value_now", "journey_now"):
        for name, weights in weights_by_segment(connection, table, len(forecast.of)):
            found[name] = forecast.total(
                weights.money, weights.squares, rng=rng, noise=spend.noise, relative=spend.relative_error
            )
            if table == "value_now":
                money, squares = money + weights.money, squares + weights.squares
    found[""] = forecast.total(money, squares, rng=rng, noise=spend.noise, relative=spend.relative_error)
    return found
