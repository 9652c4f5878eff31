"""The instructions of Winograd's transforms: known matrices times numbers of as many channels as fit a vector.

The points of the transforms come in pairs, p and -p. Their two rows, or columns, have the same numbers, some with the
other sign: so half of the products and a third of the sums are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.compiled.jit import LANES, helper, intrinsic, numba
from eagerflow.kernels.convolution.winograd.minimal import minimal

__all__ = ["INPUTS", "OUTPUTS", "SLOPES", "transform_tile"]

INPUTS, OUTPUTS, SLOPES = range(3)  # kinds of matrices; slopes are the gradients of outputs
_KINDS = 3
_ZERO = 1e-12  # what rounding leaves of zeros, as the matrices were inverted


def _matrices() -> list[list[list[float]]]:
    """Of inputs, outputs, and gradients of outputs, for tiles of 4 outputs along an axis, then of 3."""
    found = []
    for tile in (4, 3):
        of_tile = minimal(tile)
        for matrix in (of_tile.input, of_tile.output, of_tile.output.T):
            found.append([[0.0 if abs(c) < _ZERO else c for c in row] for row in matrix.tolist()])
    return found


MATRICES = _matrices()


@intrinsic(prefer_literal=True)
def transform(typing: Any, kind: Any, lanes: Any, out: Any, at: Any, x: Any, looks: Any) -> Any:
    """M X Mᵀ for some numbers next to each other; all arrays are flat.

    Args:
        typing: of Numba.
        kind: which matrix of `MATRICES`.
        lanes: how many numbers, a literal.
        out: gets the result.
        at: where, and the distances of its rows and of its columns.
        x: has X.
        looks: where, and the distances of its rows and of its columns.
    """
    size, cgutils = numba.types.int64, numba.core.cgutils
    kinds = size, lanes, out, numba.types.UniTuple(size, 3), x, numba.types.UniTuple(size, 3)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def data(place: int) -> Any:
            return context.make_array(signature.args[place])(context, builder, args[place]).data

        emit, end = _Emit(cgutils.ir, builder, lanes.literal_value), builder.append_basic_block()
        to, of = (cgutils.unpack_tuple(builder, args[i], 3) for i in (3, 5))
        out_data, x_data, chosen = data(2), data(4), builder.switch(args[0], end)
        for number, matrix in enumerate(MATRICES):
            case = builder.append_basic_block()
            chosen.add_case(emit.size(number), case)
            builder.position_at_end(case)
            emit.transform(matrix, out_data, to, x_data, of)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return numba.types.none(*kinds), code


@helper
def transform_tile(kind: Any, tile: Any, count: Any, out: Any, at: Any, x: Any, looks: Any) -> None:
    """The same for all channels or filters of a tile of 4 or 3 outputs along an axis."""
    matrix, (first, below, across), (start, down, right) = kind if tile == 4 else kind + _KINDS, at, looks
    if LANES == 16 and count % 16 == 0:
        for lane in range(0, count, 16):
            transform(matrix, 16, out, (first + lane, below, across), x, (start + lane, down, right))
    else:
        for lane in range(0, count, 8):
            transform(matrix, 8, out, (first + lane, below, across), x, (start + lane, down, right))


class _Emit:
    """Writes instructions on vectors."""

    def __init__(self, ir: Any, builder: Any, lanes: int) -> None:
        self.ir, self.builder, self.lanes = ir, builder, lanes
        self.vector, self.size = ir.VectorType(ir.FloatType(), lanes), ir.IntType(64)

    def transform(self, matrix: list[list[float]], out: Any, to: Sequence[Any], x: Any, of: Sequence[Any]) -> None:
        """matrix @ X @ matrix.T of what lies at a place, so far `down` and `across`."""
        (at, below, right), (looks, down, across) = to, of
        length, across_first = len(matrix[0]), []
        for column in range(length):
            here = self._moved(looks, across, column)
            given = [self.builder.load(self._vector_at(x, self._moved(here, down, i)), align=4) for i in range(length)]
            across_first.append(self._applied(matrix, given))
        for row in range(len(matrix)):
            here = self._moved(at, below, row)
            for i, made in enumerate(self._applied(matrix, [column[row] for column in across_first])):
                self.builder.store(made, self._vector_at(out, self._moved(here, right, i)), align=4)

    def _moved(self, place: Any, step: Any, times: int) -> Any:
        return self.builder.add(place, self.builder.mul(step, self.size(times))) if times else place

    def _vector_at(self, array: Any, place: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(array, [place]), self.vector.as_pointer())

    def _applied(self, matrix: list[list[float]], given: list[Any]) -> list[Any]:
        """matrix @ given."""
        found: dict[int, Any] = {}
        for row in range(len(matrix) - 1):
            same = _signs(matrix[row], matrix[row + 1])
            if row not in found and same is not None:
                same_sign = self._sum([c if s else 0.0 for c, s in zip(matrix[row], same)], given)
                other = self._sum([0.0 if s else c for c, s in zip(matrix[row], same)], given)
                found[row], found[row + 1] = self.builder.fadd(same_sign, other), self.builder.fsub(same_sign, other)
        rest = [row for row in range(len(matrix)) if row not in found]
        return [found[row] for row in sorted(found)] if not rest else self._with_rest(matrix, given, found, rest)

    def _with_rest(self, matrix: list[list[float]], given: list[Any], found: dict[int, Any], rest: list[int]) -> Any:
        """The rows that have no partner: of their columns some may be pairs."""
        columns = [[matrix[row][column] for row in rest] for column in range(len(given))]
        values, weights = list[Any](), list[list[float]]()
        column = 0
        while column < len(given):
            same = _signs(columns[column], columns[column + 1]) if column + 1 < len(given) else None
            if same is None:
                values.append(given[column])
                weights.append(columns[column])
                column += 1
                continue
            pair = given[column], given[column + 1]
            values += [self.builder.fadd(*pair), self.builder.fsub(*pair)]
            weights += [[c if s else 0.0 for c, s in zip(columns[column], same)]]
            weights += [[0.0 if s else c for c, s in zip(columns[column], same)]]
            column += 2
        for number, row in enumerate(rest):
            found[row] = self._sum([of_value[number] for of_value in weights], values)
        return [found[row] for row in range(len(matrix))]

    def _sum(self, factors: Sequence[float], given: Sequence[Any]) -> Any:
        """Of products with numbers that are known."""
        total = None
        for factor, value in zip(factors, given):
            if factor == 0.0:
                continue
            if factor != 1.0:
                constant = self.ir.Constant(self.vector, [factor] * self.lanes)
                value = self.builder.fmul(value, constant, flags=("contract",))
            total = value if total is None else self.builder.fadd(total, value, flags=("contract",))
        return self.ir.Constant(self.vector, [0.0] * self.lanes) if total is None else total


def _signs(first: Sequence[float], second: Sequence[float]) -> list[bool] | None:
    """Where two lists have the same numbers, if elsewhere they have those with the other sign; else None."""
    same = [a == b for a, b in zip(first, second)]
    mirrored = all([a == b or a == -b for a, b in zip(first, second)])
    nonzero = [s for a, s in zip(first, same) if a]
    return same if mirrored and nonzero and not all(nonzero) else None
