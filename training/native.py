"""A booster asked through LightGBM's C functions, and the part of its text that reads some columns."""

import ctypes
import re
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RAW, _CONTRIBUTIONS, _FLOAT64, _ROW_MAJOR = 1, 3, 1, 1  # as LightGBM's c_api.h has them
_SPLITS = re.compile(r"^split_feature=(.*)$", re.MULTILINE)


class Native:
    """A booster's predictions by LightGBM's C functions: what its `predict` gives, whose checks take longer than a row does.

    One row is asked about with the interpreter held: it takes microseconds, and the settings that it shares are then never
    used by two threads at once. Several rows let other threads run meanwhile.

    Parameters
    ----------
    native : LightGBM's booster, and `basic` its module of that name, which only `training.models` may import.
    """

    def __init__(self, native: Any, basic: Any, *, threads: int) -> None:
        self._native, self._library, self._check = native, basic._LIB, basic._safe_call
        self.width = int(native.num_feature())
        self._trees = ctypes.c_int(0), ctypes.c_int(-1)  # from the first to the last
        self._one = ctypes.PyDLL(basic._LIB._name).LGBM_BoosterPredictForMatSingleRowFast
        self._settings, self._parameters = ctypes.c_void_p(), f"num_threads={threads}".encode()
        kind = native._handle, ctypes.c_int(_RAW), *self._trees, ctypes.c_int(_FLOAT64), ctypes.c_int32(self.width)
        self._check(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(*kind, self._parameters, ctypes.byref(self._settings))
        )

    def __del__(self) -> None:
        if self._settings:
            self._library.LGBM_FastConfigFree(self._settings)

    def raw(self, features: Floats) -> Floats:
        """Raw scores, shape (n,)."""
        if features.shape != (1, self.width):
            return self._several(features, _RAW, 1)[:, 0]
        row, found, count = _plain(features), np.empty(1), ctypes.c_int64()
        self._check(self._one(self._settings, _address(row), ctypes.byref(count), _address(found)))
        return found

    def contributions(self, features: Floats) -> Floats:
        """Each feature's part in the raw score and last the base, shape (n, d + 1)."""
        return self._several(features, _CONTRIBUTIONS, self.width + 1)

    def _several(self, features: Floats, kind: int, columns: int) -> Floats:
        rows, count = _plain(features), ctypes.c_int64()
        found = np.empty((len(rows), columns))
        shape = ctypes.c_int32(rows.shape[0]), ctypes.c_int32(rows.shape[1]), ctypes.c_int(_ROW_MAJOR), ctypes.c_int(kind)
        where = (
            _address(rows),
            ctypes.c_int(_FLOAT64),
            *shape,
            *self._trees,
            self._parameters,
            ctypes.byref(count),
            _address(found),
        )
        self._check(self._library.LGBM_BoosterPredictForMat(self._native._handle, *where))
        return found


def _plain(features: Floats) -> Floats:
    return np.ascontiguousarray(features, dtype=np.float64)


def _address(array: Floats) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def trees_with(text: str, columns: Collection[int]) -> str:
    """A model's text with those of its trees that split by any of some columns; with its first one, where none does."""
    head, *trees = text.partition("\nend of trees")[0].split("\nTree=")
    wanted = {str(column) for column in columns}
    reading = [tree for tree in trees if (splits := _SPLITS.search(tree)) and not wanted.isdisjoint(splits[1].split())]
    bodies = [tree.partition("\n")[2] for tree in reading or trees[:1]]
    lines = [line for line in head.splitlines() if not line.startswith("tree_sizes=")]
    return "\n".join([*lines, "", *(f"Tree={number}\n{body}" for number, body in enumerate(bodies)), "end of trees", ""])
