"""The masks of symbolic tensors, asked of the layers that made them.

A functional model finds its masks when it runs, on the real tensors. Programs that ask for the mask of what `Input`
gave (`x._keras_mask`) get one made for them here, from the `compute_mask` of each layer on the way.
"""

from __future__ import annotations

from typing import Any

from eagerflow.base import tree
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layer.tensor_masks import get_mask, set_mask

__all__ = ["SymbolicTensor", "symbolic_mask"]


def symbolic_mask(x: SymbolicTensor) -> Any:
    """The mask that a symbolic tensor will have, itself symbolic; None when there will be none.

    >>> ids = ef.Input((4,), dtype="int32")
    >>> ef.layers.Embedding(9, 2, mask_zero=True)(ids)._keras_mask.shape
    (None, 4)
    """
    given = get_mask(x)
    node = x.node
    if given is not None or node is None or not (node.args or node.kwargs):
        return given
    signature = getattr(getattr(node.operation, "_ef_state", None), "signature", None)
    if signature is None or not (node.operation.supports_masking or signature.computes_mask):
        return None
    first = signature.first_of(node.args, node.kwargs)
    before = node.kwargs.get("mask")
    if before is None:
        before = tree.map_structure(lambda part: getattr(part, "_keras_mask", None), first)
        if all(mask is None for mask in tree.flatten(before)):
            before = None
    if before is None and not signature.computes_mask:
        return None
    masks = tree.flatten(node.operation.compute_mask(first, before))
    return masks[x.index] if x.index < len(masks) else None


SymbolicTensor._keras_mask = property(symbolic_mask, set_mask)  # type: ignore[attr-defined]
