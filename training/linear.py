"""Linear models on columns made comparable: clipped, in logarithms where they are heavy-tailed, standardized, gaps marked."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from features.errors import ArtifactError

Floats = NDArray[np.float64]

_TAIL = 0.005  # share of rows beyond which a column is clipped, on each side
_SKEWED = 2.0  # standardized third moment above which a column without negative values is taken in logarithms
_DIGITS = 10  # kept of a coefficient: what a machine adds up in another order ends in other last digits
KIND = "linear"


@dataclass(frozen=True, slots=True)
class Columns:
    """How columns are made comparable; the same for every model fitted on the same rows.

    Attributes
    ----------
    low, high : shape (d,), values beyond are moved to them.
    logarithm : shape (d,), 1 where log(1 + value) is taken, else 0.
    mean, scale : shape (d,), of what comes out of that.
    missing : shape (d,), share of rows where it is not known.
    """

    low: Floats
    high: Floats
    logarithm: Floats
    mean: Floats
    scale: Floats
    missing: Floats

    @classmethod
    def of(cls, features: Floats) -> "Columns":
        """Those that suit these rows, shape (n, d)."""
        return cls(*(np.array(each, dtype=np.float64) for each in zip(*map(_made_comparable, features.T), strict=True)))

    def standardized(self, features: Floats) -> Floats:
        """Shape (n, d): mean 0 and deviation 1 over the rows that they suit; 0 where unknown."""
        shaped = _in_logarithms(np.clip(features, self.low, self.high), self.logarithm)
        shaped -= self.mean
        shaped /= self.scale
        return np.asarray(np.nan_to_num(shaped, copy=False))

    def gaps(self, features: Floats) -> Floats:
        """Shape (n, d): 1 where unknown, less the share of rows where it is."""
        return np.asarray(np.isnan(features) - self.missing)

    @property
    def with_gaps(self) -> NDArray[np.intp]:
        """The columns that are known of some rows and not of others."""
        return np.flatnonzero((self.missing > 0) & (self.missing < 1))

    def design(self, features: Floats) -> Floats:
        """Shape (n, d + g): the columns, standardized, then the gaps of those that have some."""
        columns = self.with_gaps
        return np.hstack([self.standardized(features), np.isnan(features[:, columns]) - self.missing[columns]])


@dataclass(frozen=True, slots=True)
class Design:
    """Rows made comparable once, for all the models that are fitted on them.

    Attributes
    ----------
    columns : those that suit the rows.
    table : shape (n, d + g), the rows' `Columns.design`.
    """

    columns: Columns
    table: Floats

    @classmethod
    def of(cls, features: Floats) -> "Design":
        """Of these rows, shape (n, d)."""
        columns = Columns.of(features)
        return cls(columns, columns.design(features))


@dataclass(frozen=True, slots=True)
class Linear:
    """A base, and a weight for every column and for every gap.

    Attributes
    ----------
    weights, gap_weights : shape (d,).
    """

    columns: Columns
    weights: Floats
    gap_weights: Floats
    base: float

    @classmethod
    def of(cls, columns: Columns, coefficients: Floats, base: float) -> "Linear":
        """From coefficients of `Columns.design`, shape (d + g,)."""
        width = len(columns.mean)
        gaps = np.zeros(width)
        gaps[columns.with_gaps] = coefficients[width:]
        return cls(columns, _rounded(coefficients[:width]), _rounded(gaps), float(_rounded(np.array([base]))[0]))

    @classmethod
    def constant(cls, width: int, value: float) -> "Linear":
        """The same raw score for everybody."""
        nothing, one = np.zeros(width), np.ones(width)
        return cls(Columns(nothing, one, nothing, nothing, one, nothing), nothing, nothing, value)

    @classmethod
    def load(cls, text: str) -> "Linear":
        """Read a model from its text.

        Raises
        ------
        ArtifactError
            When the text is none.
        """
        try:
            values = json.loads(text)
            arrays = {name: np.array(values[name], dtype=np.float64) for name in _ARRAYS}
            loaded = cls(
                Columns(**{field.name: arrays[field.name] for field in fields(Columns)}),
                arrays["weights"],
                arrays["gap_weights"],
                float(values["base"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"a linear model's text is not readable ({error!r}); train and register it again") from None
        shapes = {array.shape for array in arrays.values()}
        if shapes != {(loaded.width,)} or not all(np.isfinite(array).all() for array in arrays.values()) or not loaded._usable:
            raise ArtifactError("a linear model holds columns of unequal length or no numbers; train and register it again")
        return loaded

    @property
    def _usable(self) -> bool:
        return bool(np.isfinite(self.base) and (self.columns.scale > 0).all())

    @property
    def text(self) -> str:
        """All of it, as JSON."""
        arrays = {**asdict(self.columns), "weights": self.weights, "gap_weights": self.gap_weights}
        return json.dumps({"kind": KIND, "base": self.base, **{name: array.tolist() for name, array in arrays.items()}}) + "\n"

    @property
    def width(self) -> int:
        """The number of features it reads."""
        return len(self.weights)

    def raw(self, features: Floats) -> Floats:
        """Raw scores, shape (n,), before link and calibration."""
        return self._raw(self.columns.standardized(features), np.isnan(features))

    def _raw(self, standardized: Floats, unknown: NDArray[np.bool_]) -> Floats:
        # a row's sum never depends on the rows beside it, as it would by BLAS: one customer scores as they do in a million
        known, gaps = np.einsum("ij,j->i", standardized, self.weights), np.flatnonzero(self.gap_weights)
        gone = unknown[:, gaps] - self.columns.missing[gaps]
        return np.asarray(known + np.einsum("ij,j->i", gone, self.gap_weights[gaps]) + self.base)

    def contributions(self, features: Floats) -> Floats:
        """Each feature's part in the raw score, shape (n, d + 1); the last column is the base, rows sum to the raw score."""
        parts = self.columns.standardized(features) * self.weights + self.columns.gaps(features) * self.gap_weights
        return np.column_stack([parts, np.full(len(features), self.base)])

    def importances(self) -> Floats:
        """How far each feature moves the raw score, as a standard deviation, shape (d,)."""
        missing = self.columns.missing
        return np.asarray(np.sqrt(self.weights**2 * (1 - missing) + self.gap_weights**2 * missing * (1 - missing)))

    def part(self, columns: range) -> "Linear":
        """All of it: a part is as quick as the whole."""
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Linear) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def raw_of_each(models: Sequence[Linear], features: Floats) -> list[Floats]:
    """The raw scores of models that were fitted on the same rows, for the price of little more than one."""
    standardized, unknown = models[0].columns.standardized(features), np.isnan(features)
    return [model._raw(standardized, unknown) for model in models]


_ARRAYS = (*(field.name for field in fields(Columns)), "weights", "gap_weights")


def _made_comparable(column: Floats) -> tuple[float, ...]:
    """One column's part of `Columns`, in the order of its fields."""
    unknown = np.isnan(column)
    known = np.zeros(1) if unknown.all() else column[~unknown]
    low, high = np.quantile(known, [_TAIL, 1 - _TAIL], method="nearest")
    if low == high:  # what is rare must not be clipped away
        low, high = known.min(), known.max()
    clipped = known.clip(low, high)
    logarithm = low >= 0 and _skewness(clipped) > _SKEWED
    shaped = np.log1p(clipped) if logarithm else clipped
    return low, high, logarithm, shaped.mean(), _spread(shaped), unknown.mean()


def _skewness(values: Floats) -> float:
    centred = values - values.mean()
    return float((centred * centred * centred).mean()) / _spread(values) ** 3


def _spread(values: Floats) -> float:
    """The standard deviation; 1 where all values are the same."""
    deviation = float(values.std())
    return deviation if deviation > 1e-9 else 1.0


def _in_logarithms(clipped: Floats, logarithm: Floats) -> Floats:
    """The columns that are marked, as log(1 + value); in place."""
    marked = np.flatnonzero(logarithm)
    clipped[:, marked] = np.log1p(np.maximum(clipped[:, marked], 0.0))
    return clipped


def _rounded(values: Floats) -> Floats:
    return np.array([float(f"{value:.{_DIGITS}g}") for value in values])
