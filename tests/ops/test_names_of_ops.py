"""Ops have the names that users call them by, and whoever tells ops apart by name knows them."""

from __future__ import annotations

import pytest

from eagerflow import ops
from eagerflow.capture import recorder
from eagerflow.core.lowering import load_kernels, waiting
from eagerflow.core.primitive import registry
from eagerflow.onnx.converters import elementwise, indexing, neural, recurrent, reductions, shapes
from viz.facts.flops import FORMULAS
from viz.frameworks.torch.formulas import OF_TORCH
from viz.picture.operands import ORDERED
from viz.recorder.finite_check import SAFE

load_kernels()  # and with them the ops that layers alone would read
CHANGES = {"assign", "assign_add", "assign_sub"}  # of variables, which no op makes
LISTS = {
    "whose operands have an order": ORDERED,
    "that make no NaN": SAFE,
    "shaped by values": recorder._SHAPED_BY_VALUES,
    "that index": recorder._INDEXING,
    "with kernels": waiting,
    "with FLOPs": FORMULAS.keys() - CHANGES - OF_TORCH.keys(),
    **{
        f"in ONNX ({module.__name__.rpartition('.')[2]})": module.CONVERTERS
        for module in (elementwise, indexing, neural, recurrent, reductions, shapes)
    },
}


@pytest.mark.parametrize("which", LISTS)
def test_ops_that_are_listed_by_name_exist(which):
    assert sorted(set(LISTS[which]) - registry.keys()) == []


def test_ops_that_have_another_name_than_their_function_are_called_as_a_public_function_is():
    renamed = {name for name, op in registry.items() if op.mathematics.__name__ != name}
    assert {"where", "split", "unique", "pad", "top_k", "cholesky", "qr", "svd"} <= renamed
    assert sorted(name for name in renamed if not hasattr(ops, name)) == []
