"""The shapes of a layer's outputs, as its class says or by a run on small arrays."""

from __future__ import annotations

import contextlib
from typing import Any

from eagerflow.base import tree
from eagerflow.core.tensor import Tensor
from eagerflow.layer.arguments import shape_arguments, shapes_by_argument
from eagerflow.layer.input_spec import describe
from eagerflow.layer.state import LayerState
from eagerflow.layer.symbolic.tensors import Spec, SymbolicTensor, record, run

__all__ = ["build_by_running", "build_from", "infer_from_shapes", "infer_outputs", "is_shape", "note_if_fresh"]
__all__ += ["output_shape", "output_spec", "own_answer"]


def symbolic_arguments(layer: Any, args: Any, shapes: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What `Input` would give for shapes by position and by name."""
    state: LayerState = layer._ef_state
    if not args and "input_shape" in shapes and "input" not in state.signature.names:
        args = (shapes.pop("input_shape"),)  # by Keras' name, whatever `call` calls it
    inputs = [_symbolic(shape, state.input_types or layer.input_dtype) for shape in args]
    return inputs, {k.removesuffix("_shape"): _symbolic(shape, layer.input_dtype) for k, shape in shapes.items()}


def output_shape(layer: Any, args: Any, shapes: dict[str, Any]) -> Any:
    """The shape of the outputs for given shapes of the inputs."""
    if not layer._ef_state.signature.written:
        raise NotImplementedError(f"{describe(layer)} needs a method call(self, inputs), or compute_output_shape.")
    inputs, named = symbolic_arguments(layer, args, shapes)
    return tree.map_structure(lambda x: x.shape, layer.compute_output_spec(*inputs, **named))


def output_spec(layer: Any, args: Any, kwargs: Any) -> Any:
    """The outputs, as symbolic tensors without a past, for symbolic inputs."""
    note_if_fresh(layer)
    if not layer.built:
        layer._build_for(args, kwargs)
    outputs = record(layer, args, kwargs)
    return tree.map_structure(
        lambda x: SymbolicTensor(x.shape, x.dtype) if isinstance(x, SymbolicTensor) else x, outputs
    )


def infer_outputs(layer: Any, args: Any, kwargs: Any) -> Any:
    """The `Spec`s of the outputs for arguments with `Spec`s, whose lengths are all known."""
    own, state = own_answer(type(layer)), layer._ef_state
    if own == "compute_output_spec":
        inputs, named = tree.map_structure(_as_symbolic, (args, kwargs))
        with contextlib.suppress(NotImplementedError):  # a layer that only data can tell about
            return tree.map_structure(_as_spec, layer.compute_output_spec(*inputs, **named))
    if own == "compute_output_shape":
        return infer_from_shapes(layer, args, kwargs)
    # The first run may build sublayers, whose random first values must not be drawn again.
    fresh, state.fresh = state.fresh, False
    return run(layer, args, kwargs, frozen_random=not fresh)


def note_if_fresh(layer: Any) -> None:
    """Before a probe: will it build anything?"""
    layer._ef_state.fresh = any(not each.built for each in layer._flatten_layers())


def infer_from_shapes(layer: Any, args: Any, kwargs: Any) -> Any:
    """The `Spec`s of the outputs, as `compute_output_shape` says."""
    shapes = shapes_by_argument(layer._ef_state.signature, layer, args, kwargs, (Tensor, Spec))
    positional, by_name = shape_arguments(layer.compute_output_shape, shapes)
    answer = layer.compute_output_shape(*positional, **by_name)
    return _specs_of(answer, layer.compute_dtype, layer)


def build_by_running(layer: Any, *args: Any, **kwargs: Any) -> None:
    """Let the sublayers build themselves, by a call on what `Input` would give."""
    inputs, named = symbolic_arguments(layer, args, kwargs)
    note_if_fresh(layer)
    layer.__dict__["built"] = True
    try:
        record(layer, tuple(inputs), named)
    except BaseException:
        layer.__dict__["built"] = False
        raise


def build_from(layer: Any, config: dict[str, Any]) -> None:
    """Build a layer from what `get_build_config` returned."""
    shapes = config.get("shapes_dict")
    if shapes is not None:
        layer.build(**{k: _as_shape(v) for k, v in shapes.items()})
    elif config.get("input_shape") is not None:
        layer.build(_as_shape(config["input_shape"]))


def own_answer(cls: type) -> str | None:
    """Which method of the class tells its shapes, if that is not older than its `call`."""
    found = cls.__dict__.get("_own_shape_answer", "")
    if found == "":
        found = _find_own_answer(cls)
        cls._own_shape_answer = found  # type: ignore[attr-defined]
    return found


def _find_own_answer(cls: type) -> str | None:
    for ancestor in cls.__mro__:
        if ancestor.__module__ == "eagerflow.layer.layer":  # `Layer`, which knows nothing better than a run
            return None
        calls = "call" in ancestor.__dict__ and not ancestor.__module__.startswith("eagerflow.")
        for name in ("compute_output_spec", "compute_output_shape"):
            if name in ancestor.__dict__:
                return name
        # A user's class with its own call may give other shapes than the class it derives from says.
        if calls:
            return None
    return None


def is_shape(value: Any) -> bool:
    """Whether a value is one shape rather than a structure of them."""
    return isinstance(value, (tuple, list)) and all(
        n is None or (hasattr(n, "__index__") and not isinstance(n, bool)) for n in value
    )


def _as_shape(value: Any) -> Any:
    """Shapes out of JSON: lists become tuples."""
    if is_shape(value):
        return tuple(value)
    if isinstance(value, dict):
        return {k: _as_shape(v) for k, v in value.items()}
    return [_as_shape(v) for v in value]


def _symbolic(shape: Any, types: Any) -> Any:
    """What `Input` would give for a structure of shapes, and a type for all or a structure of types."""
    if shape is None or isinstance(shape, int):
        raise ValueError(f"expected a shape such as (None, 28, 28, 1); got {shape!r}.")
    if is_shape(shape):
        return SymbolicTensor(shape, types)
    if isinstance(shape, dict):
        return {k: _symbolic(s, types[k] if isinstance(types, dict) else types) for k, s in shape.items()}
    return [_symbolic(s, types[i] if isinstance(types, (list, tuple)) else types) for i, s in enumerate(shape)]


def _as_symbolic(x: Any) -> Any:
    return SymbolicTensor(x.shape, x.dtype) if isinstance(x, Spec) else x


def _as_spec(x: Any) -> Any:
    return Spec(x.shape, x.dtype) if isinstance(x, SymbolicTensor) else x


def _specs_of(answer: Any, dtype: str, layer: Any) -> Any:
    if is_shape(answer):
        return Spec(tuple(answer), dtype)
    if isinstance(answer, dict):
        return {k: _specs_of(v, dtype, layer) for k, v in answer.items()}
    if isinstance(answer, (list, tuple)):
        return tree.refill(answer, [_specs_of(v, dtype, layer) for v in answer])
    raise TypeError(
        f"{describe(layer)}.compute_output_shape returned {answer!r:.80}; expected a tuple of integers and None."
    )
