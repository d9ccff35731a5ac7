"""How well the churn model's very fit predicts who leaves: on public data, and in a large world whose truth is known."""

from pathlib import Path

import numpy as np
import pandas as pd

from training.metrics import Ranked, calibration_error, equal_count_bins
from training.sides.churn import fit_churn
from training.snapshots import Snapshots
from training.splits import customer_folds

FILE = Path("telco_churn") / "Telco-Customer-Churn.csv.gz"


def snapshots_of(features, churned, names):
    n = len(churned)
    return Snapshots(
        customer_id=names,
        at=np.zeros(n, dtype=np.int64),
        churned=churned,
        converted=churned == 0,
        value=1.0 - churned,
        later_value=1.0 - churned,
        features=features,
    )


def held_out(snapshots, *, folds, seed):
    """P(the customer leaves) of everybody, each predicted by a model that was fitted without their fold."""
    fold_of = customer_folds(snapshots.customer_id, count=folds, seed=seed)
    columns = tuple(f"f{index}" for index in range(snapshots.features.shape[1]))
    predicted = np.empty(len(fold_of))
    for fold in range(folds):
        inside = fold_of == fold
        predicted[inside] = fit_churn(columns, snapshots.where(~inside), seed=seed).predict(snapshots.features[inside])
    return predicted


def figures(churned, predicted):
    every = np.ones(len(churned))
    return Ranked.of(churned, predicted).auc(every), calibration_error(churned, predicted, equal_count_bins(predicted, 10), every)


def test_churn_of_a_public_telecom_company_is_predicted_as_well_as_the_project_promises(public_data):
    table = pd.read_csv(public_data(FILE))
    churned = (table.pop("Churn") == "Yes").to_numpy(np.float64)
    names = table.pop("customerID").to_numpy(object)
    table["TotalCharges"] = pd.to_numeric(table["TotalCharges"], errors="coerce")
    traits = pd.get_dummies(table, columns=[*table.select_dtypes(exclude="number")]).to_numpy(np.float64)
    auc, error = figures(churned, held_out(snapshots_of(traits, churned, names), folds=5, seed=1))
    assert auc >= 0.845
    assert error <= 0.01  # 0.006 is reached; chance alone moves the rate of a bin of 704 customers by as much as 0.01


def test_probabilities_of_leaving_are_right_where_there_are_customers_enough_to_see_it():
    rng, n = np.random.default_rng(8), 60_000
    features = rng.normal(size=(n, 8))
    features[rng.random((n, 8)) < 0.1] = np.nan
    known = np.nan_to_num(features)
    score = -1.0 + 1.2 * known[:, 0] - 0.8 * known[:, 1] * (known[:, 2] > 0) + 0.6 * np.abs(known[:, 3])
    churned = (rng.random(n) < 1 / (1 + np.exp(-score))).astype(np.float64)
    snapshots = snapshots_of(features, churned, np.array([f"c{row}" for row in range(n)], dtype=object))
    auc, error = figures(churned, held_out(snapshots, folds=2, seed=1))
    best = Ranked.of(churned, score).auc(np.ones(n))
    assert error <= 0.01
    assert auc >= best - 0.01
