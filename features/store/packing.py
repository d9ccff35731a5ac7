"""One state as one value of bytes: every column at its place, so that one read and one unpacking give all of them.

A value is, in little-endian order: 8 bytes that name the layout, the time of the row in microseconds (int64), a bitmap of the
columns that are null (filled up to whole 8 bytes), 8 bytes per column in the order of their names (float64, int64, or the length
of a text in bytes), and then the texts in UTF-8, in that order too. Nothing is compressed: what is erased can be looked for.
"""

import json
import struct
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Dtype = Literal["float", "int", "text"]
Value = int | float | str | None

FORMAT = 1
"""Which way rows are kept, from 1 on; rows kept in any other way are not read."""

NAME_BYTES = 8
"""A value begins with so many bytes that name its layout."""

_ARROW = {"float": pa.float64(), "int": pa.int64()}
_PATTERNS = 4_096  # of nulls that are kept at hand


class Layout:
    """Where each column stands in a value.

    Parameters
    ----------
    dtypes : of the columns, by name; their order does not matter.

    Attributes
    ----------
    name : 8 bytes, the same in every process for the same columns.
    """

    def __init__(self, dtypes: Mapping[str, Dtype]) -> None:
        self.columns: tuple[tuple[str, Dtype], ...] = tuple(sorted(dtypes.items()))
        self.name = sha256(repr((FORMAT, self.columns)).encode()).digest()[:NAME_BYTES]
        self._names = tuple(name for name, _ in self.columns)
        self._texts = tuple(name for name, dtype in self.columns if dtype == "text")
        self._bitmap_bytes = -(-len(self.columns) // 64) * 8
        kinds = "".join("d" if dtype == "float" else "q" for _, dtype in self.columns)
        self._fixed = struct.Struct(f"<{NAME_BYTES}sq{self._bitmap_bytes}s{kinds}")
        places = [(f"{index}", "<f8" if dtype == "float" else "<i8") for index, (_, dtype) in enumerate(self.columns)]
        self._row = np.dtype([("name", f"V{NAME_BYTES}"), ("at", "<i8"), ("nulls", "u1", (self._bitmap_bytes,)), *places])
        self._nulls_of = lru_cache(_PATTERNS)(self._read_bitmap)

    def pack(self, at: int, values: Mapping[str, Value]) -> bytes:
        """One row; what `values` lacks, None and NaN are null."""
        nulls, slots, texts = 0, [], []
        for index, (name, dtype) in enumerate(self.columns):
            value = values.get(name)
            if value is None or value != value:
                nulls |= 1 << index
                value = 0
            elif dtype == "text":
                texts.append(str(value).encode())
                value = len(texts[-1])
            slots.append(value)
        bitmap = nulls.to_bytes(self._bitmap_bytes, "little")
        return self._fixed.pack(self.name, at, bitmap, *slots) + b"".join(texts)

    def pack_rows(self, rows: pa.RecordBatch, at: pa.Array) -> list[bytes]:
        """All rows of a batch that has the columns by name: the same bytes that `pack` gives of each.

        Parameters
        ----------
        at : the time of each row, any timestamp.
        """
        fixed, nulls = np.zeros(rows.num_rows, self._row), np.zeros((rows.num_rows, self._bitmap_bytes * 8), dtype=bool)
        fixed["name"], fixed["at"] = np.void(self.name), _microseconds(at)
        for index, (name, dtype) in enumerate(self.columns):
            values = rows.column(name)
            null = nulls[:, index] = values.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
            values = pc.binary_length(values.cast(pa.binary())) if dtype == "text" else values.cast(_ARROW[dtype])
            place = fixed[f"{index}"]
            place[:] = values.fill_null(0).to_numpy(zero_copy_only=False)
            place[null] = 0
        fixed["nulls"] = np.packbits(nulls, axis=1, bitorder="little")
        size, written = self._fixed.size, fixed.tobytes()
        slices = [written[start : start + size] for start in range(0, len(written), size)]
        return [each + text for each, text in zip(slices, self._joined_texts(rows), strict=True)] if self._texts else slices

    def unpack(self, value: bytes) -> dict[str, Any]:
        """The columns of one row by name; None where null."""
        parts = self._fixed.unpack_from(value)
        columns = dict(zip(self._names, parts[3:], strict=True))
        start = self._fixed.size
        for name in self._texts:
            end = start + columns[name]
            columns[name] = value[start:end].decode()
            start = end
        columns.update(self._nulls_of(parts[2]))
        return columns

    def at(self, value: bytes) -> int:
        """The time of one row, in microseconds."""
        return int(struct.unpack_from("<q", value, NAME_BYTES)[0])

    def to_json(self) -> str:
        """What `of_json` makes the same layout of."""
        return json.dumps(dict(self.columns))

    @classmethod
    def of_json(cls, text: str | bytes) -> "Layout":
        """The layout that was told."""
        return cls(json.loads(text))

    def _read_bitmap(self, bitmap: bytes) -> dict[str, None]:
        nulls = int.from_bytes(bitmap, "little")
        return {name: None for index, name in enumerate(self._names) if nulls >> index & 1}

    def _joined_texts(self, rows: pa.RecordBatch) -> list[bytes]:
        texts = [rows.column(name).cast(pa.string()).fill_null("") for name in self._texts]
        joined: list[bytes] = pc.binary_join_element_wise(*texts, "").cast(pa.binary()).to_pylist()
        return joined


def _microseconds(at: pa.Array) -> NDArray[np.int64]:
    instants: NDArray[np.int64] = at.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return instants
