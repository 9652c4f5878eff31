"""Which layers of a model act differently in training, and running it with some of them as in `evaluate`."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any

from eagerflow.layer.call_context import current_call
from viz.frameworks.owners import layer_role

__all__ = ["AUGMENTATION", "BATCH_NORM", "DROPOUT", "Modes"]

DROPOUT, BATCH_NORM, AUGMENTATION = "dropout", "batch norm", "augmentation"


class Modes:
    """Runs a model in training, with chosen groups of layers as they are in `evaluate`.

    A group's layer doesn't get the mode of the model around it but the one that it got when the whole model ran in that
    mode: a base model that is called with `training=False` stays frozen, dropout that is always on stays on.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.groups: dict[str, list[Any]] = {}
        _sort(model, self.groups, set())
        self._told: dict[bool, dict[int, list[Any]]] = {True: {}, False: {}}

    def learn(self, run: Callable[[bool], Any]) -> None:
        """Note each layer's mode while `run` runs a batch in training mode (True), and in that of `evaluate`."""
        for training, told in self._told.items():
            with self._wrapped(functools.partial(_noted, told)):
                run(training)

    @property
    def changing(self) -> list[str]:
        """The groups with a layer that gets another mode in training than in `evaluate`."""
        trained, tested = self._told[True], self._told[False]
        return [
            name
            for name, found in self.groups.items()
            if any(trained.get(id(layer)) != tested.get(id(layer)) for layer in found)
        ]

    def always(self, name: str) -> list[Any]:
        """The layers of a group that act in `evaluate`, too, as those that are called with `training=True`."""
        return [layer for layer in self.groups.get(name, []) if any(self._told[False].get(id(layer), []))]

    @contextlib.contextmanager
    def acting(self, on: Collection[str]) -> Iterator[None]:
        """Within, the layers of the groups in `on` act as in training, those of the others as in `evaluate`."""
        by_layer = {id(layer): name in on for name, found in self.groups.items() for layer in found}

        def mode(layer: Any, number: int, given: Any) -> Any:
            told = self._told[by_layer[id(layer)]].get(id(layer), [])
            return told[number % len(told)] if told else given

        with self._wrapped(mode):
            yield

    @contextlib.contextmanager
    def _wrapped(self, choose: Callable[[Any, int, Any], Any]) -> Iterator[None]:
        """Within, `choose(layer, number of its call, mode that it is given)` decides the mode of a group's layers."""
        changed = [layer for found in self.groups.values() for layer in found]
        try:
            for layer in changed:
                layer.__dict__["call"] = _deciding(layer, choose)
            yield
        finally:
            for layer in changed:
                layer.__dict__.pop("call", None)


def _sort(layer: Any, groups: dict[str, list[Any]], seen: set[int]) -> None:
    """Enter a layer, or those inside of it, into its group."""
    if id(layer) in seen:
        return
    seen.add(id(layer))
    role, name = layer_role(layer), ""
    if role == "noise":
        name = DROPOUT if hasattr(layer, "seed_generator") else ""
    elif role == "augmentation":
        name = AUGMENTATION
    elif role == "batch_normalization":
        name = BATCH_NORM if layer.trainable else ""
    elif role in ("recurrent", "bidirectional") and _drops(layer):
        name = DROPOUT
    elif role != "resizing":
        for inner in layer._flatten_layers(include_self=False, recursive=False):
            _sort(inner, groups, seen)
        return
    if name:
        groups.setdefault(name, []).append(layer)


def _drops(layer: Any) -> bool:
    """Whether a recurrent layer, or a cell inside of it, drops anything."""
    rates = ("dropout", "recurrent_dropout")
    return any(getattr(each, rate, 0.0) for each in layer._flatten_layers() for rate in rates)


def _noted(told: dict[int, list[Any]], layer: Any, number: int, mode: Any) -> Any:
    told.setdefault(id(layer), []).append(mode)
    return mode


def _deciding(layer: Any, choose: Callable[[Any, int, Any], Any]) -> Callable[..., Any]:
    """The layer's `call`, with a mode that `choose` decides."""
    call, signature = type(layer).call, layer._ef_state.signature
    numbers = itertools.count()

    def decided(*args: Any, **kwargs: Any) -> Any:
        context, number = current_call.get(), next(numbers)
        at = signature.training_position
        given = args[at] if len(args) > at else kwargs.get("training", signature.training_default)
        mode = choose(layer, number, given)
        if len(args) > at:
            args = (*args[:at], mode, *args[at + 1 :])
        else:
            kwargs["training"] = mode
        if context is not None:
            context.training = mode  # until this layer's call is over
        return call(layer, *args, **kwargs)

    return decided
