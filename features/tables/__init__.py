"""Feature tables: features declared once and run three ways, with equal results.

What is kept of a customer is a *state*: decayed sums, counts, first and last times, current values. Each is a fold that commutes,
so late and out-of-order interactions do no harm, and each is true at every later time by arithmetic alone. In order:

1. `declared` lists the features; each names its read, each read the folds that it needs.
2. `folds` and `extremes` make the state, one interaction at a time (`running`) or over the whole lake (`history`).
3. `combining` makes the state of a customer out of those of the customer's identifiers.
4. `reads` and `texts` make feature values out of states as of any time, with the same formulas for many history rows (`reading`)
   and for one customer online (`single`).

Features at a time T see exactly the interactions whose `visible_at`, the later of `at` and `received_at`, is at most T.
"""

from features.instants import microseconds
from features.tables.combining import combine
from features.tables.declared import FIRST_AT, TOTAL, feature_list
from features.tables.feature import Feature, all_columns, state_columns
from features.tables.frames import KNOWN
from features.tables.history import as_of, history, latest
from features.tables.reading import matrix, read, stacked
from features.tables.running import empty_state, fold
from features.tables.single import SingleReader
from features.tables.state import POSITION, STATE_AT, State, StateColumn

__all__ = [
    "FIRST_AT",
    "KNOWN",
    "POSITION",
    "STATE_AT",
    "TOTAL",
    "Feature",
    "SingleReader",
    "State",
    "StateColumn",
    "all_columns",
    "as_of",
    "combine",
    "empty_state",
    "feature_list",
    "fold",
    "history",
    "latest",
    "matrix",
    "microseconds",
    "read",
    "stacked",
    "state_columns",
]
