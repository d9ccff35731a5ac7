"""A person's verdicts become facts, each once, whatever happens in between."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from features.domain import PERSON, LinkAction
from features.errors import StoreError, UnknownRecordError
from features.identity.probabilistic import SuggestedPair
from features.identity.review import ReviewList, Verdict

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PAIRS = [
    SuggestedPair("ann", "anna", 0.5, {"dob": 8.0, "email": -3.0}),
    SuggestedPair("bob", "rob", 0.7, {"dob": 8.0, "email": 0.0}),
]


@pytest.fixture
def review(tmp_path):
    return ReviewList(tmp_path / "identity" / "review.jsonl")


@pytest.fixture
def ids(review):
    review.add(PAIRS, at=NOW)
    return {pair.left: pair.pair_id for pair in review.pairs()}


def test_a_new_list_is_empty_and_makes_no_file(review):
    assert (review.pairs(), review.pending(), review.links(), review.add([], at=NOW)) == ([], [], [], 0)
    assert not review.path.parent.exists()


def test_pending_pairs_are_listed_likeliest_first_with_what_speaks_for_them(review):
    assert review.add(PAIRS, at=NOW) == 2
    assert [(pair.left, pair.probability, pair.weights) for pair in review.pending()] == [
        ("bob", 0.7, {"dob": 8.0, "email": 0.0}),
        ("ann", 0.5, {"dob": 8.0, "email": -3.0}),
    ]


def test_accepted_pairs_are_linked_and_rejected_ones_kept_apart_by_a_person(review, ids):
    review.decide(ids["ann"], Verdict.ACCEPTED, at=LATER)
    review.decide(ids["bob"], Verdict.REJECTED, at=LATER)
    facts = {(link.left, link.right): (link.action, link.source, link.at) for link in review.links()}
    assert facts == {
        ("ann", "anna"): (LinkAction.LINK, PERSON, LATER),
        ("bob", "rob"): (LinkAction.BLOCK, PERSON, LATER),
    }
    assert review.pending() == []


def test_the_same_verdict_again_is_the_same_fact_and_another_one_is_a_new_fact(review, ids):
    first = review.decide(ids["ann"], Verdict.ACCEPTED, at=NOW)
    again = review.decide(ids["ann"], Verdict.ACCEPTED, at=LATER)
    assert again == first and review.links() == [first.link]
    changed = review.decide(ids["ann"], Verdict.REJECTED, at=LATER)
    back = review.decide(ids["ann"], Verdict.ACCEPTED, at=LATER + timedelta(days=1))
    assert len({each.link.link_id for each in (first, changed, back)}) == 3


def test_a_pair_that_is_suggested_again_keeps_its_verdict(review, ids):
    review.decide(ids["ann"], Verdict.REJECTED, at=LATER)
    again = [SuggestedPair("ann", "anna", 0.6, {"dob": 9.0}), SuggestedPair("cy", "cyd", 0.4, {})]
    assert review.add(again, at=LATER) == 1
    (ann,) = [pair for pair in review.pairs() if pair.left == "ann"]
    assert (ann.verdict, ann.probability, ann.suggested_at) == (Verdict.REJECTED, 0.6, NOW)
    assert [pair.left for pair in review.pending()] == ["bob", "cy"]


def test_who_is_forgotten_is_on_no_list(review, ids):
    assert review.forget({"bob", "nobody"}) == 1
    assert review.forget({"bob"}) == 0
    assert "bob" not in review.path.read_text(encoding="utf-8")
    assert [pair.left for pair in review.pairs()] == ["ann"]


def test_an_unknown_pair_and_a_damaged_file_are_told(review, ids):
    with pytest.raises(UnknownRecordError, match="pair 'x' is not on the review list"):
        review.decide("x", Verdict.ACCEPTED, at=NOW)
    review.path.write_text(json.dumps({"pair_id": 1}) + "\n", encoding="utf-8")
    with pytest.raises(StoreError, match="not readable as a review list"):
        review.pending()


def test_a_write_that_was_killed_leaves_the_list_as_it_was(review, ids):
    review.path.with_suffix(".new").write_text('{"pair_id": "to', encoding="utf-8")
    assert len(review.pairs()) == 2
    review.decide(ids["ann"], Verdict.ACCEPTED, at=NOW)
    assert len(review.pairs()) == 2 and len(review.pending()) == 1
