"""The log of decisions as other tools read it: Vowpal Wabbit's dsjson, and the feedback of the Open Bandit Pipeline."""

from serving.exporting.log import LogFormat, LogReport, export_log

__all__ = ["LogFormat", "LogReport", "export_log"]
