"""What making a page gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from features.insights import Page


@dataclass(frozen=True, slots=True)
class Made:
    """A page, and what it knows of single customers.

    Attributes
    ----------
    people : tables with a column `customer_id`, by name; one called `segments` puts every customer into a segment.
    """

    page: Page
    people: Mapping[str, pa.Table] = field(default_factory=dict)
