"""What messages about symbolic calls say: the names of operations, and hints where a call fails."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from eagerflow.base import tree
from eagerflow.base.errors import signature_of

__all__ = ["described_node", "hint_of", "op_name", "say_symbolically"]


def say_symbolically(failure: Exception, inputs: Iterable[tuple[Any, Any]]) -> None:
    """In a message, name symbolic tensors as the user knows them, without the batch that was made up."""
    pairs = [*inputs]
    if len(failure.args) == 1 and isinstance(failure.args[0], str):
        failure.args = (_said_symbolically(failure.args[0], pairs),)
    notes = getattr(failure, "__notes__", None)
    if notes:
        notes[:] = [_said_symbolically(note, pairs) for note in notes]


def _said_symbolically(said: str, inputs: list[tuple[Any, Any]]) -> str:
    for made_up, x in inputs:
        said = said.replace(signature_of(made_up), signature_of(x))
        for before in ("shapes ", "and "):
            said = said.replace(f"{before}{tuple(made_up.shape)}", f"{before}{x.shape}")
    return said


def hint_of(node: Any, failure: Exception, samples: int) -> str:
    """What to write instead, behind the name of the call that failed; nothing where that isn't known."""
    if "cannot reshape" in str(failure) and any(x.shape[:1] == (None,) for x in node.inputs):
        whole = f" To keep the batch, write -1 for it: (-1, {str(node.args[-1])[1:]}." if _of_one(node) else ""
        one = "what works with one batch size needs Input(..., batch_size=n)."
        return f"{whole} It was tried with {samples} samples: {one}"
    given = tree.flatten((node.args, node.kwargs))
    if hasattr(node.operation, "_ef_state") or all(x is not None for x in given):
        return _of_samples(node, failure, samples)
    return " An argument is None: an unknown length of a shape is no number. Try -1, or ops inside a Layer."


def _of_samples(node: Any, failure: Exception, samples: int) -> str:
    """Where a message shows shapes that begin with the batch that was made up: what that length is."""
    made_up = any(x.shape[:1] == (None,) for x in node.inputs)
    shown = re.search(rf"(?<!=)[\[(]{samples}[],)]", " ".join([str(failure), *getattr(failure, "__notes__", ())]))
    if not made_up or shown is None:
        return ""
    return f" It was tried with {samples} samples: the first length of its shapes, {samples}, stands for any batch."


def _of_one(node: Any) -> bool:
    """Does a reshape forget the batch: is its shape right for one sample?"""
    shape, given = node.args[-1], node.inputs[0].shape[1:]
    known = isinstance(shape, tuple) and all(isinstance(n, int) for n in shape) and None not in given
    return known and math.prod(shape) == math.prod(given)


def op_name(operation: Any) -> str:
    """How an op or function is called."""
    return str(getattr(operation, "__name__", type(operation).__name__))


def described_node(node: Any) -> str:
    """The class and name of a node's layer, or the name of its op."""
    kind = type(node.operation).__name__
    return f'{kind} "{node.name}"' if hasattr(node.operation, "_ef_state") else f"ops.{op_name(node.operation)}"
