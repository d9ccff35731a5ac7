"""A session of Spark that understands the declarations."""

from typing import Any

_FUNCTIONS = (
    "epoch_us(moment TIMESTAMP) RETURNS BIGINT RETURN unix_micros(moment)",
    "json_extract_string(text STRING, name STRING) RETURNS STRING RETURN get_json_object(text, concat('$[\\'', name, '\\']'))",
)
"""What `features.tables.native` calls, in Spark's words."""


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
