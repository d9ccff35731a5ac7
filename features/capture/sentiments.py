"""The sentiment of what customers wrote: by VADER, a lexicon with rules for English; every distinct text is read once.

References
----------
C. J. Hutto, E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import duckdb
import pyarrow as pa

LONGEST_TEXT = 2_000
"""Characters that are read: the time that VADER takes grows with the square of the length."""

_AT_ONCE = 10_000
_SCHEMA = pa.schema([("text", pa.string()), ("score", pa.float64())])


def sentiments_of(texts: Sequence[str]) -> list[float]:
    """The sentiment of every text, -1 to 1; 0 where no word of the lexicon occurs, as in other languages.

    >>> [round(score, 1) for score in sentiments_of(["I love it!", "It is a box.", "The worst service ever."])]
    [0.7, 0.0, -0.6]
    """
    compound = _compound()
    return [compound(text[:LONGEST_TEXT]) for text in texts]


def create_sentiments(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of the sentiments of texts, by their digests."""
    connection.execute("CREATE TEMP TABLE sentiments (digest_of_text UHUGEINT, sentiment_of_text DOUBLE)")


def insert_sentiments(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Put the sentiments of a query's texts into that table."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE distinct_texts AS {distinct(query)}")
    for texts in _batches(connection):
        insert_scores(connection, texts)


def insert_scores(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    """Put the sentiments of distinct texts into that table."""
    connection.register("scored", pa.table({"text": texts, "score": sentiments_of(texts)}, schema=_SCHEMA))
    connection.execute("INSERT INTO sentiments SELECT md5_number(text), score FROM scored")
    connection.unregister("scored")


def distinct(query: str) -> str:
    """The query for every distinct `text` of a query."""
    return f"SELECT DISTINCT text FROM ({query}) WHERE text IS NOT NULL"


def _batches(connection: duckdb.DuckDBPyConnection) -> Iterator[list[str]]:
    (count,) = connection.execute("SELECT count(*) FROM distinct_texts").fetchall()[0]
    for start in range(0, count, _AT_ONCE):
        part = f"SELECT text FROM distinct_texts WHERE rowid BETWEEN {start} AND {start + _AT_ONCE - 1}"
        yield connection.sql(part).to_arrow_table()["text"].to_pylist()


@lru_cache(maxsize=1)
def _compound() -> Callable[[str], float]:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # reads its lexicon, so only where texts are

    analyzer = SentimentIntensityAnalyzer()
    return lambda text: float(analyzer.polarity_scores(text)["compound"])
