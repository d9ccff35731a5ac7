"""What customers say of touchpoints: CSAT, NPS, CES and sentiment, as the field defines them."""

from collections.abc import Sequence

from features.insights.table import Unit
from features.insights.touchpoints.measure import Measure


def csat(scores: Sequence[float]) -> float:
    """Customer satisfaction (CSAT): the share of ratings that are 4 or 5 on a scale of 1 to 5 ("top two boxes").

    Examples
    --------
    Of five ratings three are 4 or 5.

    >>> csat([5, 4, 4, 3, 1])
    0.6
    """
    return sum(score >= 4 for score in scores) / len(scores)


def nps(scores: Sequence[float]) -> float:
    """Net promoter score (NPS): per cent of promoters (9 or 10) minus per cent of detractors (0 to 6); -100 to 100.

    References
    ----------
    F. F. Reichheld, "The One Number You Need to Grow", Harvard Business Review, December 2003.

    Examples
    --------
    Five promoters and two detractors among ten answers: 50 - 20.

    >>> nps([10, 10, 9, 9, 9, 8, 7, 7, 6, 0])
    30.0
    """
    return 100 * (sum(score >= 9 for score in scores) - sum(score <= 6 for score in scores)) / len(scores)


def ces(scores: Sequence[float]) -> float:
    """Customer effort score (CES), version 2.0: the mean agreement, 1 to 7, that it was made easy; high is good.

    References
    ----------
    M. Dixon, K. Freeman, N. Toman, "Stop Trying to Delight Your Customers", Harvard Business Review, July 2010; version 2.0 is
    of CEB, 2013.

    Examples
    --------
    >>> ces([7, 6, 5, 2])
    5.0
    """
    return sum(scores) / len(scores)


def ces_easy(scores: Sequence[float]) -> float:
    """The share that agrees (5 to 7 of 7) that it was easy: the other way in which CES is told.

    >>> ces_easy([7, 6, 5, 2])
    0.75
    """
    return sum(score >= 5 for score in scores) / len(scores)


def _rated(metric: str) -> str:
    return f"count(*) filter (metric = '{metric}')"


CSAT = Measure(
    name="csat",
    title="CSAT",
    explains="Ratings of 4 or 5 over all CSAT ratings (1 to 5) in the period: top two boxes.",
    numerator="count(*) filter (metric = 'csat' and score >= 4)",
    denominator=_rated("csat"),
    unit=Unit.SHARE,
    counted="ratings",
)
CSAT_MEAN = Measure(
    name="csat_mean",
    title="CSAT, mean",
    explains="Mean of all CSAT ratings, 1 to 5, in the period.",
    numerator="coalesce(sum(score) filter (metric = 'csat'), 0)",
    denominator=_rated("csat"),
    unit=Unit.SCORE,
    counted="ratings",
    least=1.0,
    most=5.0,
)
NPS = Measure(
    name="nps",
    title="NPS",
    explains="Per cent of promoters (9 or 10) minus per cent of detractors (0 to 6) among NPS ratings (0 to 10); -100 to 100.",
    numerator="count(*) filter (metric = 'nps' and score >= 9) - count(*) filter (metric = 'nps' and score <= 6)",
    denominator=_rated("nps"),
    unit=Unit.SCORE,
    counted="ratings",
    scale=100.0,
    least=-100.0,
    most=100.0,
)
CES = Measure(
    name="ces",
    title="CES, mean",
    explains="Mean of all CES ratings, 1 to 7, version 2.0 (agreement that it was made easy): high is little effort.",
    numerator="coalesce(sum(score) filter (metric = 'ces'), 0)",
    denominator=_rated("ces"),
    unit=Unit.SCORE,
    counted="ratings",
    least=1.0,
    most=7.0,
)
CES_EASY = Measure(
    name="ces_easy",
    title="CES, found it easy",
    explains="CES ratings of 5 to 7 over all CES ratings (1 to 7) in the period.",
    numerator="count(*) filter (metric = 'ces' and score >= 5)",
    denominator=_rated("ces"),
    unit=Unit.SHARE,
    counted="ratings",
)
SENTIMENT = Measure(
    name="sentiment",
    title="Sentiment",
    explains="Mean sentiment, -1 to 1, of the interactions in which the customer wrote or said something.",
    numerator="coalesce(sum(sentiment), 0)",
    denominator="count(sentiment)",
    unit=Unit.NUMBER,
    counted="texts",
    least=-1.0,
    most=1.0,
)
