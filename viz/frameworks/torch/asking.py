"""Asks a copy of a module what it answers in evaluation mode; the program's own module, and its state, stay as is."""

from __future__ import annotations

import contextlib
import copy
import io
import random
from typing import Any

import numpy
import torch

from eagerflow.core.observe import unobserved
from viz.frameworks.torch.objects import as_numpy
from viz.frameworks.torch.ops import tensors_in

__all__ = ["answer_with"]

_MOST = 50_000_000  # parameters of a module that is copied


def answer_with(module: Any, given: list[torch.Tensor], at: int, values: numpy.ndarray) -> numpy.ndarray | None:
    """The largest tensor that a module answers; None where it can't be asked, or more than itself would hear of it.

    Args:
        module: the module.
        given: what it was called with.
        at: which of these gets other values.
        values: these.
    """
    hooks = [h for m in module.modules() for h in (m._forward_hooks, m._forward_pre_hooks) if h]
    if hooks or sum([x.numel() for x in module.parameters()]) > _MOST:
        return None
    rows, other = len(given[at]), torch.as_tensor(values.copy())
    cut = [x[: len(values)] if x.ndim and len(x) == rows else x for x in given]
    cut[at] = other.to(given[at].device, given[at].dtype)
    devices = sorted({x.device.index for x in cut if x.is_cuda})
    states = random.getstate(), numpy.random.get_state()  # noqa: NPY002
    try:
        silent = contextlib.redirect_stdout(io.StringIO())
        with unobserved(), torch.no_grad(), torch.random.fork_rng(devices), silent:
            made = copy.deepcopy(module).eval()(*cut)
    except Exception:  # noqa: BLE001  (it can't be copied, or takes these only together with others)
        return None
    finally:
        random.setstate(states[0])
        numpy.random.set_state(states[1])  # noqa: NPY002
    found = [x for _, x in tensors_in(made) if x.is_floating_point()]
    return as_numpy(max(found, key=torch.Tensor.numel)).copy() if found else None
