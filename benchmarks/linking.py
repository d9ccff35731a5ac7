"""How well are the clusters of a public data set of profiles found: Splink's `fake_1000`, 1,000 profiles of 251 people?

The figure is the pairwise F1 of the clusters that the accepted pairs make. The peer is the best that the same model reaches at
any threshold, which nobody knows without the truth. The settings were chosen on this data set, for want of another public one.

    PUBLIC_DATA=… make bench ARGS=linking     the folder of public data sets, with splink_identity/fake_1000.csv.gz in it
"""

import os
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.identity.linkage import LinkageSettings, read_profiles
from features.identity.probabilistic import THRESHOLD, SuggestedPair, suggest_links

FILE = "fake_1000.csv.gz"
_TRIED = np.round(np.arange(0.05, 1.0, 0.05), 2)
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def measure() -> dict[str, object]:
    """Compare with the best threshold; without the data set, say so."""
    folder = Path(os.environ.get("PUBLIC_DATA", "none"), "splink_identity")
    if not (folder / FILE).is_file():
        skipped = "PUBLIC_DATA does not name the folder of public data sets"
        return {"question": "pairwise F1 of probabilistic links", "skipped": skipped}
    return dict(quality_of(folder))


def quality_of(folder: Path) -> dict[str, float | str]:
    """The F1 at the default threshold and at the best one."""
    records = read_profiles(folder / FILE)
    ids, clusters = records["unique_id"].to_pylist(), records["cluster"].to_pylist()
    truth = _pairs(ids, clusters)
    settings = LinkageSettings.for_columns(records.column_names, customer_id="unique_id")
    found = suggest_links(records.drop_columns(["cluster"]), settings, review_threshold=float(_TRIED[0]), seed=1, now=_ANY_TIME)
    pairs = (*found.accepted, *found.to_review)
    scores = {float(tried): _f1(_clustered(pairs, ids, float(tried)), truth) for tried in (*_TRIED, THRESHOLD)}
    best = max(scores, key=lambda tried: scores[tried])
    return {
        "question": "pairwise F1 of the clusters of fake_1000",
        "f1_at_the_default_threshold": round(scores[THRESHOLD], 4),
        "default_threshold": THRESHOLD,
        "best_f1": round(scores[best], 4),
        "best_threshold": best,
        "ratio": round(scores[THRESHOLD] / scores[best], 4),
    }


def _clustered(pairs: Collection[SuggestedPair], ids: list[str], threshold: float) -> set[tuple[str, str]]:
    places = {name: k for k, name in enumerate(ids)}
    edges = [(places[pair.left], places[pair.right]) for pair in pairs if pair.probability >= threshold]
    rows, columns = np.array(edges, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(ids), len(ids)))
    return _pairs(ids, connected_components(graph, directed=False)[1].tolist())


def _pairs(ids: list[str], clusters: list[object]) -> set[tuple[str, str]]:
    members: dict[object, list[str]] = {}
    for name, cluster in zip(ids, clusters, strict=True):
        members.setdefault(cluster, []).append(name)
    return {(min(pair), max(pair)) for several in members.values() for pair in combinations(several, 2)}


def _f1(found: set[tuple[str, str]], truth: set[tuple[str, str]]) -> float:
    return 2 * len(found & truth) / (len(found) + len(truth))
