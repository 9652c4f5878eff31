"""What kind of layer, model or metric an object is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from viz.doctor.facts.variable_owners import layers_in
from viz.frameworks.owners import binary_threshold, layer_role, leaves_state_behind, unadapted_normalization
from viz.recorder.source_lines import is_internal

__all__ = ["attention_around", "halves_at_one_half", "is_accuracy", "is_embedding", "is_recurrent", "may_run_again"]
__all__ += ["reads_onward", "reads_to_the_end", "unadapted"]

_READERS = ("recurrent", "attention", "multi_head_attention")


def is_embedding(layer: Any) -> bool:
    """Does it look up tokens?"""
    return layer_role(layer) == "embedding"


def attention_around(owners: Iterable[Any]) -> Any:
    """The first layer of attention among these; None for none."""
    return next((each for each in owners if layer_role(each) == "multi_head_attention"), None)


def is_recurrent(layer: Any) -> bool:
    """Does it give the states of all steps, and the last one beside them, as PyTorch's recurrent layers do?"""
    return layer_role(layer) == "recurrent" and getattr(layer, "both_ways", None) is False


def reads_to_the_end(layer: Any, around: Iterable[Any]) -> bool:
    """Does a recurrent layer give the state after the last step alone? One that reads both ways meets all steps."""
    both_ways = any(layer_role(each) == "bidirectional" for each in around)
    return layer_role(layer) == "recurrent" and not (
        both_ways or getattr(layer, "return_sequences", True) or layer.go_backwards
    )


def reads_onward(model: Any) -> bool:
    """Does a model read from the first position to the last, and hand on what it knows at each of them?

    One that hands a whole sequence on as one vector, as an autoencoder does, has something to learn; and one that
    looks at each token alone can't be meant to know the next.
    """
    inner = layers_in(model)
    both_ways = {id(each) for layer in inner if layer_role(layer) == "bidirectional" for each in layers_in(layer)}
    one_way = [layer for layer in inner if layer_role(layer) in _READERS and id(layer) not in both_ways]
    narrow = any(layer_role(layer) == "one_vector" or not getattr(layer, "return_sequences", True) for layer in inner)
    return bool(one_way) and not narrow


def may_run_again(model: Any) -> bool:
    """Does a call of this model leave nothing behind: no states, no added losses?"""
    return not any(map(leaves_state_behind, layers_in(model)))


def unadapted(owner: Any) -> Any:
    """The first layer in a layer or model that scales its inputs by means that nobody computed; None for none."""
    return None if owner is None else unadapted_normalization(layers_in(owner))


def halves_at_one_half(metric: Any) -> bool:
    """Is it the accuracy that takes numbers above 0.5 for a yes?"""
    threshold = binary_threshold(metric)
    if threshold is not None:
        return threshold == 0.5
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
