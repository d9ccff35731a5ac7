"""Reconcile finds what differs, and takes for no difference what is only on its way."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.compaction import compact
from features.domain import Interaction, Kind
from features.errors import StoreError
from features.journal import Journal
from features.lake import SCHEMAS, Lake
from features.reconcile import Difference, ReconcileReport, reconcile
from features.settings import Settings
from features.store import FeatureStore
from features.tables import POSITION, STATE_AT

START = datetime(2024, 1, 1, tzinfo=UTC)
CATALOGUE = parse_catalogue({"touchpoints": [{"name": "web.page", "stage": "consideration"}]})


class Home:
    def __init__(self, path: Path) -> None:
        settings = Settings(home=path)
        path.mkdir()
        self.lake, self.store = Lake(settings.lake_path), FeatureStore(settings, CATALOGUE)
        self.journal = Journal(settings.effective_journal_url)
        self.journal.create()

    def file(self, *interactions: Interaction) -> None:
        columns = ("message_id", "customer_id", "touchpoint", "channel", "at", "received_at", "value", "sentiment", "source")
        rows = [{name: getattr(each, name) for name in columns} | {"kind": each.kind.value} for each in interactions]
        self.lake.append("interactions", pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"]))

    def materialize(self) -> None:
        compact(self.journal, self.lake, batch=100)
        self.store.materialize(self.lake, until=START + timedelta(days=50), on_progress=lambda line: None)

    def reconcile(self, sample: int = 100) -> ReconcileReport:
        return reconcile(
            self.lake,
            self.journal,
            self.store,
            CATALOGUE,
            sample=sample,
            rng=np.random.default_rng(1),
            now=START + timedelta(days=60),
            on_progress=lambda line: None,
        )


def _interaction(customer_id: str, day: float, kind: str = "view", **more: Any) -> Interaction:
    at = START + timedelta(days=day)
    given = {"message_id": f"{customer_id}/{day}/{kind}", "touchpoint": "web.page", "source": "test", **more}
    return Interaction(customer_id=customer_id, kind=Kind(kind), at=at, received_at=at, **given)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_what_came_by_file_online_and_since_is_equal(home: Home) -> None:
    home.file(
        *(
            _interaction(f"f{n}", day, "purchase", value=0.1 * day, sentiment=-0.3)
            for n in range(5)
            for day in range(1, 20, n + 1)
        )
    )
    home.journal.append_interactions([_interaction("f0", 30), _interaction("online", 31)])
    home.materialize()
    home.journal.append_interactions([_interaction("f1", 2.5, "purchase", value=7.0), _interaction("new", 55)])
    home.journal.append_interactions([_interaction("online", 58)])
    assert home.reconcile() == ReconcileReport(compared=7, equal=7, late=0, differing=(), quarantined=0)
    assert home.reconcile(sample=3).compared == 3


def test_what_differs_is_named_by_its_columns_whatever_the_cause(home: Home) -> None:
    home.journal.append_interactions([_interaction("ann", 1, "purchase", value=5.0), _interaction("bob", 2)])
    home.materialize()
    state = home.store.online_states(["ann"])[0]
    assert state is not None
    wrong = {**state, STATE_AT: int(state[STATE_AT] or 0) + 1, "purchase_lifetime_money": 5.0 * (1 + 1e-6)}
    home.store.push({"ann": {**wrong, "purchase_30d_money": float(state["purchase_30d_money"] or 0) * (1 + 1e-12)}})
    report = home.reconcile()
    assert report.differing == (Difference("ann", (STATE_AT, "purchase_lifetime_money")),)
    assert (report.compared, report.equal) == (2, 1)
    assert report.in_words().splitlines() == [
        "2 compared: 1 equal, 0 late, 1 differing; 0 records in quarantine",
        "  ann: state_at, purchase_lifetime_money",
    ]


def test_a_state_that_lost_journal_interactions_differs(home: Home) -> None:
    home.journal.append_interactions([_interaction("ann", 1), _interaction("ann", 2)])
    home.materialize()
    home.journal.append_interactions([_interaction("ann", 55)])
    state = home.store.online_states(["ann"])[0]
    home.store.push({"ann": {**(state or {}), POSITION: 3}})  # says that the third is in, and it is not
    (found,) = home.reconcile().differing
    assert {"any_lifetime_count", "any_last_at", STATE_AT} <= set(found.columns)


def test_what_a_file_brought_since_is_late_until_the_next_materialization(home: Home) -> None:
    home.file(_interaction("ann", 1), _interaction("bob", 1), _interaction("cem", 55))
    home.materialize()
    assert home.reconcile().late == 1  # cem became visible after the materialization
    home.file(_interaction("ann", 2))
    home.journal.append_interactions([_interaction("bob", 1)])  # posted as well, which the next compaction finds out
    home.journal.quarantine("test", "no customer", "{}", received_at=START)
    report = home.reconcile()
    assert (report.compared, report.equal, report.late, report.differing, report.quarantined) == (3, 0, 3, (), 1)
    home.materialize()
    assert (home.reconcile().equal, home.reconcile().late) == (2, 1)


def test_before_the_first_materialization_it_says_what_to_do_and_an_empty_home_is_equal(home: Home) -> None:
    with pytest.raises(StoreError, match="touchpoint materialize"):
        home.reconcile()
    home.materialize()
    assert home.reconcile() == ReconcileReport(0, 0, 0, (), 0)
