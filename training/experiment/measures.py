"""What is measured of customers."""

from enum import StrEnum


class Measure(StrEnum):
    """A figure per customer; the names are those of the catalogue's guardrails."""

    VALUE = "value"  # profit
    CONVERSION = "conversion"  # whether the customer converted
    UNSUBSCRIBE = "unsubscribe"  # whether the customer refused further contacts
    COMPLAINT = "complaint"  # whether the customer complained

    @property
    def more_is_better(self) -> bool:
        """Whether the brand wants it to rise."""
        return self in (Measure.VALUE, Measure.CONVERSION)
