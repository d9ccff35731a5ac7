"""Who is who: identifiers, the facts that link them, and which customer each of them was at a time.

In order: `names` makes identifiers out of what records say, `links_of` makes facts out of interactions, `resolve` makes customers
out of facts, `identify` does so for the whole lake and for every time, and `Members` answers who was whose.
"""

from features.identity.batch import IdentifyReport, identify
from features.identity.key import identifier_key, identifier_key_before
from features.identity.members import Members
from features.identity.names import Names, link_of, links_of, owner, type_of
from features.identity.resolve import resolve

__all__ = [
    "IdentifyReport",
    "Members",
    "Names",
    "identifier_key",
    "identifier_key_before",
    "identify",
    "link_of",
    "links_of",
    "owner",
    "resolve",
    "type_of",
]
