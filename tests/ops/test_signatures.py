"""What `help` and editors show of ops: tensors where the array functions take arrays."""

from __future__ import annotations

import inspect

import pytest

from eagerflow import ops
from eagerflow.core.primitive import registry

OURS = [op for op in registry.values() if op.mathematics.__module__.startswith("eagerflow.")]


@pytest.mark.parametrize("op", OURS, ids=lambda op: op.name)
def test_arrays_are_named_as_such(op):
    for name, parameter in op.parameters.items():
        expected = "Numpy" if name == "xp" else "Array" if name in op.arrays else None
        assert expected is None or expected in str(parameter.annotation)


@pytest.mark.parametrize("op", OURS, ids=lambda op: op.name)
def test_users_see_tensors(op):
    signature = inspect.signature(op.call)
    for name in op.arrays:
        assert "TensorLike" in str(signature.parameters[name].annotation)
    assert signature.return_annotation == ("Tensor" if op.outputs == 1 else "tuple[Tensor, ...]")
    assert "xp" not in signature.parameters


def test_a_signature_as_it_is_shown():
    assert str(inspect.signature(ops.where)) == (
        "(condition: 'TensorLike', x1: 'TensorLike | None' = None, x2: 'TensorLike | None' = None) -> 'Any'"
    )
    assert (
        str(inspect.signature(ops.sum))
        == "(x: 'TensorLike', axis: 'Axes' = None, keepdims: 'bool' = False) -> 'Tensor'"
    )
