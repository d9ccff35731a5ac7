"""A town in which nothing is wrong, as a lake; tests plant one problem each."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.insights import Period
from features.insights.look import Look
from features.lake import SCHEMAS, Lake

END = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 240.0
PLACES = {
    "awareness": ["web.home", "web.blog", "web.press"],
    "consideration": ["web.search", "web.product_page", "web.compare"],
    "purchase": ["web.cart", "store.counter", "app.basket"],
    "retention": ["call.hotline", "chat.help", "ticket.form"],
    "advocacy": ["web.review", "social.share", "app.refer"],
}
ALL = [name for names in PLACES.values() for name in names]
THINGS = ["coat", "hat", "shirt", "shoes", "socks", "tie"]


@dataclass
class Town:
    """Interactions as a frame, times in days before the end; what is planted is done to the frame."""

    rows: pd.DataFrame
    decisions: pd.DataFrame = field(default_factory=pd.DataFrame)
    touchpoints: tuple = ()
    insights: dict = field(default_factory=dict)

    @property
    def catalogue(self):
        own = [{"name": name, "stage": stage} for stage, names in PLACES.items() for name in names]
        contacts = [
            {"name": name, "stage": "retention", "recommendable": True, "cost": 0.1} for name in ("email.news", "sms.news")
        ]
        given = {"touchpoints": [*own, *contacts, *self.touchpoints], "objective": {"margin": 0.5}, "insights": self.insights}
        return parse_catalogue(given)

    def look(self, folder):
        lake = Lake(folder)
        lake.append("interactions", _filled(self.rows, "interactions"))
        if len(self.decisions):
            lake.append("decisions", _filled(self.decisions, "decisions"))
        return Look(lake=lake, catalogue=self.catalogue, period=Period.last(180, until=END), now=END, known_until=END)

    def add(self, rows):
        return replace(self, rows=pd.concat([self.rows, rows], ignore_index=True))


def make_town(*, customers=800, seed=0):
    """Everybody is active at a rate of their own, everywhere alike; who complains is answered; who is contacted may click."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(4.0, 7.0, customers))
    who = np.repeat(np.arange(customers), counts)
    acts = frame(who, rng.uniform(0.0, DAYS, len(who)), rng.choice(ALL, len(who)), "view")
    bought = rng.random(len(acts)) < 0.08
    acts.loc[bought, ["kind", "touchpoint"]] = ["purchase", "app.basket"]
    acts.loc[bought, "value"] = rng.gamma(4.0, 10.0, bought.sum())
    acts.loc[bought, "properties"] = [f'{{"category":"{thing}"}}' for thing in rng.choice(THINGS, bought.sum())]
    asked = ~bought & (rng.random(len(acts)) < 0.5) & acts.touchpoint.isin(PLACES["retention"])
    acts.loc[asked, "kind"] = "call"
    complaints = _some(acts, 0.03, rng, kind="complaint")
    ratings = [_rated(_some(acts, 0.3, rng, kind="rating"), metric, top, rng) for metric, top in SCALES]
    bad = pd.concat([complaints, *(rated[rated.bad] for rated in ratings)])
    resolved = bad.assign(kind="resolution", ago=bad.ago - rng.uniform(0.1, 3.0, len(bad)), metric=None, score=np.nan)
    who = np.repeat(np.arange(customers), 8)
    contacts = frame(who, rng.uniform(0.0, DAYS, len(who)), rng.choice(["email.news", "sms.news"], len(who)), "contact")
    clicks = _some(contacts, 0.4, rng, kind="click")
    clicks.ago -= rng.uniform(0.1, 2.0, len(clicks))
    rows = pd.concat([acts, complaints, *ratings, resolved, contacts, clicks], ignore_index=True).drop(columns="bad")
    return Town(rows[rows.ago > 0].reset_index(drop=True))


SCALES = (("csat", 5), ("nps", 10), ("ces", 7))
BAD = {"csat": 2, "nps": 6, "ces": 3}


def frame(who, ago, touchpoint, kind, **given):
    """Rows of so many days ago."""
    names = [f"c{each}" for each in np.atleast_1d(who)]
    known = {"customer_id": names, "ago": ago, "touchpoint": touchpoint, "kind": kind, "value": np.nan, "score": np.nan}
    return pd.DataFrame({**known, "metric": None, "properties": None, "bad": False, "source": "shop", **given})


def _some(rows, share, rng, *, kind):
    return rows[rng.random(len(rows)) < share].assign(kind=kind, value=np.nan, properties=None)


def _rated(rows, metric, top, rng):
    good = rng.random(len(rows)) > 0.15
    score = np.where(good, float(top), 1.0)
    return rows.assign(metric=metric, score=score, bad=score <= BAD[metric])


def _filled(rows, table):
    at = [END - timedelta(days=float(ago)) for ago in rows.ago]
    known = rows.assign(at=at, received_at=at, channel=[str(name).split(".")[0] for name in rows.touchpoint])
    key = {"interactions": "message_id", "decisions": "decision_id"}[table]
    known[key] = [f"m{number}" for number in range(len(known))]
    columns = {name: known[name] if name in known else pd.Series([None] * len(known)) for name in SCHEMAS[table].names}
    arrays = [pa.Array.from_pandas(columns[each.name], type=each.type) for each in SCHEMAS[table]]
    return pa.Table.from_arrays(arrays, schema=SCHEMAS[table])


@pytest.fixture(scope="session")
def calm_town():
    return make_town()


@pytest.fixture(scope="session", name="make_town")
def make_town_fixture():
    return make_town


@pytest.fixture(scope="session")
def make_frame():
    return frame
