"""What loops call and Python has no words for: BLAS, the processor's hints, and products kept in its registers."""

from __future__ import annotations

import itertools
from typing import Any

from eagerflow.compiled.objects import BLAS, gives_products, has_wide_vectors, lanes
from eagerflow.compiled.taps import taps
from eagerflow.compiled.transforms import transform

__all__ = ["intrinsics"]

# Rows of the largest tile by its columns: its sums, a row of weights and a number of the input fit the registers.
_ROWS = {True: {32: 6, 16: 14, 8: 12}, False: {32: 2, 16: 6, 8: 12}}
_NINE_ROWS = {True: 16, False: 8}  # columns of a tile with nine rows


def intrinsics(numba: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Functions and constants by the names that loops have for them; `options` are those of Numba's compiler."""
    made: dict[str, Any] = {"prefetch": _prefetch(numba), "tile": _tile(numba, 1), "tile_of_threes": _tile(numba, 3)}
    made |= {f"ROWS_{columns}": rows for columns, rows in _ROWS[has_wide_vectors()].items()}
    made["NINE_ROWS"] = _NINE_ROWS[has_wide_vectors()]
    made |= {"LANES": lanes(), "transform": transform(numba), "taps": taps(numba, lanes())}
    if gives_products():  # Numba links what it translates: without the product, such kernels can't even be tried
        made["product"] = _product(numba, made["tile"], options)
    return made


def _product(numba: Any, tile: Any, options: dict[str, Any]) -> Any:
    """`product` of the loops: all arrays are float32, and their rows lie behind each other.

    For columns that are a multiple of 16 it is tiles, with nothing copied: on an EPYC of family 25 they take 0.75 to
    0.85 of the time of OpenBLAS' kernels for AVX2, and as long as those for AVX-512. Whatever columns there are beside
    it, a column has the same bits. Other columns are left to BLAS.
    """
    by_blas = _blas(numba, options)
    columns = 32 if has_wide_vectors() else 16
    few, many = _by_tiles(numba, tile, 16, options), _by_tiles(numba, tile, columns, options)

    def product(weights: Any, given: Any, out: Any, parts: int, start: int, stop: int) -> None:
        if (stop - start) % 16 != 0:
            by_blas(weights, given, out, parts, start, stop)
        elif (stop - start) % columns != 0:
            few(weights, given, out, start, stop)
        else:
            many(weights, given, out, start, stop)

    return numba.njit(**options)(product)


def _by_tiles(numba: Any, tile: Any, columns: int, options: dict[str, Any]) -> Any:
    """The same as tiles of so many columns, of which `start` to `stop` are a multiple."""

    def some_rows(weights: Any, given: Any, out: Any, row: int, start: int, sums: Any) -> int:
        left, at, looks = len(weights) - row, row * out.shape[1] + start, row * weights.shape[1]
        count = -(-left // -(-left // 6))  # tiles of nearly the same size
        if count == 6:
            tile(6, columns, out, at, out.shape[1], weights, looks, given, start, sums)
        elif count == 5:
            tile(5, columns, out, at, out.shape[1], weights, looks, given, start, sums)
        elif count == 4:
            tile(4, columns, out, at, out.shape[1], weights, looks, given, start, sums)
        elif count == 3:
            tile(3, columns, out, at, out.shape[1], weights, looks, given, start, sums)
        elif count == 2:
            tile(2, columns, out, at, out.shape[1], weights, looks, given, start, sums)
        else:
            tile(1, columns, out, at, out.shape[1], weights, looks, given, start, sums)
        return count

    rows_from = numba.njit(**options)(some_rows)

    def by_tiles(weights: Any, given: Any, out: Any, start: int, stop: int) -> None:
        inner = weights.shape[1]
        sums = (0, inner, 1, 0, 1, 0, inner, 1, given.shape[1])
        row = 0
        while row < len(weights):
            count = 0
            for column in range(start, stop, columns):
                count = rows_from(weights, given, out, row, column, sums)
            row += count

    return numba.njit(**options)(by_tiles)


def _blas(numba: Any, options: dict[str, Any]) -> Any:
    """The same as calls of BLAS."""
    word, size, real, place = numba.types.int32, numba.types.int64, numba.types.float32, numba.types.voidptr
    kinds = [word, word, word, size, size, size, real, place, size, place, size, real, place, size]
    gemm = numba.types.ExternalFunction(BLAS, numba.types.void(*kinds))
    by_rows, as_it_is = 101, 111  # of the C interface of BLAS

    def by_blas(weights: Any, given: Any, out: Any, parts: int, start: int, stop: int) -> None:
        inner, rows = weights.shape[1], weights.shape[0] // parts
        for first in range(0, rows * parts, rows):
            a, b, c = weights[first], given[0, start:], out[first, start:]
            gemm(
                by_rows,
                as_it_is,
                as_it_is,
                rows,
                stop - start,
                inner,
                1.0,
                a.ctypes,
                inner,
                b.ctypes,
                given.shape[1],
                0.0,
                c.ctypes,
                out.shape[1],
            )

    return numba.njit(**options)(by_blas)


def _prefetch(numba: Any) -> Any:
    """`prefetch` of the loops as the processor's instruction."""
    types, cgutils = numba.types, numba.core.cgutils

    @numba.extending.intrinsic
    def prefetch(typing: Any, array: Any, place: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            data = context.make_array(array)(context, builder, given[0]).data
            where = builder.bitcast(builder.gep(data, [given[1]]), cgutils.voidptr_t)
            number = cgutils.int32_t
            kind = cgutils.ir.FunctionType(cgutils.ir.VoidType(), [cgutils.voidptr_t, number, number, number])
            call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            builder.call(call, [where, number(0), number(3), number(1)])  # to read it, into all caches
            return context.get_dummy_value()

        return types.none(array, place), code

    return prefetch


def _tile(numba: Any, beside: int) -> Any:
    """`tile` of the loops: its sums stay in vector registers, which LLVM wouldn't do with those of a loop.

    So many rows look at numbers side by side, and the next ones that far `apart`.
    """
    types, cgutils = numba.types, numba.core.cgutils

    @numba.extending.intrinsic(prefer_literal=True)
    def tile(
        typing: Any,
        rows: Any,
        columns: Any,
        out: Any,
        at: Any,
        below: Any,
        x: Any,
        looks: Any,
        weights: Any,
        start: Any,
        sums: Any,
    ) -> Any:
        size = types.int64
        kinds = rows, columns, out, size, size, x, size, weights, size, types.UniTuple(size, sums.count)

        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            def data(place: int) -> Any:
                return context.make_array(signature.args[place])(context, builder, given[place]).data

            arrays = data(2), data(5), data(7)
            numbers = cgutils.unpack_tuple(builder, given[9], sums.count)
            shape = rows.literal_value, columns.literal_value, beside
            _emit_tile(cgutils, builder, *shape, *arrays, given, numbers)
            return context.get_dummy_value()

        return types.none(*kinds), code

    return tile


def _emit_tile(
    cgutils: Any,
    builder: Any,
    rows: int,
    columns: int,
    beside: int,
    out: Any,
    x: Any,
    weights: Any,
    given: Any,
    numbers: Any,
) -> None:
    """The instructions of a tile."""
    _, _, _, at, below, _, looks, _, start, _ = given
    more, apart, lines, down, groups, across, run, along, further = numbers
    ir = cgutils.ir
    real, size, count = ir.FloatType(), ir.IntType(64), ir.IntType(32)
    vector, rounded = ir.VectorType(real, columns), ("contract",)  # once for a product and its sum
    zeros, nothing = ir.Constant(vector, [0.0] * columns), ir.Constant(vector, ir.Undefined)
    first, everywhere = ir.Constant(count, 0), ir.Constant(ir.VectorType(count, columns), [0] * columns)
    adds = builder.icmp_signed("!=", more, ir.Constant(size, 0))
    moving, sums = cgutils.alloca_once(builder, size), [cgutils.alloca_once(builder, vector) for _ in range(rows)]
    builder.store(start, moving)
    for total in sums:
        builder.store(zeros, total)

    def vector_at(array: Any, place: Any) -> Any:
        return builder.bitcast(builder.gep(array, [place]), vector.as_pointer())

    def places(place: Any, step: Any, count: int) -> list[Any]:
        return list(itertools.accumulate([step] * (count - 1), builder.add, initial=place))

    def looks_of_rows(place: Any) -> list[Any]:
        firsts = places(place, apart, -(-rows // beside))
        return [builder.add(first, size(n)) if n else first for first in firsts for n in range(beside)][:rows]

    with cgutils.for_range(builder, lines) as line:
        of_line = builder.add(looks, builder.mul(line.index, down))
        with cgutils.for_range(builder, groups) as group:
            of_group = builder.add(of_line, builder.mul(group.index, across))
            with cgutils.for_range(builder, run) as number:
                place = builder.load(moving)
                builder.store(builder.add(place, further), moving)
                row = builder.load(vector_at(weights, place), align=4)
                looked = builder.add(of_group, builder.mul(number.index, along))
                for total, where in zip(sums, looks_of_rows(looked)):
                    value = builder.insert_element(nothing, builder.load(builder.gep(x, [where])), first)
                    product = builder.fmul(builder.shuffle_vector(value, nothing, everywhere), row, flags=rounded)
                    builder.store(builder.fadd(builder.load(total), product, flags=rounded), total)
    targets = [vector_at(out, where) for where in places(at, below, rows)]
    with builder.if_else(adds) as (there_is_more, otherwise):
        with there_is_more:
            for total, target in zip(sums, targets):
                builder.store(builder.fadd(builder.load(target, align=4), builder.load(total)), target, align=4)
        with otherwise:  # what is there isn't read: that would wait for memory
            for total, target in zip(sums, targets):
                builder.store(builder.load(total), target, align=4)
