"""The part of `Layer` that answers for the shapes of its outputs."""

from __future__ import annotations

import contextlib
from typing import Any

from eagerflow.base import tree
from eagerflow.core.tensor import Tensor
from eagerflow.layer.arguments import shape_arguments, shapes_by_argument
from eagerflow.layer.input_spec import describe
from eagerflow.layer.symbolic.tensors import Spec, SymbolicTensor, record, run

__all__ = ["ShapeAnswers"]


class ShapeAnswers:
    """`compute_output_shape` and `compute_output_spec`, from the class's own answer or by a run on small arrays."""

    _gives_states: bool  # to type checkers alone: whether states follow the output; see layers/rnn/calls.py

    def compute_output_shape(self: Any, *args: Any, **kwargs: Any) -> Any:
        """The shape of the outputs for given shapes of the inputs, without keeping anything.

        Subclasses may override it. By default, the layer is called on small arrays to find out.

        Args:
            *args: the shape of the first input with the batch axis, or a nested structure of shapes; None for unknown
                lengths.
            **kwargs: the shapes of further inputs, as `<argument>_shape`.

        >>> ef.layers.Conv2D(8, 3).compute_output_shape((None, 28, 28, 1))
        (None, 26, 26, 8)
        """
        if not self._call_signature.written:
            raise NotImplementedError(f"{describe(self)} needs a method call(self, inputs), or compute_output_shape.")
        inputs, named = self._symbolic_arguments(args, kwargs)
        return tree.map_structure(lambda x: x.shape, self.compute_output_spec(*inputs, **named))

    def _symbolic_arguments(self: Any, args: Any, shapes: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """What `Input` would give for shapes by position and by name."""
        if not args and "input_shape" in shapes and "input" not in self._call_signature.names:
            args = (shapes.pop("input_shape"),)  # by Keras' name, whatever `call` calls it
        types = self.__dict__.get("_input_types") or self.input_dtype
        inputs = [_symbolic(shape, types) for shape in args]
        return inputs, {k.removesuffix("_shape"): _symbolic(shape, self.input_dtype) for k, shape in shapes.items()}

    def compute_output_spec(self: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs, as symbolic tensors, for symbolic inputs. Subclasses may override it.

        >>> spec = ef.layers.Dense(2).compute_output_spec(ef.Input((3,)))
        >>> spec.shape, spec.dtype
        ((None, 2), dtype('float32'))
        """
        self._note_if_fresh()
        if not self.built:
            self._build_for(args, kwargs)
        outputs = record(self, args, kwargs)
        return tree.map_structure(
            lambda x: SymbolicTensor(x.shape, x.dtype) if isinstance(x, SymbolicTensor) else x, outputs
        )

    def _infer(self: Any, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        """The `Spec`s of the outputs for arguments with `Spec`s, whose lengths are all known."""
        own = _own_answer(type(self))
        if own == "compute_output_spec":
            inputs, named = tree.map_structure(_as_symbolic, (args, kwargs))
            with contextlib.suppress(NotImplementedError):  # a layer that only data can tell about
                return tree.map_structure(_as_spec, self.compute_output_spec(*inputs, **named))
        if own == "compute_output_shape":
            return self._infer_from_shapes(args, kwargs)
        # The first run may build sublayers, whose random first values must not be drawn again.
        return run(self, args, kwargs, frozen_random=not self.__dict__.pop("_fresh", False))

    def _tells_shapes(self) -> bool:
        """Whether shapes are found without making arrays."""
        return _own_answer(type(self)) == "compute_output_shape"

    def _note_if_fresh(self: Any) -> None:
        """Before a probe: will it build anything?"""
        self.__dict__["_fresh"] = any(not layer.built for layer in self._flatten_layers())

    def _infer_from_shapes(self: Any, args: Any, kwargs: Any) -> Any:
        shapes = shapes_by_argument(self._call_signature, self, args, kwargs, (Tensor, Spec))
        positional, by_name = shape_arguments(self.compute_output_shape, shapes)
        answer = self.compute_output_shape(*positional, **by_name)
        return _specs_of(answer, self.compute_dtype, self)

    def _build_by_running(self: Any, *args: Any, **kwargs: Any) -> None:
        """Let the sublayers build themselves, by a call on what `Input` would give."""
        inputs, named = self._symbolic_arguments(args, kwargs)
        self._note_if_fresh()
        self.__dict__["built"] = True
        try:
            record(self, tuple(inputs), named)
        except BaseException:
            self.__dict__["built"] = False
            raise

    def get_build_config(self: Any) -> dict[str, Any] | None:
        """The shapes with which `build` was called, None before.

        >>> layer = ef.layers.Dense(2)
        >>> y = layer(ef.ops.ones((5, 3)))
        >>> layer.get_build_config()
        {'input_shape': (5, 3)}
        """
        args, kwargs = self.__dict__.get("_build_shapes", ((), {}))
        if len(args) == 1 and not kwargs:
            return {"input_shape": args[0]}
        return {"shapes_dict": dict(kwargs)} if kwargs and not args else None

    def build_from_config(self: Any, config: dict[str, Any]) -> None:
        """Builds the layer from the dict that `get_build_config` returned.

        Args:
            config: that dict.

        >>> layer = ef.layers.Dense(2)
        >>> layer.build_from_config({"input_shape": (None, 3)})
        >>> layer.kernel.shape
        (3, 2)
        """
        shapes = config.get("shapes_dict")
        if shapes is not None:
            self.build(**{k: _as_shape(v) for k, v in shapes.items()})
        elif config.get("input_shape") is not None:
            self.build(_as_shape(config["input_shape"]))


def _own_answer(cls: type) -> str | None:
    """Which method of the class tells its shapes, if that is not older than its `call`."""
    found = cls.__dict__.get("_own_shape_answer", "")
    if found == "":
        found = _find_own_answer(cls)
        cls._own_shape_answer = found  # type: ignore[attr-defined]
    return found


def _find_own_answer(cls: type) -> str | None:
    for ancestor in cls.__mro__:
        if ancestor is ShapeAnswers:
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
