"""What each kind of ONNX node computes: the one table that checks exported files, and runs those that are loaded.

A node is a function of tensors, in the order of the node's inputs, and of its attributes by their names, with ONNX'
defaults; so an attribute that isn't known is an error. One that asks for `opset` gets the version of the operators,
one that asks for `outputs` how many are wanted. Our recorded ops compute, so gradients flow and tracers see them; what
follows from shapes alone stays aside (`values.Known`).

Meanings are those of https://onnx.ai/onnx/operators (Apache 2.0).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.onnx.nodes import control, elementwise, normalizing, recurrent, reducing, resizing, shaping, windows

__all__ = ["NODES"]

NODES: dict[str, Callable[..., Any]] = {
    **elementwise.NODES,
    **shaping.NODES,
    **reducing.NODES,
    **windows.NODES,
    **normalizing.NODES,
    **recurrent.NODES,
    **resizing.NODES,
    **control.NODES,
}
