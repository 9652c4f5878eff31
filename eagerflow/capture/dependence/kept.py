"""Tensors that layers keep of their last call, for whoever looks at them afterwards: attention weights, say.

Eagerly each call puts another one there, and so does each replay. That is right where nobody reads the one of the call
before: whoever reads its values, or asks for its shape, ends the capture.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from eagerflow.core.in_place import stored
from eagerflow.core.tensor import Tensor

__all__ = ["Kept", "keep", "tensors_in", "those_kept"]


class Kept(NamedTuple):
    """An attribute of a layer that is a tensor.

    Attributes:
        layer: it.
        key: the attribute.
        tensor: what it was when somebody looked.
    """

    layer: Any
    key: str
    tensor: Tensor

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.layer.name}.{self.key}"

    def is_there(self) -> bool:
        """Whether the attribute is some tensor."""
        return type(vars(self.layer).get(self.key)) is Tensor

    def now(self) -> Kept:
        """The same with the tensor that is there now."""
        return self._replace(tensor=vars(self.layer).get(self.key))


def tensors_in(layers: Iterable[Any]) -> list[Kept]:
    """All of some layers, but for those of which we take notes ourselves."""
    each = [(layer, key, value) for layer in layers for key, value in vars(layer).items() if type(value) is Tensor]
    return [Kept(*one) for one in each if not one[1].startswith("_")]


def those_kept(before: Iterable[Kept], recorder: Any) -> list[Kept]:
    """Which of these a run has replaced by what it has computed.

    Args:
        before: as they were before the run.
        recorder: of the run.
    """
    now = [one.now() for one in before]
    changed = [new for new, old in zip(now, before) if new.tensor is not old.tensor and type(new.tensor) is Tensor]
    return [one for one in changed if recorder.slot_of(stored(one.tensor)) is not None]


def keep(layer: Any, key: str, tensor: Tensor) -> None:
    """Let a layer keep a tensor."""
    vars(layer)[key] = tensor
