"""What a program computes outside of layers only to change its weights is a part of that update.

As in `target.assign(tau * w + (1 - tau) * target)` or `w.assign_sub(rate * gradient)`, and where gradients are clipped
before an optimizer is given them: optimizers run such ops, too.
"""

from __future__ import annotations

from viz.facts.schema import VARIABLES, Record

__all__ = ["name_own_updates"]

_INSIDE = ("layer", "model", "loss")  # what runs in these is their forward pass, whatever becomes of it
_OF_WEIGHTS = (*VARIABLES, "gradient", "constant")


def name_own_updates(record: Record) -> None:
    """Let the phase of ops be `"update"` that lead from weights and gradients to nothing but changes in place.

    They must read nothing that the forward pass made, or was given: in `total.assign_add(loss)` the loss is a result.
    Where nothing is trained, as in a simulation that changes its state, such ops are all there is, and remain.
    """
    differentiated = {op.forward for op in record.ops if op.phase == "backward"}
    if not differentiated and all(scope.kind != "optimizer" for scope in record.scopes):
        return
    inside = _inside(record)
    of_weights: set[int] = set()  # tensors that are computed from weights and gradients
    for op in record.ops:
        if op.phase != "forward" or op.error or op.id in differentiated or inside[op.scope]:
            continue
        if all(i in of_weights or record.tensors[i].role in _OF_WEIGHTS for i in op.inputs):
            of_weights.update(op.outputs)
    if not of_weights:
        return
    read, read_otherwise = set[int](), set[int]()
    for op in reversed(record.ops):
        made = of_weights.intersection(op.outputs)
        if not made.isdisjoint(read) and made.isdisjoint(read_otherwise):
            op.phase = "update"
        (read if op.phase == "update" else read_otherwise).update(op.inputs)


def _inside(record: Record) -> dict[int | None, bool]:
    """For each scope: is it, or one around it, a layer, a model or a loss?"""
    found: dict[int | None, bool] = {None: False}
    for scope in record.scopes:
        found[scope.id] = scope.kind in _INSIDE or found[scope.parent]
    return found
