"""Rows of products of tensors."""

from __future__ import annotations

from eagerflow import ops
from tests.ops.gradient_rows import case, normal, other, smooth


def pair(name, *shapes, **settings):
    return smooth(name, *[case(normal(*a), other(*b), **settings) for a, b in shapes])


def einsum(subscripts, *arrays):
    return case(*arrays, call=lambda *xs: ops.einsum(subscripts, *xs))


ROWS = [
    pair(
        "matmul",
        ((2, 3), (3, 2)),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 1, 2), (2, 3)),
        ((2,), (2, 2, 1)),
        ((2, 1, 2), (2,)),
        ((1, 1, 2), (2, 2, 1)),
    ),
    pair("dot", ((3,), (3,)), ((2, 3), (3, 2)), ((2, 3), (3,)), ((), (3,)), ((2,), (2, 2, 1))),
    pair("inner", ((3,), (3,)), ((2, 3), (2, 3))),
    pair("outer", ((2,), (2, 2))),
    pair("vdot", ((2, 2), (4,))),
    pair("kron", ((2,), (3,)), ((2, 1), (1, 2, 2))),
    pair("tensordot", ((2, 2), (2, 2)), ((2, 3), (3, 2)), axes=1),
    pair("cross", ((3,), (3,)), ((2, 3), (3,)), ((2,), (2,)), ((2,), (3,))),
    smooth(
        "einsum",
        einsum("ij,jk->ik", normal(2, 3), other(3, 2)),
        einsum("ij,ij->", normal(2, 2), other(2, 2)),
        einsum("bij,bkj->bik", normal(2, 2, 2), other(2, 1, 2)),
        einsum("ii->i", normal(2, 2)),
        einsum("i,j,k->kij", normal(2), other(2), normal(1)),
        einsum("...i,ij->...j", normal(2, 2), other(2, 2)),
        einsum("ij->j", normal(2, 3)),
        einsum("iji,j->ij", normal(2, 2, 2), other(2)),
    ),
]
