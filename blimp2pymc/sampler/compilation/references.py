"""Tables in compiled code: nested named tuples of arrays, passed as one address.

numba takes a tuple apart into its scalars at every call, a thousand for the tables here, which makes
compilation slow and calls dear. A `Reference` lays the array headers out in memory and is passed as an
address; compiled code reads `tables.cells.member[k]` all the same, and loads only what it uses. What numba
has to know for that is in `reference_types`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

HEADER = 5
"""Words of an array header before shape and strides: two for reference counts, size, item size, address."""


class ArrayForm(NamedTuple):
    """Kind of an array field."""

    dtype: str
    dimensions: int


class Form(NamedTuple):
    """Kind of a reference: what compiled code depends on."""

    name: str
    fields: tuple[tuple[str, int, ArrayForm | Form], ...]
    """Name, word at which it begins, and kind of every field."""


class Reference:
    """A named tuple of arrays and of further such tuples, at a fixed address; its fields are attributes here too."""

    def __init__(self, table: Any) -> None:
        self.fields: dict[str, Any] = {}
        """Arrays, and references to the tuples inside."""
        words: list[int] = []
        fields: list[tuple[str, int, ArrayForm | Form]] = []
        for name, value in zip(table._fields, table, strict=True):
            if isinstance(value, np.ndarray):
                assert value.flags.c_contiguous and value.flags.aligned, name
                fields.append((name, len(words), ArrayForm(str(value.dtype), value.ndim)))
                words += [0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides]
                self.fields[name] = value
            else:
                part = self.fields[name] = Reference(value)
                fields.append((name, len(words), part.form))
                words.append(part.address)
        self.words = np.array(words, np.int64)
        self.address: int = int(self.words.ctypes.data)
        self.form: Form = Form(type(table).__name__, tuple(fields))
        self.numba_type: Any = None
        """Its type, once numba has asked for it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.fields:
            raise AttributeError(name)
        return self.fields[name]
