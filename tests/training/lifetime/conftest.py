"""Customers of the BG/NBD world, whose parameters are known; the usual sample of CDNOW; small histories as a look."""

import gzip
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import Catalogue
from features.insights.look import Look
from features.insights.period import Period
from features.lake import SCHEMAS, Lake
from training.lifetime.transactions import Transactions

START = datetime(2025, 1, 1, tzinfo=UTC)
GAPS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Cdnow:
    """Customers of the usual sample: calibration of 39 weeks, then 39 weeks of holdout; times in weeks."""

    repeats: np.ndarray
    recency: np.ndarray
    age: np.ndarray
    later: np.ndarray
    mean_spend: np.ndarray

    @property
    def transactions(self) -> Transactions:
        return Transactions(repeats=self.repeats, recency=self.recency, age=self.age, count=np.ones(len(self.age)))


@pytest.fixture(scope="session")
def cdnow(public_data):
    """CDNOW as the papers use it.

    `cdnow_sample.txt` names their 2,357 customers by the gaps between master customer_ids, one base-36 digit each: of those who
    bought once within 39 weeks it is every tenth in the order of first week and customer_id; of the others no order makes it so.
    """
    text = (Path(__file__).parent / "cdnow_sample.txt").read_text().replace("\n", "")
    chosen = {f"{number:05d}" for number in np.cumsum([GAPS.index(gap) for gap in text])}
    spent = defaultdict(Counter)
    with gzip.open(public_data("cdnow/CDNOW_master.txt.gz"), "rt") as file:
        next(file)
        for customer, day, _, money in map(str.split, file):
            if customer in chosen:
                spent[customer][date.fromisoformat(day).toordinal()] += float(money)
    return _summed(spent, end=date(1997, 9, 30).toordinal())


def _summed(spent, *, end):
    rows = []
    for customer in sorted(spent):
        days = sorted(day for day in spent[customer] if day <= end)
        money = [spent[customer][day] for day in days[1:]]
        later = len(spent[customer]) - len(days)
        rows.append((len(days) - 1, (days[-1] - days[0]) / 7, (end - days[0]) / 7, later, np.mean(money) if money else 0.0))
    return Cdnow(*np.array(rows, dtype=float).T)


def buyers(n, *, r, alpha, a, b, until, rng):
    """Purchase times of n customers of the BG/NBD world, as customer and time, each beginning anywhere before `until`."""
    start, rate, going = rng.uniform(0, until, n), rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    customers, times, now, left = [np.arange(n)], [start], start.copy(), np.arange(n)
    while len(left):
        now[left] += rng.exponential(1 / rate[left])
        left = left[now[left] < until]
        customers.append(left)
        times.append(now[left])
        left = left[rng.random(len(left)) >= going[left]]
    return np.concatenate(customers), np.concatenate(times)


def transactions_of(customers, times, *, until):
    """Their frequency, recency and age, in continuous time, as of `until`."""
    kept = times < until
    customers, times = customers[kept], times[kept]
    n = customers.max() + 1
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, customers, times)
    np.maximum.at(last, customers, times)
    seen = np.isfinite(first)
    repeats = np.bincount(customers, minlength=n)[seen] - 1.0
    order = np.argsort(repeats, kind="stable")  # faster, as the documentation says
    columns = {"repeats": repeats, "recency": (last - first)[seen], "age": until - first[seen], "count": np.ones(seen.sum())}
    return Transactions(**{name: values[order] for name, values in columns.items()}), seen


@pytest.fixture(scope="session")
def world():
    """Draws buyers, and sums them."""
    return buyers, transactions_of


CATALOGUE = Catalogue.model_validate(
    {
        "objective": {"churn_days": 60, "margin": 0.5},
        "touchpoints": [
            {"name": "store.checkout", "stage": "purchase", "message_class": "transactional"},
            {"name": "mail.offer", "stage": "retention", "recommendable": True, "cost": 2.0},
        ],
    }
)


def look_at(lake, *, days, until, catalogue=CATALOGUE, known=None, **given):
    """A look at the last days before a day after the start."""
    end = START + timedelta(days=until)
    known_until = end if known is None else START + timedelta(days=known)
    return Look(lake=lake, catalogue=catalogue, period=Period.last(days, until=end), now=end, known_until=known_until, **given)


def interactions(told):
    """(customer, day, kind, value) as rows of the lake."""
    rows = []
    for number, (customer, day, kind, value) in enumerate(told):
        touchpoint = {"purchase": "store.checkout", "contact": "mail.offer"}.get(kind, "web.product_page")
        at = START + timedelta(days=float(day))
        known = {"message_id": f"m{number}", "customer_id": customer, "touchpoint": touchpoint, "kind": kind, "value": value}
        rows.append(known | {"channel": touchpoint.split(".")[0], "at": at, "received_at": at, "source": "test"})
    return pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"])


@pytest.fixture
def look(tmp_path):
    """Makes a look at a told history."""

    def made(told, *, days=90, until=300, **given):
        lake = Lake(tmp_path / "lake")
        if told:
            lake.append("interactions", interactions(told))
        return look_at(lake, days=days, until=until, **given)

    return made


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """A shop with 1,500 customers of the BG/NBD world who spend by the gamma-gamma model, and mails to some of them."""
    rng = np.random.default_rng(5)
    customers, times = buyers(1500, r=1.0, alpha=40.0, a=0.8, b=4.0, until=360.0, rng=rng)
    means = 6.0 * rng.gamma(6.0, 1.0, 1500) ** -1 * 5 * 10.0
    told = [(f"c{c}", t, "purchase", float(means[c] * rng.gamma(6.0) / 6.0)) for c, t in zip(customers, times, strict=True)]
    told += [(f"c{c}", t, "contact", None) for c, t in zip(rng.integers(0, 1700, 2000), rng.uniform(0, 360, 2000), strict=True)]
    told += [(f"c{c}", t, "view", None) for c, t in zip(rng.integers(0, 1700, 1500), rng.uniform(0, 360, 1500), strict=True)]
    lake = Lake(tmp_path_factory.mktemp("shop") / "lake")
    lake.append("interactions", interactions(told))
    return look_at(lake, days=180, until=360)
