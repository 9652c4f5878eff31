"""Sizes and counts by which kernels cut their work, measured on the machine that is named here.

How fast a processor is, and with it which algorithm computes, is no constant: see `speeds.py`. What depends on the
digits of float32 alone (how many numbers a sum may have, from when on a number is an outlier) stands with the kernels.
"""

from __future__ import annotations

__all__ = ["MACHINE", "Attention", "BatchNorm", "Blocks", "Columns", "Depthwise", "Direct", "Epilogue", "Extremes"]
__all__ += ["Filtering", "GroupNorm", "LayerNorm", "OnePass", "Pooling", "Products", "Recurrent", "Runs", "Scatter"]
__all__ += ["SingleFilter", "Softmax", "Sums", "Threads", "Tiles", "Top", "Volumes", "Winograd"]

MACHINE = "AMD EPYC of family 25, model 17 (AVX-512), 2 cores with 1 MB of L2 cache each; NumPy 2.4, OpenBLAS 0.3.31"


class Threads:
    """Work that is shared."""

    LEAST = 150.0  # microseconds below which waking a thread costs more than it saves
    PIECES = 8  # this number of blocks, or more, is shared evenly; fewer: a power of two
    PIECE = 300  # microseconds of a block that is worth a thread's while: between calls threads wait for each other
    HEAD_START = 60  # microseconds by which the caller begins before a thread that it wakes, and may wait at the end
    SELDOM = 0.002  # seconds from a move to the next: on a busy machine it may be the system's will that threads share
    LITTLE = 1 << 16  # numbers that are added up in no time
    BUFFER = 2048  # numbers in NumPy's buffer while runs are to be short; it has 8192


class Blocks:
    """Large arrays, a piece at a time."""

    CHUNK = 1 << 16  # numbers: 256 KB of float32, several of them fit the L2 cache
    SMALL = 4096  # numbers: below, temporaries stay in the L1 cache, and calls cost more than passes
    # Numbers of an elementwise function, 1 MB of float32. Smaller pieces stay nearer to the processor, but the
    # interpreter runs one thread at a time between the calls of NumPy, and a thread that waits for it wakes up late.
    PIECE = 1 << 18
    LINE = 16  # numbers that pieces are multiples of, so that they begin with lines of the cache
    LONG_ROW = 8192  # numbers of a row which NumPy broadcasts nearly for nothing
    ZEROS_PAY = 1 << 17  # numbers, up to which zeros to compare with stay in the cache


class OnePass:
    """One call of NumPy, a thread for each piece."""

    PAYS = 400.0  # microseconds of one thread from which several gain more than they wait for each other
    MOST = 8  # pieces


class Products:
    """Products of matrices."""

    SMALL = 10**6  # multiply-adds up to which OpenBLAS doesn't pack its operands: a fifth faster
    LEAST_ROWS = 48  # of a product that is kept so small
    ALONE = 1 << 18  # multiply-adds: OpenBLAS itself takes no more than one thread up to here
    VECTORS = 1 << 13  # the same for products with a vector
    PARTS = ((1 << 24, 1), (1 << 27, 2), (1 << 31, 4), (1 << 34, 8))  # each part packs its operands again: 1 to 5 %
    MOST_PARTS = 16
    TILE = 16  # rows and columns of a part are multiples of it, as BLAS' kernels have it
    BAND = 1 << 24  # multiply-adds of the matrices that one thread takes at a time
    MANY = 8  # matrices, or stacks of them, that are shared along their first axis


class Tiles:
    """A product in tiles that are kept small."""

    COLUMNS, ROWS = 64, 512  # of a tile, at most
    LEAST_ROWS = 8
    LEAST_SIDE, LEAST_PIECE = 4, 64  # of products that are summed


class Sums:
    """Sums over axes, and running sums."""

    SMALL = 4096  # numbers, below which NumPy's own ways have fewer calls
    WIDE = 256  # numbers in a slice from which adding slices pays
    SLICE = 1024  # numbers in a slice that is read at full speed
    PRODUCTS = 2048  # numbers in a row of which sums of products stay in the first cache
    MANY = 2048  # slices, from which seeing them as fewer pays
    TRIANGLE = 48  # numbers in a row that are added up by one product
    PART = 1 << 19  # numbers that are worth a thread's while


class Extremes:
    """Extremes, and their places."""

    SLICE = 1024  # numbers in a slice that is read at full speed
    SHORT = 128  # numbers in a row, up to which its extreme is faster found in columns
    NARROW = 8  # numbers in a slice, from which whole slices are compared
    PART = 1 << 19  # numbers that one thread reduces at a time
    SEARCHED = 1 << 21  # numbers in which one thread looks for places at a time
    LEAST = 4096  # numbers over which an extreme's place is worth keeping
    TIES = 64  # one of how many elements may be an extreme, for their gradients to be set one by one
    GROUPS = (8, 7, 6, 9, 5, 10, 11, 12, 13, 4, 3, 2, 1)  # slices in a group, the best first


class Top:
    """The largest numbers of rows."""

    SMALL = 256  # numbers in a row, below which sorting it is fast enough
    CROWD = 16  # candidates per wanted element, above which there are too many ties


class Scatter:
    """Rows added up where they belong."""

    ROUNDS = 8  # rows of one place up to which they are added one after the other
    NARROW = 8  # numbers in a row, below which numbers are added one by one


class Runs:
    """Runs of rows, for normalization and softmax."""

    BLOCKS = 4  # `Blocks.CHUNK` in a run, which one thread takes at a time
    OF_MANY_CALLS = 8  # the same where ten calls or more go over a run
    LEAST = 1 << 18  # numbers that are shared by two threads
    SPREAD = 1 << 14  # numbers, below which broadcasting a column takes fewer calls
    NARROW = 1024  # numbers in a row, from which broadcasting along rows is nearly free


class BatchNorm:
    """Batch normalization."""

    SMALL = 1 << 16  # numbers, below which the plain way has fewer calls
    SHORTEST = 32  # positions in a row, below which broadcasting along rows is slow


class LayerNorm:
    """Layer normalization."""

    SMALL = 4096  # numbers, below which subtracting the means is faster than asking whether it's needed


class GroupNorm:
    """Group normalization."""

    SMALL = 4096  # numbers, below which the plain way has fewer calls
    RUN = 1 << 18  # numbers that one thread takes at a time: many, since calls cost as much as the cache saves
    WIDE, NARROW = 2048, 512  # numbers in a row: as many are wanted, and from the second on NumPy needn't buffer them


class Softmax:
    """Softmax of rows."""

    SMALL = 2048  # numbers, below which NumPy's calls cost more than its passes


class Attention:
    """Attention, some targets at a time."""

    KEPT = 1 << 26  # bytes of weights that are kept for the gradient
    LEAST = 256  # targets at a time: products of narrower blocks are slow
    OF_EXPONENTIALS = 0.3  # weights that are computed in the time of an exponential


class Recurrent:
    """LSTM and GRU."""

    FEW = 1 << 12  # numbers of a state below which calls weigh enough for two layers to save some
    BLOCK = 1 << 18  # numbers of four gates in a block at most: their slopes are computed together, in the cache
    INNER = 1024, 1600  # positions that a product for the weights' gradient sums over at least and at most
    MULTIPLY_ADDS = 75  # that take as long as the products behind the steps do, per number of the gates, roughly
    STRIP, STRIPS = (16, 8)  # sequences of a strip: a multiple of compiled tiles' columns; and strips at most
    FEATURES = 8  # the features of which compiled tiles take a multiple
    OF_STRIPS = 1 << 17  # weights that are little enough for each thread to have them in its second cache


class Columns:
    """Convolution by gathering windows."""

    ROOM = 1 << 22  # bytes of a block's columns and results
    SHORT_RUN = 10  # numbers side by side below which gathering by taps is faster
    OF_PRODUCTS = 0.6  # the speed of all, of that of the multiply-adds alone, for deciding about threads
    LITTLE = 1 << 21  # multiply-adds of a gradient that are too few to be split by strides
    COPY = 200  # microseconds of a copy that is worth a thread's while
    CALLS = 12  # of `Speeds.call`, all in all


class Direct:
    """Convolution without gathering, compiled."""

    COLUMNS, WIDE = 8, 16  # filters are computed in multiples of them
    NARROW = 1.2  # times what multiples of the wider take
    NARROW_GROUPS = {512: 2.6, 256: 1.4, 128: 1.4}  # the same in groups, by the bits of a vector: half of it is empty
    PARTIAL = 2.0  # times what the narrower ones take, where there are fewer filters
    SUM = 0.0075  # microseconds of a number of the kernel, whose gradient's sum is read again and again
    CALLS = 15  # of `Speeds.call`, all in all


class SingleFilter:
    """Convolution with one filter."""

    CALLS, CALLS_OF_TAP = 5, 2  # all in all, and for each element of the kernel


class Winograd:
    """Convolution by Winograd's algorithm."""

    LEAST_CHANNELS = 16  # with fewer the transforms cost more than they save
    MOST_TILES = 256  # in a block, whose transforms still fit a cache
    CALLS = 30  # all in all
    # Compiled, transforms and products together: their speed, of that of compiled convolutions and of plain transforms.
    FUSED_PRODUCTS, FUSED_TRANSFORMS, FUSED_CALLS = 1.15, 1.6, 80
    LARGE_WEIGHTS = 1 << 22  # numbers of transformed weights that take twice as long
    LARGE = 1 << 20  # numbers of products that are too many to be gone through for each part of a sum
    SHARED = 1.3  # times the tiles of both gradients together, from which that of the input alone costs more
    PACKED = 16  # channels of groups that share a product, at most
    LITTLE = 1 << 10  # columns of the weights that may as well be transformed in float64
    LITTLE_OF_LONGEST = 1 << 12  # the same, where the sums are at their longest
    COLUMNS = 1 << 11  # of the weights, transformed together: a product that OpenBLAS needn't pack
    EXACT_COLUMNS = 1 << 9  # in float64
    # Of few tiles threads share the frequencies:


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
    OF_PRODUCTS = 0.7  # the speed of the transforms' products, of that of large ones
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
