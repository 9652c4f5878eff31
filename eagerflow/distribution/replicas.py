"""The models of ranks that train together are equal: compared when training begins and after every epoch."""

from __future__ import annotations

import re
from typing import Any

import numpy

from eagerflow.core import random
from eagerflow.core.device import device_of, place, to_host
from eagerflow.core.variable import Variable
from eagerflow.distribution.report import note
from eagerflow.distribution.runtime.agreement import DisagreementError, agree, ranks_named, same_values
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = ["broadcast_initial_state", "broadcast_random_state", "check_replicas"]

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object in memory, which is another one on each rank


def broadcast_initial_state(model: Any, ranks: Communicator) -> None:
    """Before training: all ranks describe the same model, and take rank 0's values where theirs are others.

    Raises:
        DisagreementError: on all ranks, naming the first difference.
    """
    compiled = model._ef_state.compiled
    described = {
        "model": type(model).__name__,
        "optimizer": type(model.optimizer).__name__,
        **_settings(model.optimizer),
    }
    described["loss"] = repr([type(compiled.loss).__name__, *_names(compiled.arguments.get("loss"))])
    described["metrics"] = repr([m.name for m in model.metrics])
    for variable in model.variables:
        kind = "" if variable.trainable else ", not trainable"
        described[variable.path] = f"{tuple(variable.shape)} {variable.dtype.name}{kind}"
    agree(ranks, described, "fit")
    same_values(ranks, model.variables)
    if model.optimizer is not None and model.optimizer.built:
        same_values(ranks, model.optimizer.variables, "the optimizer's states")


def _settings(optimizer: Any) -> dict[str, str]:
    """One by one, so that a difference is reported by the name of the setting."""
    try:
        settings = optimizer.get_config().items()
        return {f"optimizer.{name}": _ADDRESS.sub("", str(value)) for name, value in settings}
    except (NotImplementedError, TypeError, AttributeError, ValueError):  # they can't be described
        return {}


def _names(loss: Any) -> list[str]:
    every = loss if isinstance(loss, (list, tuple)) else loss.values() if isinstance(loss, dict) else [loss]
    return [_ADDRESS.sub("", str(getattr(one, "name", getattr(one, "__name__", one))))[:80] for one in every]


def broadcast_random_state(ranks: Communicator) -> None:
    """Draws that have no seed of their own go on as rank 0's do, whatever else a rank has drawn."""
    own = random.get_state()
    told = ranks.broadcast_object(own["eagerflow"])
    if told != own["eagerflow"]:
        random.set_state({**own, "eagerflow": told})


def check_replicas(model: Any, ranks: Communicator, where: str) -> None:
    """Compare the models of all ranks. What layers keep of the batches that they saw becomes the mean of all ranks'.

    Such are the moving averages of a `BatchNormalization` that isn't synchronized.

    Raises:
        DisagreementError: on all ranks, where weights or numbers of another kind differ.
    """
    variables: list[Variable] = model.variables
    sums = numpy.array([_sum(v) for v in variables], "uint64").reshape(-1, 2)
    every = ranks.gather_objects(sums.tobytes())
    if len(set(every)) == 1:
        return
    tables = [numpy.frombuffer(one, "uint64").reshape(-1, 2) for one in every]
    if len({len(table) for table in tables}) > 1:
        raise DisagreementError(f"{where}: ranks have models of {[len(table) for table in tables]} variables.")
    for i, variable in enumerate(variables):
        others = [rank for rank, table in enumerate(tables) if (table[i] != tables[0][i]).any()]
        if not others:
            continue
        if variable.trainable or variable.dtype.kind != "f":
            raise DisagreementError(
                f"{where}: {variable.path} has other values on {ranks_named(others, ranks.hosts)} than on rank 0. All "
                "ranks must make the same updates: does something change weights, or draw numbers, on some ranks only?"
            )
        note(f"{variable.path}: each rank keeps its own, whose mean all take after each epoch")
        _take_mean(variable, ranks)


def _take_mean(variable: Variable, ranks: Communicator) -> None:
    found = numpy.array(to_host(variable.data), "float64", order="C")
    ranks.all_reduce(found)
    mean = (found / ranks.size).astype(variable.data.dtype)
    variable.assign(place(mean, device_of(variable.data)))


def _sum(variable: Variable) -> tuple[int, int]:
    """Two sums of a variable's bits, made at the speed of memory."""
    raw = numpy.ascontiguousarray(to_host(variable.data)).reshape(-1).view("uint8")
    whole = raw.size // 8 * 8
    words = raw[:whole].view("uint64")
    rest = int.from_bytes(raw[whole:].tobytes(), "little")
    total = int(words.sum(dtype="uint64")) + rest
    return total % 2**64, int(numpy.bitwise_xor.reduce(words)) ^ rest if whole else rest
