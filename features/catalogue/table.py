"""What every table of the catalogue is: immutable, and closed to unknown keys; and the words that tables share."""

from datetime import time
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MessageClass = Literal["marketing", "service", "transactional"]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
TouchpointName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z0-9_]+$", max_length=100)]
Word = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=60)]


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of that name; None when there is none.

    >>> zone_named("Europe/Berlin"), zone_named("Berlin")
    (zoneinfo.ZoneInfo(key='Europe/Berlin'), None)
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


def _is_zone(name: str) -> str:
    if zone_named(name) is None:
        raise ValueError(f"{name!r} is no time zone; give one such as 'Europe/Berlin'")
    return name


def _is_naive(clock: time) -> time:
    if clock.tzinfo is not None:
        raise ValueError(f"{clock.isoformat()} names an offset; give a time of day such as 21:30, and the zone by its own key")
    return clock


Zone = Annotated[str, AfterValidator(_is_zone)]
Clock = Annotated[time, AfterValidator(_is_naive)]


class CatalogueTable(BaseModel):
    """A table of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
