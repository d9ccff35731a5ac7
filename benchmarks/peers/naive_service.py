"""The naive service, as the tutorials teach it: BentoML's defaults, Feast asked by name, pandas, scikit-learn wrappers.

`bentoml serve naive_service:Naive` serves the folder that `NAIVE_HOME` names; `naive_home` makes it. No rules, no record.
"""

import os

import bentoml
import joblib
import pandas as pd
from feast import FeatureStore


@bentoml.service
class Naive:
    """One worker."""

    def __init__(self) -> None:
        folder = os.environ["NAIVE_HOME"]
        self.store = FeatureStore(repo_path=folder)
        self.models = joblib.load(os.path.join(folder, "models.joblib"))

    @bentoml.api
    def recommend(self, customer_id: str) -> dict:
        """The touchpoint with the highest predicted conversion."""
        service = self.store.get_feature_service("customer_features")
        frame = self.store.get_online_features(features=service, entity_rows=[{"customer_id": customer_id}]).to_df()
        features, touchpoints = frame[self.models["features"]].astype(float), self.models["touchpoints"]
        candidates = pd.concat([features] * len(touchpoints), ignore_index=True)
        taken = pd.get_dummies(pd.Series(pd.Categorical(touchpoints, categories=touchpoints)), dtype=float)
        conversion = self.models["conversion"].predict_proba(pd.concat([candidates, taken], axis=1))[:, 1]
        churn = self.models["churn"].predict_proba(features)[0, 1]
        value = self.models["value"].predict(features)[0]
        best = int(conversion.argmax())
        return {
            "customer_id": customer_id,
            "touchpoint": touchpoints[best],
            "propensity": float(conversion[best]),
            "churn": float(churn),
            "value": float(value),
        }
