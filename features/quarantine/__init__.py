"""Records that were refused: list them, correct them, replay them, or discard them with a reason.

The order: `list_refused` tells what is pending and why; after the mapping or the catalogue was corrected, or a record itself by
`correct`, `replay` gives them to capture once more; `discard` gives up what is of no use.
"""

from features.quarantine.correcting import correct, discard
from features.quarantine.listing import Group, Listing, RefusedRecord, Resolution, Selection, list_refused, show_refused
from features.quarantine.redacting import Redact, redactor
from features.quarantine.replaying import Post, ReplayReport, TakeFiles, replay

__all__ = [
    "Group",
    "Listing",
    "Post",
    "Redact",
    "RefusedRecord",
    "ReplayReport",
    "Resolution",
    "Selection",
    "TakeFiles",
    "correct",
    "discard",
    "list_refused",
    "redactor",
    "replay",
    "show_refused",
]
