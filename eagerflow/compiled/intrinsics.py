"""What loops call and Python has no words for: BLAS, the processor's hints, and products kept in its registers."""

from __future__ import annotations

import itertools
from typing import Any

from eagerflow.compiled.jit import BLAS, WIDE, gives_products, helper, intrinsic, numba

__all__ = ["NINE_ROWS", "ROWS_8", "ROWS_16", "ROWS_32", "prefetch", "product", "tile"]
__all__ += ["tile_of_threes"]

_types, _cgutils = numba.types, numba.core.cgutils
# Rows of the largest tile by its columns: its sums, a row of weights and a number of the input fit the registers.
ROWS_32, ROWS_16, ROWS_8 = (6, 14, 12) if WIDE else (2, 6, 12)
NINE_ROWS = 16 if WIDE else 8  # columns of a tile with nine rows
_BITS = 8  # of a tile's columns, in a number that is its shape


@intrinsic
def prefetch(typing: Any, array: Any, place: Any) -> Any:
    """Have a number of an array in the cache soon."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(array)(context, builder, args[0]).data
        where = builder.bitcast(builder.gep(data, [args[1]]), _cgutils.voidptr_t)
        number = _cgutils.int32_t
        kind = _cgutils.ir.FunctionType(_cgutils.ir.VoidType(), [_cgutils.voidptr_t, number, number, number])
        call = _cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(call, [where, number(0), number(3), number(1)])  # to read it, into all caches
        return context.get_dummy_value()

    return _types.none(array, place), code


def _tile(neighbours: int, shapes: list[tuple[int, int]]) -> Any:
    """Sums of products of numbers of x with rows of weights, as in a convolution; all arrays are flat.

    Sums stay in vector registers, which LLVM wouldn't do with those of a loop. Of the function's arguments, rows and
    columns are one of the `shapes`. The places are where a row of sums goes into `out`, and the distance of the next
    one; at which number of x the first row looks (as many rows as there are `neighbours` look at numbers next to each
    other); and where weights begin. `sums` are: 1 where sums are added to what is there, else 0; the distance at which
    the next rows look; at how many lines of x, and how far the next one is; of how many groups, and how far the next
    one is; of how many numbers, and how far the next one is; how much further the weights of the next number are.
    """

    @intrinsic
    def tile(typing: Any, rows: Any, columns: Any, out: Any, x: Any, weights: Any, places: Any, sums: Any) -> Any:
        size = _types.int64
        kinds = size, size, out, x, weights, _types.UniTuple(size, 4), _types.UniTuple(size, sums.count)

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def data(place: int) -> Any:
                return context.make_array(signature.args[place])(context, builder, args[place]).data

            arrays, places = (data(2), data(3), data(4)), _cgutils.unpack_tuple(builder, args[5], 4)
            numbers = _cgutils.unpack_tuple(builder, args[6], sums.count)
            end, number = builder.append_basic_block(), args[0].type
            chosen = builder.switch(builder.add(builder.shl(args[0], number(_BITS)), args[1]), end)
            for shape in shapes:
                block = builder.append_basic_block()
                chosen.add_case(number((shape[0] << _BITS) + shape[1]), block)
                builder.position_at_end(block)
                _emit_tile(builder, *shape, neighbours, arrays, places, numbers)
                builder.branch(end)
            builder.position_at_end(end)
            return context.get_dummy_value()

        return _types.none(*kinds), code

    return tile


def _emit_tile(builder: Any, rows: int, columns: int, neighbours: int, arrays: Any, places: Any, numbers: Any) -> None:
    """The instructions of a tile."""
    (out, x, weights), (at, below, looks, start) = arrays, places
    more, apart, lines, down, groups, across, run, along, further = numbers
    ir = _cgutils.ir
    real, size, count = ir.FloatType(), ir.IntType(64), ir.IntType(32)
    vector, rounded = ir.VectorType(real, columns), ("contract",)  # once for a product and its sum
    zeros, nothing = ir.Constant(vector, [0.0] * columns), ir.Constant(vector, ir.Undefined)
    first, everywhere = ir.Constant(count, 0), ir.Constant(ir.VectorType(count, columns), [0] * columns)
    adds = builder.icmp_signed("!=", more, ir.Constant(size, 0))
    moving, sums = _cgutils.alloca_once(builder, size), [_cgutils.alloca_once(builder, vector) for _ in range(rows)]
    builder.store(start, moving)
    for total in sums:
        builder.store(zeros, total)

    def vector_at(array: Any, place: Any) -> Any:
        return builder.bitcast(builder.gep(array, [place]), vector.as_pointer())

    def steps(place: Any, step: Any, count: int) -> list[Any]:
        return list(itertools.accumulate([step] * (count - 1), builder.add, initial=place))

    def looks_of_rows(place: Any) -> list[Any]:
        firsts = steps(place, apart, -(-rows // neighbours))
        return [builder.add(first, size(n)) if n else first for first in firsts for n in range(neighbours)][:rows]

    with _cgutils.for_range(builder, lines) as line:
        of_line = builder.add(looks, builder.mul(line.index, down))
        with _cgutils.for_range(builder, groups) as group:
            of_group = builder.add(of_line, builder.mul(group.index, across))
            with _cgutils.for_range(builder, run) as number:
                place = builder.load(moving)
                builder.store(builder.add(place, further), moving)
                row = builder.load(vector_at(weights, place), align=4)
                looked = builder.add(of_group, builder.mul(number.index, along))
                for total, where in zip(sums, looks_of_rows(looked)):
                    value = builder.insert_element(nothing, builder.load(builder.gep(x, [where])), first)
                    product = builder.fmul(builder.shuffle_vector(value, nothing, everywhere), row, flags=rounded)
                    builder.store(builder.fadd(builder.load(total), product, flags=rounded), total)
    targets = [vector_at(out, where) for where in steps(at, below, rows)]
    with builder.if_else(adds) as (there_is_more, otherwise):
        with there_is_more:
            for total, target in zip(sums, targets):
                builder.store(builder.fadd(builder.load(target, align=4), builder.load(total)), target, align=4)
        with otherwise:  # what is there isn't read: that would wait for memory
            for total, target in zip(sums, targets):
                builder.store(builder.load(total), target, align=4)


_OF_32 = [(rows, 32) for rows in (1, 2, 4, 5, 6) if rows <= ROWS_32]
_OF_16 = [(rows, 16) for rows in (1, 2, *range(4, ROWS_16 + 1))]
tile = _tile(1, [*_OF_32, *_OF_16, *[(rows, 8) for rows in (1, *range(2, ROWS_8 + 1, 2))]])
tile_of_threes = _tile(3, [(9, 8), (9, 16)][: 1 + WIDE])
_ROWS_OF_PRODUCT = 6


def _product() -> Any:
    """`product` of loops; by tiles a column has the same bits whatever columns there are next to it."""
    word, size, real, place = _types.int32, _types.int64, _types.float32, _types.voidptr
    kinds = [word, word, word, size, size, size, real, place, size, place, size, real, place, size]
    gemm: Any = _types.ExternalFunction(BLAS, _types.void(*kinds))
    by_rows, as_it_is = 101, 111  # of the C interface of BLAS
    widest = 32 if WIDE else 16
    tile_of_product = _tile(1, [(rows, n) for rows in range(1, _ROWS_OF_PRODUCT + 1) for n in {16, widest}])

    @helper
    def by_blas(weights: Any, x: Any, out: Any, parts: int, start: int, stop: int) -> None:
        inner, rows = weights.shape[1], weights.shape[0] // parts
        for first in range(0, rows * parts, rows):
            a, b, c = weights[first].ctypes, x[0, start:].ctypes, out[first, start:].ctypes
            across, columns, wide = x.shape[1], stop - start, out.shape[1]
            gemm(by_rows, as_it_is, as_it_is, rows, columns, inner, 1.0, a, inner, b, across, 0.0, c, wide)

    @helper
    def product(weights: Any, x: Any, out: Any, parts: int, start: int, stop: int) -> None:
        """out = weights @ x in some columns, for (rows, inner) and (inner, columns); `out` may have more rows.

        For columns that are a multiple of 16 it is tiles, with nothing copied: on an EPYC of family 25 they take 0.75
        to 0.85 of the time of OpenBLAS' kernels for AVX2, and as long as those for AVX-512. Otherwise it is BLAS, in
        a number of `parts`.
        """
        if (stop - start) % 16 != 0:
            by_blas(weights, x, out, parts, start, stop)
            return
        columns, inner, row = widest if (stop - start) % widest == 0 else 16, weights.shape[1], 0
        sums = (0, inner, 1, 0, 1, 0, inner, 1, x.shape[1])
        while row < len(weights):
            left = len(weights) - row
            count = -(-left // -(-left // _ROWS_OF_PRODUCT))  # tiles of nearly the same size
            for column in range(start, stop, columns):
                places = (row * out.shape[1] + column, out.shape[1], row * inner, column)
                tile_of_product(count, columns, out, weights, x, places, sums)
            row += count

    return product


product: Any = _product() if gives_products() else None
