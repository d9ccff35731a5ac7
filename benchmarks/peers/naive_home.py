"""What the naive service needs, as the tutorials make it: `python naive_home.py given.npz folder`.

Stock Feast over a Parquet file with its default online store, and scikit-learn wrappers of LightGBM, pickled.
"""

import os
import sys
from datetime import UTC, datetime, timedelta

import joblib
import lightgbm
import numpy as np
import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource
from feast.types import Float64
from feast.value_type import ValueType

CONFIGURATION = """
project: naive
provider: local
registry: data/registry.db
online_store:
    type: sqlite
    path: data/online_store.db
entity_key_serialization_version: 3
"""


def main(given, folder):
    """Make the feature repository, materialize it, and fit the models."""
    found = np.load(given)
    names, rows, touchpoints, trees = found["names"], found["rows"], found["touchpoints"], int(found["trees"])
    os.makedirs(os.path.join(folder, "data"))
    with open(os.path.join(folder, "feature_store.yaml"), "w", encoding="utf-8") as file:
        file.write(CONFIGURATION)
    now = datetime.now(UTC)
    features = [f"feature_{index}" for index in range(rows.shape[1])]
    frame = pd.DataFrame(rows, columns=features).assign(customer_id=names, event_timestamp=now - timedelta(hours=1))
    path = os.path.join(folder, "data", "customers.parquet")
    frame.to_parquet(path)
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="customers",
        entities=[customer],
        ttl=timedelta(days=1),
        schema=[Field(name=name, dtype=Float64) for name in features],
        source=FileSource(path=path, timestamp_field="event_timestamp"),
    )
    store = FeatureStore(repo_path=folder)
    store.apply([customer, view, FeatureService(name="customer_features", features=[view])])
    store.materialize_incremental(now)
    joblib.dump(models(frame[features], list(touchpoints), trees), os.path.join(folder, "models.joblib"))


def models(features, touchpoints, trees):
    """Conversion over features and touchpoint, churn and value over features; fitted on random numbers."""
    rng = np.random.default_rng(1)
    taken = pd.Categorical(rng.choice(touchpoints, len(features)), categories=touchpoints)
    with_touchpoint = pd.concat([features, pd.get_dummies(pd.Series(taken), dtype=float)], axis=1)
    settings = {"n_estimators": trees, "num_leaves": 15, "learning_rate": 0.05, "n_jobs": 1, "verbose": -1}
    noise = rng.normal(size=len(features))
    return {
        "conversion": lightgbm.LGBMClassifier(**settings).fit(with_touchpoint, rng.random(len(features)) < 0.3),
        "churn": lightgbm.LGBMClassifier(**settings).fit(features, rng.random(len(features)) < 0.3),
        "value": lightgbm.LGBMRegressor(**settings).fit(features, noise),
        "touchpoints": touchpoints,
        "features": list(features),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
