"""The feature store with the real Feast: offline rows, online rows and folds agree, whatever happens in between."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import Catalogue, parse_catalogue
from features.compaction import compact
from features.domain import Interaction, Kind, Stage
from features.errors import StoreError
from features.journal import Journal
from features.journal.rows import json_object
from features.lake import SCHEMAS, Lake
from features.settings import Settings, load_settings
from features.store import FeatureStore, definitions
from features.tables import KNOWN, POSITION, STATE_AT, State, all_columns, empty_state, fold, microseconds

START = datetime(2024, 1, 1, tzinfo=UTC)
UNTIL = START + timedelta(days=100)
CATALOGUE_TOML = """
[[touchpoints]]
name = "web.page"
stage = "consideration"
[[touchpoints]]
name = "email.offer"
stage = "retention"
recommendable = true
[traits.age]
type = "category"
categories = ["young", "old"]
"""
CATALOGUE: Catalogue = parse_catalogue(
    {
        "touchpoints": [
            {"name": "web.page", "stage": "consideration"},
            {"name": "email.offer", "stage": "retention", "recommendable": True},
        ],
        "traits": {"age": {"type": "category", "categories": ["young", "old"]}},
    }
)


def _interaction(customer_id: str, day: float, kind: str = "view", *, delay: float = 0.0, **more: Any) -> Interaction:
    at = START + timedelta(days=day)
    given = {"message_id": f"{customer_id}/{day}/{kind}/{delay}", "touchpoint": "web.page", "source": "test", **more}
    return Interaction(customer_id=customer_id, kind=Kind(kind), at=at, received_at=at + timedelta(days=delay), **given)


STREAM = [
    _interaction("ann", 1),
    _interaction("ann", 2, "purchase", value=20.0),
    _interaction("ann", 2, "contact", touchpoint="email.offer", stage=Stage.RETENTION),
    _interaction("ann", 9, "profile", traits={"age": "old"}),
    _interaction("ann", 3, "click", touchpoint="email.offer", delay=20),
    _interaction("bob", 5, "cart", value=7.5),
]


class Home:
    """One home folder with its lake, journal and store."""

    def __init__(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        (path / "catalogue.toml").write_text(CATALOGUE_TOML, encoding="utf-8")
        self.settings: Settings = load_settings(home=path)
        self.lake, self.store = Lake(self.settings.lake_path), FeatureStore(self.settings, CATALOGUE)
        self.journal = Journal(self.settings.effective_journal_url)
        self.journal.create()

    def post(self, *interactions: Interaction) -> None:
        self.journal.append_interactions(interactions)

    def file(self, *interactions: Interaction) -> None:
        """What an ingested file adds to the lake: rows without a journal position."""
        self.lake.append("interactions", _rows(interactions))

    def materialize(self, until: datetime = UNTIL) -> int:
        compact(self.journal, self.lake, batch=1000)
        return self.store.materialize(self.lake, until=until, on_progress=_quiet).customers

    def online(self, customer_id: str) -> State | None:
        return self.store.online_states([customer_id])[0]

    def folded(self, interactions: Sequence[Interaction], first_position: int = 1) -> State:
        state = empty_state(self.store.features)
        for position, each in enumerate(interactions, first_position):
            state = fold(self.store.features, state, each, position=position)
        return state


def _quiet(_: str) -> None:
    pass


def _rows(interactions: Sequence[Interaction]) -> pa.Table:
    plain = (
        "message_id",
        "customer_id",
        "touchpoint",
        "channel",
        "stage",
        "at",
        "received_at",
        "value",
        "metric",
        "score",
        "source",
    )
    rows = [
        {**{name: getattr(each, name) for name in plain}, "kind": each.kind.value, "traits": json_object(each.traits)}
        for each in interactions
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"])


def _us(day: float) -> int:
    return microseconds(START + timedelta(days=day))


def _assert_same(home: Home, found: Any, expected: State, *, position: bool = True) -> None:
    for column in all_columns(home.store.features):
        if column.name == POSITION and not position:
            continue
        value, wanted = found[column.name], expected[column.name]
        value = None if isinstance(value, float) and np.isnan(value) else value
        assert value == (pytest.approx(wanted, rel=1e-9, abs=1e-12) if isinstance(wanted, float) else wanted), column.name


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the stream posted and materialized; tests only read it."""
    home = Home(tmp_path_factory.mktemp("filled") / "home")
    home.post(*STREAM)
    assert home.materialize() == 2
    return home


def test_the_online_row_equals_the_training_row_and_the_fold(filled: Home) -> None:
    ann = [each for each in STREAM if each.customer_id == "ann"]
    expected = filled.folded(ann)
    _assert_same(filled, filled.online("ann"), expected)
    trained = filled.store.training_states(["ann"], np.array([_us(50)]))
    _assert_same(filled, {name: values[0] for name, values in trained.items()}, expected)


def test_training_rows_know_what_was_visible_then_and_come_in_the_order_asked(filled: Home) -> None:
    customers = ["bob", "ann", "nobody", "ann", "ann", "ann", "bob"]
    days = [50, 2.5, 50, 22.9, 2.5, 0.5, 1]  # the click of day 3 was received on day 23
    trained = filled.store.training_states(customers, np.array([_us(day) for day in days]))
    assert trained["any_lifetime_count"].tolist() == [1, 3, 0, 4, 3, 0, 0]
    assert trained[KNOWN].tolist() == [True, True, False, True, True, False, False]
    _assert_same(filled, {name: values[2] for name, values in trained.items()}, empty_state(filled.store.features))


def test_what_became_visible_at_the_very_time_is_in_and_one_microsecond_earlier_is_not(filled: Home) -> None:
    trained = filled.store.training_states(["ann", "ann"], np.array([_us(23), _us(23) - 1]))
    assert trained["kind_click_lifetime_count"].tolist() == [1, 0]
    same = filled.store.training_states(["ann"], np.array([_us(23)]).astype("datetime64[us]"))
    assert same["kind_click_lifetime_count"].tolist() == [1]


def test_a_contact_of_the_very_time_is_what_was_decided_then_and_not_what_was_known(filled: Home) -> None:
    trained = filled.store.training_states(["ann", "ann"], np.array([_us(2), _us(2) + 1]))
    assert trained["kind_contact_lifetime_count"].tolist() == [0, 1]


def test_no_training_rows_asked_gives_no_rows(filled: Home) -> None:
    trained = filled.store.training_states([], np.array([], dtype=np.int64))
    assert {len(values) for values in trained.values()} == {0} and KNOWN in trained


def test_a_customer_without_interactions_has_no_online_state(filled: Home) -> None:
    known = filled.store.online_states(["nobody", "bob", "ann"])
    assert known[0] is None
    assert [state and state["any_lifetime_count"] for state in known[1:]] == [1, 5]
    assert filled.store.online_states([]) == []


def test_feast_apply_in_the_repository_registers_the_same_objects(filled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from feast.repo_operations import parse_repo

    monkeypatch.setenv("TOUCHPOINT_HOME", str(filled.settings.home))
    monkeypatch.syspath_prepend(str(Path("feature_repo").absolute()))
    monkeypatch.chdir("feature_repo")
    repository = parse_repo(Path.cwd())
    customer, history, push, view, service = definitions(filled.store.features, filled.settings.feast_path)
    assert repository.feature_views == [view] and repository.feature_services == [service]
    assert customer in repository.entities and history in repository.data_sources and push in repository.data_sources


def test_materializing_again_writes_nothing(home: Home) -> None:
    home.post(*STREAM)
    assert home.materialize() == 2
    again = home.store.materialize(home.lake, until=UNTIL + timedelta(days=1), on_progress=_quiet)
    assert (again.history_rows, again.customers) == (None, 0)


def test_data_are_complete_until_the_files_end_not_until_the_clock(home: Home) -> None:
    home.file(*STREAM)
    home.post(_interaction("bob", 60, "view"))
    home.materialize()
    assert home.store.watermark() == START + timedelta(days=23)  # the click of day 3 that arrived 20 days late


def test_conversions_that_come_online_after_the_files_ended_show_that_nothing_is_missing(home: Home) -> None:
    home.file(*STREAM)
    home.post(_interaction("bob", 60, "purchase", value=1.0))
    home.materialize()
    assert home.store.watermark() is None


def test_without_files_all_is_complete_as_of_now(home: Home) -> None:
    home.post(*STREAM)
    home.materialize()
    assert home.store.watermark() is None


def test_a_file_of_older_interactions_reaches_the_online_store_and_only_whom_it_concerns(home: Home) -> None:
    home.post(*STREAM)
    home.materialize()
    old = _interaction("bob", -30, "purchase", value=5.0)
    home.file(old)
    assert home.materialize() == 1
    _assert_same(home, home.online("bob"), home.folded([old, STREAM[-1]]), position=False)


def test_the_online_row_and_the_journal_beyond_its_position_make_the_same_as_materializing(home: Home) -> None:
    home.post(*STREAM)
    home.materialize()
    home.post(_interaction("ann", 40, "purchase", value=3.0), _interaction("ann", 30, delay=15))
    state = home.online("ann")
    assert state is not None
    for position, each in home.journal.interactions_after("ann", int(state[POSITION] or 0)):
        state = fold(home.store.features, state, each, position=position)
    assert home.materialize() == 1
    _assert_same(home, home.online("ann"), state)


def test_an_interaction_dated_after_until_holds_back_the_later_positions_of_its_customer(home: Home) -> None:
    home.post(_interaction("ann", 1), _interaction("ann", 200), _interaction("ann", 2), _interaction("bob", 3))
    home.materialize()
    states = home.store.online_states(["ann", "bob"])
    assert [(state[POSITION], state["any_lifetime_count"]) for state in states if state] == [(1, 1), (4, 1)]
    assert home.materialize(UNTIL + timedelta(days=200)) == 1
    _assert_same(home, home.online("ann"), home.folded([_interaction("ann", day) for day in (1, 200, 2)]))


def test_an_older_push_does_nothing_and_a_newer_one_is_online(home: Home) -> None:
    home.post(*STREAM)
    home.materialize()
    there = home.online("bob")
    assert there is not None
    newer = fold(home.store.features, there, _interaction("bob", 6), position=9)
    assert home.store.push({"bob": newer}) == 1 and home.online("bob") == newer
    assert home.store.push({"bob": there}) == 0 and home.store.push({"bob": newer}) == 0
    assert home.store.push({"bob": {**newer, POSITION: 8, STATE_AT: _us(90)}}) == 0
    assert home.online("bob") == newer
    new = home.folded([STREAM[0]])
    assert home.store.push({"bob": there, "new": new}) == 1 and home.online("new") == new
    assert home.store.push({}) == 0


def test_a_lost_online_database_is_filled_again(home: Home) -> None:
    home.post(*STREAM)
    home.materialize()
    for lost in home.settings.feast_path.glob("online.db*"):
        lost.unlink()
    fresh = FeatureStore(home.settings, CATALOGUE)
    assert fresh.materialize(home.lake, until=UNTIL, on_progress=_quiet).customers == 2
    ann = [each for each in STREAM if each.customer_id == "ann"]
    _assert_same(home, fresh.online_states(["ann"])[0], home.folded(ann))


def test_another_feature_list_writes_everything_again(home: Home) -> None:
    home.post(*STREAM)
    home.materialize()
    other = FeatureStore(home.settings, CATALOGUE.model_copy(update={"traits": {}}))
    with pytest.raises(StoreError, match="catalogue in force"):
        other.training_states(["ann"], np.array([_us(1)]))
    report = other.materialize(home.lake, until=UNTIL, on_progress=_quiet)
    assert report.customers == 2 and report.history_rows is not None
    assert "trait_age" not in (other.online_states(["ann"])[0] or {})


def test_before_anything_is_materialized_the_store_says_what_to_do(home: Home) -> None:
    assert home.store.watermark() is None
    with pytest.raises(StoreError, match="run `touchpoint materialize`"):
        home.store.training_states(["ann"], np.array([0]))
    with pytest.raises(StoreError, match="run `touchpoint materialize`"):
        home.store.online_states(["ann"])


def test_an_empty_lake_materializes_to_nothing(home: Home) -> None:
    assert home.materialize() == 0
    assert home.online("ann") is None
    assert home.store.training_states(["ann"], np.array([_us(1)]))[KNOWN].tolist() == [False]


@pytest.mark.parametrize("moment", ["online states: 1,000", "online states: 1,200"])
def test_killed_at_any_moment_and_run_again_it_is_as_if_run_once(home: Home, moment: str) -> None:
    stream = [_interaction(f"customer{number}", number % 50) for number in range(1200)]
    home.file(*stream)
    died = subprocess.run([sys.executable, "-O", "-c", KILLED, str(home.settings.home), moment], timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL
    assert home.store.watermark() is None
    assert home.materialize() == 1200 and home.materialize() == 0
    states = home.store.online_states([each.customer_id for each in stream])
    for index in (0, 599, 1199):
        _assert_same(home, states[index], home.folded(stream[index : index + 1]), position=False)
    assert all(state is not None and state["any_lifetime_count"] == 1 for state in states)
    assert not list(home.settings.feast_path.glob("*.unfinished"))


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from datetime import datetime, UTC
    from features.settings import load_settings
    from features.workspace import Workspace

    def die(message):
        if message.startswith(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        workspace = Workspace(load_settings(home=sys.argv[1]))
        workspace.store.materialize(workspace.lake, until=datetime(2024, 5, 1, tzinfo=UTC), on_progress=die)
    """
)
