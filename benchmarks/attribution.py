"""Are our Markov removal effects ChannelAttribution's, and as fast? And which model misleads, where the truth is known?

ChannelAttribution (GPL, so in an environment of its own) simulates its chain. Ours follows the chain to its end. So three
things are compared on the public example paths: its transition matrix, solved exactly, with ours; its simulation with what it
should converge to, in units of its own error; and the time on a million paths, in pairs, one run of each after the other, both
from texts in memory.

Second, in the simulated world every decision is drawn by chance and every true effect is known: how far is each model's credit
per contact from the truth, and how often does the interval of the incremental estimate hold it in 200 runs?

    python -m benchmarks.attribution [CUSTOMERS]
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
from numpy.typing import NDArray

from benchmarks.peers import ask_peer
from benchmarks.ratios import Figure
from features.insights.look import Look
from features.insights.period import Period
from features.lake import SCHEMAS, Lake
from features.synthetic import World, logged_decisions, make_world
from features.synthetic_records import records
from serving.running.terminal import as_plain, in_words
from training.attribution.against import ModelError, against_lift, errors_of_models
from training.attribution.decisions import Drawn
from training.attribution.known import Known, learn
from training.attribution.lift import Lift, Whom, lifts
from training.attribution.markov import chain_of, removal_effects
from training.attribution.paths import paths_of
from training.ope.estimate import Estimate

Floats = NDArray[np.float64]

PEER = ("ChannelAttribution==2.2.5", "matplotlib", "numpy", "pandas")
ORDERS, SIMULATIONS, REPEATS, PATHS = (1, 2, 3), 20_000_000, 3, 1_000_000
START, WAVES = datetime(2024, 1, 1, tzinfo=UTC), 4
LOGGING = np.array([0.4, 0.15, 0.15, 0.15, 0.15])
RUNS, DECISIONS, TIMES = 200, 4000, 4


def measure(customers: int = 4000) -> dict[str, object]:
    """Compare with the peer, then with the truth."""
    return {
        "question": "Markov removal effects as ChannelAttribution's, and as fast; which model misleads where the truth is known",
        **equal(),
        **speed(),
        **misleads(customers),
        **coverage(),
    }


def equal() -> dict[str, object]:
    """On the public example paths."""
    file = Path(os.environ.get("PUBLIC_DATA", "none"), "attribution_pathdata", "PathData.csv.gz")
    if not file.exists():
        return {"equality": "not measured: PUBLIC_DATA names no folder of public data sets with attribution_pathdata in it"}
    rows = csv.read_csv(file)
    amounts = [rows[name].to_numpy().astype(float) for name in ("total_conversions", "total_conversion_value", "total_null")]
    asked = _asked(rows["path"].combine_chunks(), *amounts, solve=True, simulations=SIMULATIONS)
    paths = paths_of(rows["path"], conversions=amounts[0], values=amounts[1], nulls=amounts[2])
    told, gaps, errors = ask_peer("channel_attribution", requirements=PEER, arrays=asked), {}, {}
    for order in ORDERS:
        chain = chain_of(paths, order=order)
        effects, theirs = removal_effects(chain), told[str(order)]
        ours = np.array([effects.conversions[chain.names.index(name)] for name in theirs["names"]])
        gaps[f"order_{order}"] = float(np.abs(ours - np.array(theirs["exact"])).max())
        # 1 - removed / whole, each a share of simulated paths
        spread = np.sqrt((1.0 - ours) * (1.0 + (1.0 - ours)) / (SIMULATIONS * effects.rate))
        errors[f"order_{order}"] = round(float((np.abs(ours - np.array(theirs["simulated"])) / spread).max()), 2)
    return {
        "largest_gap_to_its_matrix_solved": [
            Figure(name=f"Markov, gap to ChannelAttribution's matrix solved, {order}", ours=gap, unit="", at_most=1e-9)
            for order, gap in gaps.items()
        ],
        "largest_gap_to_its_simulation_in_standard_errors": errors,
    }


def speed() -> dict[str, object]:
    """On a million random paths of 12 touchpoints; seconds from texts in memory to removal effects."""
    rng = np.random.default_rng(1)
    lengths = rng.geometric(0.2, PATHS).clip(1, 40)
    names = np.array([f"channel {letter}" for letter in "abcdefghijkl"])
    words = names[rng.choice(12, int(lengths.sum()), p=rng.dirichlet(np.full(12, 2.0)))]
    ends = lengths.cumsum()
    texts = pa.array([" > ".join(words[end - length : end]) for end, length in zip(ends, lengths, strict=True)])
    conversions, nulls = rng.poisson(0.3, PATHS).astype(float), rng.poisson(1.0, PATHS).astype(float)
    values = conversions * rng.gamma(2.0, 10.0, PATHS)
    pairs: dict[int, list[tuple[float, float]]] = {order: [] for order in ORDERS}
    for _ in range(REPEATS):
        told = ask_peer("channel_attribution", requirements=PEER, arrays=_asked(texts, conversions, values, nulls))
        for order in ORDERS:
            started = time.perf_counter()
            paths = paths_of(texts, conversions=conversions, values=values, nulls=nulls)
            removal_effects(chain_of(paths, order=order))
            pairs[order].append((time.perf_counter() - started, told[str(order)]["seconds"]))
    return {
        "speed": [
            Figure.of(f"Markov removal effects, order {order}, {PATHS:,} paths", "ChannelAttribution", pairs[order], at_most=1.0)
            for order in ORDERS
        ]
    }


def misleads(customers: int) -> dict[str, object]:
    """Every model's credit per contact against the true effects, in conversions per contact; the closest model first."""
    world, known = simulated(customers)
    errors = errors_against_truth(world, known)
    return {
        "customers": customers,
        "true_effects": {name: round(effect, 4) for name, effect in true_effects(world).items()},
        "error_against_the_truth": {each.model: round(each.error, 4) for each in errors},
        "rank_correlation_with_the_truth": {each.model: _rounded(each.rank_correlation) for each in errors},
        "credited_over_caused": {each.model: _rounded(each.factor) for each in errors},
        "error_of_the_lift": round(_error_of_lift(world, known), 4),
    }


def simulated(customers: int) -> tuple[World, Known]:
    """A world whose history is in a lake, and what attribution says of it."""
    rng = np.random.default_rng(7)
    world = make_world(customers, rng=rng)
    history = records(world, start=START, waves=WAVES, logging_probabilities=LOGGING, rng=rng)
    until = START + timedelta(days=35 * WAVES + 1)
    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake")
        for table in ("interactions", "decisions", "outcomes"):
            lake.append(table, _rows(getattr(history, table), table))
        look = Look(lake=lake, catalogue=world.catalogue, period=Period(START, until), now=until, known_until=until)
        return world, learn(look)


def true_effects(world: World) -> dict[str, float]:
    """What one contact at each touchpoint changes, on average over customers; everybody is as likely to be contacted."""
    means = (world.truth.propensity - world.truth.propensity[:, :1]).mean(axis=0)
    return dict(zip(world.catalogue.arms[1:], means[1:].tolist(), strict=True))


def errors_against_truth(world: World, known: Known) -> tuple[ModelError, ...]:
    """The models, the one that is closest to the truth first."""
    truths = tuple(_true_lift(name, effect) for name, effect in true_effects(world).items())
    return errors_of_models(against_lift([each.credit for each in known.attributed], known.names, truths, known.contacts))


def coverage() -> dict[str, object]:
    """How often the 95 % interval of the lift holds the truth, over all touchpoints of all runs."""
    return {
        f"coverage_for_{whom.name.lower()}": Figure(
            name=f"95 % intervals of the lift of {whom.name.lower()} that hold the truth",
            ours=covered(whom),
            unit="",
            at_least=0.91,
        )
        for whom in Whom
    }


def covered(whom: Whom, *, runs: int = RUNS) -> float:
    """The share of intervals that hold the true effect, where the policy that decided looks at the customer."""
    world = make_world(20_000, rng=np.random.default_rng(1))
    logging, changes = _logging(world), world.truth.propensity - world.truth.propensity[:, :1]
    weight = logging if whom is Whom.CONTACTED else np.ones_like(logging)
    truth = (weight * changes).sum(axis=0) / weight.sum(axis=0)
    rng, held = np.random.default_rng(5), []
    for run in range(runs):
        found = lifts(_drawn(world, logging, rng, whom), seed=run)
        held += [
            each.conversions.low <= truth[world.catalogue.arms.index(each.touchpoint)] <= each.conversions.high for each in found
        ]
    return float(np.mean(held))


def _drawn(world: World, logging: Floats, rng: np.random.Generator, whom: Whom) -> Drawn:
    log = logged_decisions(world, DECISIONS, logging, rng, repeats=TIMES)
    shape = log.all_probabilities.shape
    return Drawn(
        arms=world.catalogue.arms,
        arm=log.actions,
        probability=log.probabilities,
        table=np.array(log.all_probabilities) if whom is Whom.CONTACTED else np.full(shape, np.nan),
        possible=np.ones(shape, dtype=bool),
        customers=np.unique(log.customers, return_inverse=True)[1],
        conversions=log.converted.astype(float),
        values=log.rewards,
        features=np.log1p(world.covariates[log.customers]),
    )


def _logging(world: World) -> Floats:
    """Mails those who open, leaves alone those who buy; every arm has at least 5 %."""
    scores = np.zeros(world.truth.propensity.shape)
    scores[:, 4], scores[:, 0] = 0.4 * world.covariates[:, 4], 0.4 * world.covariates[:, 2]
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(0.05 + 0.75 * likely / likely.sum(axis=1, keepdims=True))


def _true_lift(touchpoint: str, effect: float) -> Lift:
    exact = Estimate(
        name="truth",
        value=effect,
        standard_error=0.0,
        low=effect,
        high=effect,
        level=0.95,
        effective_sample_size=np.inf,
        max_weight=1.0,
        clipped=0.0,
        overlap=1.0,
        n=0,
    )
    return Lift(touchpoint=touchpoint, whom=Whom.EVERYBODY, decisions=0, conversions=exact, value=exact)


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 2)


def _error_of_lift(world: World, known: Known) -> float:
    truth = true_effects(world)
    return float(np.sqrt(np.mean([(each.conversions.value - truth[each.touchpoint]) ** 2 for each in known.lifts])))


def _asked(texts: pa.Array, conversions: Floats, values: Floats, nulls: Floats, **more: Any) -> dict[str, NDArray[Any]]:
    joined = "\n".join(texts.to_pylist()).encode()
    given = {"conversions": conversions, "values": values, "nulls": nulls, "orders": np.array(ORDERS)}
    told = {"solve": False, "simulations": 0, "longest": 100_000} | more
    return {"paths": np.frombuffer(joined, dtype=np.uint8), **given, **{name: np.array(value) for name, value in told.items()}}


def _rows(items: list[Any], table: str) -> pa.Table:
    names = SCHEMAS[table].names
    rows = [{name: getattr(item, name, None) for name in names} | {"received_at": item.at} for item in items]
    for row in rows:
        row |= {name: None for name in ("traits", "properties") if name in row}
        row |= {name: list(row[name]) for name in ("candidates", "identifiers") if name in row}
    return pa.Table.from_pylist(rows, schema=SCHEMAS[table])


if __name__ == "__main__":
    print(in_words({"attribution": as_plain(measure(*(int(argument) for argument in sys.argv[1:])))}))
