"""Rows of ops that move elements: shapes, joining, indexing, scattering, casting, creation."""

from __future__ import annotations

import numpy as np

from eagerflow import ops
from eagerflow.core.primitive import registry
from tests.ops.gradient_rows import apart, case, no_gradient, normal, other, positive, smooth, zero

MASK = np.array([[True, False, True], [False, False, True]])
ROWS_TWICE = np.array([1, 0, 1])


def constant(name, *args, **kwargs):
    """A function that makes tensors from numbers."""
    return zero(name, case(call=lambda: getattr(ops, name)(*args, **kwargs)))


def indexed(key):
    return case(normal(2, 3), call=lambda x: x[key])


ROWS = [
    smooth("reshape", case(normal(2, 3), newshape=(3, -1)), case(normal(2, 2), call=lambda x: x.reshape(4))),
    smooth("broadcast_to", case(normal(3), shape=(2, 3)), case(normal(2, 1), shape=(2, 2, 2))),
    smooth(
        "transpose", case(normal(2, 3)), case(normal(2, 1, 3), axes=(1, -1, 0)), case(normal(2, 3), call=lambda x: x.T)
    ),
    smooth("swapaxes", case(normal(2, 1, 3), axis1=0, axis2=-1)),
    smooth(
        "moveaxis",
        case(normal(2, 1, 3), source=0, destination=-1),
        case(normal(2, 1, 2), source=(0, 1), destination=(1, 2)),
    ),
    smooth("expand_dims", case(normal(2), axis=0), case(normal(2), axis=(0, -1))),
    smooth("squeeze", case(normal(2, 1)), case(normal(1, 2, 1), axis=-1)),
    smooth("ravel", case(normal(2, 3))),
    smooth("tile", case(normal(2), repeats=2), case(normal(2, 2), repeats=(2, 1, 2))),
    smooth(
        "repeat", case(normal(2, 2), repeats=2, axis=1), case(normal(2), repeats=[1, 2]), case(normal(2, 1), repeats=2)
    ),
    smooth("flip", case(normal(2, 3)), case(normal(2, 3), axis=1)),
    smooth("fliplr", case(normal(2, 3))),
    smooth("flipud", case(normal(2, 3))),
    smooth("rot90", case(normal(2, 3)), case(normal(2, 3), k=2), case(normal(2, 3), k=-1)),
    smooth("roll", case(normal(2, 3), shift=2), case(normal(2, 3), shift=(1, -1), axis=(0, 1))),
    smooth("concatenate", case(normal(2, 1), other(2, 2), call=lambda x, y: ops.concatenate([x, y], axis=-1))),
    smooth("stack", case(normal(2, 2), other(2, 2), call=lambda x, y: ops.stack([x, y], axis=-1))),
    smooth("hstack", case(normal(2), other(3), call=lambda x, y: ops.hstack([x, y]))),
    smooth("vstack", case(normal(3), other(2, 3), call=lambda x, y: ops.vstack([x, y]))),
    smooth("dstack", case(normal(2, 2), other(2, 2), call=lambda x, y: ops.dstack([x, y]))),
    smooth("append", case(normal(2), other(3)), case(normal(2, 1), other(2, 2), axis=1)),
    smooth(
        "split",
        case(normal(2, 4), indices_or_sections=2, axis=1),
        case(normal(4), call=lambda x: ops.split(x, [1, 3])[1]),
        case(normal(5), call=lambda x: registry["split"].call(x, (1, 3), 0)),
    ),
    smooth("array_split", case(normal(5), indices_or_sections=2)),
    smooth("hsplit", case(normal(2, 4), indices_or_sections=2)),
    smooth("vsplit", case(normal(4, 2), indices_or_sections=2)),
    smooth("dsplit", case(normal(1, 2, 2), indices_or_sections=2)),
    smooth("unstack", case(normal(2, 3)), case(normal(2, 3), axis=1)),
    smooth(
        "pad",
        case(normal(2, 2), pad_width=((1, 0), (0, 2))),
        case(normal(2), pad_width=1, constant_values=3.0),
        case(normal(2), call=lambda x: registry["pad"].call(x, ((1, 2),))),
        *[case(normal(3), pad_width=2, mode=mode) for mode in ("reflect", "symmetric", "edge", "wrap")],
    ),
    # indexing
    smooth(
        "get_item",
        indexed(0),
        indexed((slice(None), -1)),
        indexed((..., None, slice(None, None, -2))),
        indexed(ROWS_TWICE),
        indexed((ROWS_TWICE, [0, 2, 0])),
        indexed(MASK),
        indexed((slice(None), [True, False, True])),
        case(normal(3), call=lambda x: x[ops.array([2, 2])]),
        case(normal(3), call=lambda x: x[ops.argmax([1, 5, 2])]),
    ),
    smooth("take_index", case(normal(3), index=slice(1, None))),
    smooth(
        "gather",
        case(normal(3, 2), call=lambda x: ops.take(x, ops.array([2, 0, 2]), axis=0)),
        case(normal(2, 3), call=lambda x: ops.take(x, ops.array([[1, -1]]), axis=1)),
    ),
    smooth("scatter_index", case(normal(2), index=slice(1, 3), shape=(4,))),
    smooth(
        "take",
        case(normal(2, 3), indices=[2, 0, 2], axis=1),
        case(normal(2, 3), indices=[[-1, 0]]),
        case(normal(3), indices=1),
    ),
    smooth("take_along_axis", case(normal(2, 3), indices=[[0, 0], [2, 1]], axis=1), case(normal(2, 2), indices=[3, 0])),
    smooth("slice", case(normal(2, 3), start_indices=(0, 1), shape=(2, -1))),
    smooth("slice_update", case(normal(2, 3), other(1, 2), call=lambda x, y: ops.slice_update(x, (1, 0), y))),
    smooth("overwrite", case(normal(3), other(2), call=lambda x, y: registry["overwrite"].call(x, y, slice(0, 2)))),
    zero("written_last", case(normal(2), index=slice(0, 2), shape=(3,))),
    smooth("scatter", case(normal(3), call=lambda v: ops.scatter([[0], [2], [0]], v, (4,)))),
    smooth(
        "scatter_update",
        case(normal(3), other(2), call=lambda x, y: ops.scatter_update(x, [[0], [2]], y)),
        *[
            case(normal(3), other(2), call=lambda x, y, r=r: ops.scatter_update(x, [[2], [2]], y, r))
            for r in (None, "add", "max", "min", "mul")
        ],
        case(normal(2, 2), other(1, 2), call=lambda x, y: ops.scatter_update(x, [[1]], y)),
    ),
    smooth(
        "scatter_extreme",
        case(normal(3), other(2), call=lambda x, y: registry["scatter_extreme"].call(x, y, slice(0, 2))),
    ),
    smooth("segment_sum", case(normal(4, 2), segment_ids=[0, 2, 0, 2])),
    smooth("segment_max", case(apart(4), segment_ids=[0, 1, 0, 1])),
    smooth("segment_min", case(apart(4), segment_ids=[0, 1, 0, 1])),
    smooth(
        "segment_prod",
        case(normal(5), segment_ids=[0, 2, 0, 2, 0]),
        case(np.array([0.0, 2.0, 0.0]), segment_ids=[0, 0, 1]),
    ),
    smooth("diag", case(normal(3)), case(normal(2, 3), k=1), case(normal(2), k=-1)),
    smooth("diagflat", case(normal(2, 1))),
    smooth("diagonal", case(normal(2, 3)), case(normal(2, 2, 2), offset=-1, axis1=1, axis2=2)),
    smooth("trace", case(normal(3, 3)), case(normal(2, 3), offset=1)),
    smooth("tril", case(normal(3, 3), k=-1), case(normal(2, 2, 3))),
    smooth("triu", case(normal(3, 3), k=1), case(normal(2, 2, 3))),
    smooth("meshgrid", case(normal(2), other(3), call=lambda x, y: ops.meshgrid(x, y))),
    smooth("vander", case(positive(3)), case(positive(2), N=3, increasing=True)),
    smooth("linspace", case(normal(2), other(2), num=3), case(normal(), other(), num=4, endpoint=False)),
    smooth("logspace", case(normal(2), other(2), num=3)),
    smooth("geomspace", case(positive(2), positive(2) + 1, num=3)),
    smooth("full", case(normal(2), call=lambda v: ops.full((3, 2), v, v.dtype))),
    smooth("full_like", case(normal(2), call=lambda v: ops.full_like(ops.zeros((3, 2), v.dtype), v))),
    # types
    smooth(
        "cast",
        case(normal(3), call=lambda x: ops.cast(x, x.dtype)),
        case(normal(3), call=lambda x: ops.real(ops.cast(x, "complex128")).astype(x.dtype)),
    ),
    smooth("saturate_cast", case(normal(3), call=lambda x: ops.saturate_cast(x, x.dtype))),
    smooth("copy", case(normal(3))),
    smooth("convert_to_tensor", case(normal(3))),
    smooth("array", case(normal(3))),
    # new tensors
    constant("zeros", (2, 3)),
    constant("ones", (2, 3)),
    constant("empty", (2, 3)),
    constant("eye", 2),
    constant("identity", 2),
    constant("tri", 2),
    constant("arange", 3),
    *[zero(name, case(apart(2, 3))) for name in ("zeros_like", "ones_like", "empty_like")],
    *[
        no_gradient(name, "its answer is no tensor")
        for name in ("convert_to_numpy", "dtype", "is_tensor", "ndim", "shape", "size")
    ],
]
