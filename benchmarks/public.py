"""On public experiments: does the selected policy, on people it has not seen, earn at least what the best constant policy does?

`PUBLIC_DATA` names the folder that holds them: `social_pressure_mail/social.parquet` (Gerber, Green and Larimer, 2008) and
`starbucks_capstone/` (transcript, profile, portfolio). Both were randomized with known probabilities. Half of the people teach,
the other half judge; `SPLITS` says how often. The peers have the same people, features, probabilities and money: a plain
T-learner on LightGBM, and EconML's DRPolicyForest in two sizes. The best constant policy is the one that is best where it is
judged, which is hard on all others.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.peers import ask_peer
from features.catalogue import Catalogue, parse_catalogue
from training.dataset import Dataset
from training.evaluate import reward_model
from training.learn import Learnt, learn
from training.models import MEAN, fit_booster
from training.ope import Estimate, Log, difference, dr
from training.policy import Terms, value_parts
from training.snapshots import Snapshots
from training.splits import customer_folds

Floats = NDArray[np.float64]

SOCIAL = ("Control", "Civic Duty", "Hawthorne", "Neighbors")
ECONML = ("econml==0.17.0", "lightgbm==4.7.0")
WAVES = (0, 168, 336, 408, 504, 576)
HOURS = 120.0


@dataclass(frozen=True, slots=True)
class Experiment:
    """A randomized experiment as decisions, and the catalogue that says what they cost."""

    dataset: Dataset
    catalogue: Catalogue


def measure() -> dict[str, object]:
    """Both experiments, where their files are."""
    folder = os.environ.get("PUBLIC_DATA")
    if not folder:
        return {"skipped": "PUBLIC_DATA names no folder of public data sets"}
    seeds = range(int(os.environ.get("SPLITS", "1")))
    read: dict[str, Callable[[Path], Experiment]] = {"social_pressure_mail": social, "starbucks_capstone": starbucks}
    return {name: [judged(of(Path(folder) / name), seed) for seed in seeds] for name, of in read.items()}


def judged(experiment: Experiment, seed: int) -> dict[str, object]:
    """Learn from one half of the people, and value on the other."""
    dataset, catalogue = experiment.dataset, experiment.catalogue
    half = customer_folds(dataset.customer_id, count=2, seed=seed) == 0
    teaching, judging = dataset.where(half), dataset.where(~half)
    learnt = learn(teaching, snapshots_of(teaching), catalogue, seed=seed)
    ours = _greedy(learnt, catalogue, judging)
    peers = {"t_learner": _t_learner(teaching, judging, seed), **_forests(teaching, judging, seed)}
    constants = {arm: np.eye(len(dataset.arms))[np.full(len(judging), index)] for index, arm in enumerate(dataset.arms)}
    log, model = _log(judging), reward_model(judging, seed=seed)

    def value(policy: Floats) -> Estimate:
        return dr(log, policy, model)

    def gap(policy: Floats, other: Floats) -> Estimate:
        return difference(log, policy, other, model)

    best = max(constants, key=lambda arm: value(constants[arm]).value)
    rival = max(peers, key=lambda name: value(peers[name]).value)
    behind, ahead = gap(ours, constants[best]), gap(ours, peers[rival])
    return {
        "decisions": len(judging),
        "selected": learnt.name,
        "value": _told(value(ours)),
        "best_constant": best,
        "its_value": _told(value(constants[best])),
        "selected_less_best_constant": _told(behind, "+"),
        **{f"{name}_value": _told(value(peer)) for name, peer in peers.items()},
        **{f"{name}_less_best_constant": _told(gap(peer, constants[best]), "+") for name, peer in peers.items()},
        **{f"selected_less_{name}": _told(gap(ours, peer), "+") for name, peer in peers.items()},
        "not_below_by_more_than_a_standard_error": behind.value >= -behind.standard_error,
        "at_least_the_best_peer": ahead.value >= 0.0,
        "said": learnt.selection.reason,
    }


def _told(estimate: Estimate, sign: str = "") -> str:
    return f"{estimate.value:{sign}.4f} ± {estimate.standard_error:.4f}"


def _log(dataset: Dataset) -> Log:
    return Log(rewards=dataset.reward, actions=dataset.arm, probabilities=dataset.probability, clusters=_customers(dataset))


def _customers(dataset: Dataset) -> NDArray[np.intp]:
    return np.unique(dataset.customer_id.astype(str), return_inverse=True)[1]


def social(folder: Path) -> Experiment:
    """Four mailings before an election; a vote is worth 1, a mail costs 0.06 votes. People of one household are one customer."""
    table = pd.read_parquet(folder / "social.parquet")
    arm = np.array([SOCIAL.index(name) for name in table["messages"]])
    voted = table["primary2006"].to_numpy(np.float64)
    features = np.column_stack(
        [table["sex"] == "female", *(table[name] for name in ("yearofbirth", "primary2004", "hhsize"))]
    ).astype(np.float64)
    catalogue = _catalogue([f"mail.{name.lower().replace(' ', '_')}" for name in SOCIAL[1:]], cost=0.06, margin=1.0)
    probabilities = np.tile([5 / 8, 1 / 8, 1 / 8, 1 / 8], (len(table), 1))
    reward = voted - 0.06 * (arm > 0)
    people = np.arange(len(table)).astype(str).astype(object)
    return Experiment(dataset_of(catalogue, people, arm, probabilities, voted, voted, reward, features), catalogue)


def starbucks(folder: Path) -> Experiment:
    """Six waves of ten offers: half of what is spent in 5 days, less the reward, less 0.15 a send, clipped to -20..60."""
    events = pd.read_parquet(folder / "transcript.parquet").drop_duplicates()
    profile = pd.read_json(folder / "profile.json.gz", orient="records", lines=True).set_index("id")
    offers = sorted(events["offer_id"].dropna().unique())
    waves = [_wave(events, profile, offers, hour) for hour in WAVES]
    people, arm, spent, given, features = (np.concatenate(parts) for parts in zip(*waves, strict=True))
    received = np.bincount(arm, minlength=len(offers) + 1) / len(arm)
    bought = (spent > 0).astype(np.float64)
    incentives = [float(given[(arm == index) & (spent > 0)].mean()) for index in range(1, len(offers) + 1)]
    catalogue = _catalogue([f"app.offer_{index}" for index in range(len(offers))], cost=0.15, margin=0.5, incentives=incentives)
    reward = np.clip(0.5 * spent - given, -20.0, 60.0) - 0.15 * (arm > 0)
    return Experiment(
        dataset_of(catalogue, people, arm, np.tile(received, (len(arm), 1)), bought, spent, reward, features), catalogue
    )


def _wave(events: pd.DataFrame, profile: pd.DataFrame, offers: list[str], hour: int) -> tuple[NDArray[Any], ...]:
    """People, arms, money spent and rewards given after one wave, and features as known before it."""
    times = events["time_hours"]
    here, before = events[(times >= hour) & (times < hour + HOURS)], events[times < hour]
    sent = events[(events["event"] == "offer received") & (times == hour)].groupby("person")["offer_id"].first()
    of = profile.index
    arm = sent.reindex(of).map({offer: index + 1 for index, offer in enumerate(offers)}).fillna(0).to_numpy(np.int64)

    def total(rows: pd.DataFrame, event: str, column: str) -> Floats:
        found = rows[rows["event"] == event].groupby("person")[column]
        counted = found.count() if column == "event" else found.sum()
        return np.asarray(counted.reindex(of).fillna(0.0), dtype=np.float64)

    past = [total(before, event, "event") for event in ("transaction", "offer received", "offer viewed", "offer completed")]
    member = pd.to_datetime(profile["became_member_on"], format="%Y%m%d")
    features = np.column_stack(
        [
            profile["age"].where(profile["age"] != 118).to_numpy(np.float64),
            profile["income"].to_numpy(np.float64),
            *((profile["gender"] == gender).to_numpy(np.float64) for gender in ("F", "M", "O")),
            (pd.Timestamp("2018-08-01") - member).dt.days.to_numpy(np.float64),
            total(before, "transaction", "amount"),
            *past,
            np.full(len(of), float(hour)),
        ]
    )
    return of.to_numpy(object), arm, total(here, "transaction", "amount"), total(here, "offer completed", "reward"), features


def _catalogue(names: list[str], *, cost: float, margin: float, incentives: list[float] | None = None) -> Catalogue:
    touchpoints = [
        {
            "name": name,
            "stage": "purchase",
            "recommendable": True,
            "cost": cost,
            "incentive": incentives[index] if incentives else 0.0,
        }
        for index, name in enumerate(names)
    ]
    return parse_catalogue({"objective": {"margin": margin}, "touchpoints": touchpoints}, name="experiment")


def dataset_of(
    catalogue: Catalogue,
    people: NDArray[Any],
    arm: NDArray[np.int64],
    probabilities: Floats,
    conversion: Floats,
    value: Floats,
    reward: Floats,
    features: Floats,
) -> Dataset:
    """Decisions with known probabilities, shape (n, k), when everything was eligible; all else has shape (n,) or (n, d)."""
    n, nobody = len(arm), np.zeros(len(arm))
    return Dataset(
        arms=catalogue.arms,
        feature_names=tuple(f"feature_{index}" for index in range(features.shape[1])),
        decision_id=np.arange(n).astype(str).astype(object),
        customer_id=people,
        at=np.arange(n),
        wave=np.full(n, None, dtype=object),
        implied=nobody > 0,
        arm=arm,
        eligible=np.ones(probabilities.shape, dtype=bool),
        probability=probabilities[np.arange(n), arm],
        estimated=nobody > 0,
        probabilities=probabilities,
        shared=nobody > 0,
        conversion=conversion,
        value=value,
        churned=np.full(n, np.nan),
        unsubscribed=nobody,
        reward=reward,
        experiment=np.full(n, "treatment", dtype=object),
        features=features,
    )


def snapshots_of(dataset: Dataset) -> Snapshots:
    """These experiments know of no time without a decision: those of people left alone stand for it."""
    alone = dataset.where(dataset.arm == 0)
    return Snapshots(
        customer_id=alone.customer_id,
        at=alone.at,
        churned=1.0 - alone.conversion,
        converted=alone.conversion > 0,
        value=alone.value,
        later_value=alone.value,
        features=alone.features,
    )


def _greedy(learnt: Learnt, catalogue: Catalogue, judging: Dataset) -> Floats:
    net_values = value_parts(learnt.scorer.score(judging.features), Terms.of(catalogue)).net
    return np.asarray(np.eye(len(judging.arms))[net_values.argmax(axis=1)])


def _t_learner(teaching: Dataset, judging: Dataset, seed: int) -> Floats:
    """One booster of money per arm, as it comes, and the arm of the largest prediction."""
    predicted = []
    for arm in range(len(teaching.arms)):
        rows = teaching.arm == arm
        booster = fit_booster(teaching.features[rows], teaching.reward[rows], recipe=MEAN, seed=seed)
        predicted.append(booster.raw(judging.features))
    return np.asarray(np.eye(len(judging.arms))[np.argmax(predicted, axis=0)])


def _forests(teaching: Dataset, judging: Dataset, seed: int) -> dict[str, Floats]:
    """EconML's, by name: the arm that most of its trees choose."""
    arrays = {
        "features": teaching.features,
        "probabilities": teaching.probabilities,
        "actions": teaching.arm,
        "rewards": teaching.reward,
        "customers": _customers(teaching),
        "judging": judging.features,
        "seed": np.array(seed),
    }
    found = ask_peer("econml_policies", requirements=ECONML, arrays=arrays)
    return {f"forest_{name}": np.asarray(np.eye(len(judging.arms))[votes.argmax(axis=1)]) for name, votes in found.items()}
