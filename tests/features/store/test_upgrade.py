"""Homes whose online rows Feast's own stores wrote, one value at a time, as it was before rows were packed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from features.domain import Interaction
from features.errors import StoreError
from features.store import FeatureStore, definitions
from features.store.definitions import PUSH, open_feast
from features.tables import all_columns
from features.tables.frames import frame

Make = Callable[..., Interaction]
END = datetime(2024, 4, 10, tzinfo=UTC)


@pytest.fixture
def earlier(home: Any, make: Make) -> Any:
    """A home as the version before would have left it, with what its customers' states are."""
    home.add(make("ann-0815", 1), make("bob-0815", 2, "purchase", value=3.0))
    home.materialize()
    folder, names = home.settings.feast_path, ["ann-0815", "bob-0815"]
    states = dict(zip(names, home.store.online_states(names), strict=True))
    for path in [folder / "registry.db", *folder.glob("online.db*")]:
        path.unlink(missing_ok=True)
    for record in (folder / "applied.json", folder / "materialized.json"):
        told = json.loads(record.read_text())
        record.write_text(json.dumps({name: value for name, value in told.items() if name != "format"}))
    feast = open_feast(home.settings.home, _stock(home))
    feast.apply(list(definitions(home.store.features, folder)))
    feast.push(PUSH, frame(all_columns(home.store.features), states))
    return home


def _stock(home: Any) -> dict[str, Any]:
    if home.settings.online_store is None:
        return {"type": "sqlite", "path": str(home.settings.feast_path / "online.db")}
    client = home.store._registered.rows._client
    client.flushdb()
    client.set("touchpoint:set_up", 1)
    return {"type": "redis", "connection_string": home.settings.online_store.partition("//")[2].replace("/3", ",db=3")}


def _opened(home: Any, fields: dict[str, Any]) -> FeatureStore:
    from features.catalogue import parse_catalogue

    return FeatureStore(home.settings, parse_catalogue(fields))


def test_rows_of_the_version_before_are_not_read_until_all_are_written_again(earlier: Any, fields: dict[str, Any]) -> None:
    store = _opened(earlier, fields)
    with pytest.raises(StoreError, match="run `touchpoint materialize`"):
        store.online_states(["ann-0815"])
    store.apply()  # as the service does when it starts
    for call in (lambda: store.online_states(["ann-0815"]), lambda: store.push({})):
        with pytest.raises(StoreError, match="run `touchpoint materialize`"):
            call()
    assert store.materialize(earlier.lake, until=END, on_progress=lambda line: None).customers == 2
    assert store.online_states(["ann-0815", "nobody"])[1] is None and store.online_states(["bob-0815"])[0] is not None
    if earlier.settings.online_store is not None:
        client = store._registered.rows._client
        assert not [key for key in client.scan_iter() if client.type(key) == b"hash" and key != b"touchpoint:layouts"]


def test_who_is_erased_before_is_in_no_file_and_no_key_either(earlier: Any, fields: dict[str, Any]) -> None:
    store = _opened(earlier, fields)
    assert store.erase(["ann-0815"]) == 2  # one in the history and one online
    assert b"ann-0815" not in earlier.files()
    if earlier.settings.online_store is not None:
        keys = b"".join(store._registered.rows._client.keys())
        assert b"ann-0815" not in keys and b"bob-0815" in keys
