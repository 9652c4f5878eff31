"""`Lambda`: a function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Unpack, overload

from eagerflow import ops
from eagerflow.base import tree
from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.typing import TensorLike, Tensors
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.output_shapes import infer_from_shapes
from eagerflow.layer.symbolic.tensors import run

__all__ = ["Lambda"]

_OPS = "eagerflow.ops"  # of functions that are ops: a user's own one may have the same name


class Lambda(Layer):
    """Wraps a function of the inputs as a layer.

    Args:
        function: takes the inputs, and `mask` and `training` if its signature has these names.
        output_shape: the shape without the batch axis, or a function of the input's shape; only needed
            where running the function on a small sample can't tell.
        mask: the mask of the output, or a function of the inputs and their mask.
        arguments: further arguments for `function`, by name.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    A model with a `lambda` can't be saved: write the function with `def` and `@register_keras_serializable()`. The
    layer doesn't track variables that the function uses.

    Raises:
        TypeError: when `function` can't be called.

    >>> ef.layers.Lambda(lambda x, factor: x * factor, arguments={"factor": 3.0})(ef.Tensor([1.0, 2.0])).tolist()
    [3.0, 6.0]
    """

    @overload
    def __init__(
        self,
        function: Callable[[Tensor], Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None: ...
    @overload
    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None: ...
    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda(function={function!r}): expected a function of the inputs.")
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self._passes_on = set(inspect.signature(function).parameters) & {"mask", "training"}

    if TYPE_CHECKING:

        def __call__(
            self, inputs: TensorLike, mask: TensorLike = None, training: bool | None = None
        ) -> Tensor | Any: ...

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Tensors:
        """Calls the function and returns its result."""
        context = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{name: context[name] for name in self._passes_on})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The layer's `mask` argument, or what it returns if it is a function."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The layer's `output_shape` argument, or the shape of the function's result for a small sample."""
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        first = input_shape
        while first and isinstance(first[0], (list, tuple)):
            first = first[0]
        return (first[0], *self._output_shape)

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        """The outputs for symbolic inputs: by a run of the function, unless there is an `output_shape`."""
        if self._output_shape is not None:
            return infer_from_shapes(self, args, kwargs)
        return run(self, args, kwargs, frozen_random=True)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer. A `lambda` stays a function, which doesn't fit into JSON."""
        config = {
            "function": _described(self.function),
            "output_shape": _described(self._output_shape),
            "mask": _described(self.mask),
        }
        given = {name: value for name, value in config.items() if value is not None}
        return {**super().get_config(), **given, "arguments": serialize_keras_object(self.arguments)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Lambda:
        """Creates a layer from the dict that `get_config` returned.

        Args:
            config: that dict.
            custom_objects: custom functions by name.
            safe_mode: accepted for Keras' signature; code in a file is never run.

        Raises:
            ValueError: for code that Keras wrote into a file; running it would be unsafe.
        """
        found = dict(config)
        for name in ("function", "output_shape", "mask", "arguments"):
            if name in found:
                found[name] = _found(found[name], custom_objects)
        return cls(**found)


def _described(value: Any) -> Any:
    name = getattr(value, "__name__", "<lambda>")
    if name in vars(ops)["__all__"] and getattr(ops, name) is value:
        return {"module": _OPS, "class_name": "function", "config": name, "registered_name": name}
    return value if callable(value) and name == "<lambda>" else serialize_keras_object(value)


def _found(value: Any, custom_objects: Mapping[str, Any] | None) -> Any:
    if isinstance(value, Mapping) and value.get("class_name") == "__lambda__":
        raise ValueError(
            "This Lambda layer holds the code of a Python lambda, which eagerflow doesn't run: it could do anything. "
            "Write the function with `def`, register it with register_keras_serializable, and save again."
        )
    if isinstance(value, Mapping) and value.get("module") == _OPS and value.get("config") in vars(ops)["__all__"]:
        return getattr(ops, value["config"])
    found = deserialize_keras_object(value, custom_objects)
    is_shape = isinstance(found, list) and all(n is None or isinstance(n, int) for n in tree.flatten(found))
    return tuple(found) if is_shape else found
