"""Probabilistic linking from the command line: suggestions become links, or wait for a person's verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.identity.linkage import LinkageSettings, read_profiles
from features.identity.probabilistic import REVIEW_THRESHOLD, THRESHOLD, TrainedLevel, links_of_suggestions, suggest_links
from features.identity.review import ReviewList, ReviewPair, Verdict
from features.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Suggested:
    """What comparing profiles gave.

    Attributes
    ----------
    compared : pairs of profiles.
    linked : pairs sure enough to be linked, and how many of these links are new.
    to_review : pairs on the review list, and how many of them are new there.
    levels : what was learnt of each column: how much agreement, or its absence, says.
    """

    compared: int
    linked: int
    new_links: int
    to_review: int
    new_to_review: int
    levels: tuple[TrainedLevel, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The pairs that got a verdict just now, and those that wait for one."""

    decided: tuple[ReviewPair, ...]
    pending: tuple[ReviewPair, ...]


def suggest_locally(
    workspace: Workspace, profiles: Path, *, threshold: float | None, review_threshold: float | None, now: datetime
) -> Suggested:
    """Compare the profiles of a file, append the links that are sure, and put on the review list what may be."""
    records = read_profiles(profiles)
    suggestions = suggest_links(
        records,
        LinkageSettings.for_columns(records.column_names),
        threshold=THRESHOLD if threshold is None else threshold,
        review_threshold=REVIEW_THRESHOLD if review_threshold is None else review_threshold,
        seed=workspace.settings.seed,
        now=now,
    )
    receipts = workspace.journal.append_links(links_of_suggestions(suggestions))
    new_to_review = _review_list(workspace).add(suggestions.to_review, at=now)
    return Suggested(
        compared=suggestions.compared,
        linked=len(suggestions.accepted),
        new_links=sum(receipt.status == "accepted" for receipt in receipts),
        to_review=len(suggestions.to_review),
        new_to_review=new_to_review,
        levels=suggestions.levels,
    )


def review_locally(workspace: Workspace, *, accept: Sequence[str], reject: Sequence[str], now: datetime) -> Reviewed:
    """Keep verdicts, append the links and blocks that follow from them, and give what still waits."""
    pairs = _review_list(workspace)
    verdicts = [(pair_id, Verdict.ACCEPTED) for pair_id in accept] + [(pair_id, Verdict.REJECTED) for pair_id in reject]
    decided = tuple(pairs.decide(pair_id, verdict, at=now) for pair_id, verdict in verdicts)
    workspace.journal.append_links(pairs.links())
    return Reviewed(decided, tuple(pairs.pending()))


def _review_list(workspace: Workspace) -> ReviewList:
    return ReviewList(workspace.settings.identity_path / "review.jsonl")
