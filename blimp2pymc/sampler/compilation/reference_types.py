"""What numba has to know of a `Reference`, its type and how its fields are read, and of calls by address.

Imports numba; reached only when something has to be compiled.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_builtin,
    lower_getattr_generic,
    models,
    register_model,
    type_callable,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import make_array

from blimp2pymc.sampler.compilation.addresses import call_block, call_density
from blimp2pymc.sampler.compilation.instructions import power_of_two, prefetch, whole_logarithm
from blimp2pymc.sampler.compilation.references import HEADER, Form, Reference

ITEMS = {"float64": types.float64, "int64": types.int64, "uint64": types.uint64, "bool": types.boolean}
"""Type of an array's items, by its dtype."""


class ReferenceType(types.Type):
    """Type of a reference: names, places and types of the fields."""

    def __init__(self, name: str, fields: tuple[tuple[str, int, types.Type], ...]) -> None:
        self.fields = fields
        super().__init__(name=f"{name}({', '.join(f'{field}: {kind}' for field, _, kind in fields)})")

    def place(self, name: str) -> tuple[int, Any] | None:
        """Word at which a field begins, and its type."""
        return next(((word, kind) for field, word, kind in self.fields if field == name), None)


@cache
def reference_type(form: Form) -> ReferenceType:
    """The type of references of a form."""
    fields = []
    for name, word, kind in form.fields:
        known = reference_type(kind) if isinstance(kind, Form) else types.Array(ITEMS[kind.dtype], kind.dimensions, "C")
        fields.append((name, word, known))
    return ReferenceType(form.name, tuple(fields))


@typeof_impl.register(Reference)
def _type_of(value: Reference, _context: object) -> ReferenceType:
    if value.numba_type is None:
        value.numba_type = reference_type(value.form)
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


# ---------------------------------------------------------------- calls by address


@type_callable(call_block)
def _type_call_block(_context: Any) -> Any:
    return lambda address, block, number: types.int64


@type_callable(call_density)
def _type_call_density(_context: Any) -> Any:
    return lambda address, values, gradient, theta, columns: types.float64


@lower_builtin(call_block, types.Integer, types.Integer, types.Integer)
def _call_block(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    # As numba's own functions are called: places of result and exception, then the arguments; a status comes back.
    word, trouble = ir.IntType(64), ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.IntType(32), [word.as_pointer(), trouble.as_pointer(), word, word])
    result = cgutils.alloca_once_value(builder, ir.Constant(word, -1))
    exception = cgutils.alloca_once(builder, trouble)
    function = builder.inttoptr(arguments[0], kind.as_pointer())
    status = builder.call(function, [result, exception, arguments[1], arguments[2]])
    fine = builder.icmp_signed("==", status, ir.Constant(ir.IntType(32), 0))
    return builder.select(fine, builder.load(result), ir.Constant(word, -1))


@lower_builtin(call_density, types.Integer, types.Array, types.Array, types.Array, types.Array)
def _call_density(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    number = ir.DoubleType()
    kind = ir.FunctionType(number, [number.as_pointer()] * 4)
    arrays = zip(signature.args[1:], arguments[1:], strict=True)
    places = [make_array(each)(context, builder, value).data for each, value in arrays]
    return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), places)


@type_callable(prefetch)
def _type_prefetch(_context: Any) -> Any:
    return lambda values, index: types.none


@lower_builtin(prefetch, types.Array, types.Integer)
def _prefetch(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    place, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
    data = make_array(signature.args[0])(context, builder, arguments[0]).data
    address = builder.bitcast(builder.gep(data, [arguments[1]]), place)
    kind = ir.FunctionType(ir.VoidType(), [place, flag, flag, flag])
    function = builder.module.declare_intrinsic("llvm.prefetch", [place], kind)
    # To be read, into every cache, data.
    builder.call(function, [address, ir.Constant(flag, 0), ir.Constant(flag, 3), ir.Constant(flag, 1)])
    return context.get_dummy_value()


@type_callable(power_of_two)
def _type_power_of_two(_context: Any) -> Any:
    return lambda exponent: types.float64


@lower_builtin(power_of_two, types.Integer)
def _power_of_two(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    word = ir.IntType(64)
    exponent = arguments[0] if arguments[0].type == word else builder.sext(arguments[0], word)
    biased = builder.add(exponent, ir.Constant(word, 1023))
    return builder.bitcast(builder.shl(biased, ir.Constant(word, 52)), ir.DoubleType())


@type_callable(whole_logarithm)
def _type_whole_logarithm(_context: Any) -> Any:
    return lambda value: types.int64


@lower_builtin(whole_logarithm, types.Float)
def _whole_logarithm(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
    word = ir.IntType(64)
    shifted = builder.lshr(builder.bitcast(arguments[0], word), ir.Constant(word, 52))
    return builder.sub(shifted, ir.Constant(word, 1023))
