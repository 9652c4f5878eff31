"""Layers as Keras 2 made and called them: shapes of the first input, first weights, metrics, masks, states."""

from __future__ import annotations

from functools import reduce
from numbers import Integral
from typing import Any

from eagerflow import layers, ops
from eagerflow.base.legacy import Arguments
from eagerflow.compat.arguments import Older
from eagerflow.compat.overrides import Override, instead_of
from eagerflow.core.tensor import Tensor
from eagerflow.layer import output_shapes
from eagerflow.layer.added_losses import feed_metric
from eagerflow.layer.input_spec import describe
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layer.weights import WeightHolder
from eagerflow.layers.merging.merge import _Merge
from eagerflow.layers.rnn.cells import _Cell
from eagerflow.layers.rnn.conv_lstm import _ConvLSTMCell
from eagerflow.metrics import Metric

__all__ = ["CHANGES", "OVERRIDES"]


def _begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """What every layer took: a shape with the batch axis, the type of the first input, first weights, and any name."""
    layer = args[0]
    for argument in ("batch_input_shape", "input_shape"):
        shape = kwargs.get(argument)
        if isinstance(shape, (list, tuple)) and any(isinstance(length, (list, tuple)) for length in shape):
            del kwargs[argument]  # shapes of several inputs, which tell of no single one
    for argument, attribute in (("input_dtype", "input_dtype"), ("weights", "initial_weights")):
        if kwargs.get(argument) is not None:
            setattr(layer._ef_state, attribute, kwargs[argument])
        kwargs.pop(argument, None)
    if isinstance(kwargs.get("name"), str):
        kwargs["name"] = kwargs["name"].replace("/", "_")
    return args, kwargs


def _rows_of_words(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """An Embedding begins a Sequential that has its shapes before any data."""
    if all(kwargs.get(name) is None for name in ("batch_input_shape", "batch_shape", "input_length", "input_shape")):
        kwargs["input_shape"] = (None,)
        args[0].__dict__["_assumes_rows"] = True
    return args, kwargs


def _input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """A number is the length of rows."""
    shape = args[1] if len(args) > 1 else kwargs.get("shape")
    size = args[2] if len(args) > 2 else kwargs.get("batch_size")
    if isinstance(shape, Integral) and not isinstance(size, Integral):
        return ((args[0], (shape,), *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "shape": (shape,)})
    return args, kwargs


def _batch_size_of(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
    """Inputs stand for the number of their rows; a type is that of the layer."""
    inputs = kwargs.pop("inputs", None)
    kwargs.pop("dtype", None)
    first = args[0] if args else inputs
    if getattr(first, "shape", ()):
        return original(self, first.shape[0])
    return original(self, *args, **kwargs)


def _add_metric(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    """Measures something in `call`: a tensor, whose mean over the epoch is shown under a name.

    A functional model's value may be symbolic.
    """
    value, name, aggregation = _arguments_of_add_metric(*args, **kwargs)
    if name is None and any([isinstance(held, Metric) for held in vars(self).values()]):
        return  # what a metric of the layer gave, which is shown by itself
    if not isinstance(name, str) or aggregation not in (None, "mean"):
        raise ValueError(
            f"{describe(self)}.add_metric(value, aggregation={aggregation!r}, name={name!r}): expected a name, and "
            "'mean' for the aggregation."
        )
    if isinstance(value, SymbolicTensor) and getattr(self._ef_state, "graph", None) is not None:
        self._extended().connect(self, metrics=[(value, name)])
    else:
        feed_metric(self, value, name)


def _arguments_of_add_metric(value: Any = None, name: Any = None, aggregation: Any = None) -> tuple[Any, Any, Any]:
    return value, name, aggregation


def _own_answer(original: Any, cls: type) -> str | None:
    """`call` is run whatever the class says of shapes: what only that builds is there afterwards."""
    for ancestor in cls.__mro__:
        if "call" in ancestor.__dict__ and not ancestor.__module__.startswith("eagerflow."):
            return "compute_output_spec" if "compute_output_spec" in ancestor.__dict__ else None
        if "compute_output_spec" in ancestor.__dict__ or "compute_output_shape" in ancestor.__dict__:
            break
    return original(cls)


def _mask_of_all(original: Any, self: Any, inputs: Any, mask: Any = None) -> Tensor | None:
    """True where all masks are, however many inputs have none."""
    original(self, inputs, mask)  # which checks them
    known = [each for each in mask or () if each is not None]
    return reduce(ops.logical_and, known) if known else None


CHANGES = {
    "Embedding.__init__": Older(first=_rows_of_words, always=True),
    "InputLayer.__init__": Older(first=_input, always=True),
    "Layer.__init__": Older(
        {"batch_input_shape": "batch_shape"}, first=_begin, asks=["input_dtype", "weights"], always=True
    ),
    "WeightHolder.add_loss": Older(ignored=["inputs"]),
    "Model.add_loss": Older(ignored=["inputs"]),
}
OVERRIDES: list[Override] = [
    instead_of(WeightHolder, "add_metric", _add_metric),
    instead_of(output_shapes, "_find_own_answer", _own_answer),
    instead_of(_Merge, "compute_mask", _mask_of_all),
    *[
        instead_of(cls, "get_initial_state", _batch_size_of)
        for cls in (_Cell, _ConvLSTMCell, layers.RNN, layers.StackedRNNCells)
    ],
]
