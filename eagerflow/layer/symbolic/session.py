"""Questions about symbolic tensors, and the end of a session, as `keras.utils` and `keras.backend` have them."""

from __future__ import annotations

from typing import Any

from eagerflow.base import tree
from eagerflow.layer.symbolic.tensors import Origin, SymbolicTensor
from eagerflow.layer.unique_names import reset_uids

__all__ = ["clear_session", "get_source_inputs", "is_keras_tensor"]


def clear_session(free_memory: bool = True) -> None:
    """Resets the numbers in automatic names (`dense`, `dense_1`, ...).

    There is no global graph to clear; `free_memory` is accepted for Keras' signature and changes nothing.

    Args:
        free_memory: accepted for Keras' signature.

    >>> first, second = ef.layers.Dense(1), ef.layers.Dense(1)
    >>> ef.utils.clear_session()
    >>> ef.layers.Dense(1).name
    'dense'
    """
    reset_uids()


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor, from `Input` or from layers called on one.

    Args:
        x: anything.

    >>> ef.utils.is_keras_tensor(ef.Input((3,))), ef.utils.is_keras_tensor(ef.ops.ones((2, 3)))
    (True, False)
    """
    return isinstance(x, SymbolicTensor)


def get_source_inputs(tensor: Any) -> list[Any]:
    """The inputs (tensors made by `Input`) that a symbolic tensor was computed from, in the order of their creation.

    Args:
        tensor: a symbolic tensor, or a structure of them.

    Raises:
        TypeError: for something that isn't symbolic.

    >>> image, label = ef.Input((4,), name="image"), ef.Input((1,), name="label")
    >>> joint = ef.layers.concatenate([image, ef.layers.Dense(2)(label)])
    >>> [x.name for x in ef.utils.get_source_inputs(joint)]
    ['image', 'label']
    """
    pending = list(tree.flatten(tensor))
    for x in pending:
        if not isinstance(x, SymbolicTensor):
            raise TypeError(
                f"get_source_inputs(tensor): expected what Input or a layer called on it gives; got {type(x).__name__}."
            )
    sources: dict[Origin, Any] = {}
    seen: set[Origin] = set()
    while pending:
        x = pending.pop()
        if x.origin in seen:
            continue
        seen.add(x.origin)
        before = x.node.inputs if x.node is not None else []
        pending += before
        if not before:
            sources[x.origin] = x
    return [sources[origin] for origin in sorted(sources)]
