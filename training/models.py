"""What a model is, and the only door to LightGBM: fits boosters, loads them from text, predicts and explains with numpy."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.errors import ArtifactError
from training.calibration import Calibration, Link
from training.native import Native, trees_with

Floats = NDArray[np.float64]
Gradient = Callable[[Floats], tuple[Floats, Floats]]

_THREADS = (
    1  # LightGBM's threads spin while they wait, and lose more than they gain as soon as a core is shared; folds run side by side
)
_ROWS_FOR_BINS = 20_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a booster is fitted for, and how far.

    Attributes
    ----------
    monotone : shape (d,), 1 where predictions must not fall with a feature, -1 where they must not rise, else 0; empty: no rule.
    """

    objective: str
    link: Link
    trees: int = 200
    leaves: int = 15
    learning_rate: float = 0.05
    rows_in_leaf: int = 50
    patience: int = 20
    monotone: tuple[int, ...] = ()

    def parameters(self, *, rows: int, seed: int) -> dict[str, Any]:
        """LightGBM's parameters; a small data set gets smaller leaves."""
        return {
            "objective": self.objective,
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": max(5, min(self.rows_in_leaf, rows // 40)),
            "lambda_l2": 5.0,
            "feature_fraction": 0.7,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "max_bin": 63,
            "bin_construct_sample_cnt": _ROWS_FOR_BINS,
            "seed": seed % 2**31,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": _THREADS,
            "verbosity": -1,
            **({"monotone_constraints": list(self.monotone)} if self.monotone else {}),
        }


BINARY = Recipe("binary", Link.LOGISTIC)
AMOUNT = Recipe("tweedie", Link.EXPONENTIAL)
MEAN = Recipe("regression", Link.IDENTITY)


class Model(Protocol):
    """A fitted model of one number: LightGBM's, a linear one, or several together; kept as text, so nothing in it can run."""

    @property
    def text(self) -> str:
        """All of it; see `training.stored.load_model`."""

    @property
    def width(self) -> int:
        """The number of features it reads."""

    def raw(self, features: Floats) -> Floats:
        """Raw scores, shape (n,), before link and calibration; features have shape (n, d), NaN where unknown."""

    def contributions(self, features: Floats) -> Floats:
        """Each feature's part in the raw score, shape (n, d + 1); the last column is the base, rows sum to the raw score."""

    def importances(self) -> Floats:
        """How much the model relies on each feature, shape (d,), none negative, in a unit of its own."""

    def part(self, columns: range) -> "Model":
        """What of the model reads any of some columns: where these alone change, it changes as the whole does."""


@dataclass(frozen=True, slots=True)
class Booster:
    """A fitted booster: its native text, and the loaded model."""

    text: str
    native: Any = field(repr=False, compare=False)
    _native: Native = field(repr=False, compare=False)
    _parts: "dict[range, Booster]" = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, text: str) -> "Booster":
        """Load a booster from its native text; nothing but numbers is read.

        Raises
        ------
        ArtifactError
            When the text is no LightGBM model.
        """
        import lightgbm

        try:
            native = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise ArtifactError(f"a model's text is not readable by LightGBM ({error}); train and register it again") from None
        return cls(text, native, Native(native, lightgbm.basic, threads=_THREADS))

    @property
    def width(self) -> int:
        """The number of features it reads."""
        return int(self.native.num_feature())

    @property
    def trees(self) -> int:
        """The number of trees."""
        return int(self.native.num_trees())

    def raw(self, features: Floats) -> Floats:
        """Raw scores, shape (n,), before link and calibration."""
        return self._native.raw(features)

    def contributions(self, features: Floats) -> Floats:
        """Each feature's part in the raw score, shape (n, d + 1); the last column is the base, rows sum to the raw score."""
        return self._native.contributions(features)

    def part(self, columns: range) -> "Booster":
        """The trees that split by any of some columns: where these alone change, all others say what they said before."""
        if columns not in self._parts:
            self._parts[columns] = Booster.load(trees_with(self.text, columns))
        return self._parts[columns]

    def importances(self) -> Floats:
        """Each feature's total gain, shape (d,)."""
        return np.asarray(self.native.feature_importance(importance_type="gain"), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Predictor:
    """A model with its calibration."""

    model: Model
    calibration: Calibration

    def predict(self, features: Floats) -> Floats:
        """Calibrated predictions, shape (n,)."""
        return self.calibration.apply(self.model.raw(features))


def fit_booster(
    features: Floats,
    label: Floats,
    *,
    recipe: Recipe,
    seed: int,
    names: Sequence[str] | None = None,
    weight: Floats | None = None,
    validation: tuple[Floats, Floats, Floats | None] | None = None,
) -> Booster:
    """Fit a booster; with `validation` it stops at the number of trees that predicts those rows best.

    Parameters
    ----------
    features : shape (n, d), NaN where unknown.
    label : shape (n,).
    weight : shape (n,), or None for equal weights.
    validation : features, label and weight of the rows to stop by.
    """
    import lightgbm

    parameters = recipe.parameters(rows=len(label), seed=seed)
    columns = list(names) if names is not None else "auto"
    data = lightgbm.Dataset(features, label, weight=weight, feature_name=columns, params=parameters, free_raw_data=True)
    callbacks, sets = [], []
    if validation is not None:
        callbacks = [lightgbm.early_stopping(recipe.patience, verbose=False)]
        rows, target, importance = validation
        sets = [lightgbm.Dataset(rows, target, weight=importance, reference=data, params=parameters)]
    fitted = lightgbm.train(parameters, data, num_boost_round=recipe.trees, valid_sets=sets, callbacks=callbacks)
    best = fitted.best_iteration if validation is not None else fitted.current_iteration()
    return Booster.load(fitted.model_to_string(num_iteration=max(best, 1)))


def fit_together(features: Floats, count: int, *, gradient: Gradient, recipe: Recipe, seed: int) -> tuple[Booster, ...]:
    """Fit several boosters side by side, tree by tree, towards a goal that depends on the raw scores of all.

    Parameters
    ----------
    features : shape (n, d), NaN where unknown.
    gradient : from raw scores, shape (n, count), the first and second derivatives of what is to be small, the same shape each.
    """
    import lightgbm

    parameters = recipe.parameters(rows=len(features), seed=seed) | {"objective": "none"}
    data = lightgbm.Dataset(features, np.zeros(len(features)), params=parameters, free_raw_data=True)
    boosters = [lightgbm.Booster(parameters, data) for _ in range(count)]
    raw = np.zeros((len(features), count))
    for _ in range(recipe.trees):
        first, second = gradient(raw)
        for index, booster in enumerate(boosters):
            derivatives = first[:, index], second[:, index]
            booster.update(fobj=lambda _, __, both=derivatives: both)
            raw[:, index] = _scores(booster)
    return tuple(Booster.load(booster.model_to_string()) for booster in boosters)


def _scores(booster: Any) -> Floats:
    """The raw scores of the rows that a booster learns from: it keeps them, so nothing is predicted again."""
    scores = np.empty(0)

    def told(raw: Floats, _: Any) -> tuple[str, float, bool]:
        nonlocal scores
        scores = raw
        return "", 0.0, False

    booster.eval_train(told)
    return scores


def spare_scikit_learn() -> None:
    """Import LightGBM without scikit-learn, which it brings along for wrappers of its own: half a second and 40 MiB less.

    For processes that only predict.
    """
    if "lightgbm" not in sys.modules and "sklearn" not in sys.modules:
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # as if it were not installed; LightGBM then goes without
        try:
            import lightgbm  # noqa: F401
        finally:
            del sys.modules["sklearn"]


def with_trees(recipe: Recipe, trees: int) -> Recipe:
    """The same recipe with exactly that many trees."""
    return replace(recipe, trees=max(1, trees))
