from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import Catalogue
from features.lake import SCHEMAS, Lake
from features.settings import Settings
from features.store import FeatureStore
from features.synthetic import World, make_world
from features.synthetic_records import records
from training.dataset import Dataset
from training.registry import Registry

START = datetime(2024, 1, 1, tzinfo=UTC)
WAVES = 4
UNTIL = START + timedelta(days=35 * WAVES + 1)
LOGGING = np.array([0.4, 0.15, 0.15, 0.15, 0.15])


@dataclass(frozen=True)
class Home:
    """A home whose lake and feature store hold a small synthetic world's logged history."""

    settings: Settings
    world: World
    lake: Lake
    store: FeatureStore
    start: datetime = START
    until: datetime = UNTIL

    @property
    def catalogue(self) -> Catalogue:
        return self.world.catalogue


def rows_of(items, table):
    """Domain records as rows of a lake table."""
    names = SCHEMAS[table].names
    rows = [{name: getattr(item, name, None) for name in names} for item in items]
    for row in rows:
        row |= {name: None for name in ("traits", "properties") if name in row}
        if "candidates" in row:
            row |= {"candidates": list(row["candidates"]), "received_at": row["at"]}
    return pa.Table.from_pylist(rows, schema=SCHEMAS[table])


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    rng = np.random.default_rng(7)
    world = make_world(300, rng=rng)
    history = records(world, start=START, waves=WAVES, logging_probabilities=LOGGING, rng=rng)
    lake = Lake(settings.lake_path)
    for table in ("interactions", "decisions", "outcomes"):
        lake.append(table, rows_of(getattr(history, table), table))
    store = FeatureStore(settings, world.catalogue)
    store.materialize(lake, until=UNTIL, on_progress=lambda line: None)
    return Home(settings, world, lake, store)


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A registry that tests may fill; each looks only at what it added."""
    return Registry(Settings(home=tmp_path_factory.mktemp("registry")))


def simulated(n=4000, *, seed=0, effect=0.15, features=6):
    """A log with one contact, whose effect has the sign of the fourth feature, chosen more often where the first is high."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features))
    contact = 1 / (1 + np.exp(-(-0.5 + x[:, 0])))
    probabilities = np.column_stack([1 - contact, contact])
    arm = (rng.random(n) < contact).astype(np.int64)
    propensity = np.clip(0.3 + 0.1 * x[:, 0] + effect * np.sign(x[:, 3]) * arm, 0.02, 0.98)
    conversion = (rng.random(n) < propensity).astype(np.float64)
    value = conversion * 40.0
    customers = np.array([f"c{row % (n // 2)}" for row in range(n)], dtype=object)
    return Dataset(
        arms=("none", "mail.offer"),
        feature_names=tuple(f"f{index}" for index in range(features)),
        decision_id=np.array([f"d{row}" for row in range(n)], dtype=object),
        customer_id=customers,
        at=np.arange(n, dtype=np.int64),
        wave=np.full(n, None, dtype=object),
        implied=np.zeros(n, dtype=bool),
        arm=arm,
        eligible=np.ones((n, 2), dtype=bool),
        probability=probabilities[np.arange(n), arm],
        estimated=np.zeros(n, dtype=bool),
        probabilities=probabilities,
        shared=np.zeros(n, dtype=bool),
        conversion=conversion,
        value=value,
        churned=1.0 - conversion,
        unsubscribed=np.zeros(n),
        reward=value * 0.5 - arm * 1.0,
        experiment=np.full(n, "treatment", dtype=object),
        features=x,
    )


@pytest.fixture(scope="session")
def log():
    return simulated()
