"""What loops call besides ops, modules and optimizers: modes, schedules, clipping, scalers, states, batches."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.amp import grad_scaler
from torch.optim import lr_scheduler

__all__ = ["patch", "tell_batch"]

_Told = Callable[..., dict[str, Any] | None]


def patch(hear: Callable[..., None]) -> None:
    """Hear these calls.

    Args:
        hear: lets a function be called in the place of a class' or module's own, as long as anything is heard.
    """
    inside: set[int] = set()  # threads in which such a call runs: those within one are its own

    def tell(owner: Any, name: str, told: str, facts: _Told) -> None:
        def heard(front: Any, held: Any, *args: Any, **kwargs: Any) -> Any:
            thread = threading.get_ident()
            if thread in inside:
                return held(*args, **kwargs)
            inside.add(thread)
            try:
                given = held(*args, **kwargs)
            finally:
                inside.discard(thread)
            if not front.muted:
                front.safely(_tell, front, told, args[0] if args else None, facts, (*args, *kwargs.values(), given))
            return given

        hear(owner, name, heard)

    tell(nn.Module, "train", "mode", lambda module, *_: {"training": module.training})
    tell(nn.Module, "state_dict", "state_taken", lambda *given: {"state": given[-1]})
    tell(nn.Module, "load_state_dict", "state_given", _of_state)
    for kind in [each for each in vars(lr_scheduler).values() if _has_steps(each)]:
        tell(kind, "step", "schedule", _of_schedule)
    tell(grad_scaler.GradScaler, "unscale_", "unscale", lambda *given: {})
    tell(grad_scaler.GradScaler, "step", "scaled_step", _of_scaler)
    for name in ("clip_grad_norm_", "clip_grad_value_"):
        for place in (nn.utils.clip_grad, nn.utils):
            tell(place, name, "clip", lambda *given: {})


def _tell(front: Any, name: str, thing: Any, facts: _Told, given: tuple[Any, ...]) -> None:
    with torch._C.DisableTorchFunction():
        about = facts(*given)
        if about is not None:
            front.tell_routine(name, thing, about)


def tell_batch(front: Any, loader: Any, batch: Any) -> None:
    """A loader has given a batch: of each turn, the first one is told."""
    sampler = getattr(loader._index_sampler, "sampler", loader._index_sampler)
    if loader._num_yielded == 1:
        in_order = type(sampler).__name__ == "SequentialSampler"
        front.tell_routine("first_batch", loader._dataset, {"in_order": in_order, "batch": batch})


def _has_steps(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, lr_scheduler.LRScheduler) and "step" in vars(kind)


def _of_schedule(schedule: Any, *_: Any) -> dict[str, Any] | None:
    """A schedule made a step; the first one, which it makes by itself, isn't the program's."""
    count = getattr(schedule, "_step_count", 2) - 1
    if count < 1 or getattr(schedule, "_is_initial", False):
        return None
    period = getattr(schedule, "T_max", None) or getattr(schedule, "total_steps", None)
    named = "T_max" if hasattr(schedule, "T_max") else "total_steps"
    optimizer = getattr(schedule, "optimizer", None)
    return {"optimizer": optimizer, "kind": type(schedule).__name__, "period": period, "named": named}


def _of_scaler(scaler: Any, optimizer: Any, *_: Any) -> dict[str, Any] | None:
    """Did it leave an update out, as gradients weren't finite?"""
    if not scaler.is_enabled():
        return None
    found = scaler._per_optimizer_states[id(optimizer)]["found_inf_per_device"].values()
    return {"optimizer": optimizer, "skipped": any([float(x) > 0 for x in found]), "scale": scaler.get_scale()}


def _of_state(module: Any, state: Any, *_: Any) -> dict[str, Any]:
    """Are the values that are put back those that are there: the very same memory?"""
    own = {name: x.data_ptr() for name, x in [*module.named_parameters(), *module.named_buffers()] if x.numel()}
    same = [isinstance(state.get(name), torch.Tensor) and state[name].data_ptr() == at for name, at in own.items()]
    return {"state": state, "is_itself": bool(same) and all(same)}
