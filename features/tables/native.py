"""Functions that DuckDB has of itself and ibis has no word for; a session of Spark is taught them by `features.spark`.

Ibis's own difference of two timestamps goes through the calendar on DuckDB, twenty times as slow; its cast means microseconds on
one engine and seconds on another, and its reading of JSON runs row by row in Python on Spark.
"""

from typing import Any

import ibis


def _epoch_us(moment: Any) -> int:  # type: ignore[empty-body]
    ...


def _json_extract_string(text: Any, name: Any) -> str:  # type: ignore[empty-body]
    ...


epoch_us = ibis.udf.scalar.builtin(_epoch_us, name="epoch_us", signature=(("timestamp('UTC')",), "int64"))
"""Microseconds since 1970 of a timestamp."""

json_extract_string = ibis.udf.scalar.builtin(
    _json_extract_string, name="json_extract_string", signature=(("string", "string"), "string")
)
"""What a JSON object, as text, has under a name, as text; null where it has nothing."""
