"""One pass through the models of a loop whose step can't be made from outside, and its loss objects."""

from __future__ import annotations

import contextlib
from typing import Any

from eagerflow import GradientTape, Variable
from viz.doctor.check_base import tensors
from viz.dry_run.first_step import FirstStep
from viz.dry_run.kept_state import put_back

__all__ = ["KINDS", "one_pass"]

KINDS = ("loss_mismatch", "label_range", "broadcast", "softmax_axis", "linear_stack", "hidden_softmax")
"""What the doctor finds in such a pass that doesn't depend on which loss trains which weights."""


def one_pass(first: FirstStep) -> bool:
    """Compute the losses and their gradients once more, without an update, so that the doctor hears of them.

    Where the loop calls no loss objects, the gradients are those of what its models give.
    """
    judged = {id(asked.owner) for asked in first.losses}
    calls = [(first.model, first.batch[0]), *[(each.owner, each.inputs) for each in first.others]]
    owners = {id(owner): owner for owner, _ in calls} | {id(asked.owner): asked.owner for asked in first.losses}
    try:
        with contextlib.ExitStack() as stack:
            for owner in owners.values():
                stack.enter_context(put_back(owner))
            with GradientTape() as tape:
                made = [_call(owner, inputs) for owner, inputs in calls if id(owner) not in judged]
                losses = [asked.loss(asked.labels, _call(asked.owner, asked.inputs)) for asked in first.losses]
            weights = [v for owner in owners.values() for v in owner.trainable_variables if isinstance(v, Variable)]
            tape.gradient(losses or tensors(made), weights)
    except Exception:  # noqa: BLE001  (the loop may call them in a way of its own; then nothing is said)
        return False
    return True


def _call(owner: Any, inputs: Any) -> Any:
    return owner(*inputs, training=True) if isinstance(inputs, tuple) else owner(inputs, training=True)
