"""Tables in compiled code: nested named tuples of arrays, passed as one address.

numba takes a tuple apart into its scalars at every call, a thousand for the tables here, which makes
compilation slow and calls dear. A `Reference` lays the array headers out in memory and is passed as an
address; compiled code reads `tables.cells.member[k]` all the same, and loads only what it uses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import make_array

HEADER = 5
"""Words of an array header before shape and strides: two for reference counts, size, item size, address."""


class Reference:
    """A named tuple of arrays and of further such tuples, at a fixed address; its fields are attributes here too."""

    def __init__(self, table: Any) -> None:
        self.fields: dict[str, Any] = {}
        """Arrays, and references to the tuples inside."""
        words: list[int] = []
        fields: list[tuple[str, int, types.Type]] = []
        for name, value in zip(table._fields, table, strict=True):
            if isinstance(value, np.ndarray):
                assert value.flags.c_contiguous and value.flags.aligned, name
                kind = types.Array(_dtype(value), value.ndim, "C")
                fields.append((name, len(words), kind))
                words += [0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides]
                self.fields[name] = value
            else:
                part = self.fields[name] = Reference(value)
                fields.append((name, len(words), part.numba_type))
                words.append(part.address)
        self.words = np.array(words, np.int64)
        self.address: int = int(self.words.ctypes.data)
        self.numba_type: ReferenceType = ReferenceType(type(table).__name__, tuple(fields))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.fields:
            raise AttributeError(name)
        return self.fields[name]


class ReferenceType(types.Type):
    """Type of a reference: names, places and types of the fields."""

    def __init__(self, name: str, fields: tuple[tuple[str, int, types.Type], ...]) -> None:
        self.fields = fields
        super().__init__(name=f"{name}({', '.join(f'{field}: {kind}' for field, _, kind in fields)})")

    def place(self, name: str) -> tuple[int, Any] | None:
        """Word at which a field begins, and its type."""
        return next(((word, kind) for field, word, kind in self.fields if field == name), None)


def _dtype(array: np.ndarray) -> types.Type:
    return {"float64": types.float64, "int64": types.int64, "uint64": types.uint64, "bool": types.boolean}[
        str(array.dtype)
    ]


@typeof_impl.register(Reference)
def _type_of(value: Reference, _context: object) -> ReferenceType:
    return value.numba_type


@register_model(ReferenceType)
class ReferenceModel(models.PrimitiveModel):
    """A reference is an address, as a 64-bit integer."""

    def __init__(self, manager: Any, kind: ReferenceType) -> None:
        super().__init__(manager, kind, ir.IntType(64))


@unbox(ReferenceType)
def _unbox(_kind: ReferenceType, value: Any, context: Any) -> NativeValue:
    address = context.pyapi.object_getattr_string(value, "address")
    native = context.pyapi.long_as_longlong(address)
    context.pyapi.decref(address)
    return NativeValue(native, is_error=cgutils.is_not_null(context.builder, context.pyapi.err_occurred()))


@infer_getattr
class ReferenceAttributes(AttributeTemplate):
    """Types of a reference's fields."""

    key = ReferenceType

    def generic_resolve(self, kind: ReferenceType, name: str) -> types.Type | None:
        """Type of a field, or None when there is no such field."""
        found = kind.place(name)
        return None if found is None else found[1]


@lower_getattr_generic(ReferenceType)
def _get_field(context: Any, builder: Any, kind: ReferenceType, value: Any, name: str) -> Any:
    found = kind.place(name)
    assert found is not None
    first, field = found
    word = ir.IntType(64)
    base = builder.inttoptr(value, word.as_pointer())

    def load(offset: int) -> Any:
        loaded = builder.load(builder.gep(base, [ir.Constant(word, first + offset)]))
        # Headers never change during a call: say so, or every write to an array would force them to be read again.
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
        return loaded

    if isinstance(field, ReferenceType):
        return load(0)
    array = make_array(field)(context, builder)
    array.nitems = load(2)
    array.itemsize = load(3)
    array.data = builder.inttoptr(load(4), array.data.type)
    array.shape = cgutils.pack_array(builder, [load(HEADER + k) for k in range(field.ndim)])
    array.strides = cgutils.pack_array(builder, [load(HEADER + field.ndim + k) for k in range(field.ndim)])
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return impl_ret_borrowed(context, builder, field, array._getvalue())
