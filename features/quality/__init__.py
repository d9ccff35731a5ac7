"""How good the data is that every source brings, and when somebody should look at it."""

from features.quality.alarms import Alarm, AlarmKind
from features.quality.days import SourceDay
from features.quality.report import QualityReport, quality_report

__all__ = ["Alarm", "AlarmKind", "QualityReport", "SourceDay", "quality_report"]
