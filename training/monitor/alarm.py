"""What an alarm is."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How urgent it is."""

    WARNING = "warning"  # somebody should look
    CRITICAL = "critical"  # what is decided, or learnt from it, cannot be relied upon


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing that somebody should look at.

    Attributes
    ----------
    name : of the check, and after a colon what it is about, such as `feature_drift: days_since_purchase`.
    figure, threshold : what was found, and what it may be at most, or for what should be large, at least.
    words : what is wrong and what may be behind it.
    """

    name: str
    level: Level
    figure: float
    threshold: float
    words: str

    @property
    def sentence(self) -> str:
        """The alarm in one line."""
        return f"{self.level}: {self.name} is {self.figure:.4g}, threshold {self.threshold:.4g}: {self.words}"
