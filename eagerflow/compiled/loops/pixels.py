"""The innermost loops of depthwise convolutions and pooling: over the channels of one pixel, or of some side by side.

All arrays are flat, and places in them are unsigned: of such Numba needn't ask whether they are counted from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import helper, inner_loop

__all__ = ["SHAPES", "add_five_taps_twice", "add_four_pixels", "add_one_pixel", "add_one_tap", "add_row_of_taps"]
__all__ += [
    "add_three_taps",
    "add_two_taps",
    "add_two_taps_twice",
    "fetch_soon",
    "next_rows",
    "nine_taps",
    "nine_taps_apart",
    "nine_taps_twice",
    "row_of_boxes",
    "twenty_five_taps",
    "with_five_taps",
]

_at = np.uint64
# Of what loops over boxes read, three axes, and of what they write, in signatures.
SHAPES = "channels: int, deep: int, high: int, wide: int, layers: int, rows: int, cols: int"


@helper
def prefetch(array: Any, place: Any) -> None:
    """Have a number of an array in the cache soon. Compiled it is an instruction (`building.py`)."""


@inner_loop
def fetch_soon(array: Any, start: Any, count: Any) -> None:
    """Have numbers of an array in the cache soon; there may be fewer of them.

    Processors foresee what is read next, but start over on every page of memory, which holds few rows of an image.
    """
    for u in range(start, min(start + count, array.size), 16):
        prefetch(array, u)


@helper
def row_of_boxes(seen: Any, line: Any, layers: Any, rows: Any) -> Any:
    """Of a row of pixels: its image, its places in the table of boxes (`boxes.py`), and where these begin and end."""
    layer, row = line // rows % layers, layers + line % rows
    return line // (layers * rows), layer, row, seen[layer, 0], seen[layer, 1], seen[row, 0], seen[row, 1]


@inner_loop
def next_rows(
    ring: Any, pixels: Any, image: Any, first: Any, last: Any, height: Any, row: Any, lead: Any, deep: Any, wide: Any
) -> None:
    """Rows `first` to `last` (not included) of an image into the ring of `deep` rows; zeros for those that it hasn't.

    A row of the image has `row` numbers, one of the ring `wide`, of which `lead` come before those of the image.
    """
    count = min(row, wide - lead)
    for h in range(first, last):
        begin = (h + deep) % deep * wide
        if 0 <= h < height:
            to, source = _at(begin + lead), _at((image * height + h) * row)
            for u in range(count):
                ring[to + _at(u)] = pixels[source + _at(u)]
        else:
            to = _at(begin)
            for u in range(wide):
                ring[to + _at(u)] = 0


@inner_loop
def nine_taps_twice(out: Any, at: Any, seen: Any, a: Any, b: Any, d: Any, kernel: Any, n: Any) -> None:
    """Two outputs side by side, of a kernel of 3×3; a, b, d are the places of the first pixels that they see."""
    two, three = n + n, n + n + n
    for u in range(n):
        c = _at(u)
        k0, k1, k2 = kernel[c], kernel[n + c], kernel[two + c]
        k3, k4, k5 = kernel[three + c], kernel[three + n + c], kernel[three + two + c]
        k6, k7, k8 = kernel[three + three + c], kernel[three + three + n + c], kernel[three + three + two + c]
        a1, a2, b1, b2 = seen[a + n + c], seen[a + two + c], seen[b + n + c], seen[b + two + c]
        d1, d2 = seen[d + n + c], seen[d + two + c]
        one, other = seen[a + c] * k0 + a1 * k1 + a2 * k2, a1 * k0 + a2 * k1 + seen[a + three + c] * k2
        one, other = one + seen[b + c] * k3 + b1 * k4 + b2 * k5, other + b1 * k3 + b2 * k4 + seen[b + three + c] * k5
        out[at + c] = one + seen[d + c] * k6 + d1 * k7 + d2 * k8
        out[at + n + c] = other + d1 * k6 + d2 * k7 + seen[d + three + c] * k8


@inner_loop
def nine_taps_apart(out: Any, at: Any, seen: Any, a: Any, b: Any, d: Any, kernel: Any, n: Any) -> None:
    """Two outputs side by side of stride 2: the last pixels that the first one sees are the other's first ones."""
    two, three, four = n + n, n + n + n, n + n + n + n
    for u in range(n):
        c = _at(u)
        k0, k1, k2 = kernel[c], kernel[n + c], kernel[two + c]
        k3, k4, k5 = kernel[three + c], kernel[four + c], kernel[four + n + c]
        k6, k7, k8 = kernel[three + three + c], kernel[four + three + c], kernel[four + four + c]
        a2, b2, d2 = seen[a + two + c], seen[b + two + c], seen[d + two + c]
        one = seen[a + c] * k0 + seen[a + n + c] * k1 + a2 * k2
        other = a2 * k0 + seen[a + three + c] * k1 + seen[a + four + c] * k2
        one = one + seen[b + c] * k3 + seen[b + n + c] * k4 + b2 * k5
        other = other + b2 * k3 + seen[b + three + c] * k4 + seen[b + four + c] * k5
        out[at + c] = one + seen[d + c] * k6 + seen[d + n + c] * k7 + d2 * k8
        out[at + n + c] = other + d2 * k6 + seen[d + three + c] * k7 + seen[d + four + c] * k8


@inner_loop
def with_five_taps(w: Any, x: Any, y: Any, z: Any, seen: Any, a: Any, kernel: Any, k: Any, n: Any) -> Any:
    """Four outputs of one channel side by side, with what a row of five elements adds to them."""
    two, three, four = n + n, n + n + n, n + n + n + n
    k0, k1, k2, k3, k4 = kernel[k], kernel[k + n], kernel[k + two], kernel[k + three], kernel[k + four]
    a1, a2, a3, a4 = seen[a + n], seen[a + two], seen[a + three], seen[a + four]
    a5, a6 = seen[a + four + n], seen[a + four + two]
    w = w + seen[a] * k0 + a1 * k1 + a2 * k2 + a3 * k3 + a4 * k4
    x = x + a1 * k0 + a2 * k1 + a3 * k2 + a4 * k3 + a5 * k4
    y = y + a2 * k0 + a3 * k1 + a4 * k2 + a5 * k3 + a6 * k4
    z = z + a3 * k0 + a4 * k1 + a5 * k2 + a6 * k3 + seen[a + four + three] * k4
    return w, x, y, z


@inner_loop
def twenty_five_taps(out: Any, at: Any, seen: Any, a: Any, b: Any, d: Any, e: Any, f: Any, kernel: Any, n: Any) -> None:
    """Four outputs side by side, of a kernel of 5×5; a to f are the places of the first pixels that they see."""
    row, zero = n + n + n + n + n, out.dtype.type(0)
    for u in range(n):
        c = _at(u)
        w, x, y, z = with_five_taps(zero, zero, zero, zero, seen, a + c, kernel, c, n)
        w, x, y, z = with_five_taps(w, x, y, z, seen, b + c, kernel, row + c, n)
        w, x, y, z = with_five_taps(w, x, y, z, seen, d + c, kernel, row + row + c, n)
        w, x, y, z = with_five_taps(w, x, y, z, seen, e + c, kernel, row + row + row + c, n)
        w, x, y, z = with_five_taps(w, x, y, z, seen, f + c, kernel, row + row + row + row + c, n)
        out[at + c], out[at + n + c], out[at + n + n + c], out[at + n + n + n + c] = w, x, y, z


@inner_loop
def nine_taps(out: Any, at: Any, seen: Any, a: Any, b: Any, d: Any, kernel: Any, n: Any) -> None:
    """One output of a kernel of 3×3; a, b, d are the places of the first pixels that it sees in three rows."""
    two, three = n + n, n + n + n
    for u in range(n):
        c = _at(u)
        made = seen[a + c] * kernel[c] + seen[a + n + c] * kernel[n + c] + seen[a + two + c] * kernel[two + c]
        made = made + seen[b + c] * kernel[three + c] + seen[b + n + c] * kernel[three + n + c]
        made = made + seen[b + two + c] * kernel[three + two + c] + seen[d + c] * kernel[three + three + c]
        made = made + seen[d + n + c] * kernel[three + three + n + c]
        out[at + c] = made + seen[d + two + c] * kernel[three + three + two + c]


@inner_loop
def add_five_taps_twice(out: Any, at: Any, seen: Any, a: Any, kernel: Any, k: Any, n: Any) -> None:
    """What five elements of a row of the kernel add to two outputs side by side, of stride 1."""
    two, three = n + n, n + n + n
    for u in range(n):
        c = _at(u)
        k0, k1, k2 = kernel[k + c], kernel[k + n + c], kernel[k + two + c]
        k3, k4 = kernel[k + three + c], kernel[k + three + n + c]
        a1, a2, a3, a4 = seen[a + n + c], seen[a + two + c], seen[a + three + c], seen[a + three + n + c]
        out[at + c] += seen[a + c] * k0 + a1 * k1 + a2 * k2 + a3 * k3 + a4 * k4
        out[at + n + c] += a1 * k0 + a2 * k1 + a3 * k2 + a4 * k3 + seen[a + three + two + c] * k4


@inner_loop
def add_two_taps_twice(out: Any, at: Any, seen: Any, a: Any, kernel: Any, k: Any, n: Any) -> None:
    """The same of two elements."""
    for u in range(n):
        c = _at(u)
        k0, k1, a1 = kernel[k + c], kernel[k + n + c], seen[a + n + c]
        out[at + c] += seen[a + c] * k0 + a1 * k1
        out[at + n + c] += a1 * k0 + seen[a + n + n + c] * k1


@inner_loop
def add_three_taps(out: Any, at: Any, seen: Any, a: Any, apart: Any, kernel: Any, k: Any, n: Any) -> None:
    """What three elements of a row of the kernel add to an output; the pixels that they see lie `apart`."""
    two = n + n
    for u in range(n):
        c = _at(u)
        more = seen[a + c] * kernel[k + c] + seen[a + apart + c] * kernel[k + n + c]
        out[at + c] += more + seen[a + apart + apart + c] * kernel[k + two + c]


@inner_loop
def add_one_tap(out: Any, at: Any, seen: Any, a: Any, kernel: Any, k: Any, n: Any) -> None:
    """What one element of the kernel adds to an output."""
    for u in range(n):
        c = _at(u)
        out[at + c] += seen[a + c] * kernel[k + c]


@inner_loop
def add_row_of_taps(
    out: Any, at: Any, seen: Any, a: Any, apart: Any, kernel: Any, k: Any, n: Any, cols: Any, both: Any
) -> None:
    """What a row of the kernel, of `cols` elements, adds to an output, or to `both` of two side by side."""
    rest = cols
    while rest > 0:
        taken = 1
        if both and rest > 4:
            add_five_taps_twice(out, at, seen, a, kernel, k, n)
            taken = 5
        elif both and rest > 1:
            add_two_taps_twice(out, at, seen, a, kernel, k, n)
            taken = 2
        elif not both and rest > 2:
            add_three_taps(out, at, seen, a, apart, kernel, k, n)
            taken = 3
        else:
            add_one_tap(out, at, seen, a, kernel, k, n)
            if both:
                add_one_tap(out, at + n, seen, a + n, kernel, k, n)
        a, k, rest = a + _at(taken) * apart, k + _at(taken) * n, rest - taken


@inner_loop
def add_two_taps(out: Any, at: Any, seen: Any, a: Any, b: Any, kernel: Any, ka: Any, kb: Any, n: Any) -> None:
    """What two elements anywhere in the kernel add, which see pixels at a and b."""
    for u in range(n):
        c = _at(u)
        out[at + c] += seen[a + c] * kernel[ka + c] + seen[b + c] * kernel[kb + c]


@inner_loop
def add_four_pixels(s0: Any, s1: Any, s2: Any, to: Any, seen: Any, a: Any, g: Any, at: Any, n: Any) -> None:
    """What four outputs side by side add to the sums of three elements of a row of the kernel, of stride 1."""
    two, three = n + n, n + n + n
    for u in range(n):
        c = _at(u)
        g0, g1, g2, g3 = g[at + c], g[at + n + c], g[at + two + c], g[at + three + c]
        a1, a2, a3 = seen[a + n + c], seen[a + two + c], seen[a + three + c]
        a4, a5 = seen[a + three + n + c], seen[a + three + two + c]
        s0[to + c] += seen[a + c] * g0 + a1 * g1 + a2 * g2 + a3 * g3
        s1[to + c] += a1 * g0 + a2 * g1 + a3 * g2 + a4 * g3
        s2[to + c] += a2 * g0 + a3 * g1 + a4 * g2 + a5 * g3


@inner_loop
def add_one_pixel(s0: Any, s1: Any, s2: Any, to: Any, seen: Any, a: Any, apart: Any, g: Any, at: Any, n: Any) -> None:
    """The same of one output, which sees pixels that lie `apart`."""
    for u in range(n):
        c = _at(u)
        slope = g[at + c]
        s0[to + c] += seen[a + c] * slope
        s1[to + c] += seen[a + apart + c] * slope
        s2[to + c] += seen[a + apart + apart + c] * slope
