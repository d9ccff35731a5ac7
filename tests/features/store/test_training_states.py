"""Training rows: of whoever a customer was then, with what was known then, and equal to Feast's own point-in-time join."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.catalogue.identifiers import KNOWN_TYPES
from features.domain import Interaction
from features.identity.batch import identify
from features.instants import microseconds
from features.lake import SCHEMAS
from features.store.definitions import SERVICE, open_feast
from features.tables import KNOWN, TOTAL, all_columns

Make = Callable[..., Interaction]
COOKIE = "cookie:" + "c" * 32
MERGED, UNMERGED = 10, 20


def _link(home: Any, make: Make, day: float, action: str) -> None:
    at = make("", day).at
    row = {"link_id": f"{action}{day}", "left": "ann", "right": COOKIE, "action": action, "at": at, "received_at": at}
    home.lake.append("links", pa.Table.from_pylist([row | {"source": "test"}], schema=SCHEMAS["links"]))


def _identify(home: Any, make: Make) -> None:
    folder = home.settings.identity_path
    identify(home.lake, types=KNOWN_TYPES, folder=folder, now=make("", 90).at, on_progress=lambda line: None)


def _counts(home: Any, make: Make, asked: list[tuple[str, float]]) -> list[float]:
    times = np.array([microseconds(make("", day).at) for _, day in asked], dtype=np.int64)
    states = home.store.training_states([name for name, _ in asked], times)
    assert (states[KNOWN] == (states[TOTAL] > 0)).all()
    return [float(count) for count in states[TOTAL]]


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory, open_at: Callable[..., Any], make: Make) -> Any:
    """ann and a cookie, one customer from day 10 to day 20, with interactions before, between and after."""
    home = open_at(tmp_path_factory.mktemp("merged") / "home")
    home.add(make("ann", 1), make("ann", 16, "purchase", value=2.0), make("ann", 28))
    home.add(make(COOKIE, 2), make(COOKIE, 3, "purchase", value=8.0), make(COOKIE, 15), make(COOKIE, 25))
    _link(home, make, MERGED, "link")
    _link(home, make, UNMERGED, "unlink")
    _identify(home, make)
    home.materialize()
    return home


def test_before_a_merge_each_has_their_own_between_both_have_all_and_after_the_unmerge_each_their_own(
    merged: Any, make: Make
) -> None:
    before, between, after = MERGED - 0.5, UNMERGED - 0.5, 40
    asked = [(name, day) for day in (before, between, after) for name in ("ann", COOKIE, "nobody")]
    assert _counts(merged, make, asked) == [1, 2, 0, 5, 5, 0, 3, 4, 0]


def test_a_merged_row_is_the_fold_of_the_interactions_of_both(merged: Any, make: Make) -> None:
    at = make("", 17).at
    states = merged.store.training_states(["ann"], np.array([microseconds(at)]))
    together = [make("ann", 1), make("ann", 16, "purchase", value=2.0), make(COOKIE, 2), make(COOKIE, 15)]
    expected = merged.folded([*together, make(COOKIE, 3, "purchase", value=8.0)])
    for column in all_columns(merged.store.features):
        value = states[column.name][0]
        value = None if value is None or value != value else value
        wanted = expected[column.name]
        assert value == (pytest.approx(wanted, rel=1e-9, abs=1e-12) if isinstance(wanted, float) else wanted), column.name


def test_a_row_from_before_a_merge_stays_as_it_was_whatever_is_linked_or_happens_later(
    tmp_path: Path, open_at: Callable[..., Any], make: Make
) -> None:
    home = open_at(tmp_path / "home")
    home.add(make("ann", 1), make(COOKIE, 2), make(COOKIE, 3, delay=4))
    home.materialize()
    asked = [(name, day) for name in ("ann", COOKIE) for day in (1, 2.5, 5, 9)]
    before = _counts(home, make, asked)
    assert before == [1, 1, 1, 1, 0, 1, 1, 2]
    home.add(make("ann", 11), make(COOKIE, 12), make(COOKIE, 1, "click", delay=9.5))
    _link(home, make, MERGED, "link")
    _identify(home, make)
    home.materialize()
    assert _counts(home, make, asked) == before
    assert _counts(home, make, [("ann", 13), (COOKIE, 13)]) == [6, 6]


def test_feasts_own_point_in_time_join_over_the_history_gives_the_same_rows(
    tmp_path: Path, open_at: Callable[..., Any], make: Make
) -> None:
    home = open_at(tmp_path / "home")
    rng = np.random.default_rng(3)
    kinds = ["view", "purchase", "cart", "contact", "complaint", "profile"]
    stream = []
    for number in range(60):
        more = {"value": float(rng.integers(1, 99)), "sentiment": 0.3} if number % 2 else {"traits": {"age": "old"}}
        name, delay = f"c{number % 7}", float(rng.choice([0, 0, 3]))
        stream.append(make(name, number % 40, kinds[number % 6], delay=delay, message_id=f"m{number}", **more))
    home.add(*stream)
    home.materialize()
    asked = pd.DataFrame({"customer_id": [f"c{number % 8}" for number in range(50)], "row": range(50)})
    asked["event_timestamp"] = [pd.Timestamp(make("", float(day)).at + timedelta(hours=1)) for day in rng.integers(0, 50, 50)]
    feast = open_feast(home.settings.home, {})
    joined = feast.get_historical_features(entity_df=asked, features=feast.get_feature_service(SERVICE)).to_df()
    joined = joined.sort_values("row", ignore_index=True)
    ours = home.store.training_states(asked["customer_id"].to_numpy(), asked["event_timestamp"].dt.tz_localize(None).to_numpy())
    known = joined["state_at"].notna().to_numpy()
    assert 20 < known.sum() < 50 and (known == ours[KNOWN]).all()
    for column in all_columns(home.store.features):
        theirs = joined[column.name][known].to_numpy()
        if column.dtype == "text":
            assert ours[column.name][known].tolist() == theirs.tolist(), column.name
        else:
            np.testing.assert_allclose(ours[column.name][known], theirs.astype(float), rtol=1e-9, atol=1e-12)
