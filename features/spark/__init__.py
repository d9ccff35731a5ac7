"""Feature history and online states made by Spark, beyond one machine, out of the same declarations as on DuckDB.

1. `session` teaches a session the functions that the declarations use and Spark does not have.
2. `batch` reads the files of the lake's current version and makes the history and the latest states of them, for a
   materialization or for the user's own purposes.
"""

from features.spark.batch import SparkBatch, SparkStates
from features.spark.session import opened, taught

__all__ = ["SparkBatch", "SparkStates", "opened", "taught"]
