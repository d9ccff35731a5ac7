"""A home to measure the online path on: thirty touchpoints, every kind of rule, customers with a past, a champion of 200 trees.

Nothing is learnt: boosters are fitted to noise, over the customers' own features, to exactly as many trees, and registered as
`touchpoint retrain` would. So customers differ in the branches that they take.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.compaction import compact
from features.domain import Channel, Consent, ConsentStatus, Interaction, Kind
from features.lake import SCHEMAS
from features.settings import load_settings
from features.store import FeatureStore
from features.tables import matrix, read, stacked
from features.workspace import Workspace
from training.arms import arm_columns, with_arms
from training.artifact import Provenance, write_artifact
from training.calibration import Calibration, Link
from training.effects import Effects, Term
from training.models import MEAN, Booster, Predictor, fit_booster, with_trees
from training.policy import Policy
from training.registry import Registry
from training.sides import Sides
from training.uplift import UpliftScorer

Floats = NDArray[np.float64]

TREES = 200
CHANNELS = ("email", "sms", "push", "web", "mail")
EACH = 6
PAST_KINDS = ("view", "visit", "cart", "purchase")
PLACES = {"view": "web.product_page", "visit": "store.visit", "cart": "web.cart", "purchase": "store.checkout"}
SEED = 6
_AT_ONCE = 20_000  # customers whose past is made before it is written
_KNOWN_BY_MODELS = 20_000

_HEAD = """
currency = "USD"

[objective]
margin = 0.4
fatigue_cost = 0.01

[holdout]
share = 0.02

[channels.sms]
needs = ["phone"]

[traits.age]
type = "number"

[traits.tier]
type = "category"
categories = ["basic", "silver", "gold"]
"""

_RULES = """
[[caps]]
limit = 60
days = 28

[[caps]]
channel = "email"
limit = 6
days = 7

[[cooldowns]]
channel = "sms"
hours = 12
after = "mail"

[[suppressions]]
channel = "push"
ignored = 8
within_days = 60
days = 7

[[exclusions]]
touchpoints = ["mail.offer_0", "email.offer_0"]
days = 7

[[quiet_hours]]
channel = "sms"
start = "03:00"
end = "04:00"
zone = "Europe/Berlin"

[[conditions]]
channel = "mail"
value = "trait.age"
at_least = 18

[[conditions]]
touchpoint = "email.offer_1"
stage = "applicable"
value = "kind_view_lifetime_count"
at_least = 1

[[budgets]]
channel = "mail"
money = 100000000
paced = false

[[levers]]
channel = "web"
weight = 1.1

[[consent]]
purpose = "marketing"
channel = "push"
basis = "opt_in"
"""


@dataclass(frozen=True, slots=True)
class Home:
    """A home and what the bare peers need of it.

    Attributes
    ----------
    rows : shape (customers, features), the feature values of the first customers, of all where they are 20,000 at most.
    boosters : by name, each with the number of rows that one decision of the policy predicts with it.
    """

    path: Path
    customers: Sequence[str]
    feature_names: tuple[str, ...]
    rows: Floats
    boosters: dict[str, tuple[Booster, int]]


def make_home(folder: Path, customers: int, *, on_progress: Callable[[str], None] = lambda words: None) -> Home:
    """Make the home in a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catalogue.toml").write_text(catalogue_text(), encoding="utf-8")
    now, rng = datetime.now(UTC), np.random.default_rng(SEED)
    names = [f"customer-{number:06d}" for number in range(customers)]
    workspace = Workspace(load_settings(home=folder))
    on_progress(f"{customers:,} customers: their past")
    for start in range(0, customers, _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        workspace.lake.append("interactions", _past(some, now, rng))
        workspace.journal.append_interactions(_contacts(some, now, rng))
        workspace.journal.append_consents(_consents(some, now))
    compact(workspace.journal, workspace.lake, batch=20_000)
    workspace.store.materialize(workspace.lake, until=now, on_progress=on_progress)
    on_progress("models")
    rows = _rows(workspace.store, names[:_KNOWN_BY_MODELS], now)
    boosters = _register(workspace, rows, now)
    workspace.journal.close()
    return Home(folder, names, tuple(feature.name for feature in workspace.store.features), rows, boosters)


def catalogue_text() -> str:
    """Thirty touchpoints that the brand can start, four others, and rules of every kind."""
    start = [
        f'[[touchpoints]]\nname = "{channel}.offer_{number}"\nstage = "consideration"\nrecommendable = true\n'
        f"cost = {0.01 * (1 + number)}\nprior_uplift = 0.01\n"
        for channel in CHANNELS
        for number in range(EACH)
    ]
    others = [f'[[touchpoints]]\nname = "{name}"\nstage = "purchase"\n' for name in PLACES.values()]
    return "\n".join([_HEAD, *start, *others, _RULES])


def _past(names: Sequence[str], now: datetime, rng: np.random.Generator) -> pa.Table:
    """What files told of the last half year: eight interactions of each customer, one of them with traits."""
    rows = []
    for name in names:
        ages, spends = rng.uniform(1.0, 180.0, 8), rng.gamma(4.0, 15.0, 8)
        for number, (age, spend) in enumerate(zip(ages, spends, strict=True)):
            kind, at = PAST_KINDS[int(rng.integers(4))], now - timedelta(days=float(age))
            row = {"message_id": f"{name}-{number}", "customer_id": name, "touchpoint": PLACES[kind], "kind": kind}
            row |= {"channel": PLACES[kind].partition(".")[0], "stage": "purchase", "at": at, "received_at": at}
            row |= {"value": float(spend) if kind == "purchase" else None, "source": "shop"}
            rows.append(row | ({"traits": f'{{"age":"{20 + len(rows) % 50}","tier":"gold"}}'} if number == 0 else {}))
    return pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"])


def _contacts(names: Sequence[str], now: datetime, rng: np.random.Generator) -> list[Interaction]:
    """What the journal knows: three contacts of each customer, one of them answered; every second has a telephone as well."""
    told = []
    for index, name in enumerate(names):
        phone = (f"phone:{hashlib.sha256(name.encode()).hexdigest()[:32]}",) if index % 2 else ()
        for number, age in enumerate(rng.uniform(2.0, 28.0, 3)):
            place, at = f"{CHANNELS[int(rng.integers(5))]}.offer_{int(rng.integers(EACH))}", now - timedelta(days=float(age))
            told.append(_told(f"{name}-contact-{number}", name, place, Kind.CONTACT, at, phone))
        told.append(_told(f"{name}-open", name, place, Kind.OPEN, at + timedelta(hours=1), phone))
    return told


def _told(message_id: str, name: str, place: str, kind: Kind, at: datetime, also: tuple[str, ...]) -> Interaction:
    return Interaction(
        message_id=message_id,
        customer_id=name,
        touchpoint=place,
        kind=kind,
        at=at,
        received_at=at,
        source="mailer",
        identifiers=also,
    )


def _consents(names: Sequence[str], now: datetime) -> list[Consent]:
    """Everybody but each tenth wants push messages; each tenth wants no mail."""
    at = now - timedelta(days=30)

    def said(name: str, channel: Channel, status: ConsentStatus) -> Consent:
        given = {"message_id": f"{name}-{channel}", "customer_id": name, "status": status, "at": at, "received_at": at}
        return Consent(**given, source="app", channel=channel)

    return [
        said(name, Channel.PUSH, ConsentStatus.GRANTED) if index % 10 else said(name, Channel.MAIL, ConsentStatus.DENIED)
        for index, name in enumerate(names)
    ]


def _register(workspace: Workspace, rows: Floats, now: datetime) -> dict[str, tuple[Booster, int]]:
    """Make the champion; give its boosters."""
    catalogue, names = workspace.catalogue, tuple(feature.name for feature in workspace.store.features)
    arms, columns, rng = catalogue.arms, arm_columns(names, catalogue.arms), np.random.default_rng(SEED)
    wide = with_arms(rows, rng.integers(len(arms), size=len(rows)), arms)
    conversion, effects = _booster(wide, columns, rng), _booster(wide, columns, rng)
    sides = {name: _booster(rows, list(names), rng) for name in ("churn", "value")}
    nothing = (0.0,) * len(arms)
    predicted = {name: Predictor(booster, Calibration(Link.IDENTITY, 0.05, 0.3)) for name, booster in sides.items()}
    numbers = {"churn_change": nothing, "unsubscribe": nothing, "contact_columns": ()}
    term = Term(effects, weights=(0.0, *(1.0 for _ in arms[1:])), against_none=True)
    scorer = UpliftScorer(
        arms,
        names,
        conversion=Predictor(conversion, Calibration(Link.IDENTITY, 0.02, 0.2)),
        effects=Effects(arms, (term,), offsets=(0.0, *(0.02 for _ in arms[1:])), centres=nothing, slope=0.01),
        sides=Sides(predicted, numbers),
    )
    policy = Policy.of(catalogue, scorer, name="touchpoint-policy", version="0")
    folder, registry = workspace.settings.home / "policy", Registry(workspace.settings)
    known = Provenance(fingerprint="online", catalogue_version=catalogue.version, created_at=now, trained_until=now)
    write_artifact(folder, policy, known)
    with registry.run("online") as run_id:
        registry.promote(registry.register_policy(run_id, folder, fingerprint="online").version)
    every = {"conversion": (conversion, 1), "effects": (effects, len(arms))}
    return every | {name: (booster, 1) for name, booster in sides.items()}


def _booster(features: Floats, names: list[str], rng: np.random.Generator) -> Booster:
    """One of exactly so many trees."""
    return fit_booster(features, rng.normal(size=len(features)), recipe=with_trees(MEAN, TREES), seed=SEED, names=names)


def _rows(store: FeatureStore, names: Sequence[str], now: datetime) -> Floats:
    """Every customer's feature values, as of now."""
    at, parts = int(now.timestamp() * 1e6), []
    for start in range(0, len(names), 1_000):
        states = [state for state in store.online_states(names[start : start + 1_000]) if state is not None]
        values = read(store.features, stacked(store.features, states), np.full(len(states), at, dtype=np.int64))
        parts.append(matrix(store.features, values))
    return np.vstack(parts)
