"""The rank, reward and activate calls of Azure Personalizer, whose service was retired: for applications that call it.

The shapes are those of its version v1.1-preview.3; what differs stands in `docs/interfaces.md`.
"""

from serving.personalizer.desk import PersonalizerDesk
from serving.personalizer.live import LiveRankModel
from serving.personalizer.refusals import is_personalizer, refusal
from serving.personalizer.wire import RankRequest, RankResponse, RewardRequest

__all__ = [
    "LiveRankModel",
    "PersonalizerDesk",
    "RankRequest",
    "RankResponse",
    "RewardRequest",
    "is_personalizer",
    "refusal",
]
