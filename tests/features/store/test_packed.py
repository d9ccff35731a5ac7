"""Feast's own interface reads and writes the very rows that the service does, and gives what Feast's own stores would."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features.domain import Interaction
from features.errors import StoreError
from features.store import definitions
from features.store.definitions import PUSH, SERVICE, TABLE, VIEW, entity_key, open_feast
from features.store.packing import Layout
from features.tables import STATE_AT, State, all_columns
from features.tables.frames import frame

Make, Open = Callable[..., Interaction], Callable[..., Any]


def _stream(make: Make) -> list[Interaction]:
    bought = [make("ann", 1, "purchase", value=8.0, sentiment=0.5), make("ann", 2, "profile", traits={"age": "old"})]
    return [*bought, make("bob", 3), make("käthe", 4, "cart", value=1.5)]


def _feast(home: Any) -> Any:
    return open_feast(home.settings.home, home.store._registered.rows.configuration)


def _by_feast(feast: Any, names: list[str]) -> list[State | None]:
    service = feast.get_feature_service(SERVICE)
    answer = feast.get_online_features(features=service, entity_rows={"customer_id": names}).to_dict()
    del answer["customer_id"]
    rows = [{name: values[index] for name, values in answer.items()} for index in range(len(names))]
    return [None if row[STATE_AT] is None else row for row in rows]


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, open_at: Open, make: Make) -> Any:
    """A home on each online store; tests only add to it."""
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None
    where = None if server is None else server.url.replace("/3", "/5")
    home = open_at(tmp_path_factory.mktemp("filled") / "home", online_store=where)
    home.add(*_stream(make), position=1)
    home.materialize()
    return home


def test_feast_gives_the_very_values_that_the_service_reads(filled: Any) -> None:
    names = ["ann", "nobody", "käthe", "bob", "ann"]
    found = _by_feast(_feast(filled), names)
    assert found == filled.store.online_states(names)
    assert found[1] is None and found[0] is not None and found[0] == found[4]


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_the_states_are_those_that_feasts_own_store_would_give(
    kind: str, redis_server: Any, tmp_path: Path, open_at: Open, make: Make
) -> None:
    home, stream = open_at(tmp_path / "home"), _stream(make)
    states = {name: home.folded([each for each in stream if each.customer_id == name], 1) for name in ("ann", "bob", "käthe")}
    where = {"connection_string": redis_server.url.partition("//")[2].replace("/3", ",db=4")}
    stock = {"type": kind, **(where if kind == "redis" else {"path": str(tmp_path / "stock.db")})}
    (tmp_path / "stock" / "feast").mkdir(parents=True)
    feast = open_feast(tmp_path / "stock", stock)
    feast.apply(list(definitions(home.store.features, tmp_path / "stock" / "feast")))
    feast.push(PUSH, frame(all_columns(home.store.features), states))
    home.store.apply()
    assert home.store.push(states) == 3
    assert home.store.online_states([*states, "nobody"]) == _by_feast(feast, [*states, "nobody"])


def test_what_feast_writes_is_read_by_the_service_and_after_its_teardown_all_is_written_again(home: Any, make: Make) -> None:
    home.add(*_stream(make), position=1)
    home.materialize()
    names, columns = ["ann", "bob", "käthe"], all_columns(home.store.features)
    expected = home.store.online_states(names)
    home.store._registered.rows.drop(TABLE)
    feast = _feast(home)
    feast.apply(list(definitions(home.store.features, home.settings.feast_path)))
    assert home.online("ann") is None
    feast.materialize(start_date=make("", 0).at, end_date=make("", 3.5).at)
    assert home.store.online_states(names) == [*expected[:2], None]
    feast.materialize_incremental(end_date=make("", 50).at)
    assert home.store.online_states(names) == expected
    newer = home.folded([make("ann", day) for day in (1, 2, 60)], 9)
    feast.push(PUSH, frame(columns, {"ann": newer}))
    feast.write_to_online_store(VIEW, frame(columns, {"new": newer}))
    assert home.store.online_states(["ann", "new"]) == [newer, newer] == _by_feast(feast, ["ann", "new"])
    feast.teardown()
    _feast(home).apply(list(definitions(home.store.features, home.settings.feast_path)))  # by hand, before anything of ours
    assert home.materialize() == 3 and home.store.online_states([*names, "new"]) == [*expected, None]


def test_a_row_of_another_catalogue_is_read_by_name_until_it_is_written_again(
    home: Any, open_at: Open, make: Make, fields: dict[str, Any]
) -> None:
    home.add(*_stream(make))
    home.materialize()
    path, where, before = home.settings.home, home.settings.online_store, home.online("ann")
    changed = open_at(path, online_store=where, fields={**fields, "traits": {"size": {"type": "number"}}})
    changed.store.apply()
    there = changed.online("ann")
    assert there.keys() == {column.name for column in all_columns(changed.store.features)} and "trait_age" in before
    assert there == {name: before.get(name) for name in there} and there["trait_size"] is None
    assert changed.store.push({"ann": there}) == 0
    assert changed.materialize() == 3
    still = home.online("ann")  # of a service that has not been started again
    assert still == {**{name: changed.online("ann").get(name) for name in before}}


def test_a_row_of_a_layout_that_nobody_registered_is_an_error(home: Any) -> None:
    home.store.apply()
    home.store._registered.rows.write(TABLE, [(entity_key("ann"), Layout({"other": "int"}).pack(0, {"other": 1}))])
    with pytest.raises(StoreError, match="nobody registered"):
        home.online("ann")
    with pytest.raises(StoreError, match="nobody registered"):
        _by_feast(_feast(home), ["ann"])


def test_columns_that_cannot_be_packed_are_refused_when_they_are_registered(tmp_path: Path) -> None:
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Bool

    (tmp_path / "feast").mkdir()
    source = FileSource(name="source", path=str(tmp_path / "rows.parquet"), timestamp_field="at")
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="other", entities=[customer], schema=[Field(name="is_new", dtype=Bool)], source=source, ttl=timedelta(0)
    )
    with pytest.raises(StoreError, match=r"other\.is_new is Bool"):
        open_feast(tmp_path, {}).apply([customer, view])


def test_states_are_read_and_pushed_without_importing_feast(home: Any, make: Make, fields: dict[str, Any]) -> None:
    home.add(*_stream(make))
    home.materialize()
    died = subprocess.run(
        [sys.executable, "-c", READER, str(home.settings.home), str(home.settings.online_store), json.dumps(fields)]
    )
    assert died.returncode == 0


READER = """
import json, sys
from pathlib import Path
from features.catalogue import parse_catalogue
from features.settings import Settings
from features.store import FeatureStore

settings = Settings(home=Path(sys.argv[1]), online_store=None if sys.argv[2] == "None" else sys.argv[2])
store = FeatureStore(settings, parse_catalogue(json.loads(sys.argv[3])))
store.apply()
(state,) = store.online_states(["ann"])
if not state or store.push({"new": state}) != 1 or store.online_states(["new"]) != [state] or "feast" in sys.modules:
    sys.exit(1)
"""
