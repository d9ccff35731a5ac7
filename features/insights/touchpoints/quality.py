"""How good the interactions at a touchpoint are, 0 to 1: from ratings where there are enough, else sentiment, else behaviour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from features.domain import channel_of
from features.insights.intervals import ratio, ratio_variance
from features.insights.touchpoints.measuring import Measured


class QualitySource(StrEnum):
    """What a quality comes from; only the first three are measurements of the touchpoint itself in the period.

    `ANSWERS` is where answers are recorded and the contacts before them are not, such as clicks on advertisements.
    """

    RATINGS = "ratings"
    SENTIMENT = "sentiment"
    BEHAVIOUR = "behaviour"
    ANSWERS = "assumed: all are answers"
    LATER = "assumed: as in the period after"
    CHANNEL = "assumed: mean of its channel"
    ALL = "assumed: mean of all touchpoints"
    ASSUMED = "assumed: nothing is measured"


MEASURED = (QualitySource.RATINGS, QualitySource.SENTIMENT, QualitySource.BEHAVIOUR)
NEUTRAL = 0.5


@dataclass(frozen=True, slots=True)
class Quality:
    """A quality.

    Attributes
    ----------
    value : 0 to 1.
    n : ratings, texts, contacts or answers that it comes from; 0 where it is taken from others.
    variance : of sampling; 0 where it is taken from others.
    """

    value: float
    source: QualitySource
    n: int = 0
    variance: float = 0.0


def of_csat(mean: float) -> float:
    """A mean CSAT rating, 1 to 5, as quality.

    >>> of_csat(4.0)
    0.75
    """
    return (mean - 1) / 4


def of_nps(score: float) -> float:
    """A net promoter score, -100 to 100, as quality.

    >>> of_nps(30.0)
    0.65
    """
    return (score + 100) / 200


def of_ces(mean: float) -> float:
    """A mean CES rating, 1 to 7, as quality: high is easy.

    >>> of_ces(5.5)
    0.75
    """
    return (mean - 1) / 6


def of_sentiment(mean: float) -> float:
    """A mean sentiment, -1 to 1, as quality.

    >>> of_sentiment(0.2)
    0.6
    """
    return (mean + 1) / 2


def of_engagement(rate: float, usual: float) -> float:
    """An engagement rate against the usual one as quality: the usual is 0.5, twice the usual 2/3, none 0.

    >>> of_engagement(0.1, 0.1), of_engagement(0.0, 0.1)
    (0.5, 0.0)
    """
    return rate / (rate + usual)


def qualities(
    measured: Measured, *, usual: float, enough: int, later: Mapping[str, Quality] | None = None
) -> tuple[Quality, ...]:
    """The quality of every touchpoint.

    Parameters
    ----------
    measured : grouped by touchpoint.
    usual : engagement rate of all contacts where answers are recorded; 0 where nothing was answered, then behaviour tells
        nothing.
    enough : ratings, texts or contacts below which a source is passed over.
    later : qualities of the period after, by touchpoint: they stand for those not measured in this one, so that what is not
        measured does not seem to change.
    """
    names = [key[0] for key in measured.keys]
    found = [_from_itself(measured, row, usual, max(enough, 1)) for row in range(len(names))]
    own = [each or _from_answers(measured, row, usual, max(enough, 1)) for row, each in enumerate(found)]
    after = {name: Quality(each.value, QualitySource.LATER) for name, each in (later or {}).items()}
    volumes = measured.volume.tolist()
    return tuple(
        each or after.get(name) or _from_others(channel_of(name), names, found, volumes)
        for name, each in zip(names, own, strict=True)
    )


_RATINGS: tuple[tuple[str, Callable[[float], float], float], ...] = (
    ("csat_mean", of_csat, 1.0),
    ("nps", of_nps, 100.0),
    ("ces", of_ces, 1.0),
)
"""Measures of ratings, what makes a quality of them, and the scale that it takes them on."""


def _from_itself(measured: Measured, row: int, usual: float, enough: int) -> Quality | None:
    rated = [(_part(measured, name, row), of, scale) for name, of, scale in _RATINGS]
    ratings = sum(n for (_, _, n), _, _ in rated)
    if ratings >= enough:
        told = [(n / ratings, of(mean * scale), (of(scale) - of(0)) ** 2 * spread) for (mean, spread, n), of, scale in rated if n]
        value, variance = sum(share * each for share, each, _ in told), sum(share**2 * spread for share, _, spread in told)
        return Quality(value, QualitySource.RATINGS, ratings, variance)
    mean, variance, texts = _part(measured, "sentiment", row)
    if texts >= enough:
        return Quality(of_sentiment(mean), QualitySource.SENTIMENT, texts, variance / 4)
    rate, variance, contacts = _part(measured, "engagement", row)
    if contacts >= enough and usual > 0:
        slope = usual / (rate + usual) ** 2
        return Quality(of_engagement(rate, usual), QualitySource.BEHAVIOUR, contacts, slope**2 * variance)
    return None


def _from_answers(measured: Measured, row: int, usual: float, enough: int) -> Quality | None:
    """Where nothing but answers is recorded, every interaction engaged. No measure for others: who did not answer is missing."""
    answers, volume = int(measured.answers[row]), int(measured.volume[row])
    if usual > 0 and answers == volume >= enough:
        return Quality(of_engagement(1.0, usual), QualitySource.ANSWERS, answers)
    return None


def _part(measured: Measured, name: str, row: int) -> tuple[float, float, int]:
    """Mean, its sampling variance and what it is out of."""
    if name not in measured.sums:
        return 0.0, 0.0, 0
    sums = measured.sums[name].of(np.array([row]))
    mean, variance = np.nan_to_num(ratio(sums)), np.nan_to_num(ratio_variance(sums))
    return float(mean[0]), float(variance[0]), int(sums.n[0])


def _from_others(channel: str, names: Sequence[str], found: Sequence[Quality | None], volumes: Sequence[float]) -> Quality:
    known = [
        (channel_of(name) == channel, volume, each.value)
        for name, each, volume in zip(names, found, volumes, strict=True)
        if each is not None
    ]
    alike = [(volume, value) for same, volume, value in known if same]
    for source, chosen in (
        (QualitySource.CHANNEL, alike),
        (QualitySource.ALL, [(volume, value) for _, volume, value in known]),
    ):
        if chosen:
            return Quality(sum(volume * value for volume, value in chosen) / sum(volume for volume, _ in chosen), source)
    return Quality(NEUTRAL, QualitySource.ASSUMED)
