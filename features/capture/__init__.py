"""Takes exports of any source into the lake, as a mapping in TOML tells.

In this order: `mapping` says what rows mean; `read` opens a file as rows of text; `rows` joins, filters and groups them;
`identifying` hashes what names persons in them; `records` makes records of them by the `rules`; `judging` compares these with
what is known; `ingest` does all that and appends what is new. It is SQL that DuckDB streams, so the size of a file does not
matter. `online` runs the same SQL over records that arrive in requests.
"""

from features.capture.ingest import ingest
from features.capture.mapping import Mapping
from features.capture.report import IngestReport

__all__ = ["IngestReport", "Mapping", "ingest"]
