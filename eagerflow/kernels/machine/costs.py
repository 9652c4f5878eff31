"""How fast things are, and what follows for the kernels: every number here was measured, on the machine it names.

On another machine these numbers are the ones to measure again: `python -m benchmarks.kernels`. They decide how
work is cut and which algorithm takes it, so results may differ in their last digits where they differ. What depends on
the digits of float32 alone (how many numbers a sum may have, from when on a number is an outlier) stands with the
kernels.
"""

from __future__ import annotations

__all__ = ["MACHINE", "Columns", "Depthwise", "Epilogue", "Filtering", "Neighbours", "Pooling", "Speed", "Swapped"]
__all__ += ["Volumes", "Winograd"]

MACHINE = "AMD EPYC of family 25, model 17 (AVX-512), 2 cores with 1 MB of L2 cache each; NumPy 2.4, OpenBLAS 0.3.31"


class Speed:
    """What one thread does in a microsecond, roughly."""

    PRODUCTS = 50_000  # multiply-adds of BLAS
    FEW_COLUMNS, FEWER_COLUMNS = (3, 8)  # with which a product runs at half that speed, from 16 columns on and below
    EINSUM = 7_000  # multiply-adds of einsum
    PASS = 5_000  # numbers that one pass of NumPy works on
    COPIED = 2_000  # numbers copied where they lie apart
    GATHERED = 12_000  # numbers copied in long runs
    SHORT_RUN = 32  # numbers in a run that is copied at half that speed
    TRANSFORMED = 2_800  # numbers of tiles, in Winograd's algorithms
    FEW_CHANNELS = 8  # with which that runs at half that speed
    WEIGHTS = 1_800  # numbers of transformed weights
    CALL = 2.0  # microseconds of some lines of Python and a call of NumPy


class Columns:
    """Convolution by gathering windows."""

    ROOM = 1 << 22  # bytes of a block's columns and results
    SHORT_RUN = 10  # numbers side by side below which gathering by taps is faster
    PER_MICROSECOND = 30_000  # multiply-adds with all that is around them, for deciding about threads
    LITTLE = 1 << 21  # multiply-adds of a gradient that aren't worth being taken apart by strides
    COPY = 200  # microseconds of a copy that is worth a thread's while
    CALLS = 12  # of `Speed.CALL`, all in all


class Swapped:
    """Convolution with one filter."""

    CALLS, CALLS_OF_TAP = 5, 2  # all in all, and for each element of the kernel


class Neighbours:
    """Convolution with few filters."""

    FILTERS = 12  # at most
    CALLS = 24  # all in all
    MORE = 1.22  # times what windows of that size take otherwise


class Winograd:
    """Convolution by Winograd's algorithm."""

    LEAST_CHANNELS = 16  # with fewer the transforms cost more than they save
    SMALL_PRODUCT = 10**6  # multiply-adds up to which OpenBLAS doesn't pack its operands: a fifth faster
    LEAST_ROWS = 48  # of a product that is kept so small
    MOST_TILES = 256  # in a block, whose transforms still fit a cache
    CALLS = 30  # all in all
    LARGE_WEIGHTS = 1 << 22  # numbers of transformed weights that take twice as long
    LARGE = 1 << 20  # numbers of products that are too many to be gone through for each part of a sum
    SHARED = 1.3  # times the tiles of both gradients together, from which that of the input alone costs more
    PACKED = 16  # channels of groups that share a product, at most
    LITTLE = 1 << 10  # columns of the weights that may as well be transformed in float64
    LITTLE_OF_LONGEST = 1 << 12  # the same, where the sums are at their longest
    COLUMNS = 1 << 11  # of the weights, transformed together: a product that OpenBLAS needn't pack
    EXACT_COLUMNS = 1 << 9  # in float64
    # Of few tiles threads share the frequencies:
    BLOCKS = 4  # of which threads find enough
    LEAST_PRODUCTS = 2000  # microseconds
    PIECES = 8  # in which the tiles are transformed then


class Volumes:
    """The same in three dimensions."""

    LEAST = 1 << 22  # multiply-adds: with fewer, it isn't worth the calls
    ROOM = 1 << 20  # numbers of a block's transformed tiles
    CALLS = 60  # all in all
    ONE_TILE = 384  # channels of all layers of which products of a single tile take twice as long, in pieces
    PIECE = 400  # microseconds of the products of a block, which makes some twenty calls of NumPy


class Depthwise:
    """Depthwise convolution by runs."""

    BLOCK = 1 << 18  # numbers of a block's results: fewer would pay too much for each call of einsum
    RUNS = 1 << 16  # numbers of the kernel's elements together, each repeated along a run


class Filtering:
    """Depthwise convolution by minimal filtering."""

    BLOCK = 1 << 19  # numbers of a block's transformed inputs
    WEIGHTS = 1 << 17  # numbers of the transformed kernel, repeated along a run
    AS_PRODUCTS = 5  # multiply-adds of BLAS that take as long as one of einsum
    PAYS = 0.8  # of the plain way's time


class Epilogue:
    """Bias and relu behind a product."""

    SMALL = 4096  # numbers, below which relu with a number is as fast
    RUN = 8  # blocks that one thread takes at a time


class Pooling:
    """Pooling axis by axis."""

    BLOCK = 1 << 21  # bytes of the inputs of a block; with smaller ones threads wait for each other
    WORTH = 50  # microseconds of work from which `long_runs` pays
    LONG = 256  # channels from which results are written where they belong at once (as is one channel)
