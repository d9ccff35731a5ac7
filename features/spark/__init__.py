"""Feature history and online states made by Spark, beyond one machine, out of the same declarations as on DuckDB.

1. `session` teaches a session the functions that the declarations use and Spark does not have.
2. `batch` reads the files of the lake's current version, and writes the history, or the latest states into the online store.
"""

from features.spark.batch import SparkBatch
from features.spark.session import taught

__all__ = ["SparkBatch", "taught"]
