"""The innermost loops of depthwise convolutions and pooling: over the channels of one pixel, or of some side by side.

All arrays are flat, and places in them are unsigned: of such Numba needn't ask whether they are counted from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.intrinsics import prefetch
from eagerflow.compiled.jit import inner_loop

__all__ = ["add_five_taps_twice", "add_four_pixels", "add_one_pixel", "add_one_tap", "add_row_of_taps"]
__all__ += [
    "add_three_taps",
    "add_two_taps",
    "add_two_taps_twice",
    "fetch_page",
    "fetch_soon",
    "nine_taps",
    "next_rows",
]

_at = np.uint64


@inner_loop
def fetch_soon(array: Any, start: Any, count: Any) -> None:
    """Have numbers of an array in the cache soon; there may be fewer of them.

    Processors foresee what is read next, but start over on every page of memory, which holds few rows of an image.
    """
    for u in range(start, min(start + count, array.size), 16):
        prefetch(array, u)


@inner_loop
def fetch_page(array: Any, start: Any, count: Any) -> None:
    """Have the beginning of the next page of memory in the cache soon, if one begins within these numbers.

    Processors foresee the rest of it. To ask for every line costs as much as it saves where a loop writes, too.
    """
    page = (start + count) // 1024 * 1024
    if page >= start:
        for u in range(page + 1024, min(page + 1024 + 64, array.size), 16):
            prefetch(array, u)


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
def nine_taps(out: Any, at: Any, seen: Any, a: Any, b: Any, d: Any, kernel: Any, n: Any) -> None:
    """An output of a 3×3 kernel, whose window begins at a, b and d in its rows: sums stay in registers."""
    two, three = n + n, n + n + n
    for u in range(n):
        c = _at(u)
        k = three + c
        first = seen[a + c] * kernel[c] + seen[a + n + c] * kernel[n + c] + seen[a + two + c] * kernel[two + c]
        second = seen[b + c] * kernel[k] + seen[b + n + c] * kernel[k + n] + seen[b + two + c] * kernel[k + two]
        k += three
        third = seen[d + c] * kernel[k] + seen[d + n + c] * kernel[k + n] + seen[d + two + c] * kernel[k + two]
        out[at + c] = first + second + third


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
