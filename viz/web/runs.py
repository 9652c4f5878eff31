"""What a model runs for one example: its record, the arrays behind it, and where the ONNX graph has them."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy

from eagerflow import activations, tree
from eagerflow.core.observe import observing
from eagerflow.onnx import Converted, convert
from viz.facts.schema import Op, Record
from viz.recorder.capture import Options
from viz.recorder.listening import Listening
from viz.recorder.record_builder import record_of

__all__ = ["Layer", "Run", "Watched", "layers_of", "places", "run"]

_MOST_NUMBERS = 48_000_000  # in all layers that the page keeps; browsers give a page about a gigabyte


class _RunListener:
    """Keeps the name and the arrays of every op."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.made: list[tuple[Any, ...]] = []

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, *times: Any) -> None:
        if outputs is not None:
            self.names.append(op.name)
            self.made.append(tuple([x.data for x in (outputs if isinstance(outputs, tuple) else (outputs,))]))

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        """What records count as an op, too, such as the next state of a seed."""
        self.names.append(name)
        self.made.append(())


class Run(NamedTuple):
    """One call: the record, the names of ops, the arrays that each made, and what the model gave."""

    record: Record
    names: list[str]
    made: list[tuple[Any, ...]]
    outputs: list[Any]

    def arrays(self) -> dict[int, Any]:
        """Arrays by the number of their tensor in the record."""
        return {
            tensor: array
            for op, made in zip(_heard(self.record, self.names), self.made, strict=True)
            for tensor, array in zip(op.outputs, made)
        }


class Watched:
    """A model that is exported as it is, and keeps the arrays of its first run there."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._first: _RunListener | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        if self._first is not None:
            return self._model(*arguments, **settings)
        self._first = _RunListener()
        with observing(Listening.to(self._first)):
            return self._model(*arguments, **settings)

    def converted(self, input_signature: Any, opset_version: int | None) -> tuple[Converted, _RunListener]:
        """The graph, and what ran first for it."""
        made = convert(self, input_signature, opset_version)
        assert self._first is not None
        return made, self._first


def run(model: Any, packed: Any) -> Run:
    """Call a model in inference and keep everything."""
    heard, given = _RunListener(), list[Any]()

    def call() -> None:
        with observing(Listening.to(heard)):
            given.extend([x.data for x in tree.flatten(model(packed, training=False))])

    record = record_of(call, Options(time=False, memory=False, source=False, backward=False))
    return Run(_without_places(record), heard.names, heard.made, given)


def _heard(record: Record, names: list[str]) -> list[Op]:
    """The ops of a record that have these names: it has another one for all that was drawn and then read."""
    found, left = list[Op](), iter(names)
    wanted = next(left, None)
    for op in record.ops:
        if op.name == wanted:
            found.append(op)
            wanted = next(left, None)
    return found


def _without_places(record: Record) -> Record:
    """The record without lines of code and paths of this machine: pages go to others."""
    kept = ("eagerflow", "numpy", "python")
    scopes = [dataclasses.replace(scope, stack=(), created_at=None, start=None, end=None) for scope in record.scopes]
    ops = [dataclasses.replace(op, stack=(), start=None, end=None) for op in record.ops]
    meta = {key: value for key, value in record.meta.items() if key in kept}
    return dataclasses.replace(record, scopes=scopes, ops=ops, meta=meta)


def places(made: Converted, first: _RunListener, record: Run) -> dict[int, tuple[str, bool]]:
    """For tensors of a record, the name in the graph and whether with the channels on axis 1.

    None is known where other ops ran for the example than for the sizes that the graph was made with.
    """
    if first.names != record.names:
        return {}
    pairs = [
        (tensor, array)
        for op, arrays in zip(_heard(record.record, record.names), first.made, strict=True)
        for tensor, array in zip(op.outputs, arrays)
    ]
    found = made.places([array for _, array in pairs])
    return {tensor: place for (tensor, _), place in zip(pairs, found) if place is not None}


class Layer(NamedTuple):
    """A layer whose output the page shows: its name and class, its scope and tensor in the record.

    `computes` is False for one without weights and activation, in which nothing can be dead.
    """

    name: str
    cls: str
    scope: int
    tensor: int
    computes: bool


def layers_of(record: Record, known: dict[int, tuple[str, bool]]) -> list[Layer]:
    """The layers of models, of models in them too, in the order in which they run.

    Left out are those that give what they were given (dropout), and the largest where all would be too much.
    """
    found, seen = list[Layer](), {tensor for scope in record.scopes[:1] for tensor in scope.inputs}
    computing = _computing(record)
    for scope in record.scopes:
        around = [each.kind for each in record.ancestors(scope.parent)]
        if scope.kind != "layer" or any(kind == "layer" for kind in around):
            continue
        for tensor in scope.outputs:
            if tensor in known and tensor not in seen:
                found.append(Layer(scope.name, scope.cls, scope.id, tensor, scope.id in computing))
                seen.add(tensor)
    return _fitting(record, found)


def _computing(record: Record) -> set[int]:
    """The scopes of layers with weights or an activation: others, such as a flattening, only pass on what came."""
    found = {scope.id for scope in record.scopes if scope.params or scope.config.get("activation")}
    names = set(dir(activations)) - {"linear"}
    return found | {op.scope for op in record.ops if op.name in names and op.scope is not None}


def _fitting(record: Record, layers: list[Layer]) -> list[Layer]:
    sizes = {layer.tensor: int(numpy.prod(record.tensors[layer.tensor].shape)) for layer in layers}
    while sum(sizes.values()) > _MOST_NUMBERS:
        del sizes[max(sizes, key=lambda tensor: sizes[tensor])]
    return [layer for layer in layers if layer.tensor in sizes]
