"""What is said where a call on symbolic tensors fails."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from eagerflow.base import tree
from eagerflow.base.errors import signature_of

__all__ = ["hint_of", "say_symbolically"]


def say_symbolically(failure: Exception, inputs: Iterable[tuple[Any, Any]]) -> None:
    """In a message, name symbolic tensors as the user knows them, without the batch that was made up.

    Args:
        failure: the error whose message is changed.
        inputs: what stood for each symbolic tensor, and the tensor.
    """
    if len(failure.args) == 1 and isinstance(failure.args[0], str):
        said = failure.args[0]
        for made_up, x in inputs:
            said = said.replace(signature_of(made_up), signature_of(x))
            for before in ("shapes ", "and "):
                said = said.replace(f"{before}{tuple(made_up.shape)}", f"{before}{x.shape}")
        failure.args = (said,)


def hint_of(node: Any, failure: Exception) -> str:
    """What to write instead, behind the name of the call that failed; nothing where that isn't known."""
    if "cannot reshape" in str(failure) and any(x.shape[:1] == (None,) for x in node.inputs):
        whole = f" To keep the batch, write -1 for it: (-1, {str(node.args[-1])[1:]}." if _of_one(node) else ""
        return f"{whole} It was tried with 2 samples: what works with one batch size needs Input(..., batch_size=n)."
    given = tree.flatten((node.args, node.kwargs))
    if hasattr(node.operation, "_calls") or all(x is not None for x in given):
        return ""
    return " An argument is None: an unknown length of a shape is no number. Try -1, or ops inside a Layer."


def _of_one(node: Any) -> bool:
    """Does a reshape forget the batch: is its shape right for one sample?"""
    shape, given = node.args[-1], node.inputs[0].shape[1:]
    known = isinstance(shape, tuple) and all(isinstance(n, int) for n in shape) and None not in given
    return known and math.prod(shape) == math.prod(given)
