"""Takes exports of any source into the lake, as a mapping in TOML tells.

In this order: `mapping` says what rows mean; `read` opens a file as rows of text; `rows` joins, filters and groups them;
`records` makes records of them by the `rules`; `ingest` compares these with what is known and appends what is new. All of
it is SQL that DuckDB streams, so the size of a file does not matter.
"""

from features.capture.ingest import IngestReport, ingest
from features.capture.mapping import Mapping

__all__ = ["IngestReport", "Mapping", "ingest"]
