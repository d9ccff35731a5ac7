"""Fitting the conversion model against bare `lightgbm.train` on the same arrays, with the same parameters and rounds.

First one booster: ours is what every model of the pipeline is fitted by, its text written and read again, as it is registered.
Then the conversion model whole: three boosters of which each leaves a third of the customers out and stops by them, linear models
beside them, the choice among these, the calibration, and the model of all rows. The peer trains the same four boosters, one after
the other, and nothing else; it is told when to stop, and looks at no rows set aside. One thread each, so processor seconds count.

`TRAINING_ROWS` sets other sizes, by commas.
"""

import os
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.ratios import Figure, growth, in_turn
from training.crossfit import cross_fit, fit_best
from training.models import BINARY, Booster, fit_booster
from training.splits import customer_folds

Floats = NDArray[np.float64]

SIZES = (100_000, 300_000, 1_000_000)
COLUMNS, ROWS_PER_CUSTOMER, ROUNDS = 145, 2, 3
MOST, MOST_GROWTH = 1.3, 1.1
ONE, WHOLE = replace(BINARY, trees=100), BINARY


def measure() -> dict[str, object]:
    """Every size, then the growth."""
    sizes = tuple(int(size) for size in os.environ.get("TRAINING_ROWS", ",".join(map(str, SIZES))).split(","))
    one, whole = (list(each) for each in zip(*map(_figures, sizes), strict=True))
    figures = [*one, *whole]
    if len(sizes) > 1:
        exponent = growth(sizes, [figure.ours for figure in whole])
        figures.append(Figure(name="growth of the conversion model", ours=exponent, unit="exponent", at_most=MOST_GROWTH))
    return {"question": f"the conversion model on {COLUMNS} columns, against bare lightgbm.train", "figures": figures}


def _figures(size: int) -> tuple[Figure, Figure]:
    features, label, customers = _world(size)
    folds = customer_folds(customers, count=3, seed=1)
    names = [f"column_{number}" for number in range(COLUMNS)]
    stopped = [
        model.trees for model in cross_fit(features, label, folds, recipe=WHOLE, seed=1).models if isinstance(model, Booster)
    ]
    one = in_turn(
        lambda: fit_booster(features, label, recipe=ONE, seed=1, names=names),
        lambda: _bare(features, label, ONE.trees),
        rounds=ROUNDS,
        clock=time.process_time,
    )

    def by_hand() -> None:
        for fold, trees in enumerate(stopped):
            _bare(features[folds != fold], label[folds != fold], min(trees + WHOLE.patience, WHOLE.trees))
        _bare(features, label, round(sum(stopped) / len(stopped)))

    whole = in_turn(
        lambda: fit_best(features, label, folds, recipe=WHOLE, names=names, seed=1),
        by_hand,
        rounds=ROUNDS,
        clock=time.process_time,
    )
    return (
        Figure.of(f"one booster of {ONE.trees} trees, {size:,} rows", "lightgbm.train", one, at_most=MOST),
        Figure.of(f"the conversion model, {size:,} rows", "lightgbm.train of the same boosters", whole, at_most=MOST),
    )


def _bare(features: Floats, label: Floats, trees: int) -> object:
    import lightgbm

    parameters = BINARY.parameters(rows=len(label), seed=1)
    data = lightgbm.Dataset(features, label, params=parameters)
    return lightgbm.train(parameters, data, num_boost_round=trees)


def _world(n: int) -> tuple[Floats, Floats, NDArray[np.object_]]:
    """Columns as features are, many of them seldom known or nearly always zero, of which a dozen matter."""
    rng = np.random.default_rng(1)
    features = rng.gamma(0.7, 3.0, (n, COLUMNS)) * (rng.random((n, COLUMNS)) < rng.uniform(0.05, 1.0, COLUMNS))
    features[:, ::7][rng.random((n, len(range(0, COLUMNS, 7)))) < 0.3] = np.nan
    weights = np.zeros(COLUMNS)
    weights[rng.choice(COLUMNS, 12, replace=False)] = rng.normal(0.0, 0.15, 12)
    chance = 1.0 / (1.0 + np.exp(2.0 - np.nan_to_num(features) @ weights))
    customers = np.char.add("c", rng.integers(0, n // ROWS_PER_CUSTOMER, n).astype(str)).astype(object)
    return features, (rng.random(n) < chance).astype(np.float64), customers
