"""A home with a real Feast store, a journal per test, and small real policies."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import Catalogue
from features.lake import SCHEMAS
from features.settings import Settings, load_settings
from features.tables import feature_list
from features.workspace import Workspace
from serving.assembly import Assembly, assemble
from serving.deciding.live import LoadedPolicy
from serving.http.application import create_application
from serving.http.metrics import Metrics
from training.arms import arm_columns
from training.calibration import Calibration, Link
from training.effects import Effects, Term
from training.models import MEAN, Predictor, fit_booster, with_trees
from training.policy import Policy
from training.sides import Sides
from training.uplift import UpliftScorer

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CATALOGUE = """
currency = "USD"
caps = [{ limit = 1, days = 7 }, { limit = 1, days = 30, touchpoint = "mail.offer" }]

[[touchpoints]]
name = "store.checkout"
stage = "purchase"

[[touchpoints]]
name = "survey.store"
stage = "retention"

[[touchpoints]]
name = "mail.offer"
stage = "retention"
recommendable = true
cost = 0.5
prior_uplift = 0.02

[[touchpoints]]
name = "email.news"
stage = "consideration"
recommendable = true
cost = 0.05

[traits.age]
type = "number"

[traits.tier]
type = "category"
categories = ["basic", "gold"]
"""


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class InForce:
    """A policy in force that a test sets."""

    current: LoadedPolicy | None = None


@dataclass
class Bench:
    """The parts of the service over one journal, without a process."""

    workspace: Workspace
    assembly: Assembly
    clock: Clock = field(default_factory=Clock)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose feature store knows `ann`, who bought for 40 and 60; its data end an hour before NOW, with what `zoe` did."""
    path = tmp_path_factory.mktemp("home")
    (path / "catalogue.toml").write_text(CATALOGUE, encoding="utf-8")
    workspace = Workspace(load_settings(home=path))
    bought = [("ann", 20.0, 40.0), ("ann", 5.0, 60.0), ("zoe", 1 / 24, 10.0)]
    rows = [_row(customer, NOW - timedelta(days=age), value) for customer, age, value in bought]
    workspace.lake.append("interactions", pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"]))
    workspace.store.materialize(workspace.lake, until=NOW, on_progress=lambda message: None)
    return path


@pytest.fixture(scope="session")
def catalogue(home: Path) -> Catalogue:
    return Workspace(load_settings(home=home)).catalogue


@pytest.fixture(scope="session")
def shared(home: Path) -> Workspace:
    """One feature store for all tests of this folder: Feast's caches are global."""
    return Workspace(load_settings(home=home))


@pytest.fixture
def settings(home: Path, tmp_path: Path) -> Settings:
    return load_settings(home=home, journal_url=f"sqlite:///{tmp_path / 'journal.db'}", seed=7)


@pytest.fixture
def bench(settings: Settings, shared: Workspace, make_policy: Callable[..., Policy]) -> Iterator[Bench]:
    """The service's parts, with policy version 1 in force."""
    workspace = Workspace(settings)
    workspace.store = shared.store
    assembly = assemble(workspace)
    assembly.live.current = LoadedPolicy(make_policy("1"), "0" * 64)
    yield Bench(workspace, assembly)
    workspace.journal.close()


@pytest.fixture(scope="session")
def make_policy(catalogue: Catalogue) -> Callable[..., Policy]:
    """Policies with real boosters; `uplift` is that of mail.offer, more for who bought more."""
    names = [feature.name for feature in feature_list(catalogue)]
    scorers: dict[float, UpliftScorer] = {}

    def make(version: str, *, uplift: float = 0.1) -> Policy:
        if uplift not in scorers:
            scorers[uplift] = _scorer(catalogue.arms, names, uplift)
        return Policy.of(catalogue, scorers[uplift], name="touchpoint-policy", version=version)

    return make


def _scorer(arms: tuple[str, ...], names: list[str], uplift: float) -> UpliftScorer:
    rng = np.random.default_rng(1)
    features = rng.poisson(1.0, size=(400, len(names))).astype(np.float64)
    bought = features[:, names.index("kind_purchase_lifetime_count")]
    arm = rng.integers(0, 2, size=(400, len(arms) - 1)).astype(np.float64)
    with_arms, columns = np.hstack([features, arm]), arm_columns(tuple(names), arms)

    def fitted(label: np.ndarray, inputs: np.ndarray, named: list[str]) -> Predictor:
        booster = fit_booster(inputs, label, recipe=with_trees(MEAN, 10), seed=1, names=named)
        return Predictor(booster, Calibration(Link.IDENTITY, 1.0, 0.0))

    nothing = (0.0,) * len(arms)
    particular = Term(fitted(0.02 * bought, with_arms, columns).model, weights=(0.0, 1.0, 1.0))
    return UpliftScorer(
        arms,
        tuple(names),
        conversion=fitted(np.full(400, 0.2) + 0.01 * bought, with_arms, columns),
        effects=Effects(arms, (particular,), offsets=(0.0, uplift, 0.0), centres=nothing, slope=1.0),
        sides=Sides(
            {
                "value": fitted(np.full(400, 200.0) + bought, features, names),
                "churn": fitted(np.full(400, 0.1) + 0.001 * bought, features, names),
            },
            {"churn_change": nothing, "unsubscribe": nothing, "contact_columns": ()},
        ),
    )


def _row(customer_id: str, at: datetime, value: float) -> dict[str, object]:
    return {
        "message_id": f"{customer_id}-{at.isoformat()}",
        "customer_id": customer_id,
        "touchpoint": "store.checkout",
        "channel": "store",
        "kind": "purchase",
        "stage": "purchase",
        "at": at,
        "received_at": at,
        "value": value,
        "traits": '{"age":"41","tier":"gold"}',
        "source": "test",
    }


@pytest.fixture
def with_rules(
    settings: Settings, shared: Workspace, make_policy: Callable[..., Policy], tmp_path: Path
) -> Iterator[Callable[..., "Client"]]:
    """Makes clients of a service whose catalogue has further keys, and further tables at its end, or no caps.

    Policy version 1 is in force, or the priors, where the catalogue has other arms than it knows.
    """
    journals = []

    def make(tables: str = "", *, keys: str = "", caps: bool = True, **chosen: object) -> Client:
        path = tmp_path / "catalogue.toml"
        rest = CATALOGUE if caps else "\n".join(line for line in CATALOGUE.splitlines() if not line.startswith("caps"))
        path.write_text(f"{keys}\n{rest}\n{tables}", encoding="utf-8")
        workspace = Workspace(settings.model_copy(update={"catalogue": path, **chosen}))
        workspace.store = shared.store
        assembly = assemble(workspace)
        known = make_policy("1")
        if known.arms == workspace.catalogue.arms:
            policy = Policy.of(workspace.catalogue, known.scorer, name=known.name, version=known.version)
            assembly.live.current = LoadedPolicy(policy, "0" * 64)
        journals.append(workspace.journal)
        return Client(Bench(workspace, assembly), workspace.settings)

    yield make
    for journal in journals:
        journal.close()


@pytest.fixture
def client(bench: Bench) -> "Client":
    """Calls the whole application as a server would, without one; at NOW unless the test moves the clock."""
    return Client(bench, bench.workspace.settings)


class Client:
    """Synchronous calls over ASGI."""

    def __init__(self, bench: Bench, settings: Settings) -> None:
        self.bench = bench
        self.metrics = Metrics()
        self.app = create_application(bench.assembly.desk(self.metrics, clock=bench.clock), self.metrics, settings)

    def call(self, method: str, path: str, **options: object) -> httpx.Response:
        async def called() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as caller:
                return await caller.request(method, path, **options)

        return asyncio.run(called())

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, json: object = None, **options: object) -> httpx.Response:
        return self.call("POST", path, **({"json": json} if json is not None else {}), **options)
