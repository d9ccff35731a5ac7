"""What a measure is: an amount out of a number of chances, each an aggregate over the events of one customer in one group."""

from dataclasses import dataclass

from features.insights.table import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A share or a mean.

    Attributes
    ----------
    name : snake_case; part of column names.
    explains : numerator, denominator and window, in a sentence.
    numerator, denominator : DuckDB aggregates over the columns that `events` makes; of a share, chances are counted, and so is
        how many of them came true.
    unit : `Unit.SHARE` makes it a share, anything else a mean.
    counted : what the denominator counts, as a plural noun.
    scale : what the quotient is multiplied with.
    least, most : ends of its scale; None where there is none.
    needs_one : whether none among all chances means that nobody records such a thing, and not that it never happens.
    """

    name: str
    title: str
    explains: str
    numerator: str
    denominator: str
    unit: Unit
    counted: str
    scale: float = 1.0
    least: float | None = None
    most: float | None = None
    needs_one: bool = False

    @property
    def is_share(self) -> bool:
        """Whether it is a share of chances."""
        return self.unit == Unit.SHARE
