"""Dot products with explicit vector instructions, sixteen numbers at once.

A compiler keeps the order in which a sum of floats is written, and does not vectorise the short
loops over the numbers of two rows. These intrinsics do, in the order that the tests spell out in
plain loops: a result does not depend on the width of the machine's vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

LANES = 16
ROWS_AT_ONCE = 4
"""Rows multiplied with a panel together; each number of the panel is read once for them."""

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INT = ir.IntType(32)
Generator = Callable[[Any, Any, Any, Any], Any]


def _make_intrinsic(function: Callable[..., tuple[Any, Generator]]) -> Callable[..., Any]:
    # kernels call it without the typing context
    return cast(Callable[..., Any], intrinsic(function))


def _check_array(array: Any, ndim: int) -> None:
    fits = isinstance(array, types.Array) and array.dtype == types.float32
    if not fits or array.ndim != ndim or array.layout != "C":
        raise TypingError(f"a contiguous float32 array of {ndim} dimensions is needed, not {array}")


class _Array:
    """An array in the code being generated."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        self._builder, self._array = builder, context.make_array(kind)(context, builder, value)

    def get_length(self, axis: int) -> Any:
        return self._builder.extract_value(self._array.shape, axis)

    def get_pointer(self, *place: Any) -> Any:
        """Return a pointer to an element, by its index along each axis."""
        at = place[0]
        for axis, more in enumerate(place[1:], 1):
            at = self._builder.add(self._builder.mul(at, self.get_length(axis)), more)
        return self._builder.gep(self._array.data, [at])


def _allocate_zeros(builder: Any) -> Any:
    """Allocate a vector of zeros on the stack."""
    return cast(Any, cgutils).alloca_once_value(builder, ir.Constant(_VECTOR, None))


def _load(builder: Any, pointer: Any) -> Any:
    return builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()), align=4)


def _store(builder: Any, vector: Any, pointer: Any) -> None:
    builder.store(vector, builder.bitcast(pointer, _VECTOR.as_pointer()), align=4)


def _broadcast(builder: Any, pointer: Any) -> Any:
    """Load one number into every lane."""
    none = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(none, builder.load(pointer), _INT(0))
    return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(_INT, LANES), None))


@_make_intrinsic
def dot(typing: Any, vectors: Any, i: Any, j: Any) -> tuple[Any, Generator]:
    """Compute the dot product of rows ``i`` and ``j`` of float32[n, d], ``d`` a multiple of LANES.

    Number k is added to lane ``k % LANES``; at the end the lanes are added one after the other.
    """
    _check_array(vectors, 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _Array(context, builder, signature.args[0], arguments[0])
        size = rows.get_length(1)
        sums = _allocate_zeros(builder)
        steps = cgutils.for_range_slice(
            builder, size.type(0), size, size.type(LANES), intp=size.type
        )
        with steps as (k, _):
            a, b = (_load(builder, rows.get_pointer(row, k)) for row in arguments[1:])
            builder.store(builder.fadd(builder.load(sums), builder.fmul(a, b)), sums)
        lanes, total = builder.load(sums), ir.FloatType()(0)
        for lane in range(LANES):
            total = builder.fadd(total, builder.extract_element(lanes, _INT(lane)))
        return total

    return types.float32(vectors, types.intp, types.intp), generate


@_make_intrinsic
def multiply_panel(
    typing: Any, rows: Any, first: Any, panels: Any, panel: Any, out: Any
) -> tuple[Any, Generator]:
    """Compute dot products of :data:`ROWS_AT_ONCE` rows with the :data:`LANES` others of a panel.

    Those of row ``first + t`` go to ``out[t, panel * LANES:(panel + 1) * LANES]``. Of numbers k to
    k + 3 the products of the first two and of the last two are added, then these two sums, then
    the total so far.

    Parameters
    ----------
    rows : float32[n, d]
        ``d`` a multiple of 4, ``n`` at least ``first + TOGETHER``.
    panels : float32[P, d, LANES]
        LANES others side by side.
    out : float32[ROWS_AT_ONCE, P * LANES]
    """
    for array, ndim in ((rows, 2), (panels, 3), (out, 2)):
        _check_array(array, ndim)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        argument_types = signature.args
        row, other, into = (
            _Array(context, builder, argument_types[n], arguments[n]) for n in (0, 2, 4)
        )
        size = row.get_length(1)
        word, zero = size.type, size.type(0)
        low = builder.mul(arguments[3], word(LANES))
        row_numbers = [builder.add(arguments[1], word(t)) for t in range(ROWS_AT_ONCE)]
        sums = [_allocate_zeros(builder) for _ in row_numbers]
        with cgutils.for_range_slice(builder, zero, size, word(4), intp=word) as (k, _):
            four = [builder.add(k, word(q)) for q in range(4)]
            panel_values = [_load(builder, other.get_pointer(arguments[3], q, zero)) for q in four]
            for i, total in zip(row_numbers, sums, strict=True):
                a, b, c, d = (
                    builder.fmul(_broadcast(builder, row.get_pointer(i, q)), values)
                    for q, values in zip(four, panel_values, strict=True)
                )
                step_sum = builder.fadd(builder.fadd(a, b), builder.fadd(c, d))
                builder.store(builder.fadd(builder.load(total), step_sum), total)
        for t, total in enumerate(sums):
            _store(builder, builder.load(total), into.get_pointer(word(t), low))
        return context.get_dummy_value()

    return types.void(rows, types.intp, panels, types.intp, out), generate
