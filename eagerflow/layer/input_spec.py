"""`InputSpec`: what a layer expects of its inputs, checked with a message before it runs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from eagerflow.base import tree
from eagerflow.base.config_from_init import Configured
from eagerflow.base.errors import signature_of
from eagerflow.core.tensor import Tensor
from eagerflow.layer.call_context import current_call

__all__ = ["InputSpec", "check_alone", "check_inputs", "describe", "path_now"]


class InputSpec(Configured):
    """The number of axes, shape and type that a layer's input must have. What isn't given isn't checked.

    Args:
        dtype: the name of the required type.
        shape: the required shape with the batch axis; None for axes of any length.
        ndim: the required number of axes.
        max_ndim: the largest allowed number of axes.
        min_ndim: the smallest allowed number of axes.
        axes: required lengths by axis, such as `{-1: 10}`; None for any length.
        allow_last_axis_squeeze: with `shape`, also accept an input that has one more or one fewer axis at its end,
            if that axis has length 1.
        name: the input's key when inputs come as a dict.
        optional: whether the input may be None.

    >>> ef.InputSpec(min_ndim=2, axes={-1: 4})
    InputSpec(min_ndim=2, axes={-1: 4})
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        # What is compared at each call: lengths by axis, from both `axes` and `shape`.
        lengths = {**dict(enumerate(self.shape or ())), **self.axes}
        self.lengths = [(axis, n) for axis, n in lengths.items() if n is not None]

    def __repr__(self) -> str:
        given = {k: v for k, v in self.get_config().items() if v}
        return f"InputSpec({', '.join(f'{k}={v!r}' for k, v in given.items())})"

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal spec.

        >>> config = ef.InputSpec(shape=(None, 3), dtype="float32").get_config()
        >>> config["shape"], config["dtype"], config["ndim"]
        ((None, 3), 'float32', 2)
        """
        names = "dtype shape ndim max_ndim min_ndim axes optional".split()
        return {name: getattr(self, name) for name in names}

    def problem(self, x: Any) -> str | None:
        """What `x` should be but isn't, as text such as `"have 2 axes"`; None when it fits.

        Args:
            x: a tensor or array.

        >>> ef.InputSpec(ndim=2).problem(ef.ops.ones((4, 3, 2)))
        'have 2 axes'
        """
        shape = x.shape
        ndim = len(shape)
        if self.shape is not None and self.allow_last_axis_squeeze:
            shape = _squeezed(shape, self.shape)
            ndim = len(shape)
        if self.ndim is not None and ndim != self.ndim:
            return f"have {_axes(self.ndim)}"
        if self.min_ndim is not None and ndim < self.min_ndim:
            return f"have at least {_axes(self.min_ndim)}"
        if self.max_ndim is not None and ndim > self.max_ndim:
            return f"have at most {_axes(self.max_ndim)}"
        if self.dtype is not None and x.dtype != self.dtype:
            return f"are {self.dtype}"
        for axis, n in self.lengths:
            if not -ndim <= axis < ndim or shape[axis] not in (n, None):
                return f"have length {n} at axis {axis}"
        return None


def _axes(n: int) -> str:
    return f"{n} axis" if n == 1 else f"{n} axes"


def _squeezed(shape: tuple[Any, ...], wanted: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(shape) == len(wanted) + 1 and shape[-1] == 1:
        return shape[:-1]
    if len(shape) == len(wanted) - 1 and wanted[-1] == 1:
        return (*shape, 1)
    return shape


def check_inputs(spec: Any, inputs: Any, layer: Any) -> None:
    """Compare the first argument of a layer with its `input_spec`.

    Raises:
        ValueError: naming the layer, what it expects and what came.
        TypeError: for anything that isn't a tensor.
    """
    if type(spec) is InputSpec and hasattr(inputs, "shape"):
        problem = spec.problem(inputs)
        if problem is not None:
            raise _mismatch(layer, problem, inputs)
        return
    specs, values = _aligned(spec, inputs, layer)
    for one, x in zip(specs, values):
        if one is None or (x is None and one.optional):
            continue
        if not hasattr(x, "shape"):
            uncalled = callable(x) and hasattr(x, "get_config")  # a layer, which itself is no tensor
            cls = x if isinstance(x, type) else type(x)
            cure = f" Call that layer first: {cls.__name__}(...)(x) gives a tensor." if uncalled else ""
            got = f"the class {cls.__name__}" if x is cls else signature_of(x)
            raise TypeError(f"{describe(layer)} expects tensors or arrays; got {got}.{cure}")
        problem = one.problem(x)
        if problem is not None:
            raise _mismatch(layer, problem, x, one.name)


def _aligned(spec: Any, inputs: Any, layer: Any) -> tuple[list[Any], list[Any]]:
    specs = tree.flatten(spec)
    if isinstance(inputs, Mapping) and all(s is not None and s.name for s in specs):
        missing = [s.name for s in specs if s.name not in inputs and not s.optional]
        if missing:
            raise ValueError(f"{describe(layer)}: inputs {missing} are missing; got the keys {sorted(inputs)}.")
        return specs, [inputs.get(s.name) for s in specs]
    values = tree.flatten(inputs)
    if len(values) != len(specs):
        cure = "Pass them as one list, in order."
        if len(specs) == 1:
            cure = (
                "Join them, for example by layers.concatenate(inputs), or call the layer once for each; labels go "
                "apart from the inputs, fit(x, y)."
            )
        raise ValueError(
            f"{describe(layer)} expects {len(specs)} input(s); got {len(values)}: {signature_of(values)}. {cure}"
        )
    return specs, values


_TAKE_LISTS = tuple(
    [f"eagerflow.layers.{name}" for name in ("attention", "merging", "core.identity", "core.lambda", "core.torch")]
)


def check_alone(layer: Any, inputs: Any) -> None:
    """Refuse a list of one tensor, as `model.outputs` is, where a layer of ours takes the tensor itself.

    Raises:
        ValueError: naming the layer, and what to pass.
    """
    module = type(layer).__module__
    if type(inputs) not in (list, tuple) or len(inputs) != 1 or not isinstance(inputs[0], Tensor):
        return
    if module.startswith("eagerflow.layers.") and not module.startswith(_TAKE_LISTS):
        raise ValueError(
            f"{describe(layer)} takes a tensor; got a list of one, {signature_of(inputs)}. Pass what it holds: x[0]; "
            "for model.outputs that is model.output."
        )


def describe(layer: Any) -> str:
    """`Dense "net/encoder/hidden"`: how messages call a layer, by the layers that it runs in, or was built in.

    >>> net = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, name="out")], name="net")
    >>> describe(net), describe(net.layers[0]), describe(ef.layers.Dense(2, name="free"))
    ('Sequential "net"', 'Dense "net/out"', 'Dense "free"')
    """
    return f'{type(layer).__name__} "{path_now(layer)}"'


def path_now(layer: Any) -> str:
    """The names of the layers that a layer runs in, or was built in, and its own, with slashes between."""
    context = current_call.get()
    running = [] if context is None else list(itertools.takewhile(lambda each: each is not layer, context.running))
    if not running:
        return getattr(layer, "path", layer.name)
    around = [each.name for each, before in zip(running, [None, *running]) if each is not before]  # built by running
    return "/".join([*around, layer.name])


def _mismatch(layer: Any, problem: str, x: Any, name: str | None = None) -> ValueError:
    which = f"inputs (here {name!r})" if name else "inputs"
    return ValueError(
        f"{describe(layer)} expects {which} that {problem}; got {signature_of(x)}.{_remedy(layer, problem, x)}"
    )


def _remedy(layer: Any, problem: str, x: Any) -> str:
    """A fix for the usual causes."""
    ndim = len(x.shape)
    if "axes" in problem and ndim:
        wanted = next(int(word) for word in problem.split() if word.isdigit())
        before = getattr(getattr(x, "node", None), "operation", None)
        if wanted > ndim and any(each.name == "predictions" for each in getattr(before, "layers", ())):
            return f" {describe(before)} gives classes: make it with include_top=False to get feature maps."
        if wanted == ndim + 1 and getattr(before, "return_sequences", None) is False:
            return f" {describe(before)} gives its last output alone: give it return_sequences=True."
        if wanted == ndim + 1 and before is not None:
            return _while_building(layer, before, tuple(x.shape[1:]))
        if wanted == ndim + 1 and hasattr(layer, "return_sequences"):
            return " Sequences are (batch, time, features): x[None] makes a batch of one, x[..., None] one feature."
        if wanted == ndim + 1:
            of_data_set = " Elements of a Dataset become batches by .batch(32)." if ndim == 1 else ""
            if wanted == 4 and ndim == 3 and hasattr(layer, "data_format"):  # pictures: their channels are few
                if x.shape[-1] in (1, 3, 4):
                    return " The batch axis is missing: use x[None]."
                return " The channels axis is missing: use x[..., None]."
            return f" A missing batch or channels axis: use x[None] or x[..., None].{of_data_set}"
        if wanted == ndim - 1 and type(before).__name__ == "InputLayer":
            return f" Input's shape has no batch axis: Input({tuple(x.shape[2:])})."
        if wanted == ndim - 1 == 3 and hasattr(layer, "return_sequences"):  # feature maps; or a film's, frame by frame
            return (
                f" To read positions one after another: Reshape((-1, {x.shape[-1]})) before it; to make a vector of "
                "each picture: GlobalAveragePooling2D(), for frames of films within TimeDistributed."
            )
        return f" Reshape the inputs to {wanted} axes, the first being the batch: Reshape(...) is a layer."
    weights = getattr(layer, "weights", None) if getattr(layer, "built", False) else None
    if "length" in problem and weights:
        first = weights[0]
        return f" Its weight {first.name!r} is {signature_of(first)}, made for its first input; a layer keeps its size."
    return ""


def _while_building(layer: Any, before: Any, shape: tuple[Any, ...]) -> str:
    """What gives a symbolic tensor, whose examples have this shape, an axis more: there are no data to change yet."""
    more = (1, *shape) if getattr(layer, "data_format", "") == "channels_first" else (*shape, 1)
    about = "Sequences are (batch, time, features)" if hasattr(layer, "return_sequences") else ""
    if type(before).__name__ == "InputLayer":
        longer = f", or Input((None, {shape[0]})) for any number of steps" if about and shape[0] else ""
        return f" {about}{', and ' if about else ''}Input takes every axis but the batch: Input({more}){longer}."
    target = tuple([-1 if n is None else n for n in more])
    how = f"layers.Reshape({target}) in front of it" if target.count(-1) < 2 else "ops.expand_dims"
    return f" {about or 'An axis is missing'}: {how} adds an axis of length 1."
