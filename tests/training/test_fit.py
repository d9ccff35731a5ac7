from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.errors import TrainingError
from features.lake import Lake
from features.settings import Settings
from training.artifact import read_artifact, read_provenance
from training.backtest import load_champion
from training.dataset import load_dataset
from training.fit import train
from training.registry import Registry


def trained(home, registry, *, until=None, said=None, seed=1):
    return train(
        catalogue=home.catalogue,
        lake=home.lake,
        store=home.store,
        registry=registry,
        at=home.until,
        until=until or home.until,
        seed=seed,
        on_progress=(lambda line: None) if said is None else said.append,
    )


@pytest.fixture(scope="module")
def first(home):
    registry = Registry(home.settings)
    said = []
    return registry, trained(home, registry, said=said), said


def test_training_registers_a_challenger_and_leaves_the_champion_alone(first):
    registry, report, said = first
    assert report.new
    assert registry.challenger() == report.policy
    assert registry.champion() is None
    assert (report.decisions, report.estimated) == (1200, 0)
    assert len(said) >= 5


def test_the_registered_policy_decides_on_todays_features(home, first, tmp_path):
    registry, report, _ = first
    dataset = load_dataset(home.lake, home.store, home.catalogue, until=home.until)
    folder = registry.download(report.policy.version, tmp_path / "policy")
    policy = read_artifact(
        folder, report.policy.sha256, catalogue=home.catalogue, version="1", feature_names=dataset.feature_names
    )
    probabilities = policy.as_probabilities(dataset.features, dataset.eligible)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(dataset)))
    assert probabilities.min() >= home.catalogue.exploration.floor


def test_the_report_says_how_the_policy_was_selected_and_the_policy_is_called_so(home, first, tmp_path):
    registry, report, _ = first
    policy = report.policy
    selection = read_provenance(registry.download(policy.version, tmp_path / "policy"), policy.sha256).selection
    assert report.reasons[-1] == f"policy 1: {selection}"
    assert selection.startswith(("personalized by ", "personalization cannot be distinguished from always "))
    assert read_artifact(tmp_path / "policy", policy.sha256, catalogue=home.catalogue, version="1").name in selection


def test_training_twice_on_the_same_data_gives_the_same_bytes_and_the_same_judgement(home, first, tmp_path):
    elsewhere = trained(home, Registry(Settings(home=tmp_path)))
    assert elsewhere.policy.sha256 == first[1].policy.sha256
    assert elsewhere.reasons == first[1].reasons


def test_the_challenger_is_judged_on_later_decisions_than_it_learnt_from(first):
    judgement = first[1].judgement
    split = judgement.split
    assert (split.learning.sum(), split.judging.sum()) == (900, 300)
    assert judgement.evaluation.decisions == 300
    assert {value.name for value in judgement.evaluation.values} >= {"challenger", "always none", "always mail.offer"}
    assert "conversion" in judgement.quality and "value" in judgement.quality


def test_runs_hold_parameters_metrics_figures_and_reasons(first):
    registry, report, _ = first
    client = registry._client
    runs = {run.info.run_name: run for run in client.search_runs([registry._experiment])}
    parent = next(run for name, run in runs.items() if name.startswith("retraining"))
    children = {name: run for name, run in runs.items() if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id}
    assert set(children) == {"conversion", "uplift", "value", "churn", "policy"}
    assert parent.data.params["fingerprint"] == report.policy.fingerprint
    assert {"auc", "auc_low", "brier", "calibration_error", "lift_at_10_percent"} <= set(children["conversion"].data.metrics)
    files = {file.path for file in client.list_artifacts(children["policy"].info.run_id)}
    assert files == {"evaluation.json", "figures.html", "policy", "reasons.txt"}
    assert all(run.info.status == "FINISHED" for run in runs.values())
    files = {file.path for file in client.list_artifacts(children["uplift"].info.run_id)}
    assert files == {"figures.html", "selection.txt"}
    assert {"always_none_value", "x_lightgbm_difference_low"} <= set(children["uplift"].data.metrics)
    for name in ("conversion", "value", "churn"):
        version = client.get_model_version(f"touchpoint-{name}", "1")
        assert version.run_id == children[name].info.run_id


def test_no_file_of_the_registry_is_a_pickle(first):
    files = [path for path in first[0].settings.artifacts_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".json", ".txt", ".html", ".lgb", ".yaml", ""}
    assert {path.name for path in files if not path.suffix} == {"MLmodel"}


def test_a_champion_that_has_seen_everything_is_compared_and_said_to_be_flattered_and_not_registered_again(home, first):
    registry, report, _ = first
    registry.promote(report.policy.version)
    again = trained(home, registry)
    assert (again.new, again.policy) == (False, report.policy)
    assert len(registry.versions()) == 1
    assert "champion" in {value.name for value in again.judgement.evaluation.values}
    assert any("had learnt from 100%" in reason for reason in again.reasons)


@pytest.fixture(scope="module")
def succession(home, tmp_path_factory):
    """A champion that knew the first wave only, and a challenger that learnt from all."""
    registry = Registry(Settings(home=tmp_path_factory.mktemp("succession")))
    until = home.start + timedelta(days=30)
    older = trained(home, registry, until=until)
    registry.promote(older.policy.version)
    return registry, until, older, trained(home, registry)


def test_a_policy_tells_until_when_it_knew_everything(succession, tmp_path):
    registry, until, older, _ = succession
    folder = registry.download(older.policy.version, tmp_path / "older")
    assert read_provenance(folder, older.policy.sha256).trained_until == until


def test_an_older_champion_is_judged_on_what_it_has_not_seen(succession):
    later = succession[-1]
    assert later.judgement.split.judging.sum() == 300
    assert not any("had learnt from" in reason for reason in later.reasons)


def test_a_policy_that_was_rolled_back_is_refused_when_it_comes_back(home, succession):
    registry, _, _, later = succession
    registry.promote(later.policy.version)
    registry.rollback()
    report = trained(home, registry)
    assert (report.policy, report.new, report.promote) == (later.policy, False, False)
    assert report.reasons[0].startswith(f"refused, policy {later.policy.version} was rolled back")


def test_a_single_send_is_judged_on_other_customers_and_says_so(succession):
    report = succession[2]
    split = report.judgement.split
    assert (split.learning.sum(), split.judging.sum(), split.cutoff) == (210, 90, None)
    assert any("judged on other customers at the same time, not on later decisions" in reason for reason in report.reasons)


def test_a_log_too_short_to_judge_still_gives_a_challenger_that_the_gate_refuses(home, tmp_path):
    lake, few = Lake(tmp_path / "lake"), pa.array(home.world.customers[:60])
    interactions, decisions = home.lake.read("interactions"), home.lake.read("decisions")
    lake.append("interactions", interactions.filter(pc.is_in(interactions["customer_id"], few)))
    lake.append(
        "decisions", decisions.filter(pc.and_(pc.is_in(decisions["customer_id"], few), pc.equal(decisions["wave"], "wave-0")))
    )
    report = trained(replace(home, lake=lake), Registry(Settings(home=tmp_path)))
    assert report.new and report.judgement is None and not report.promote
    assert "cannot judge" in report.reasons[0] and "42 closed decisions of 42 customers" in report.reasons[0]


def test_a_champion_for_other_features_is_left_out_and_a_broken_one_refuses_every_challenger(home, first, tmp_path):
    registry, learnt = Registry(Settings(home=tmp_path)), first[1].policy
    folder = first[0].download(learnt.version, tmp_path / "learnt")
    with registry.run("of another home") as run_id:
        policy = registry.register_policy(run_id, folder, fingerprint="other data")
    registry.promote(policy.version)
    other = load_champion(("a_feature",), home.catalogue, registry)
    assert other.policy is None and "trained on other features" in other.complaint
    next(registry.settings.artifacts_path.glob(f"{policy.run_id}/artifacts/policy/value.txt")).write_text("changed")
    report = trained(home, registry)
    assert report.judgement is None and not report.promote
    assert any(reason.startswith("refused, the champion cannot be read") for reason in report.reasons)


def test_no_closed_decision_is_refused_in_words(home, tmp_path):
    with pytest.raises(TrainingError, match="wait until windows close"):
        trained(home, Registry(Settings(home=tmp_path)), until=home.start)
