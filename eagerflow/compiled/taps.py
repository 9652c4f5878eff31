"""The instructions of a depthwise convolution's outputs side by side: all taps of as many channels as fit a vector.

A window of 5×5 sees 40 pixels for four outputs, and LLVM keeps an address for each, of which there are more than
registers: each number then costs two loads. So pixels lie at a row's address and a multiple of 1, 3, 5 or 7 pixels,
which processors scale by 1, 2, 4 or 8 while they load. LLVM is kept from taking that apart: what an empty instruction
gives could be anything.
"""

from __future__ import annotations

from typing import Any

__all__ = ["taps"]

# Rows and columns of a kernel, strides, how many outputs side by side, and how many columns of their windows are
# missing: below 0 the first ones, above the last. Kernels of 3×3 wait for memory, and with four outputs they waited for
# more of it at the same time: a tenth slower.
_SHAPES = [(size, stride, most, 0) for size, most in ((3, 2), (5, 4)) for stride in (1, 2)]
_SHAPES += [(size, 1, 1, missing) for size in (3, 5) for missing in range(-(size // 2), size // 2 + 1)]
_BITS = 8  # of each number of a shape, where one is chosen
_ROUNDED = ("contract",)  # once for a product and its sum


def taps(numba: Any, lanes: int) -> Any:
    """`taps` of the loops (`loops/taps.py`), with vectors of 4, 8, ... and at most so many numbers."""
    types, cgutils = numba.types, numba.core.cgutils

    @numba.extending.intrinsic
    def taps(
        typing: Any,
        size: Any,
        stride: Any,
        count: Any,
        missing: Any,
        wide: Any,
        out: Any,
        at: Any,
        seen: Any,
        rows: Any,
        kernel: Any,
        channels: Any,
    ) -> Any:
        number, place = types.int64, types.uint64
        kinds = *[number] * 5, out, place, seen, types.UniTuple(place, rows.count), kernel, place

        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            def data(n: int) -> Any:
                return context.make_array(signature.args[n])(context, builder, given[n]).data

            places, width = cgutils.unpack_tuple(builder, given[8], rows.count), signature.args[5].dtype.bitwidth // 8
            arrays = data(5), given[6], data(7), places, data(9), given[10]
            end, asked = builder.append_basic_block(), given[0]
            for each in given[1:5]:
                asked = builder.add(builder.shl(asked, cgutils.ir.Constant(asked.type, _BITS)), each)
            chosen = builder.switch(asked, end)
            for shape in _SHAPES:
                for many in (4, 8, 16)[: lanes.bit_length() - 2]:
                    block = builder.append_basic_block()
                    chosen.add_case(_key(*shape, many), block)
                    builder.position_at_end(block)
                    _Emit(cgutils, builder, width, many, *shape).all_channels(*arrays)
                    builder.branch(end)
            builder.position_at_end(end)
            return context.get_dummy_value()

        return types.none(*kinds), code

    return taps


def _key(*numbers: int) -> int:
    found = 0
    for each in numbers:
        found = (found << _BITS) + each
    return found


class _Emit:
    """Writes the loop over the channels.

    Args:
        cgutils: Numba's tools.
        builder: takes instructions.
        width: bytes of a number.
        lanes: numbers in a vector.
        size: rows and columns of the kernel.
        stride: of the outputs, in pixels.
        count: outputs side by side.
        missing: columns of their windows.
    """

    def __init__(self, cgutils: Any, builder: Any, width: int, lanes: int, *shape: int) -> None:
        self.ir, self.builder, self.width, self.lanes = cgutils.ir, builder, width, lanes
        self.size, self.stride, self.count, missing = shape
        self.pixels = (self.count - 1) * self.stride + self.size  # of a row that outputs see
        self.seen = range(max(0, -missing), self.pixels - max(0, missing))  # those that are there
        self.word, self.byte = self.ir.IntType(64), self.ir.IntType(8).as_pointer()
        self.vector = self.ir.VectorType(self.ir.FloatType() if width == 4 else self.ir.DoubleType(), lanes)
        self.variable = lambda kind: cgutils.alloca_once(builder, kind)
        self.multiples: dict[int, Any] = {}  # bytes of 1, 3, 5, ... pixels

    def all_channels(self, out: Any, at: Any, seen: Any, rows: list[Any], kernel: Any, channels: Any) -> None:
        """The last vector ends with the last channel: where it begins, some channels are computed twice."""
        builder, number = self.builder, self._number
        last = builder.sub(channels, number(self.lanes))
        first, weights = self.variable(self.word), self.variable(self.word)
        builder.store(number(0), first)
        builder.store(number(0), weights)
        hidden = {odd: self.variable(self.word) for odd in range(1, self.pixels, 2)}
        for odd, place in hidden.items():
            builder.store(builder.mul(channels, number(odd * self.width)), place)
        loop, end = builder.append_basic_block(), builder.append_basic_block()
        builder.branch(loop)
        builder.position_at_end(loop)
        c, k = builder.load(first), builder.load(weights)
        self.multiples = {odd: self._unknown(place) for odd, place in hidden.items()}
        sums = self._sums([builder.gep(seen, [builder.add(row, c)]) for row in rows], builder.gep(kernel, [k]))
        target = builder.gep(out, [builder.add(at, c)])
        for n, total in enumerate(sums):
            builder.store(total, self._vector_at(self._place(target, n)), align=self.width)
        builder.store(builder.add(k, number(self.size * self.size * self.lanes)), weights)
        following = builder.add(c, number(self.lanes))
        builder.store(builder.select(builder.icmp_unsigned(">", following, last), last, following), first)
        builder.cbranch(builder.icmp_unsigned("==", c, last), end, loop)
        builder.position_at_end(end)

    def _sums(self, rows: list[Any], kernel: Any) -> list[Any]:
        """Of each output, in the order of the kernel's elements."""
        builder = self.builder
        found: list[Any] = [None] * self.count
        for i, row in enumerate(rows[: self.size]):
            first = i * self.size * self.lanes
            taps = [self._load(builder.gep(kernel, [self._number(first + j * self.lanes)])) for j in range(self.size)]
            for n in self.seen:
                seen = self._load(self._place(row, n))
                for o in range(self.count):
                    j = n - o * self.stride
                    if 0 <= j < self.size:
                        product = builder.fmul(seen, taps[j], flags=_ROUNDED)
                        found[o] = product if found[o] is None else builder.fadd(found[o], product, flags=_ROUNDED)
        return found

    def _load(self, place: Any) -> Any:
        return self.builder.load(self._vector_at(place), align=self.width)

    def _vector_at(self, place: Any) -> Any:
        return self.builder.bitcast(place, self.vector.as_pointer())

    def _place(self, start: Any, pixels: int) -> Any:
        """The address so many pixels further."""
        if pixels == 0:
            return start
        shift = (pixels & -pixels).bit_length() - 1
        apart = self.builder.shl(self.multiples[pixels >> shift], self._number(shift))
        return self.builder.gep(self.builder.bitcast(start, self.byte), [apart])

    def _number(self, value: int) -> Any:
        return self.ir.Constant(self.word, value)

    def _unknown(self, place: Any) -> Any:
        """A number that stays as it is, which LLVM can't know."""
        kind = self.ir.FunctionType(self.word, [self.word])
        made = self.builder.asm(kind, "", "=r,0", [self.builder.load(place)], True)
        self.builder.store(made, place)
        return made
