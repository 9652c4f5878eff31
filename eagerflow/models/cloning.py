"""`clone_model`: the same architecture with fresh weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, overload

from eagerflow.base import tree
from eagerflow.base.errors import a_kind
from eagerflow.base.machine.budget import Limit, LoadLimitError, json_value, loading
from eagerflow.base.serialization import deserialize_keras_object, made_from, made_like
from eagerflow.base.shared_objects import described_together, made_together
from eagerflow.base.tracebacks import boundary
from eagerflow.layer.layer import Layer
from eagerflow.layer.symbolic.input import Input, InputLayer
from eagerflow.layer.symbolic.tensors import Node, record
from eagerflow.layers.core.lambda_layer import Lambda
from eagerflow.models.functional import Functional
from eagerflow.models.model import Model
from eagerflow.models.saving.legacy_config import is_before_keras_3, modern_config, with_old_meanings
from eagerflow.models.sequential import Sequential
from eagerflow.training.compile_arguments import made_again
from eagerflow.training.trainer import Trainer

__all__ = ["clone_model", "model_from_json"]


@overload
def clone_model(
    model: Sequential,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Sequential: ...
@overload
def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model: ...
def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """Copies a model: the same layers, connected in the same way, with new weights. It is compiled if the original is.

    Args:
        model: a `Sequential` or functional model, or one with `get_config`.
        input_tensors: symbolic tensors made by `Input` to use instead of new ones.
        clone_function: called with each layer (except `Input`s), returns the layer for the new model.
        call_function: called with each new layer and its arguments, returns its outputs.
        recursive: whether `clone_function` is called for the layers of nested models too.
        **kwargs: `cache` is accepted for Keras' signature.

    Raises:
        TypeError: when `model` is no model.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> ef.models.clone_model(model).count_params()
    8
    """
    kwargs.pop("cache", None)
    if kwargs or not isinstance(model, Model):
        raise TypeError(f"clone_model: expected a model; got {type(model).__name__}, other arguments {sorted(kwargs)}.")
    with described_together(), made_together():  # a layer that stands in several models is one in the clone, too
        return _Cloner(clone_function, recursive).clone_model(model, input_tensors, call_function)


def _compile_like(model: Model, made: Model) -> None:
    """Compile a clone as its model, with an optimizer and metrics of its own."""
    told = [getattr(type(model), name) for name in ("get_compile_config", "compile_from_config")]
    if told == [Trainer.get_compile_config, Trainer.compile_from_config]:
        compiled = model._ready("clone_model")
        given = {**compiled.arguments, "optimizer": compiled.optimizer}
        made.compile_from_config({name: made_again(value) for name, value in given.items()})
    elif settings := model.get_compile_config():  # the class says how
        made.compile_from_config(settings)


class _Cloner:
    """Makes one new layer for each old one, however often it is shared."""

    def __init__(self, function: Callable[[Layer], Layer] | None, recursive: bool) -> None:
        self.function = function
        self.recursive = recursive
        self.made: dict[int, Any] = {}

    def __call__(self, layer: Any) -> Any:
        if id(layer) not in self.made:
            self.made[id(layer)] = self._clone(layer)
        return self.made[id(layer)]

    def clone_model(self, model: Model, input_tensors: Any = None, call_function: Any = None) -> Model:
        made: Any
        if isinstance(model, Sequential):
            made = _clone_sequential(model, self, input_tensors)
        elif model._ef_state.graph is None:
            made = type(model).from_config(model.get_config())
        else:
            made = _clone_graph(model, self, input_tensors, call_function)
        assert isinstance(made, Model)
        if model.compiled:
            _compile_like(model, made)
        return made

    def _clone(self, layer: Any) -> Any:
        if self.recursive and isinstance(layer, Model):
            return self.clone_model(layer)
        if self.function is not None and not isinstance(layer, InputLayer):
            return self.function(layer)
        if isinstance(layer, Lambda):  # whose functions need not be registered
            parts = (layer.function, layer._output_shape, layer.mask)
            return made_like(layer, {f.__name__: f for f in parts if hasattr(f, "__name__")})
        return made_like(layer)


def _clone_sequential(model: Sequential, clone: _Cloner, input_tensors: Any) -> Sequential:
    made, old = Sequential(name=model.name), model._ef_state
    if input_tensors is not None:
        made.add(tree.flatten(input_tensors)[0])
    elif old.input_layer is not None and not old.of_data:
        made.add(clone(old.input_layer))
    for layer in model.layers:
        made.add(clone(layer))
    if made._ef_state.input_layer is None and old.remembered is not None:  # data told the shape
        with contextlib.suppress(Exception):  # of a layer that needs values, not shapes: the first call builds it
            made._build_like_data(*old.remembered)
    return made


def _clone_graph(model: Model, clone: _Cloner, input_tensors: Any, call_function: Any) -> Model:
    graph = model._known_graph("graph")
    old = graph.inputs
    fresh = tree.flatten(input_tensors) if input_tensors is not None else [_input_like(x) for x in old]
    if tree.is_nested(input_tensors) and not isinstance(input_tensors, (list, tuple)):
        tree.assert_same_structure(graph.inputs_structure, input_tensors)
    elif input_tensors is not None and isinstance(graph.inputs_structure, dict):
        raise ValueError(
            f"clone_model(input_tensors=...): expected a dict with the keys {list(graph.inputs_structure)}, as the "
            f"model's inputs are; got {a_kind(input_tensors)}."
        )
    if len(fresh) != len(old):
        raise ValueError(f"clone_model(input_tensors=...): the model has {len(old)} inputs; got {len(fresh)}.")

    def call(node: Node, args: Any, kwargs: Any) -> Any:
        if not isinstance(node.operation, Layer):
            return record(node.operation, args, kwargs)
        layer = clone(node.operation)
        return call_function(layer, *args, **kwargs) if call_function is not None else layer(*args, **kwargs)

    added = model._ef_state.added
    outputs, *terms = [graph.rebuilt(fresh, call)] if added is None else added.whole.rebuilt(fresh, call)
    made = Functional(tree.pack_sequence_as(graph.inputs_structure, fresh), outputs, name=model.name)
    if added is not None:
        losses, measured, _ = terms[0]
        names = [name for _, name in added.metrics]
        made._extended().connect(made, losses, list(zip(measured, names)))
    return made


def _input_like(x: Any) -> Any:
    return Input(batch_shape=x.shape, dtype=x.dtype, name=x.name)


@boundary
def model_from_json(
    json_string: str, custom_objects: Any = None, safe_mode: bool = True, limit: Limit = "auto"
) -> Model:
    """Creates a model with new weights from the text that `to_json` returned, here or in Keras 1, 2 or 3.

    Args:
        json_string: that text.
        custom_objects: a dict of custom classes and functions by name.
        safe_mode: whether the model may name no files of this machine, such as that of a vocabulary.
        limit: how many bytes the model may take; `"auto"`: 192 MB, or 4 times the text. None: no limit, for texts
            that you trust.

    Raises:
        UnknownNameError: for a class that is neither built in, registered nor in `custom_objects`.
        LoadLimitError: (a ValueError) when it would take more memory or time than that.
        ValueError: when the text is no JSON, or nested too deep.
        TypeError: when the text describes something else.

    >>> text = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)], name="small").to_json()
    >>> model = ef.models.model_from_json(text)
    >>> model.name, model.output_shape
    ('small', (None, 2))
    """
    size = len(json_string) if isinstance(json_string, (str, bytes)) else 0
    with loading("the text", size, limit, "model_from_json(..., limit=None)"), made_from("", safe_mode):
        model = deserialize_keras_object(_config_in(json_string), custom_objects)
    if not isinstance(model, Model):
        raise TypeError(f"model_from_json: the text describes {a_kind(model)}, no model.")
    return model


def _config_in(json_string: Any) -> Any:
    try:
        config = json_value(json_string, "model_from_json: the text")
    except LoadLimitError:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        said = str(error)
        if "levels deep" in said:
            raise
        if isinstance(json_string, str) and json_string.strip() and not json_string.lstrip().startswith(("{", "[")):
            said = f"got {json_string!r:.80}"
            if json_string.endswith(".json"):
                said = f"{said}, a file's name: pass what stands in it, open({json_string!r}).read()"
        raise ValueError(f"model_from_json: expected JSON text, as model.to_json() gives; {said}.") from None
    version = config.get("keras_version") if isinstance(config, dict) else None
    return modern_config(with_old_meanings(config) if version and is_before_keras_3(version) else config)
