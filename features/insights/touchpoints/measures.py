"""All measures, in the order in which they are shown; to add one is one entry."""

from features.insights.touchpoints.answers import CLICK_THROUGH, ENGAGEMENT, SECONDS
from features.insights.touchpoints.effort import REPEAT_CONTACT, UNTIL_RESOLUTION
from features.insights.touchpoints.measure import Measure
from features.insights.touchpoints.satisfaction import CES, CES_EASY, CSAT, CSAT_MEAN, NPS, SENTIMENT
from features.insights.touchpoints.stages import CONVERSION, DROP_OFF, NEXT_STAGE

MEASURES: tuple[Measure, ...] = (
    ENGAGEMENT,
    CLICK_THROUGH,
    NEXT_STAGE,
    CONVERSION,
    DROP_OFF,
    CSAT,
    CSAT_MEAN,
    NPS,
    CES,
    CES_EASY,
    SENTIMENT,
    SECONDS,
    REPEAT_CONTACT,
    UNTIL_RESOLUTION,
)
