"""Masks travel with tensors, in their `mask` slot."""

from __future__ import annotations

from typing import Any

from eagerflow.base import tree
from eagerflow.core.tensor import Tensor
from eagerflow.layer.arguments import CallSignature

__all__ = ["get_mask", "mask_of_call", "pass_masks", "set_mask"]


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


def mask_of_call(signature: CallSignature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The mask of the first argument, after handing masks to the parameters that are made for them."""
    if not args and not kwargs:
        return None
    mask = masks_of(args[0] if args else kwargs.get(signature.first))
    return pass_masks(signature, mask, args, kwargs) if signature.masks else mask


def pass_masks(signature: CallSignature, mask: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Hand the masks of the arguments to the parameters of `call` that are made for them.

    Returns:
        The mask of the first argument: the one given as `mask=...`, if there is one, else the tensor's own.
    """
    by_position = signature.names[: len(args)]
    for name, parameter in signature.masks:
        given = args[by_position.index(parameter)] if parameter in by_position else kwargs.get(parameter)
        if given is not None:
            mask = given if parameter == "mask" else mask
            continue
        if parameter in by_position:
            continue
        if name == signature.first:
            found = mask
        elif name in by_position:
            found = masks_of(args[by_position.index(name)])
        else:
            found = masks_of(kwargs.get(name))
        if found is not None:
            kwargs[parameter] = found
    return mask
