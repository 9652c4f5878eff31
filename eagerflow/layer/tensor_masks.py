"""Masks travel with tensors, in their `mask` slot."""

from __future__ import annotations

from typing import Any

from eagerflow.base import tree
from eagerflow.core.tensor import Tensor

__all__ = ["get_mask", "set_mask"]


def get_mask(x: Any) -> Any:
    """The mask that a layer put on the tensor, None when there is none."""
    return getattr(x, "mask", None) if isinstance(x, Tensor) else None


def set_mask(x: Any, mask: Any) -> None:
    """Put a mask (a boolean tensor, or None) on a tensor; the next layers see it."""
    x.mask = mask


def _drop_mask(x: Any) -> None:
    """`del x._keras_mask`: what follows, such as the loss, then counts all positions."""
    if get_mask(x) is None:
        raise AttributeError("this tensor has no mask", name="_keras_mask", obj=x)
    x.mask = None


# Keras' name of the slot, by which programs reach it.
Tensor._keras_mask = property(get_mask, set_mask, _drop_mask)  # type: ignore[attr-defined]


def masks_of(structure: Any) -> Any:
    """The masks of a structure of tensors, in the same structure; None when there is none at all."""
    if not isinstance(structure, (list, tuple, dict)):
        return get_mask(structure)
    found = tree.map_structure(get_mask, structure)
    return found if any(m is not None for m in tree.flatten(found)) else None


def put_masks(structure: Any, masks: Any) -> None:
    """Put the masks on a structure of tensors, where they have none yet."""
    tensors = tree.flatten(structure)
    flat = tree.flatten(masks) if isinstance(structure, (list, tuple, dict)) else [masks]
    if len(flat) == 1 and len(tensors) > 1:
        flat = flat * len(tensors)
    for x, mask in zip(tensors, flat):
        if mask is not None and isinstance(x, Tensor) and get_mask(x) is None:
            x.mask = mask
