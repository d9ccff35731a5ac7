"""Learns which of a caller's own actions to show in a context, from rank events and their rewards.

Question → hashed features of context, action and their products → predicted reward → probabilities → draw.
"""

from training.personalizer.choose import Choice, choose
from training.personalizer.events import RankEvent, RewardRules, closed_events
from training.personalizer.fit import LearntRanks, learn_ranks
from training.personalizer.model import RankModel, model_path, read_model
from training.personalizer.question import Action, RankQuestion

__all__ = [
    "Action",
    "Choice",
    "LearntRanks",
    "RankEvent",
    "RankModel",
    "RankQuestion",
    "RewardRules",
    "choose",
    "closed_events",
    "learn_ranks",
    "model_path",
    "read_model",
]
