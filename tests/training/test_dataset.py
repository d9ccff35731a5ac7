import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue.identifiers import KNOWN_TYPES
from features.compaction import compact
from features.domain import Interaction, Kind, Link, LinkAction
from features.errors import TrainingError
from features.identity.batch import identify
from features.instants import microseconds
from features.journal import Journal, RecordedDecision
from features.lake import SCHEMAS, Lake
from features.settings import Settings
from features.store import FeatureStore
from features.synthetic import synthetic_catalogue
from features.tables import TOTAL
from training.assignment import overlap
from training.dataset import load_dataset
from training.join import features_at, ints, strings
from training.labels import decision_rows
from training.snapshots import load_snapshots

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=100)
CHANCES = {"none": 0.1, "mail.offer": 0.2, "email.newsletter": 0.0, "call.gone": 0.5, "call.adviser": 0.2}


@pytest.fixture(scope="module")
def dataset(home):
    return load_dataset(home.lake, home.store, home.catalogue, until=home.until)


def test_every_closed_decision_has_its_arm_its_probability_and_its_features(home, dataset):
    assert len(dataset) == 4 * 300
    assert dataset.features.shape == (1200, len(dataset.feature_names))
    assert set(np.unique(dataset.probability)) == {0.15, 0.4}
    assert ((dataset.probability == 0.4) == (dataset.arm == 0)).all()
    assert not dataset.estimated.any() and not dataset.implied.any() and dataset.eligible.all()


def test_reward_is_value_times_margin_less_the_cost_of_the_arm(dataset):
    costs = np.array([0.0, 0.05, 0.3, 8.0, 1.0])
    assert dataset.reward == pytest.approx(dataset.value * 0.5 - costs[dataset.arm])
    assert ((dataset.value > 0) == (dataset.conversion > 0)).all()


def with_objective(catalogue, **values):
    return catalogue.model_copy(update={"objective": catalogue.objective.model_copy(update=values)})


def test_what_leaving_costs_is_taken_off_the_reward_of_those_who_left(home, dataset):
    assert np.isnan(dataset.churned).all()
    catalogue = with_objective(home.catalogue, lifetime_days=365)
    patient = load_dataset(home.lake, home.store, catalogue, until=home.until)
    assert len(patient) == 3 * 300  # the churn window of the last of four waves is still open
    assert set(patient.churned) == {0.0, 1.0}
    assert (patient.churned[patient.conversion > 0] == 0).all()
    lifetime = np.arange(900.0)
    assert patient.with_lifetime(lifetime).reward == pytest.approx(patient.reward - patient.churned * lifetime)


def test_a_contact_costs_more_the_more_there_were_of_late_and_doing_nothing_never(home, dataset):
    tiring = load_dataset(home.lake, home.store, with_objective(home.catalogue, fatigue_cost=0.1), until=home.until)
    columns = [dataset.feature_names.index(f"contact_{channel}_30d_count") for channel in ("email", "social", "call", "mail")]
    recent = np.nan_to_num(dataset.features[:, columns]).sum(axis=1)
    assert recent.max() > 1.0
    assert dataset.reward - tiring.reward == pytest.approx(0.1 * recent * (dataset.arm > 0))


def test_features_are_those_known_before_the_decision_and_its_own_contact(home, dataset):
    interactions = home.lake.read("interactions", ["customer_id", "at"]).to_pylist()
    count = dataset.features[:, dataset.feature_names.index(TOTAL)]
    for row in range(0, len(dataset), 97):
        at = home.start + timedelta(microseconds=int(dataset.at[row] - dataset.at[0]))
        known = sum(each["customer_id"] == dataset.customer_id[row] and each["at"] < at for each in interactions)
        assert count[row] == known


def test_the_same_data_have_the_same_fingerprint_and_other_data_another(home, dataset):
    assert load_dataset(home.lake, home.store, home.catalogue, until=home.until).fingerprint == dataset.fingerprint
    changed = dataset.features.copy()
    changed[5, 5] += 1.0
    others = {"churned": 1.0, "unsubscribed": 1.0, "reward": 7.0, "experiment": "random", "wave": "other", "implied": True}
    assert replace(dataset, features=changed).fingerprint != dataset.fingerprint
    for name, value in others.items():
        column = getattr(dataset, name).copy()
        column[5] = value
        assert replace(dataset, **{name: column}).fingerprint != dataset.fingerprint, name
    assert dataset.where(np.arange(1200) > 0).fingerprint != dataset.fingerprint


def test_only_windows_closed_by_then_are_loaded(home):
    assert len(load_dataset(home.lake, home.store, home.catalogue, until=home.start + timedelta(days=28))) == 300
    with pytest.raises(TrainingError, match=r"28 days \(objective\.window_days\) that closed by 2024-01-28"):
        load_dataset(home.lake, home.store, home.catalogue, until=home.start + timedelta(days=27.9))


def test_what_was_not_logged_is_estimated_and_the_rest_shared_equally(log):
    nothing = np.full((len(log), 2), np.nan)
    logged = np.where(log.arm == 1, 0.3, 0.7)
    unlogged = replace(log, estimated=np.arange(len(log)) == 1, probability=logged, probabilities=nothing)
    completed = unlogged.with_estimates(np.full((len(log), 2), 0.5))
    assert completed.probabilities[1].tolist() == [0.5, 0.5]
    assert completed.probability[1] == 0.5
    assert completed.probabilities[2] == pytest.approx([0.7, 0.3])
    assert (completed.fingerprint == unlogged.fingerprint) is True


def test_snapshots_are_evenly_spaced_and_closed(home):
    snapshots = load_snapshots(home.lake, home.store, home.catalogue, until=home.until, count=3)
    times = np.unique(snapshots.at)
    assert len(times) == 3 and np.ptp(np.diff(times)) <= 1
    closed = (home.until - timedelta(days=home.catalogue.objective.churn_days)).timestamp() * 1e6
    assert times[-1] == pytest.approx(closed)
    assert snapshots.features.shape == (len(snapshots.at), len(home.store.features))


def test_of_many_snapshots_a_sample_of_whole_customers_is_looked_at(home):
    every = load_snapshots(home.lake, home.store, home.catalogue, until=home.until, count=3)
    some = load_snapshots(home.lake, home.store, home.catalogue, until=home.until, count=3, most=len(every.at) // 2)
    assert 0.3 < len(some.at) / len(every.at) < 0.7
    kept = np.isin(every.customer_id, some.customer_id)
    assert every.where(kept).fingerprint == some.fingerprint


def test_a_history_shorter_than_the_windows_is_refused(home):
    with pytest.raises(TrainingError, match=r"objective\.churn_days = 56"):
        load_snapshots(home.lake, home.store, home.catalogue, until=home.start - timedelta(days=150))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """What a question with an interaction in it leaves: both carry the very same time. And an export's decision of that time."""
    settings = Settings(home=tmp_path_factory.mktemp("served"))
    catalogue, lake, journal = synthetic_catalogue(), Lake(settings.lake_path), Journal(settings.effective_journal_url)
    journal.create()
    journal.append_interactions([_purchase("asks", NOON), _purchase("asks", LATER)])
    record = json.dumps({"candidates": [{"touchpoint": name, "probability": chance} for name, chance in CHANCES.items()]})
    journal.append_decision(
        RecordedDecision(
            decision_id="d",
            customer_id="asks",
            touchpoint="mail.offer",
            at=NOON,
            request_hash="h",
            record=record,
            candidates=("none", "mail.offer", "call.gone", "call.adviser"),
            probability=0.2,
        ),
        contacts_seen=None,
    )
    compact(journal, lake, batch=100)
    journal.close()
    exported = dict.fromkeys(SCHEMAS["decisions"].names) | {"source": "export", "customer_id": "asks", "at": NOON}
    known = {
        "decision_id": "e",
        "touchpoint": "none",
        "received_at": NOON,
        "candidates": list(catalogue.arms),
        "probability": 0.4,
    }
    lake.append("decisions", pa.Table.from_pylist([exported | known, *map(_recorded, RECORDS)], schema=SCHEMAS["decisions"]))
    store = FeatureStore(settings, catalogue)
    store.materialize(lake, until=LATER, on_progress=lambda line: None)
    dataset = load_dataset(lake, store, catalogue, until=LATER)
    return {name: dataset.where(dataset.decision_id == name) for name in dataset.decision_id} | {"all": dataset}


def _candidate(touchpoint, eligible, probability):
    return {"touchpoint": touchpoint, "eligible": eligible, "probability": probability}


RECORDS = {
    "compelled": {"candidates": [_candidate("none", False, 0.0), _candidate("mail.offer", True, 1.0)]},
    "held out": {"arm": "holdout", "candidates": [_candidate("none", True, 1.0), _candidate("mail.offer", False, 0.0)]},
    "waiting": {"deferred": True, "candidates": [_candidate("none", True, 0.5), _candidate("mail.offer", True, 0.5)]},
}


def _recorded(name):
    record = RECORDS[name]
    eligible = [each["touchpoint"] for each in record["candidates"] if each["eligible"]]
    row = {"decision_id": name, "customer_id": name, "touchpoint": eligible[-1], "at": NOON, "received_at": NOON}
    given = {"source": "service", "candidates": eligible, "probability": 1.0, "record": json.dumps(record)}
    return dict.fromkeys(SCHEMAS["decisions"].names) | row | given


def _purchase(customer, at):
    return Interaction(
        message_id=f"{customer}{at}",
        customer_id=customer,
        touchpoint="store.checkout",
        kind=Kind.PURCHASE,
        at=at,
        received_at=at,
        source="app",
        value=10.0,
    )


def test_a_row_of_the_services_own_decision_holds_what_the_service_saw(served):
    counts = {name: rows.features[0, rows.feature_names.index(TOTAL)] for name, rows in served.items()}
    assert counts["d"] == 1.0
    assert np.nan_to_num(counts["e"]) == 0.0


def test_recorded_probabilities_are_exact_and_hold_given_that_nothing_forgotten_was_drawn(served):
    rows = served["d"]
    expected = {"none": 0.2, "mail.offer": 0.4, "call.adviser": 0.4}  # call.gone, one half, is not in the catalogue any more
    assert rows.with_estimates(rows.probabilities).probabilities[0] == pytest.approx([expected.get(a, 0.0) for a in rows.arms])
    assert rows.probability[0] == pytest.approx(0.4)
    assert (bool(rows.shared[0]), bool(rows.estimated[0])) == (False, False)


def test_doing_nothing_was_a_choice_unless_the_record_says_that_it_was_none(served):
    arms = np.array(served["all"].arms)
    eligible = {name: set(arms[rows.eligible[0]]) for name, rows in served.items() if name != "all"}
    assert eligible["compelled"] == {"mail.offer"}
    assert eligible["held out"] == {"none"}
    assert eligible["d"] == {"none", "mail.offer", "call.adviser"}
    assert eligible["e"] == set(arms)


def test_decisions_without_a_choice_stay_but_are_compared_with_nothing(served):
    dataset = served["all"]
    probabilities = dataset.with_estimates(dataset.probabilities).probabilities
    found = overlap(probabilities, arm=dataset.arm, eligible=dataset.eligible, estimated=dataset.estimated)
    assert set(dataset.decision_id[found.comparable]) == {"d", "e"}
    assert probabilities[dataset.decision_id == "compelled"].sum() == 1.0


def test_a_deferred_decision_that_nothing_carried_out_is_left_out_and_counted(served):
    assert set(served["all"].decision_id) == {"d", "e", "compelled", "held out"}
    assert (served["all"].deferred, served["all"].dropped) == (1, 0)


def test_every_decision_knows_the_arm_of_the_experiment(served):
    assert [served[name].experiment[0] for name in ("d", "e", "held out")] == ["treatment", "treatment", "holdout"]


def test_a_probability_that_stands_alone_among_many_arms_is_marked(served):
    rows = served["e"].with_estimates(served["e"].probabilities)
    assert rows.shared[0]
    assert rows.probabilities[0] == pytest.approx([0.4, 0.15, 0.15, 0.15, 0.15])


def test_loading_again_gives_the_same_fingerprints_and_other_features_give_others(home, dataset):
    snapshots = load_snapshots(home.lake, home.store, home.catalogue, until=home.until)
    again = load_dataset(home.lake, home.store, home.catalogue, until=home.until)
    assert again.fingerprint == dataset.fingerprint  # although sums are added up in whatever order
    for data in (dataset, snapshots):
        assert replace(data, features=data.features * (1 + 1e-5)).fingerprint != data.fingerprint
    assert replace(snapshots, value=snapshots.value + (snapshots.at > 0)).fingerprint != snapshots.fingerprint


COOKIE = "cookie:" + "c" * 32


def rows_of(items, table):
    names = [name for name in SCHEMAS[table].names if name not in ("traits", "properties", "identifiers")]
    return pa.Table.from_pylist([{name: getattr(item, name, None) for name in names} for item in items], schema=SCHEMAS[table])


@pytest.fixture(scope="module")
def logged_in(tmp_path_factory):
    """A decision for a cookie, a login on day 2 that shows whose it is, and a purchase of hers on day 3."""
    settings = Settings(home=tmp_path_factory.mktemp("logged_in"))
    catalogue, lake = synthetic_catalogue(), Lake(settings.lake_path)
    bought = [("ann", NOON - timedelta(days=200)), (COOKIE, NOON - timedelta(days=1)), ("ann", NOON + timedelta(days=3))]
    lake.append("interactions", rows_of([_purchase(name, at) for name, at in bought], "interactions"))
    decided = {"decision_id": "d", "customer_id": COOKIE, "touchpoint": "none", "at": NOON, "received_at": NOON}
    given = dict.fromkeys(SCHEMAS["decisions"].names) | {"source": "export", "probability": 0.4}
    lake.append("decisions", pa.Table.from_pylist([given | decided], schema=SCHEMAS["decisions"]))
    login = Link(
        link_id="l",
        left="ann",
        right=COOKIE,
        action=LinkAction.LINK,
        at=NOON + timedelta(days=2),
        received_at=NOON + timedelta(days=2),
        source="app",
    )
    lake.append("links", rows_of([login], "links"))
    identify(lake, types=KNOWN_TYPES, folder=settings.identity_path, now=LATER, on_progress=lambda line: None)
    store = FeatureStore(settings, catalogue)
    store.materialize(lake, until=LATER, on_progress=lambda line: None)
    return lake, store, catalogue


def test_a_decision_before_a_login_has_the_features_of_the_cookie_and_the_outcome_of_the_customer(logged_in):
    rows = load_dataset(*logged_in, until=LATER)
    assert (rows.customer_id[0], rows.conversion[0], rows.value[0]) == ("ann", 1.0, 10.0)
    assert rows.features[0, rows.feature_names.index(TOTAL)] == 1.0  # the cookie's; that ann had bought before was not known


def test_snapshots_before_a_login_know_the_customer_as_she_was_known_then(logged_in):
    rows = load_snapshots(*logged_in, until=LATER, count=4)
    counts = rows.features[:, [feature.name for feature in logged_in[1].features].index(TOTAL)]
    assert set(rows.customer_id) == {"ann"} and len(counts) == 4
    login = microseconds(NOON + timedelta(days=2))
    assert counts.tolist() == [1.0 if at < login else 3.0 for at in rows.at]
    assert counts.max() == 3.0


def test_many_rows_are_looked_up_in_parts_and_give_the_same_features(home, monkeypatch):
    rows = decision_rows(home.lake, home.catalogue, until=home.until)
    names, at = strings(rows, "identifier"), ints(rows, "moment")
    together = features_at(home.store, home.catalogue, names, at)[1]
    monkeypatch.setattr("training.join._ROWS_PER_PART", 100)
    in_parts = features_at(home.store, home.catalogue, names, at)[1]
    assert np.array_equal(in_parts, together, equal_nan=True)
