"""In a world where bad calls drive customers away, what was said and rated there raises P(they leave) and lowers their value."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.instants import microseconds
from features.lake import SCHEMAS, Lake
from features.settings import Settings
from features.store import FeatureStore
from training.dataset import load_dataset
from training.join import features_at
from training.sides.churn import fit_churn
from training.sides.lifetime import fit_lifetime
from training.sides.value import fit_value
from training.snapshots import load_snapshots

START = datetime(2024, 1, 1, tzinfo=UTC)
CALLS = START + timedelta(days=60)
UNTIL = START + timedelta(days=130)
CUSTOMERS = 800
PAIN = ("kind_complaint_lifetime_count", "csat_last_score", "sentiment_lifetime_score", "channel_call_180d_count")
CATALOGUE = parse_catalogue(
    {
        "objective": {"window_days": 20, "churn_days": 40, "lifetime_days": 365, "margin": 0.5},
        "touchpoints": [
            {"name": "store.checkout", "stage": "purchase"},
            {"name": "call.support", "stage": "retention", "message_class": "service"},
            {"name": "mail.offer", "stage": "purchase", "recommendable": True},
        ],
    }
)


def history():
    """Everybody buys for about 60 every 15 days or so, until half of them call: a bad call ends it for most, a good one for few.

    Of those whom a bad call did not drive away, a purchase is worth half as much from then on.
    """
    rng = np.random.default_rng(9)
    rows, decisions = [], []
    for number in range(CUSTOMERS):
        name, called, bad = f"c{number}", CALLS + timedelta(days=rng.uniform(0, 3)), number % 2 == 0
        leaves = rng.random() < (0.7 if bad else 0.15)
        day = rng.uniform(0, 15)
        while day < 130:
            at = START + timedelta(days=day)
            if at < called or not leaves:
                money = 60.0 * rng.gamma(8.0, 1 / 8) * (0.5 if bad and at > called else 1.0)
                rows.append(_row(name, at, "store.checkout", "purchase", value=money))
            day += rng.uniform(8, 22)
        said = {"sentiment": rng.uniform(-1.0, -0.4) if bad else rng.uniform(0.2, 0.9)}
        rated = {"metric": "csat", "score": float(rng.integers(1, 3) if bad else rng.integers(4, 6))}
        rows.append(_row(name, called, "call.support", "complaint" if bad else "call", **said))
        rows.append(_row(name, called + timedelta(hours=1), "call.support", "rating", **rated))
        decided = {"decision_id": name, "customer_id": name, "touchpoint": "none", "probability": 1.0}
        at = CALLS + timedelta(days=10)
        decisions.append(dict.fromkeys(SCHEMAS["decisions"].names) | decided | {"at": at, "received_at": at, "source": "test"})
    return rows, decisions


def _row(customer, at, touchpoint, kind, **said):
    named = {"message_id": f"{customer}{kind}{at.isoformat()}", "customer_id": customer, "touchpoint": touchpoint, "kind": kind}
    channel = touchpoint.split(".")[0]
    when = {"at": at, "received_at": at, "channel": channel, "source": "test", "direction": "inbound"}
    return dict.fromkeys(SCHEMAS["interactions"].names) | named | when | said


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """The predictors, and everybody's features just before their call and ten days after it began."""
    settings = Settings(home=tmp_path_factory.mktemp("calls"))
    lake = Lake(settings.lake_path)
    interactions, decisions = history()
    lake.append("interactions", pa.Table.from_pylist(interactions, schema=SCHEMAS["interactions"]))
    lake.append("decisions", pa.Table.from_pylist(decisions, schema=SCHEMAS["decisions"]))
    store = FeatureStore(settings, CATALOGUE)
    store.materialize(lake, until=UNTIL, on_progress=lambda line: None)
    snapshots = load_snapshots(lake, store, CATALOGUE, until=UNTIL, count=6)
    dataset = load_dataset(lake, store, CATALOGUE, until=UNTIL)
    names = np.array([f"c{number}" for number in range(CUSTOMERS)], dtype=object)
    at = np.full(CUSTOMERS, microseconds(CALLS + timedelta(days=10)), dtype=np.int64)
    columns, features = features_at(store, CATALOGUE, names, at)
    predictors = {
        "churn": fit_churn(columns, snapshots, seed=1),
        "value": fit_value(dataset, snapshots, seed=1),
        "lifetime": fit_lifetime(columns, snapshots, seed=1),
    }
    return predictors, columns, features


BAD = np.arange(CUSTOMERS) % 2 == 0


def test_who_had_a_bad_call_is_expected_to_leave_and_to_spend_less(learnt):
    predictors, _, features = learnt
    churn, value, lifetime = (predictors[name].predict(features) for name in ("churn", "value", "lifetime"))
    assert churn[BAD].mean() == pytest.approx(0.7, abs=0.12)
    assert churn[~BAD].mean() == pytest.approx(0.15, abs=0.12)
    assert value[BAD].mean() < 0.75 * value[~BAD].mean()
    assert lifetime[BAD].mean() < 0.75 * lifetime[~BAD].mean()


def test_had_the_same_customers_had_a_bad_call_instead_of_a_good_one_they_would_be_likelier_to_leave(learnt):
    predictors, columns, features = learnt
    worse = features[~BAD].copy()
    hurt = features[BAD].mean(axis=0)
    for name in (name for name in columns if name.startswith(("kind_complaint", "csat", "sentiment", "kind_call"))):
        worse[:, columns.index(name)] = hurt[columns.index(name)]
    churn, value = (predictors[name] for name in ("churn", "value"))
    assert (churn.predict(worse) > churn.predict(features[~BAD])).mean() > 0.99
    assert (value.predict(worse) < value.predict(features[~BAD])).mean() > 0.95
