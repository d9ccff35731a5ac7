"""A session of Spark that understands the declarations."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from features.errors import ConfigurationError

_FUNCTIONS = (
    "epoch_us(moment TIMESTAMP) RETURNS BIGINT RETURN unix_micros(moment)",
    "json_extract_string(text STRING, name STRING) RETURNS STRING RETURN get_json_object(text, concat('$[\\'', name, '\\']'))",
)
"""What `features.tables.native` calls, in Spark's words."""


@contextmanager
def opened(master: str) -> Iterator[Any]:
    """A session of Spark, such as on `local[*]` or `spark://host:7077`; all else as Spark's own configuration has it.

    Raises
    ------
    ConfigurationError
        When Spark is not installed, or does not start.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigurationError("Spark is not installed; install 'next-best-touchpoint[spark]' and Java 17 or 21") from None
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        session = SparkSession.builder.master(master).appName("touchpoint").getOrCreate()
    except Exception as error:  # whatever Java or the cluster say
        raise ConfigurationError(
            f"Spark at {master!r} does not start ({error}); look after Java 17 or 21, and the address"
        ) from None
    try:
        yield session
    finally:
        session.stop()


def taught(session: Any) -> Any:
    """An ibis connection to a session of the user's, in which the declarations can be run.

    The session keeps its functions until it ends, and its time zone becomes UTC.

    Parameters
    ----------
    session : a `SparkSession` of Spark 4, local or of a cluster.
    """
    import ibis

    connection = ibis.pyspark.connect(session)
    session.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")  # its own default is a type long given up
    for function in _FUNCTIONS:
        session.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {function}")
    return connection
