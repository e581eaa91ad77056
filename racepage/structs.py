"""Structs in memory, as compiled functions look at them: by address, as C does.

Numba's arrays cost a compiled function dearly: each one is seven arguments to whatever it calls,
and a reference count. The engines' inner functions take *addresses* instead. `pointer(Struct)` is a
function from an address and an index to a view of the `Struct` that lies there, whose fields are
read and assigned; `number(kind)` is one for arrays of plain numbers. Nothing checks an index, so
the callers do.

Whatever its width in memory, compiled code reads and assigns a field as an int64: numba compiles a
function once for each combination of its arguments' types, and mixes of signed and unsigned
integers become floats.

To Python, a struct is an item of a numpy array of type `layout(Struct)`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Protocol, TypeVar, cast, get_type_hints

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_getattr_generic,
    lower_setattr_generic,
    models,
    register_model,
)
from numpy.typing import NDArray

S = TypeVar("S")

I32 = Annotated[int, np.int32]
I64 = Annotated[int, np.int64]
_WORD = ir.IntType(64)


def layout(struct: type[Any]) -> np.dtype[Any]:
    """The numpy type of a class whose annotations are all of `I32` and `I64`."""
    return _layout(struct)  # type: ignore[arg-type]  # a class is hashable


@cache
def _layout(struct: type[Any]) -> np.dtype[Any]:
    hints = get_type_hints(struct, include_extras=True)
    return np.dtype([(name, hint.__metadata__[0]) for name, hint in hints.items()])


class _View(types.Type):  # type: ignore[misc]  # numba has no types
    """The type of a view: in memory an address, in numba's eyes an object with attributes."""

    def __init__(self, struct: np.dtype[Any]) -> None:
        self.fields = {
            name: (field[1], ir.IntType(8 * field[0].itemsize))
            for name, field in (struct.fields or {}).items()
        }
        super().__init__(name=f"View({struct})")


@register_model(_View)
class _ViewModel(models.PrimitiveModel):  # type: ignore[misc]  # numba has no types
    def __init__(self, manager: Any, view: _View) -> None:
        super().__init__(manager, view, _WORD)


@infer_getattr
class _ViewFields(AttributeTemplate):  # type: ignore[misc]  # numba has no types
    key = _View

    def generic_resolve(self, view: _View, field: str) -> Any:
        return types.int64 if field in view.fields else None


def _place(builder: Any, view: _View, value: Any, field: str) -> Any:
    offset, kind = view.fields[field]
    return builder.inttoptr(builder.add(value, ir.Constant(_WORD, offset)), kind.as_pointer())


@lower_getattr_generic(_View)  # type: ignore[untyped-decorator]
def _get(_context: Any, builder: Any, view: _View, value: Any, field: str) -> Any:
    return builder.sext(builder.load(_place(builder, view, value, field)), _WORD)


@lower_setattr_generic(_View)  # type: ignore[untyped-decorator]
def _set(_context: Any, builder: Any, signature: Any, values: Any, field: str) -> None:
    view = signature.args[0]
    value = builder.trunc(values[1], view.fields[field][1])
    builder.store(value, _place(builder, view, values[0], field))


def pointer(struct: type[S]) -> Callable[[int, int], S]:
    """A function for compiled code: from an address and an index to the struct that lies there."""
    view = _View(layout(struct))
    size = layout(struct).itemsize

    @intrinsic  # type: ignore[untyped-decorator]
    def at(_typing: Any, _address: Any, _index: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            base, index = values
            return builder.add(base, builder.mul(index, ir.Constant(_WORD, size)))

        return view(types.int64, types.int64), generate

    return cast("Callable[[int, int], S]", at)


class Value(Protocol):
    """A struct of one number."""

    value: int


def number(kind: type[np.integer[Any]]) -> Callable[[int, int], Value]:
    """Like `pointer`, for an array of plain numbers: its items have the one field `value`."""
    return pointer(type("Number", (), {"__annotations__": {"value": Annotated[int, kind]}}))


def address(array: NDArray[Any]) -> int:
    """Where a contiguous array lies. It must be kept alive, and not resized, while that is used."""
    return array.ctypes.data
