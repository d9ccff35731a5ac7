"""The models of a look, each with the reason where there is none, and what stands in for it then."""

from dataclasses import dataclass
from math import atanh, sqrt, tanh
from typing import Any

import numpy as np

from features.errors import TrainingError
from training.lifetime.bgnbd import BgNbd, fit_bgnbd
from training.lifetime.gamma_gamma import GammaGamma, fit_gamma_gamma
from training.lifetime.transactions import MOST_ROWS, Transactions, kinds_of_customers

_MOST_SPENDS = 200_000
_SPENDS = """
select repeats::double as repeats, repeat_spend from {facts} where repeats > 0 and repeat_spend > 0 {and_drawn}
order by customer_id
"""
_MEANS = """
select coalesce(sum(spent) / nullif(sum(conversions), 0), 0),
       count(*) filter (repeats > 0 and repeat_spend > 0),
       corr(repeats, repeat_spend) filter (repeats > 0 and repeat_spend > 0),
       stddev_samp(repeat_spend) filter (repeats > 0 and repeat_spend > 0),
       avg(repeat_spend) filter (repeats > 0 and repeat_spend > 0)
from {facts}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What a conversion brings.

    Attributes
    ----------
    model : None where too few spent anything; then everybody is expected to spend `mean`.
    reason : why there is no model.
    mean : money of a conversion of all customers; 0 where no value was captured.
    relative_error : standard error of the customers' mean, over it.
    spenders : customers who spent money on a second day or later.
    correlation : of how often and how much among these, with its 95 % interval; None of less than four.
    """

    model: GammaGamma | None
    reason: str
    mean: float
    relative_error: float
    spenders: int
    correlation: tuple[float, float, float] | None

    @property
    def noise(self) -> float:
        """Variance of one conversion's value around the customer's mean, over this mean's square; 1 where it is not known."""
        return 1 / self.model.p if self.model else 1.0

    @property
    def sql(self) -> str:
        """DuckDB SQL of what a customer of `customer_facts` will spend per conversion; null where no value was captured."""
        if self.model is None:
            return f"{self.mean!r}::double" if self.mean else "null::double"
        p, q, scale = self.model.p, self.model.q, self.model.scale
        return f"({p!r} * ({scale!r} + repeats * greatest(repeat_spend, 0)) / ({p!r} * repeats + {q!r} - 1))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """All that is needed to value customers.

    Attributes
    ----------
    model : of how often customers convert; None where too few did so twice.
    reason : why there is none.
    share : of customers whom it was fitted to.
    """

    model: BgNbd | None
    reason: str
    share: float
    spend: Spend


def value_models(connection: Any, facts: str) -> Valuation:
    """Fit to a table of `customer_facts`; where that cannot be done, say why and go on."""
    spend = _spend(connection, facts)
    kinds, share = kinds_of_customers(connection, facts, most=MOST_ROWS)
    try:
        return Valuation(model=fit_bgnbd(Transactions.of(kinds)), reason="", share=share, spend=spend)
    except TrainingError as error:
        return Valuation(model=None, reason=str(error), share=share, spend=spend)


def _spend(connection: Any, facts: str) -> Spend:
    mean, spenders, correlation, deviation, typical = connection.execute(_MEANS.format(facts=facts)).fetchall()[0]
    share = _MOST_SPENDS / max(spenders, 1)
    drawn = "" if share >= 1 else f"and hash(customer_id) % 1000000 < {round(share * 1_000_000)}"
    rows = connection.sql(_SPENDS.format(facts=facts, and_drawn=drawn)).to_arrow_table()
    model, reason = None, ""
    try:
        model = fit_gamma_gamma(rows["repeats"].to_numpy(), rows["repeat_spend"].to_numpy())
    except TrainingError as error:
        reason = str(error)
    return Spend(
        model=model,
        reason=reason,
        mean=max(float(mean), 0.0),
        relative_error=float(deviation / typical / sqrt(spenders)) if deviation is not None and typical else 0.0,
        spenders=spenders,
        correlation=_fisher(correlation, spenders),
    )


def _fisher(correlation: float | None, n: int) -> tuple[float, float, float] | None:
    """A correlation with its interval, by Fisher's transformation."""
    if correlation is None or not np.isfinite(correlation) or n < 4:
        return None
    centre, half = atanh(min(max(correlation, -0.999999), 0.999999)), 1.96 / sqrt(n - 3)
    return float(correlation), tanh(centre - half), tanh(centre + half)
