"""The recipe: from decisions and snapshots to the scorer of a policy."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import TrainingError
from training.arms import arm_columns, with_arms
from training.assignment import overlap
from training.crossfit import fit_best
from training.dataset import Dataset
from training.effects import Effects
from training.learners import AVERAGE, Evidence, shown_by_conversion, shown_by_money
from training.learners.calibration import PRIOR_ERROR
from training.models import BINARY
from training.policy import Scores, Terms, constant_policies, value_parts
from training.select import Contest, Rival, Selection, greedy, select
from training.sides.fit import fit_sides
from training.snapshots import Snapshots
from training.splits import customer_folds
from training.uplift import UpliftScorer, alike

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_DECISIONS = 200_000
"""That a policy learns from and that its learners compete on; of more, whole customers are drawn at random.

What competitors differ by is known to 1/450 of what single decisions scatter by, twice as far as their interval needs to tell a
gain of half a percent of it from none. Models of some hundred columns gain nothing visible from more, and a night has an end.
"""

_FOLDS = 3
_LEAST_DECISIONS = 50
_LEAST_CUSTOMERS = 20


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learnt.

    Attributes
    ----------
    scorer : of the policy. Where a constant policy was chosen, it scores everybody alike.
    personal : the same, or where all are treated alike, what is known of each customer all the same, with average effects.
    selection : what competed.
    """

    scorer: UpliftScorer
    personal: UpliftScorer
    selection: Selection

    @property
    def name(self) -> str:
        """Of the policy: the learner's, or that of the constant policy."""
        return self.selection.chosen


def learn(dataset: Dataset, snapshots: Snapshots, catalogue: Catalogue, *, seed: int, most: int = MOST_DECISIONS) -> Learnt:
    """Fit conversion and side models, let the learners compete, and fit the one that is chosen on all decisions.

    Parameters
    ----------
    most : of more decisions, so many of customers drawn at random stand for all.

    Raises
    ------
    TrainingError
        When the decisions cannot teach: too few, all of one answer, or conversions without any value.
    """
    refuse_what_cannot_teach(dataset)
    dataset = dataset.sampled(most, seed=seed)
    folds = customer_folds(dataset.customer_id, count=_FOLDS, seed=seed)
    columns = arm_columns(dataset.feature_names, dataset.arms)
    inputs = with_arms(dataset.features, dataset.arm, dataset.arms)
    conversion = fit_best(inputs, dataset.conversion, folds, recipe=BINARY, names=columns, seed=seed)
    evidence = Evidence.of(dataset, conversion.crossed, conversion.predictor.calibration, seed=seed)
    prior = np.array([0.0, *(touchpoint.prior_uplift for touchpoint in catalogue.recommendable)])
    scorer = UpliftScorer(
        arms=dataset.arms,
        feature_names=dataset.feature_names,
        conversion=conversion.predictor,
        effects=Effects.alike(dataset.arms, tuple(prior.tolist())),
        sides=fit_sides(dataset, snapshots, catalogue, seed=seed),
    )
    contest = _contest(dataset, evidence, scorer, Terms.of(catalogue), prior)
    everybody, rival = _constant(contest, scorer)
    selection, candidate, line = select(contest, rival, seed=seed)
    terms = (candidate or AVERAGE).terms(evidence, seed=seed, refit=True)
    personal = replace(scorer, effects=line.effects(dataset.arms, terms))
    return Learnt(everybody if candidate is None else personal, personal, selection)


def refuse_what_cannot_teach(dataset: Dataset) -> None:
    """Raise a TrainingError that says what is missing; see `learn`."""
    customers = len(set(dataset.customer_id))
    if len(dataset) < _LEAST_DECISIONS or customers < _LEAST_CUSTOMERS:
        raise TrainingError(
            f"{len(dataset)} closed decisions of {customers} customers are too few to learn from; at least {_LEAST_DECISIONS} "
            f"of {_LEAST_CUSTOMERS} are needed: collect more"
        )
    if dataset.conversion.min() == dataset.conversion.max():
        outcome = "a" if dataset.conversion[0] else "no"
        raise TrainingError(
            f"all {len(dataset)} closed decisions were followed by {outcome} conversion, so nothing tells them apart; check "
            "objective.conversion and objective.window_days in the catalogue"
        )
    if not dataset.eligible[:, 1:].any():
        raise TrainingError("no decision had a touchpoint to choose besides none; map `candidates`, or a wave, of decisions")


def _contest(dataset: Dataset, evidence: Evidence, scorer: UpliftScorer, terms: Terms, prior: Floats) -> Contest:
    untreated = np.tile(evidence.expected[:, :1], (1, len(dataset.arms)))
    scores = scorer.sides.scores(dataset.features, untreated)
    seen = overlap(dataset.probabilities, arm=dataset.arm, eligible=dataset.eligible, estimated=dataset.estimated)
    return Contest(
        dataset=dataset,
        evidence=evidence,
        scores=scores,
        terms=terms,
        prior=prior,
        shown=shown_by_conversion(evidence),
        shown_in_money=shown_by_money(evidence, value_parts(scores, terms).net, gain_of_uplift(scores, terms)),
        comparable=seen.comparable if seen.comparable.sum() >= _LEAST_CUSTOMERS else np.ones(len(dataset), dtype=bool),
    )


def gain_of_uplift(scores: Scores, terms: Terms) -> Floats:
    """The money of one more conversion, after what is given with it; shape (n, k)."""
    value = scores.value[:, None]
    return np.asarray(value * terms.margin - terms.incentives - terms.discounts * value)


def _constant(contest: Contest, scorer: UpliftScorer) -> tuple[UpliftScorer, Rival]:
    """The scorer that treats everybody alike, with the uplifts that explain what each arm has earned on average; its policy."""
    evidence, arms = contest.evidence, contest.dataset.arms
    nobody = alike(scorer, evidence.features, (0.0,) * len(arms))
    scores = nobody.score(evidence.features)
    untreated, gain = value_parts(scores, contest.terms).net.mean(axis=0), gain_of_uplift(scores, contest.terms).mean(axis=0)
    uplifts = _explaining(contest, untreated, gain, contest.comparable)
    net_value, elsewhere = untreated + gain * uplifts, np.empty(evidence.eligible.shape)
    for fold in np.unique(evidence.folds):
        others = contest.comparable & (evidence.folds != fold)
        elsewhere[evidence.folds == fold] = untreated + gain * _explaining(contest, untreated, gain, others)
    rival = Rival(
        name=constant_policies(arms)[int(net_value.argmax())].name,
        policy=greedy(np.tile(net_value, (len(evidence), 1)), evidence.eligible),
        unseen=greedy(elsewhere, evidence.eligible),
    )
    return replace(nobody, effects=Effects.alike(arms, tuple(uplifts.tolist()))), rival


def _explaining(contest: Contest, untreated: Floats, gain: Floats, trusted: Bools) -> Floats:
    """Each arm's uplift, shape (k,), that would explain what it earned in some decisions, drawn to its prior.

    Parameters
    ----------
    untreated, gain : shape (k,), money of every arm beyond `none`, were its uplift zero, and of an uplift of one.
    """
    uplifts, money = contest.prior.copy(), contest.evidence.money
    for arm in contest.evidence.tried:
        rows = contest.evidence.eligible[:, arm] & trusted
        if rows.sum() > 1 and gain[arm] > 0:
            earned = (money[rows, arm] - money[rows, 0] - untreated[arm]) / gain[arm]
            doubt = float(earned.var()) / len(earned)
            uplifts[arm] += (earned.mean() - uplifts[arm]) * PRIOR_ERROR**2 / (PRIOR_ERROR**2 + doubt)
    return uplifts
