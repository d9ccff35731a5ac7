"""A world of customers of every sort, and runs over it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

from features.domain import Channel, Consent, ConsentStatus, Interaction, Kind
from serving.assembly import Assembly
from serving.batch import Asked, BatchReport, recommend_all
from serving.deciding.live import LoadedPolicy
from training.uplift import alike

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
CUSTOMERS = 60
RULES = """
[holdout]
share = 0.1

[experiment]
random = 0.15
propensity = 0.15
rules = 0.15
challenger = 0.15

[[conditions]]
stage = "suitable"
value = "trait.tier"
equals = "gold"
touchpoint = "email.news"

[[quiet_hours]]
start = 22:00:00
end = 08:00:00

[[consent]]
purpose = "marketing"
channel = "mail"
basis = "opt_in"
"""


@dataclass
class Ran:
    """What a run left."""

    report: BatchReport
    rows: dict[str, dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ran]:
    """Runs over everybody as of NOW; options are those of the question, or of `recommend_all`."""

    def ran(assembly: Assembly, *, at: datetime = NOW, customers: Path | None = None, **given: Any) -> Ran:
        file = tmp_path / "out.parquet"
        probabilities = given.pop("probabilities", False)
        report = recommend_all(
            assembly,
            file,
            Asked(**{"run": "night", **given}),
            now=at,
            customers=customers,
            probabilities=probabilities,
            on_progress=lambda message: None,
        )
        listed = parquet.read_table(file).to_pylist()
        rows = {row["customer_id"]: row for row in listed}
        assert len(rows) == len(listed) == report.customers
        return Ran(report, rows)

    return ran


@pytest.fixture
def world(with_rules: Any, make_policy: Any) -> Callable[..., Any]:
    """Assemblies over the world, with a policy of a kind in force."""

    def make(kind: str = "boosted", tables: str = RULES, **options: Any) -> Any:
        assembly = with_rules(tables, **options).bench.assembly
        populate(assembly)
        if kind == "priors":
            assembly.live.current = None
        if kind == "mean":
            policy = assembly.live.current.policy
            rows = np.random.default_rng(3).poisson(1.0, (50, len(policy.scorer.feature_names))).astype(np.float64)
            mean = replace(policy, scorer=alike(policy.scorer, rows, (0.0, 0.04, 0.01)))
            assembly.live.current = LoadedPolicy(mean, "3" * 64)
        if kind == "challenged":
            assembly.live.challenger = LoadedPolicy(make_policy("2", uplift=0.3), "2" * 64)
        return assembly

    return make


@pytest.fixture
def told() -> Callable[..., Interaction]:
    """Makes interactions, so many days before NOW."""
    return of


def populate(assembly: Assembly) -> None:
    """Sixty customers online, beside `ann` and `zoe` in the feature store, of whom more came online as well."""
    journal = assembly.workspace.journal
    told = [of(f"c{number}", number, Kind.PURCHASE, 3 + number % 40, value=10.0 + number) for number in range(CUSTOMERS)]
    told += [of(f"c{number}", 100 + number, Kind.CONTACT, number % 9, "mail.offer") for number in range(0, CUSTOMERS, 3)]
    told += [of(f"c{number}", 200 + number, Kind.CLICK, number % 9, "email.news") for number in range(0, CUSTOMERS, 6)]
    # found by a cookie as well; of those of whom a second customer_id has the same one, one customer is made
    told += [of(f"c{number}", 300 + number, Kind.VIEW, 2, also=(f"cookie:{number}",)) for number in range(10)]
    told += [of(f"cookie:{number}", 400 + number, Kind.VIEW, 1) for number in range(5)]
    told += [of("twin", 500 + number, Kind.PURCHASE, 4, also=(f"cookie:{number}",), value=9.0) for number in range(2)]
    told += [of("ann", 600, Kind.PURCHASE, 0.5, value=55.0), of("zoe", 601, Kind.VIEW, 0.1)]
    journal.append_interactions(told)
    journal.append_consents([said(f"c{number}", number) for number in range(0, CUSTOMERS, 4)] + [said("asked-only", 999)])


def of(
    customer_id: str,
    number: int,
    kind: Kind,
    days: float,
    touchpoint: str = "store.checkout",
    *,
    also: tuple[str, ...] = (),
    value: float | None = None,
) -> Interaction:
    at = NOW - timedelta(days=days, hours=1)
    return Interaction(
        message_id=f"m{number}",
        customer_id=customer_id,
        touchpoint=touchpoint,
        kind=kind,
        at=at,
        received_at=at,
        source="test",
        identifiers=also,
        value=value,
        traits={"age": str(20 + number % 50), "tier": "gold" if number % 2 else "basic"},
    )


def said(customer_id: str, number: int) -> Consent:
    at = NOW - timedelta(days=3)
    status = ConsentStatus.DENIED if number % 8 else ConsentStatus.GRANTED
    return Consent(
        message_id=f"s{number}",
        customer_id=customer_id,
        status=status,
        at=at,
        received_at=at,
        source="test",
        channel=Channel.MAIL,
    )
