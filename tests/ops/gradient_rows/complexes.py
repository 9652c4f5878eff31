"""Rows of ops on complex numbers, which are made of pairs of real ones here: `check_grads` moves real numbers."""

from __future__ import annotations

from eagerflow import ops
from tests.ops.gradient_rows import apart, case, normal, smooth, zero

PAIRS = apart(3, 2)


def complex_case(function, *arrays):
    """A function of complex tensors, each given as pairs."""
    return case(*arrays, call=lambda *xs: parts(function(*[ops.view_as_complex(x) for x in xs])))


def parts(outputs):
    return [
        ops.view_as_real(o) if o.dtype.kind == "c" else o for o in ([outputs] if hasattr(outputs, "dtype") else outputs)
    ]


ROWS = [
    smooth("view_as_complex", case(PAIRS, call=lambda x: parts(ops.view_as_complex(x)))),
    smooth("view_as_real", complex_case(ops.view_as_real, PAIRS)),
    smooth("real", case(normal(3)), complex_case(ops.real, PAIRS)),
    smooth("imag", case(normal(3)), complex_case(ops.imag, PAIRS)),
    smooth("conj", case(normal(3)), complex_case(ops.conj, PAIRS)),
    smooth("conjugate", complex_case(ops.conjugate, PAIRS)),
    smooth("angle", complex_case(ops.angle, PAIRS)),
    smooth("sign", case(apart(3), call=lambda x: ops.sign(x) + 0 * x), complex_case(ops.sign, PAIRS)),
    smooth("sigmoid", case(apart(3)), complex_case(ops.sigmoid, PAIRS)),
    smooth("silu", case(apart(3)), complex_case(ops.silu, PAIRS)),
    zero("sign_of", case(apart(3))),
    zero("isreal", case(apart(3))),
]
