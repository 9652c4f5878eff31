"""What tensors of other frameworks have: asked for it, ours say how to write the same here."""

from __future__ import annotations

from typing import Any, NoReturn

from eagerflow.base.errors import no_attribute
from eagerflow.base.notebook import shown_short

__all__ = ["OTHER_WAYS", "OtherWay", "Size"]

OTHER_WAYS = {
    "backward": "Gradients come from a tape: `with ef.GradientTape() as tape: ...`, `tape.gradient(loss, weights)`.",
    "grad": "Gradients are what `tape.gradient(loss, sources)` returns; tensors don't hold them.",
    "detach": "Use `ef.stop_gradient(tensor)`.",
    "requires_grad": "Use `ef.Variable(values)`, or `tape.watch(tensor)`.",
    "requires_grad_": "Use `ef.Variable(values)`, or `tape.watch(tensor)`.",
    "cpu": "Use `tensor.to('cpu')`.",
    "cuda": "Use `tensor.to('gpu:0')`.",
    "state_dict": "Use `model.get_weights()` or `model.save_weights(path)`.",
    "view": "Use `tensor.reshape(shape)`.",
    "permute": "Use `tensor.transpose(axes)`.",
    "unsqueeze": "Use `ef.ops.expand_dims(tensor, axis)`.",
    "eval": "Tensors have values at once: `tensor.numpy()`.",
    "dim": "Use `tensor.ndim`.",
    "numel": "Use `tensor.size`; the length of an axis is `tensor.shape[axis]`.",
    "contiguous": "Leave it out: tensors have no strides to put in order.",
    "clone": "Leave it out: tensors don't change.",
    "expand": "Use `ef.ops.broadcast_to(tensor, shape)`.",
    "masked_fill": "Use `ef.ops.where(mask, value, tensor)`.",
    **{
        name: f"Use `tensor.astype('{dtype}')`."
        for name, dtype in zip(
            ("float", "double", "half", "int", "long", "bool"),
            ("float32", "float64", "float16", "int32", "int64", "bool"),
        )
    },
    **dict.fromkeys(
        ("assign", "assign_add", "assign_sub"),
        "Tensors don't change; use `ef.Variable(values)`. For `v[0].assign(x)`: `ops.slice_update`.",
    ),
}


class OtherWay:
    """An attribute that tensors of other frameworks have: reading it raises an `AttributeError` that names our way.

    Not one `__getattr__` for all: Python would call it too where somebody asks for a slot that may be unset
    (`getattr(x, "mask", None)`), ten times slower than its own answer.
    """

    __slots__ = ("hint", "name")

    def __init__(self, name: str, hint: str) -> None:
        self.name, self.hint = name, hint

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise no_attribute(f"{owner.__name__!r} has no attribute {self.name!r}. {self.hint}", self.name)


class Size(int):
    """A number of elements, which says how to write what PyTorch's `size()` gives."""

    __slots__ = ()

    def __call__(self, dim: int | None = None) -> NoReturn:
        ours = "shape" if dim is None else f"shape[{dim}]"
        raise shown_short(TypeError(f"`tensor.size` is the number of elements, as in NumPy. Use `tensor.{ours}`."))
