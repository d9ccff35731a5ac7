"""Off-policy evaluation against plain NumPy of the same estimators: how much do checks, supports and names cost?

The peer is what somebody writes who needs three numbers with their intervals once: IPS, SNIPS and DR of one policy, each with the
error that customers with several decisions ask for. It checks nothing and says nothing of support. Ours are the public functions,
called one by one; each of them checks the whole log, every time. The second figure is all that `touchpoint evaluate` says of one
policy: five estimators, support, agreement. Ours and the peer's values must be equal.

`OPE_DECISIONS` sets other sizes, by commas.
"""

import os
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.ratios import Figure, growth, in_turn
from training.ope import Log, dr, ips, snips
from training.policy_value import Judging

Floats = NDArray[np.float64]

SIZES = (100_000, 1_000_000, 10_000_000)
ARMS, DECISIONS_PER_CUSTOMER, ROUNDS, MOST_GROWTH = 5, 2, 5, 1.1


def measure() -> dict[str, object]:
    """Every size, then the growth."""
    sizes = tuple(int(size) for size in os.environ.get("OPE_DECISIONS", ",".join(map(str, SIZES))).split(","))
    three, everything = (list(each) for each in zip(*map(_figures, sizes), strict=True))
    figures = [*three, *everything]
    if len(sizes) > 1:
        exponent = growth(sizes, [figure.ours for figure in three])
        figures.append(Figure(name="growth of IPS, SNIPS and DR", ours=exponent, unit="exponent", at_most=MOST_GROWTH))
    return {"question": "off-policy evaluation against plain NumPy of the same estimators", "figures": figures}


def _figures(size: int) -> tuple[Figure, Figure]:
    """Processor seconds: all of it works on one core."""
    log, target, expected = _world(size)
    judging, clock = Judging(log=log, rewards=expected, seed=1), time.process_time
    _require_the_same(log, target, expected)

    def by_hand() -> object:
        return _by_hand(log, target, expected)

    three = in_turn(lambda: _ours(log, target, expected), by_hand, rounds=ROUNDS, clock=clock)
    everything = in_turn(lambda: judging.value("it", target), by_hand, rounds=ROUNDS, clock=clock)
    return (
        Figure.of(f"IPS, SNIPS and DR with intervals, {size:,} decisions", "plain NumPy of the three", three),
        Figure.of(f"all that is said of one policy, {size:,} decisions", "plain NumPy of the three", everything),
    )


def _world(n: int) -> tuple[Log, Floats, Floats]:
    """A log, a policy's probabilities and a reward model's predictions."""
    rng = np.random.default_rng(1)
    logged, target = (rng.dirichlet(np.full(ARMS, 5.0), n) for _ in range(2))
    actions = (logged.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=ARMS - 1)
    rewards = rng.gamma(0.5, 10.0, n)
    clusters = rng.integers(0, max(n // DECISIONS_PER_CUSTOMER, 2), n)
    log = Log(
        rewards=rewards,
        actions=actions,
        probabilities=logged[np.arange(n), actions],
        clusters=clusters,
        all_probabilities=logged,
    )
    return log, target, rng.gamma(2.0, 2.5, (n, ARMS))


def _ours(log: Log, target: Floats, expected: Floats) -> list[tuple[float, float]]:
    estimates = ips(log, target), snips(log, target), dr(log, target, expected)
    return [(each.value, each.standard_error) for each in estimates]


def _by_hand(log: Log, target: Floats, expected: Floats) -> list[tuple[float, float]]:
    rows, n = np.arange(len(log.rewards)), len(log.rewards)
    weight = target[rows, log.actions] / log.probabilities
    robust = (target * expected).sum(axis=1) + weight * (log.rewards - expected[rows, log.actions])
    weighed = weight * log.rewards
    share = weight / weight.mean()
    found = []
    for terms, mass in ((weighed, 1.0), (log.rewards, share), (robust, 1.0)):
        value = (mass * terms).mean()
        pulls = np.bincount(log.clusters, weights=mass * (terms - value))
        pulls = pulls[np.bincount(log.clusters) > 0]
        count = len(pulls)
        found.append((float(value), float(np.sqrt(count / (count - 1) * (pulls @ pulls)) / n)))
    return found


def _require_the_same(log: Log, target: Floats, expected: Floats) -> None:
    if not np.allclose(_ours(log, target, expected), _by_hand(log, target, expected), rtol=1e-9):
        raise SystemExit("ours and the peer's are not the same estimates")
