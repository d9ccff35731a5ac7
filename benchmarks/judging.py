"""What does a decision cost beyond its models: thirty touchpoints, every kind of rule, from a features row to the record's JSON?

The limit is LightGBM's own `Booster.predict` on NumPy arrays that lie ready, for the same rows of the same boosters of 200
trees: `none` and thirty touchpoints for the effects, one row each for conversion, churn and value. It knows no rules, draws
nothing, gives no reasons and writes nothing down; ours reads and commits nothing. Every customer is another one, since repeated
rows are predicted faster than any service will see. Times are of the processor.
"""

import gc
import os
import time
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.online_home import CHANNELS, EACH, SEED, TREES, catalogue_text
from benchmarks.ratios import Figure, in_turn, seconds
from features.catalogue import Catalogue, parse_catalogue
from features.domain import Contact
from features.journal import Identity
from features.tables import Feature, feature_list
from serving.deciding.compose import Circumstances, Composer, Question, situation_of
from serving.deciding.contacts import RecentContacts
from serving.deciding.live import LoadedPolicy
from serving.deciding.record import record_as_json
from serving.deciding.state import Reading
from training.arms import arm_columns, under_each
from training.calibration import Calibration, Link
from training.effects import Effects, Term
from training.models import MEAN, Booster, Predictor, fit_booster, with_trees
from training.policy import Policy, Rules
from training.sides import Sides
from training.uplift import UpliftScorer

Floats = NDArray[np.float64]
Asked = tuple[Question, Circumstances]

CUSTOMERS = int(os.environ.get("JUDGING_CUSTOMERS", "2000"))
ROUNDS, ROWS_TO_FIT = 5, 20_000
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def measure() -> dict[str, object]:
    """Judge every customer, and predict the same rows, in turn."""
    catalogue = parse_catalogue(tomllib.loads(catalogue_text()))
    features, rng = feature_list(catalogue), np.random.default_rng(SEED)
    rows = _rows(features, CUSTOMERS, rng)
    scorer = _scorer(catalogue, features, rng)
    policy = Policy.of(catalogue, scorer, name="touchpoint-policy", version="0")
    asked = [_asked(index, row, features, policy, rng) for index, row in enumerate(rows)]
    composer, rules = Composer(catalogue, features, seed=SEED), Rules(catalogue)
    situations = [situation_of(*each) for each in asked]

    def judge() -> None:
        for each in asked:
            record_as_json(composer.compose(*each))

    gc.collect()
    gc.freeze()  # as the service does once it is loaded
    judged = in_turn(judge, _bare(scorer, rows), rounds=ROUNDS, clock=time.process_time)
    ruled = min(seconds(lambda: [rules.candidates(each) for each in situations], time.process_time) for _ in range(ROUNDS))
    per = [(1e6 * ours / CUSTOMERS, 1e6 * theirs / CUSTOMERS) for ours, theirs in judged]
    named = f"a decision judged, {len(catalogue.arms) - 1} touchpoints, {len(features)} features"
    return {
        "question": "processor time of one decision, from its features to its record",
        "judged": Figure.of(named, f"bare Booster.predict, {TREES} trees", per, unit="us"),
        "rules": Figure(name="  of which its rules", ours=1e6 * ruled / CUSTOMERS, unit="us"),
    }


def _bare(scorer: UpliftScorer, rows: Floats) -> Callable[[], None]:
    """What predicts the rows of every decision, made beforehand."""
    everything = np.arange(len(scorer.arms))
    wide = [under_each(row[None], everything, scorer.arms) for row in rows]
    sides = [predictor.model.native for predictor in scorer.sides.predictors.values()]
    conversion, effects = scorer.conversion.model.native, scorer.effects.terms[0].model.native

    def predict() -> None:
        for row, each in zip(rows, wide, strict=True):
            effects.predict(each, raw_score=True, num_threads=1)
            conversion.predict(each[:1], raw_score=True, num_threads=1)
            for side in sides:
                side.predict(row[None], raw_score=True, num_threads=1)

    return predict


def _rows(features: Sequence[Feature], count: int, rng: np.random.Generator) -> Floats:
    """Shape (count, features), a fifth unknown; categories as codes."""
    found = rng.gamma(1.0, 3.0, size=(count, len(features))).round(2)
    for column, feature in enumerate(features):
        if feature.categories:
            found[:, column] = rng.integers(len(feature.categories), size=count)
    return np.where(rng.random(found.shape) < 0.2, np.nan, found)


def _scorer(catalogue: Catalogue, features: Sequence[Feature], rng: np.random.Generator) -> UpliftScorer:
    """Boosters fitted to noise, to exactly so many trees each."""
    names, arms = tuple(feature.name for feature in features), catalogue.arms
    rows = _rows(features, ROWS_TO_FIT, rng)
    taken = rng.integers(len(arms), size=ROWS_TO_FIT)
    wide = np.hstack([rows, (taken[:, None] == np.arange(1, len(arms))).astype(np.float64)])
    shaped = 0.1 * (taken % 3) * (np.nan_to_num(rows[:, 0]) > 2.0)  # so that some trees split by touchpoint

    def booster(inputs: Floats, columns: Sequence[str]) -> Booster:
        label = shaped + rng.normal(size=ROWS_TO_FIT)
        return fit_booster(inputs, label, recipe=with_trees(MEAN, TREES), seed=SEED, names=columns)

    nothing, columns = (0.0,) * len(arms), arm_columns(names, arms)
    term = Term(booster(wide, columns), weights=(0.0, *(1.0 for _ in arms[1:])), against_none=True)
    calibration = Calibration(Link.IDENTITY, 0.05, 0.3)
    return UpliftScorer(
        arms,
        names,
        conversion=Predictor(booster(wide, columns), calibration),
        effects=Effects(arms, (term,), offsets=(0.0, *(0.02 for _ in arms[1:])), centres=nothing, slope=0.01),
        sides=Sides(
            {name: Predictor(booster(rows, names), calibration) for name in ("churn", "value")},
            {"churn_change": nothing, "unsubscribe": nothing, "contact_columns": ()},
        ),
    )


def _asked(index: int, row: Floats, features: Sequence[Feature], policy: Policy, rng: np.random.Generator) -> Asked:
    """A question about a customer with three contacts, and all that was read for it."""
    name, at = f"customer-{index:06d}", AT + timedelta(seconds=index)
    known = (name, f"phone:{index:032x}") if index % 2 else (name,)
    values = {
        feature.name: None if np.isnan(value) else feature.categories[int(value)] if feature.categories else float(value)
        for feature, value in zip(features, row, strict=True)
    }
    sent = tuple(
        Contact(f"{CHANNELS[int(rng.integers(5))]}.offer_{int(rng.integers(EACH))}", at - timedelta(days=float(age)))
        for age in sorted(rng.uniform(0.2, 28.0, 3), reverse=True)
    )
    return Question(decision_id=f"d{index}", customer_id=name, request={"customer_id": name}), Circumstances(
        at=at,
        now=at,
        identity=Identity(customer_id=name, identifiers=known),
        reading=Reading("fresh", None, 60.0, index, values, row[None]),
        consents=(),
        contacts=RecentContacts(len(sent), sent, ()),
        loaded=LoadedPolicy(policy, "0" * 64),
        fallback=None,
    )
