"""`Operation`: what can be called on tensors, or noted as a call on symbolic ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, overload

from eagerflow.base import tree
from eagerflow.base.config_from_init import automatic
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import AnyShape
from eagerflow.core.tensor import Tensor
from eagerflow.layer.configuration import config_of, enter, how_to_take, reader_of
from eagerflow.layer.dtype_policy import policy_of_config
from eagerflow.layer.state import OperationState
from eagerflow.layer.symbolic.call_history import inputs_of, node_at, shapes_of
from eagerflow.layer.symbolic.tensors import Node, Spec, SymbolicTensor, is_symbolic, record, run
from eagerflow.layer.unique_names import checked_name

__all__ = ["AnyTensor", "Calls", "Operation", "Result", "UnknownOutput", "check_symbolic"]

# What calling a layer or an operation gives, to type checkers, is what its own `call` gives: `__call__` takes `self` as
# something with a `call`, and gives that one's result.
#
# - One that returns a known type, by its annotation or by what the checker infers, gives this type.
# - One without annotations, of which the checker knows nothing (`Any`), fits `Calls[UnknownOutput]`; nothing else does.
#   It gives an `AnyTensor`: editors complete a tensor's methods, and checkers accept all that is done with it.
Result = TypeVar("Result", covariant=True)


class Calls(Protocol[Result]):
    """What computes by a method `call`, which gives a `Result`."""

    @property
    def call(self) -> Callable[..., Result]: ...


class UnknownOutput:
    """What no `call` gives, so that only `Any` passes for it."""


if TYPE_CHECKING:

    class AnyTensor(Tensor, Any):
        """What a `call` without annotations gives: mostly a tensor, but it may be anything."""

        def __getitem__(self, index: Any) -> Any: ...

        def __iter__(self) -> Iterator[Any]: ...
else:
    AnyTensor = Tensor


class Operation:
    """Base class for nodes of a functional model's graph. Layers are operations with weights.

    A subclass writes `call`. The shape and type of its outputs are found by running it on small arrays, unless it
    overrides `compute_output_spec`.

    Args:
        name: a name, unique in a model; default: the class's name in snake case, numbered.

    Source: the interface of `keras.Operation` 3.15.

    >>> class Double(ef.Operation):
    ...     def call(self, x):
    ...         return 2 * x
    >>> Double()(ef.Tensor([1.0, 2.0])).tolist(), Double()(ef.Input((3,))).shape
    ([2.0, 4.0], (None, 3))
    """

    _ef_state: Any  # an `OperationState`
    name: str
    _exported_as: str  # the name in configurations, where Keras exports a class under another one
    _config_omits: tuple[str, ...] = ()  # these three: see base/config_from_init.py
    _config_adds: tuple[str, ...] = ()
    _kept_as: Mapping[str, str] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        enter(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__["_ef_state"] = OperationState(args, kwargs)
        return self

    def __init__(self, name: str | None = None) -> None:
        self.name = checked_name(name, type(self))

    @overload
    def __call__(self: Calls[UnknownOutput], *args: Any, **kwargs: Any) -> AnyTensor | Any: ...
    @overload
    def __call__(self: Calls[Result], *args: Any, **kwargs: Any) -> Result: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...  # where `call` is something else
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs of `call`; on symbolic tensors, symbolic outputs."""
        if is_symbolic(args) or is_symbolic(kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs; subclasses override it.

        >>> class Double(ef.Operation):
        ...     def call(self, x):
        ...         return 2 * x
        >>> Double().call(ef.Tensor([1.0, 2.0])).tolist()
        [2.0, 4.0]
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method call(self, inputs).")

    def rematerialized_call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Returns `fn` unchanged. Layers override it, to recompute activations in a `RematScope`.

        Args:
            fn: the method `call`.
            *args: the arguments that it will be called with.
            **kwargs: those given by name.

        >>> class Double(ef.Operation):
        ...     def call(self, x):
        ...         return 2 * x
        >>> operation = Double()
        >>> operation.rematerialized_call(operation.call)(ef.Tensor([3.0])).tolist()
        [6.0]
        """
        return fn

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs with quantized weights, in place of `call`. Only some layers implement it.

        Raises:
            NotImplementedError: in all others.
        """
        raise NotImplementedError(f"{type(self).__name__} has no weights that could be quantized.")

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a call to the graph and returns its symbolic outputs.

        Args:
            *args: the arguments of the call, at least one of them a symbolic tensor.
            **kwargs: those given by name.

        Raises:
            TypeError: when no argument is symbolic.

        >>> class Double(ef.Operation):
        ...     def call(self, x):
        ...         return 2 * x
        >>> Double().symbolic_call(ef.Input((3,))).shape
        (None, 3)
        """
        check_symbolic(self, args, kwargs)
        return record(self, args, kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs for symbolic inputs. Subclasses may override it.

        >>> class Pairs(ef.Operation):
        ...     def call(self, x):
        ...         return ef.ops.reshape(x, (-1, x.shape[1] // 2, 2))
        >>> Pairs().compute_output_spec(ef.Input((6,))).shape
        (None, 3, 2)
        """
        return tree.map_structure(_forgotten, record(self, args, kwargs))

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        """The `Spec`s of the outputs for arguments with `Spec`s, whose lengths are all known."""
        if type(self).compute_output_spec is Operation.compute_output_spec:
            return run(self, args, kwargs)
        inputs, named = tree.map_structure(_as_symbolic, (args, kwargs))
        return tree.map_structure(_as_spec, self.compute_output_spec(*inputs, **named))

    # Where it was called on symbolic tensors

    @property
    def inbound_nodes(self) -> list[Node]:
        """The symbolic calls of this layer which are still part of a model or held by a tensor.

        >>> layer = ef.layers.Dense(2)
        >>> a, b = layer(ef.Input((3,))), layer(ef.Input((3,)))
        >>> len(layer.inbound_nodes)
        2
        """
        nodes = [node for reference in list(self._ef_state.calls.values()) if (node := reference()) is not None]
        return sorted(nodes, key=lambda node: node.serial)

    _node = node_at

    @property
    def input(self) -> Any:
        """The symbolic input of the first call: a tensor, or a list of several.

        >>> x, layer = ef.Input((3,), name="x"), ef.layers.Dense(2)
        >>> y = layer(x)
        >>> layer.input.name, layer.input.shape
        ('x', (None, 3))
        """
        return self.get_input_at(0)

    @property
    def output(self) -> Any:
        """The symbolic output of the first call.

        >>> layer = ef.layers.Dense(2)
        >>> y = layer(ef.Input((3,)))
        >>> layer.output.shape
        (None, 2)
        """
        return self.get_output_at(0)

    def get_input_at(self, node_index: int) -> Any:
        """The symbolic input of one of the layer's calls.

        Args:
            node_index: the number of the call, counted from 0.

        >>> layer = ef.layers.Dropout(0.5)
        >>> a, b = layer(ef.Input((3,))), layer(ef.Input((4,)))
        >>> layer.get_input_at(0).shape, layer.get_input_at(1).shape
        ((None, 3), (None, 4))
        """
        return inputs_of(self._node(node_index, "input"))

    def get_output_at(self, node_index: int) -> Any:
        """The symbolic output of one of the layer's calls.

        Args:
            node_index: the number of the call, counted from 0.

        >>> layer = ef.layers.Flatten()
        >>> a, b = layer(ef.Input((3, 2))), layer(ef.Input((4, 2)))
        >>> layer.get_output_at(0).shape, layer.get_output_at(1).shape
        ((None, 6), (None, 8))
        """
        return self._node(node_index, "output").tensors()

    def get_input_shape_at(self, node_index: int) -> Any:
        """The shape of the symbolic input of one of the layer's calls.

        Args:
            node_index: the number of the call, counted from 0.

        >>> layer = ef.layers.Flatten()
        >>> a, b = layer(ef.Input((3, 2))), layer(ef.Input((4, 2)))
        >>> layer.get_input_shape_at(1)
        (None, 4, 2)
        """
        return shapes_of(self.get_input_at(node_index))

    def get_output_shape_at(self, node_index: int) -> Any:
        """The shape of the symbolic output of one of the layer's calls.

        Args:
            node_index: the number of the call, counted from 0.

        >>> layer = ef.layers.Flatten()
        >>> a, b = layer(ef.Input((3, 2))), layer(ef.Input((4, 2)))
        >>> layer.get_output_shape_at(1)
        (None, 8)
        """
        return shapes_of(self.get_output_at(node_index))

    @property
    def input_shape(self) -> AnyShape | Any:
        """The shape of `input`.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).input_shape
        (None, 3)
        """
        return shapes_of(self.input)

    @property
    def output_shape(self) -> AnyShape | Any:
        """The shape of `output`.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).output_shape
        (None, 2)
        """
        return shapes_of(self.output)

    # Its configuration

    def _base_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as values that fit into JSON.

        A custom layer that doesn't override this gets the arguments that its `__init__` was called with.

        Raises:
            NotImplementedError: when one of these arguments can't be put into JSON.

        >>> config = ef.layers.Dropout(0.25, name="drop").get_config()
        >>> config["name"], config["rate"]
        ('drop', 0.25)
        """
        return config_of(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates a layer from the dict that `get_config` returned.

        Args:
            config: the arguments of `__init__`, by name.

        Raises:
            TypeError: when `__init__` doesn't take these arguments.

        >>> layer = ef.layers.Dropout(0.25)
        >>> ef.layers.Dropout.from_config(layer.get_config()).rate
        0.25
        """
        read = reader_of(cls)
        arguments = {k: read(v) if k != "dtype" else policy_of_config(v) for k, v in config.items()}
        try:
            return cls(**arguments)
        except TypeError as error:
            raise TypeError(
                f"{cls.__name__}.from_config: __init__ refused {sorted(config)!s:.120}: {error!s:.200}. "
                f"{how_to_take(cls, str(error))}"
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without the weak references to symbolic calls, which enter themselves again."""
        return self.__dict__ | {"_ef_state": self._ef_state.arguments}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._ef_state.arguments = state["_ef_state"]
        self.__dict__.update(state, _ef_state=self._ef_state)


def check_symbolic(operation: Any, args: Any, kwargs: Any) -> None:
    """Raise TypeError unless there is a symbolic tensor among the arguments."""
    if not (is_symbolic(args) or is_symbolic(kwargs)):
        got = ", ".join(signature_of(x) for x in (*args, *kwargs.values())) or "nothing"
        raise TypeError(
            f"{type(operation).__name__} {operation.name!r}.symbolic_call: expected what Input gives, or was made "
            f"from it; got {got}. Call the object itself on values."
        )


def _forgotten(x: Any) -> Any:
    """A symbolic tensor without its past."""
    return SymbolicTensor(x.shape, x.dtype) if isinstance(x, SymbolicTensor) else x


def _as_symbolic(x: Any) -> Any:
    return SymbolicTensor(x.shape, x.dtype) if isinstance(x, Spec) else x


def _as_spec(x: Any) -> Any:
    return Spec(x.shape, x.dtype) if isinstance(x, SymbolicTensor) else x
