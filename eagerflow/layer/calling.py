"""What happens to the arguments and the outputs of a layer's call."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from eagerflow.base import tree
from eagerflow.base.capturing import not_replayable
from eagerflow.base.errors import holds_itself, signature_of
from eagerflow.base.tracebacks import in_words
from eagerflow.base.typing import PolicyLike
from eagerflow.core.dtypes import is_differentiable
from eagerflow.core.observe import scope, state as observing
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.arguments import (
    CallSignature,
    check_build_arguments,
    check_mode,
    needs_shapes,
    shape_arguments,
    shapes_by_argument,
)
from eagerflow.layer.autocast import autocast_scope
from eagerflow.layer.building import build_nothing, look_at_new
from eagerflow.layer.call_context import CallContext
from eagerflow.layer.input_spec import check_alone, check_inputs, describe
from eagerflow.layer.output_shapes import note_if_fresh
from eagerflow.layer.symbolic.tensors import SymbolicTensor, captured, record
from eagerflow.layer.symbolic.text_type import is_text, no_numbers
from eagerflow.layer.tensor_masks import get_mask, masks_of, pass_masks, put_masks
from eagerflow.ops import cast, copy

if TYPE_CHECKING:
    from eagerflow.layer.state import LayerState

__all__ = ["build_for", "call_symbolically", "call_within_scopes", "cast_with_mask"]
__all__ += ["check_first", "convert", "converted", "error_in_words", "mask_outputs", "no_outputs", "per_sample"]
__all__ += ["settle_training", "stateless_call"]


def converted(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arrays as tensors, floats in the compute type; the first argument may also be a plain list."""
    if not layer._convert_input_args:
        return args, kwargs
    if args:
        first = args[0]
        if not isinstance(first, Tensor) and not holds_itself(first) and _is_plain_data(first):
            first = convert_to_tensor(first)
        args = tuple([layer._convert(x) for x in (first, *args[1:])])
    return args, {name: layer._convert(x) for name, x in kwargs.items()}


def convert(layer: Any, x: Any) -> Any:
    """One argument, or a structure of them."""
    if isinstance(x, (list, tuple, dict)):
        return tree.map_structure(layer._convert, x) if len(x) else x
    if not isinstance(x, Tensor):
        if not hasattr(x, "__array__") and not hasattr(x, "__cuda_array_interface__"):
            return x
        if is_text(x):
            if layer._scope_kind == "model" or not type(layer).call.__module__.startswith("eagerflow."):
                return x  # for a layer inside that takes text
            raise no_numbers(describe(layer), x)
        x = convert_to_tensor(x)
    elif isinstance(x, SymbolicTensor):
        return x
    if layer.autocast and x.dtype != layer._ef_state.compute_type and is_differentiable(x.dtype):
        return x if x.dtype.kind == "c" else cast_with_mask(x, layer._ef_state.compute_type)
    return x


def call_within_scopes(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The outputs of `call`, while an observer listens, or with mixed types, quantized weights or a `RematScope`."""
    state: LayerState = layer._ef_state
    if state.is_plain and observing.on:  # the usual case of a run that is observed
        inputs = (*args, *kwargs.values()) if kwargs else args
        with scope(layer._scope_kind, layer.name, layer, inputs) as announced:
            announced.value = outputs = layer.call(*args, **kwargs)
        return outputs
    with contextlib.ExitStack() as stack:
        if state.is_mixed:
            stack.enter_context(autocast_scope(state.compute_type))
        announced = stack.enter_context(scope(layer._scope_kind, layer.name, layer, (*args, *kwargs.values())))
        call = layer.call if state.policy.quantization_mode is None else layer.quantized_call
        if state.remat_mode is not None:
            call = layer.rematerialized_call(call, *args, **kwargs)
        announced.value = outputs = call(*args, **kwargs)
        return outputs


def call_symbolically(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """On what `Input` gives, a call is noted rather than made."""
    note_if_fresh(layer)
    if not layer.built:
        layer._build_for(args, kwargs)
    if layer.input_spec is not None:
        check_first(layer, args, kwargs)
    signature = layer._ef_state.signature
    first = signature.first_of(args, kwargs)
    check_alone(layer, first)
    mask = masks_of(first)  # only one that the user put there: the others are found when the model runs
    if signature.masks:
        pass_masks(signature, mask, args, kwargs)
    outputs = record(layer, args, kwargs)
    if mask is not None and layer.supports_masking:
        put_masks(outputs, layer.compute_mask(first, mask))
    return outputs


def build_for(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Call `build` with the shapes it asks for by name."""
    check_alone(layer, layer._ef_state.signature.first_of(args, kwargs))
    if layer.input_spec is not None:
        check_first(layer, args, kwargs)
    if not layer._ef_state.signature.builds:
        build_nothing(layer)
        return
    shapes = shapes_by_argument(layer._ef_state.signature, layer, args, kwargs)
    positional, named = shape_arguments(layer.build, shapes)
    check_build_arguments(layer, shapes, positional, named)
    if not shapes and needs_shapes(layer.build):
        got = ", ".join(signature_of(x) for x in (*args, *kwargs.values())) or "nothing"
        raise TypeError(f"{describe(layer)} is built for the shapes of its inputs; got no tensor but {got}.")
    layer.build(*positional, **named)
    if layer._ef_state.made_in is not None:
        look_at_new(layer)


def mask_outputs(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], mask: Any, outputs: Any) -> Any:
    """The outputs with their masks."""
    signature = layer._ef_state.signature
    if layer.supports_masking or signature.computes_mask:
        first = signature.first_of(args, kwargs)
        if signature.computes_mask and mask is not None:
            given = {id(x) for x in tree.flatten(first)}  # what `call` returned as it was: others see its mask
            outputs = tree.map_structure(lambda x: copy(x) if id(x) in given and isinstance(x, Tensor) else x, outputs)
        put_masks(outputs, layer.compute_mask(first, mask))
    elif not signature.masks:
        warnings.warn(
            f"{describe(layer)} got inputs with a mask, which it neither uses nor passes on: later layers won't see "
            "it. Set self.supports_masking = True in the layer if the mask fits its outputs.",
            stacklevel=3,
        )
    return outputs


def check_first(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Compare the first argument with `input_spec`."""
    first = layer._ef_state.signature.first_of(args, kwargs)
    if first is not None or args:
        check_inputs(layer.input_spec, first, layer)


def settle_training(
    signature: CallSignature, context: CallContext, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Decide the mode: what the caller says, else that of the layer around, else the default of `call`."""
    if len(args) > signature.training_position:
        mode = args[signature.training_position]
        check_mode(mode)
    else:
        mode = kwargs.pop("training", None)
        if mode is None:
            mode = context.training
        if mode is None:
            mode = signature.training_default
        if signature.takes_training and mode is not None:
            kwargs["training"] = mode
    if mode is not None:
        context.training = mode


def no_outputs(layer: Any, outputs: Any) -> Exception:
    """What is wrong with outputs that are None or symbolic."""
    if outputs is None:
        return TypeError(f"{describe(layer)}: its call returned None. Was a `return` forgotten?")
    return captured(layer, outputs)


def _is_plain_data(x: Any) -> bool:
    """Numbers, and lists of nothing but numbers."""
    if isinstance(x, (list, tuple)):
        return len(x) > 0 and all(_is_plain_data(v) for v in x)
    return isinstance(x, (int, float, complex, numpy.generic))


def cast_with_mask(x: Tensor, dtype: PolicyLike) -> Tensor:
    """The tensor in another type, with its mask."""
    result, mask = cast(x, dtype), get_mask(x)
    if mask is not None:
        result.mask = mask
    return result


def per_sample(penalty: Any, output: Tensor) -> Any:
    """A penalty on outputs, divided by the size of the batch: it weighs the same whatever that is (as in Keras)."""
    return penalty / output.shape[0] if output.shape and output.shape[0] else penalty


def error_in_words(error: BaseException, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
    """A slip as an error that names the layer and its inputs."""
    found = in_words(error, f"{describe(layer)}.call", [("", x) for x in args] + [*kwargs.items()])
    if any(isinstance(x, dict) for x in args):
        found.args = (f"{found} Inputs by name need a model that begins with `Input(name=...)` for each.",)
    return found


def stateless_call(  # noqa: D417 # a method of `Layer`
    self: Any,
    trainable_variables: Sequence[Any],
    non_trainable_variables: Sequence[Any],
    *args: Any,
    return_losses: bool = False,
    **kwargs: Any,
) -> tuple[Any, ...]:
    """Calls the layer as if its variables had these values; gradients flow to the values.

    Args:
        trainable_variables: values in the order of `layer.trainable_variables`.
        non_trainable_variables: values in the order of `layer.non_trainable_variables`.
        *args: the arguments of the call.
        return_losses: whether the losses are returned too.
        **kwargs: the arguments of the call, by name.

    Returns:
        The outputs, and the values that the non-trainable variables would have now; then the losses, if asked for.
        The variables themselves keep their values.

    Raises:
        ValueError: before the layer is built, or when numbers or shapes of the values don't fit.

    >>> layer = ef.layers.Dense(1, use_bias=False)
    >>> layer.build((None, 2))
    >>> outputs, non_trainable = layer.stateless_call([ef.Tensor([[1.0], [2.0]])], [], ef.Tensor([[10.0, 1.0]]))
    >>> outputs.tolist(), non_trainable
    ([[12.0]], [])
    """
    if not self.built:
        raise ValueError(f"{describe(self)}.stateless_call: the layer isn't built. Call it on data first.")
    own = [*self.trainable_variables, *self.non_trainable_variables]
    fixed = self.non_trainable_variables
    values = [convert_to_tensor(v) for v in (*trainable_variables, *non_trainable_variables)]
    _check_values(self, own, values)
    with _holding(own, values):
        outputs = self(*args, **kwargs)
        losses = self.losses if return_losses else None
        after = [Tensor(v.data, None, v.key) for v in fixed]
    return (outputs, after, losses) if return_losses else (outputs, after)


def _check_values(layer: Any, variables: list[Variable], values: list[Tensor]) -> None:
    if len(variables) != len(values):
        raise ValueError(
            f"{describe(layer)}.stateless_call: expected {len(layer.trainable_variables)} trainable and "
            f"{len(layer.non_trainable_variables)} other values; got {len(values)} in all."
        )
    for variable, value in zip(variables, values):
        if variable.shape != value.shape:
            raise ValueError(
                f"{describe(layer)}.stateless_call: {variable.path!r} has shape {variable.shape}; "
                f"got {signature_of(value)}."
            )


@contextlib.contextmanager
def _holding(variables: list[Variable], values: list[Tensor]) -> Iterator[None]:
    """Inside the block the variables are the given tensors."""
    not_replayable("it gives variables other values for a while (stateless_call)")
    before = [(v, v.data, v.key) for v in variables]
    for variable, value in zip(variables, values):
        variable.data, variable.key = value.data, value.key
    try:
        yield
    finally:
        for variable, data, key in before:
            variable.data, variable.key = data, key
