"""What kind of layer, loss or metric an object is: all questions about eagerflow's classes that checks have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eagerflow import Model, Sequential, layers
from eagerflow.metrics import BinaryAccuracy
from viz.doctor.facts.variable_owners import layers_in
from viz.recorder.descriptions import flat
from viz.recorder.source_lines import is_internal

__all__ = [
    "attention_around",
    "halves_at_one_half",
    "is_accuracy",
    "is_chain",
    "is_embedding",
    "is_recurrent",
    "is_users",
    "makes_weights",
    "may_run_again",
    "reads_onward",
    "reads_to_the_end",
    "rescaling_in",
]

_READERS = (layers.RNN, layers.MultiHeadAttention, layers.Attention)
_NARROW = (layers.RepeatVector, layers.Flatten, layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D)


def is_users(owner: Any) -> bool:
    """Is this an object of a class that the user wrote?"""
    return not type(owner).__module__.startswith("eagerflow.")


def is_embedding(layer: Any) -> bool:
    """Does it look up tokens?"""
    return isinstance(layer, layers.Embedding) or getattr(layer, "role", "") == "embedding"


def makes_weights(layer: Any) -> bool:
    """Does it make weights when it is first called?"""
    return type(layer).build is not layers.Layer.build


def attention_around(owners: Iterable[Any]) -> Any:
    """The first layer of attention among these; None for none."""
    kind = layers.MultiHeadAttention
    return next((x for x in owners if isinstance(x, kind) or getattr(x, "role", "") == "attention"), None)


def is_recurrent(layer: Any) -> bool:
    """Does it give the states of all steps, and the last one beside them, as PyTorch's recurrent layers do?"""
    return getattr(layer, "role", "") == "recurrent" and not layer.both_ways


def reads_to_the_end(layer: Any, around: Iterable[Any]) -> bool:
    """Does a recurrent layer give the state after the last step alone? One that reads both ways meets all steps."""
    both_ways = any(isinstance(each, layers.Bidirectional) for each in around)
    return isinstance(layer, layers.RNN) and not (both_ways or layer.return_sequences or layer.go_backwards)


def reads_onward(model: Any) -> bool:
    """Does a model read from the first position to the last, and hand on what it knows at each of them?

    One that hands a whole sequence on as one vector, as an autoencoder does, has something to learn; and one that
    looks at each token alone can't be meant to know the next.
    """
    inner = layers_in(model)
    both_ways = {id(each) for layer in inner if isinstance(layer, layers.Bidirectional) for each in layers_in(layer)}
    one_way = [layer for layer in inner if isinstance(layer, _READERS) and id(layer) not in both_ways]
    narrow = any(isinstance(layer, _NARROW) or not getattr(layer, "return_sequences", True) for layer in inner)
    return bool(one_way) and not narrow


def may_run_again(model: Any) -> bool:
    """Does a call of this model leave nothing behind: no states, no added losses?"""
    return not any(
        getattr(each, "stateful", False) or each._ef_state.losses or each.activity_regularizer is not None
        for each in layers_in(model)
    )


def is_chain(model: Any) -> bool:
    """Does each layer of a model that `fit` trains get what the one before it made, and nothing else?"""
    ours = isinstance(model, Model) and type(model).train_step is Model.train_step
    graph = model._ef_state.graph if ours and not is_users(model) else None
    ends = [] if graph is None else [graph.inputs, graph.outputs, *[node.inputs for node in graph.nodes]]
    return (ours and isinstance(model, Sequential)) or (bool(ends) and all(len(list(flat(each))) <= 1 for each in ends))


def rescaling_in(owner: Any) -> Any:
    """The only `Rescaling` in a layer or model, by plain numbers; None where there is none, or several."""
    found = [each for each in layers_in(owner) if isinstance(each, layers.Rescaling)] if owner is not None else []
    plain = len(found) == 1 and all(isinstance(n, (int, float)) for n in (found[0].scale, found[0].offset))
    return found[0] if plain else None


def halves_at_one_half(metric: Any) -> bool:
    """Is it the accuracy that takes numbers above 0.5 for a yes?"""
    if isinstance(metric, BinaryAccuracy):
        return float(metric.threshold) == 0.5
    function = getattr(metric, "_fn", None)
    ours = is_internal(getattr(getattr(function, "__code__", None), "co_filename", ""))
    plain = getattr(function, "__name__", "") in ("_accuracy", "binary_accuracy")  # those of `metrics=["accuracy"]`
    return ours and plain and not getattr(metric, "_fn_kwargs", None)


def is_accuracy(metric: Any) -> bool:
    """Does it count right answers as eagerflow does? The user's own may count what is near enough."""
    function = getattr(metric, "fn", None) or getattr(metric, "_fn", None)
    code = getattr(function, "__code__", None)
    ours = code is None or is_internal(code.co_filename)
    return ours and "accuracy" in f"{type(metric).__name__} {getattr(function, '__name__', '')}".lower()
