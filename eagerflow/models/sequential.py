"""`Sequential`: layers one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy

from eagerflow.base.config_from_init import automatic
from eagerflow.base.errors import WrongTypeError
from eagerflow.base.serialization import deserialize_keras_object
from eagerflow.base.shared_objects import calls_so_far, made_together, numbers_shared
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import InSequence, Integer, Shape, TensorLike
from eagerflow.callbacks import Callback, CallbackList
from eagerflow.core.tensor import Tensor
from eagerflow.layer.building import build_nothing
from eagerflow.layer.call_context import CallContext, current_call
from eagerflow.layer.configuration import check_layers, described_with_shapes
from eagerflow.layer.layer import AnyLayer, Layer
from eagerflow.layer.output_shapes import is_shape
from eagerflow.layer.symbolic.graph import Graph
from eagerflow.layer.symbolic.input import InputLayer
from eagerflow.layer.symbolic.tensors import SymbolicTensor, infer, is_symbolic
from eagerflow.layer.symbolic.text_type import type_of
from eagerflow.layer.tensor_masks import put_masks
from eagerflow.layer.weights import track
from eagerflow.models.inputs import Doors
from eagerflow.models.model import Model
from eagerflow.training.model_state import ModelState

__all__ = ["Sequential"]

# A type variable, for where a `Sequence[InSequence]` is expected mypy refuses `[ef.Input(shape)] + list_of_layers`.
Layers = TypeVar("Layers", bound=Sequence[InSequence] | InSequence | None)

_name = attrgetter("name")


class Sequential(Model):
    """A model that is a stack of layers: each gets the output of the one before.

    Weights exist as soon as the shape of the input is known: from an `Input`, from `input_shape=` of the first layer,
    from `build(input_shape)`, or from the first data.

    Args:
        layers: a list of layers; the first may be an `Input`.
        trainable: whether training changes the weights.
        name: the model's name.
        **kwargs: further arguments of a `Model`.

    Raises:
        TypeError: for something that is no layer.
        ValueError: when two layers have one name.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, activation="relu"), ef.layers.Dense(1)])
    >>> model(ef.ops.ones((5, 3))).shape
    (5, 1)
    >>> model.count_params()  # 3 * 2 + 2, and 2 * 1 + 1
    11
    """

    _of_data = False  # whether its Input is like these, and nobody has asked for that shape

    if TYPE_CHECKING:  # one layer after the other gives one output, where other models may give many

        def __call__(self, inputs: TensorLike, training: bool | None = None, mask: TensorLike = None) -> Tensor: ...

        def predict(
            self,
            x: Any,
            batch_size: Integer | None = None,
            verbose: int | Literal["auto"] = "auto",
            steps: int | None = None,
            callbacks: Callback | CallbackList | Sequence[Callback] | None = None,
        ) -> numpy.ndarray: ...

        @property
        def input(self) -> SymbolicTensor: ...

        @property
        def output(self) -> SymbolicTensor: ...

        @property
        def input_shape(self) -> tuple[Any, ...]: ...

        @property
        def output_shape(self) -> tuple[Any, ...]: ...

    def __init__(
        self,
        layers: Layers = None,  # type: ignore[assignment]
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(trainable, AnyLayer):
            raise TypeError("Sequential(...) takes its layers as one list: Sequential([first, second]).")
        super().__init__(trainable=trainable, name=name, **kwargs)
        self.autocast = False  # the layers cast their own inputs
        if type(self) is Sequential:
            self._ef_state.arguments = ((), {})  # the layers may change
        track(self, ModelState.LAYERS, [])
        given: Any = layers if isinstance(layers, (list, tuple)) else [layers] if layers is not None else []
        for layer in given:
            self.add(layer)
        if not trainable:
            self.trainable = False

    def _shown_layers(self) -> list[AnyLayer]:
        return list(self._ef_state.sequence)  # without the Input

    @boundary
    def add(self, layer: InSequence, rebuild: bool = True) -> None:
        """Adds a layer at the end.

        Args:
            layer: a layer; the first may be an `Input`.
            rebuild: accepted for Keras' signature; weights are made at once when the input's shape is known.

        Raises:
            TypeError: for something else.
            ValueError: for a second input, or a name that is taken.

        >>> model = ef.Sequential()
        >>> model.add(ef.Input((3,)))
        >>> model.add(ef.layers.Dense(2))
        >>> model.output_shape
        (None, 2)
        """
        state = self._ef_state
        added: Any = _as_layer(layer)
        if added is self:
            raise ValueError(f"Sequential {self.name!r}.add(layer): a model can't contain itself.")
        names = self._names()
        if added.name in names and not any(known is added for known in state.sequence):  # one may run twice
            raise ValueError(
                f"Sequential {self.name!r} has a layer named {added.name!r} already; names must be unique. "
                "Rename one: layer(..., name=...)."
            )
        if isinstance(added, InputLayer):
            self._begin_with(added)
            return
        if not state.sequence and state.input_layer is None:
            state.input_layer = _implied_input(added)
        state.sequence.append(added)
        state.graph = None
        try:
            self._remembered_graph_is_stale()
        except BaseException as error:
            if not (isinstance(error, ValueError) and self._wait_for_data()):
                state.sequence.pop()  # a layer that doesn't fit isn't kept
                raise
        names.add(added.name)

    def _wait_for_data(self) -> bool:
        """Let the first batch tell the shapes, where an Embedding without a length assumed rows of some length.

        As in Keras 3. With any length, a Dense behind a Flatten can't have its weights.

        Returns:
            Whether the shapes were assumed.
        """
        state = self._ef_state
        if not getattr(state.sequence[0], "_assumes_rows", False) or state.input_layer is None:
            return False
        state.input_layer, state.ends, state.remembered, state.graph = None, [], None, None
        self.__dict__["built"] = False
        return True

    def _names(self) -> set[str]:
        """The names of the layers; kept, for a deep model is made of many calls of `add`."""
        state = self._ef_state
        names = state.names
        if len(names) != len(state.sequence):  # after `pop`, say
            names = set(map(_name, state.sequence))
            state.names = names
        return names

    def _begin_with(self, layer: InputLayer) -> None:
        state = self._ef_state
        if state.sequence or state.input_layer is not None:
            raise ValueError(
                f"Sequential {self.name!r}: an Input comes first, and only once; {layer.name!r} would be layer "
                f"{len(state.sequence)}."
            )
        state.input_layer = layer
        self._remembered_graph_is_stale()

    def _remembered_graph_is_stale(self) -> None:
        """After a change: continue the chain when the input is known; forget it otherwise."""
        if self._ef_state.input_layer is not None:
            self._continue_chain()
        else:
            self.__dict__["built"], self._ef_state.remembered = False, None

    def pop(self, rebuild: bool = True) -> Layer:
        """Removes the last layer and returns it.

        Args:
            rebuild: accepted for Keras' signature; it changes nothing.

        Raises:
            ValueError: when there is none.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2), ef.layers.Dense(1, name="top")])
        >>> model.pop().name, model.output_shape
        ('top', (None, 2))
        """
        state = self._ef_state
        if not state.sequence:
            raise ValueError(f"Sequential {self.name!r} has no layers to pop.")
        layer = state.sequence.pop()
        state.graph = None
        state.ends = state.ends[: len(state.sequence) + 1]
        if not state.sequence:
            self.__dict__["built"] = False
        return layer

    # Building

    def _continue_chain(self) -> None:
        state = self._ef_state
        if not state.ends:
            state.ends.append(state.input_layer.output)
            state.doors = Doors(state.ends[0], self.name)
        context = CallContext()
        around = current_call.get()
        context.running = [*(around.running if around is not None else ()), self]
        token = current_call.set(context)
        try:
            for layer in state.sequence[len(state.ends) - 1 :]:
                state.ends.append(layer(state.ends[-1]))
        finally:
            current_call.reset(token)
        if state.sequence:
            self.__dict__["built"] = True
            state.path = self.path

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights of all layers.

        Args:
            input_shape: the shape with the batch axis: `(None, 28, 28, 1)`.

        Raises:
            ValueError: when the shape of the input is unknown.

        >>> model = ef.Sequential([ef.layers.Dense(2), ef.layers.Dense(1)])
        >>> model.build((None, 3))
        >>> [tuple(w.shape) for w in model.weights]
        [(3, 2), (2,), (2, 1), (1,)]
        """
        state = self._ef_state
        given = None if state.input_layer is None or not is_shape(input_shape) else tuple(input_shape)
        if given is not None and not _agree(given, state.input_layer.batch_shape):
            raise ValueError(
                f"Sequential {self.name!r}.build(input_shape={given}): its Input has shape "
                f"{state.input_layer.batch_shape}."
            )
        if state.input_layer is None:
            if not is_shape(input_shape) or not state.sequence:
                raise ValueError(
                    f"Sequential {self.name!r}.build(input_shape={input_shape!r}): expected a shape such as (None, 4)"
                    f"{' and at least one layer' if not state.sequence else ''}."
                )
            state.input_layer = _input_for(state.sequence[0], tuple(input_shape))
        try:
            self._continue_chain()
        except BaseException as error:  # another shape may be tried
            state.input_layer, state.ends, state.of_data = None, [], False
            if given is None and isinstance(error, ValueError) and input_shape and input_shape[0] is not None:
                raise ValueError(
                    f"Sequential {self.name!r}.build(input_shape={tuple(input_shape)}): the first axis is the batch, "
                    f"of any length: build({(None, *input_shape)})."
                ) from error
            raise

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        state = self._ef_state
        if not args and "inputs" not in kwargs:
            given = f", got {', '.join(map(repr, kwargs))}" if kwargs else ""
            raise TypeError(f"Sequential.call(): expected inputs{given}. Give the inputs by position: layer(x).")
        inputs: Any = args[0] if args else kwargs["inputs"]
        if not state.sequence and state.input_layer is None:
            raise ValueError(f"Sequential {self.name!r} has no layers: add one before calling it.")
        if is_symbolic(inputs):
            state.input_layer = state.input_layer or InputLayer(batch_shape=inputs.shape, dtype=inputs.dtype)
            self.build()
            return
        context = current_call.get()
        if hasattr(inputs, "shape") and (context is None or not context.probing):
            # The layers build themselves as they run; the chain is made when somebody asks for it.
            dtype = self.compute_dtype if inputs.dtype.kind == "f" else type_of(inputs.dtype)
            state.remembered = ((None, *inputs.shape[1:]), dtype)
        build_nothing(self)

    def _known_graph(self, asked: str) -> Graph:
        state = self._ef_state
        if state.graph is None:
            if state.input_layer is None and state.remembered is not None:
                self._build_like_data(*state.remembered)
            if len(state.ends) < 2:
                raise AttributeError(
                    f"Sequential {self.name!r} has no {asked} yet: it doesn't know the shape of its input. Begin with "
                    "an Input, call build(input_shape), or call the model on data."
                )
            state.graph = Graph(state.ends[0], state.ends[-1], self.name)
        return state.graph

    # Running

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Tensor | Any:
        """The output of the last layer.

        Args:
            inputs: the input of the first layer.
            training: whether layers run as in training; default: as in the surrounding call.
            mask: the mask of the inputs, for layers that use one.
        """
        state = self._ef_state
        if state.ends and not self._only_assumed(inputs):
            inputs = state.doors.arrange(inputs, self)[0]
        if mask is not None:
            put_masks(inputs, mask)
        for layer in state.sequence:
            inputs = layer(inputs)
        return inputs

    def _build_like_data(self, shape: Shape, dtype: Any = None) -> None:
        """Build for the shape of data that a model like this was called on: it goes on taking data of others."""
        state = self._ef_state
        first = _input_for(state.sequence[0], shape) if dtype is None else InputLayer(batch_shape=shape, dtype=dtype)
        state.input_layer, state.of_data = first, True
        self.build()

    def _only_assumed(self, inputs: Any) -> bool:
        """Whether these inputs, of another shape than the Input, are taken as they are.

        True if the shape came from data, or from an Embedding without one.
        """
        state = self._ef_state
        if state.of_data:
            return tuple(getattr(inputs, "shape", ())[1:]) != state.ends[0].shape[1:]
        first = state.sequence[0] if state.sequence else None
        return getattr(first, "_assumes_rows", False) and getattr(inputs, "ndim", 2) != 2

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        state = self._ef_state
        x = args[0] if args else kwargs["inputs"]
        if state.ends and not self._only_assumed(x):
            x = state.doors.arrange(x, self)[0]
        for layer in state.sequence:
            x = infer(layer, (x,), {}, size)
        return x

    # Configuration

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The model's name and the configurations of its layers, in Keras 3's layout.

        >>> config = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)], name="small").get_config()
        >>> config["name"], [layer["class_name"] for layer in config["layers"]]
        ('small', ['InputLayer', 'Dense'])
        """
        if type(self) is not Sequential:
            return Layer.get_config(self)
        return self._layers_config()

    @numbers_shared
    def _layers_config(self) -> dict[str, Any]:
        state = self._ef_state
        config = {k: v for k, v in self._base_config().items() if k != "activity_regularizer"}
        known = [] if state.input_layer is None or state.of_data else [state.input_layer]
        config["layers"] = self._described_layers([*known, *state.sequence], bool(known))
        if state.ends or state.remembered:
            config["build_input_shape"] = state.ends[0].shape if state.ends else state.remembered[0]
        return config

    def _described_layers(self, layers: list[Any], has_input: bool) -> list[dict[str, Any]]:
        """The layers' descriptions; Keras calls all layers that it has each time when it adds one."""
        calls = calls_so_far()
        if calls is not None and calls.knows(self):
            calls = None
        grows = has_input or bool(layers and _implied_input(layers[0]))
        described = []
        for i, layer in enumerate(layers):
            described.append(described_with_shapes(layer))
            if calls is not None and grows and i:
                calls.called(layers[has_input : i + 1])
        if calls is not None:
            calls.first_ones(self, {})
            if not grows or len(layers) == 1:
                calls.called(layers[has_input:])
        return described

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape of the input in a dict, or None while it is unknown.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).get_build_config()
        {'input_shape': (None, 3)}
        """
        state = self._ef_state
        if state.ends or state.remembered:
            return {"input_shape": state.ends[0].shape if state.ends else state.remembered[0]}
        return None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the model from the dict that `get_build_config` returned.

        Args:
            config: that dict.

        >>> model = ef.Sequential([ef.layers.Dense(2)])
        >>> model.build_from_config({"input_shape": (None, 3)})
        >>> model.count_params()
        8
        """
        if not self.built and config.get("input_shape") is not None:
            self.build(tuple(config["input_shape"]))

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """Creates a model from the dict that `get_config` returned.

        Args:
            config: that dict, or a list of the layers' configurations (as in Keras 1).
            custom_objects: a dict of custom classes and functions by name.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)], name="small")
        >>> copy = ef.Sequential.from_config(model.get_config())
        >>> copy.name, copy.count_params()
        ('small', 8)
        """
        if isinstance(config, list):
            config = {"layers": config}
        if "layers" not in config:
            return super().from_config(config, custom_objects)
        check_layers(config["layers"], cls)
        model = cls(name=config.get("name"), **({"dtype": config["dtype"]} if "dtype" in config else {}))
        with made_together(config):
            for entry in config["layers"]:
                model.add(deserialize_keras_object(entry, custom_objects))
        shape = config.get("build_input_shape")
        if not model._ef_state.ends and is_shape(shape) and model._ef_state.sequence:
            model._build_like_data(tuple(shape))
        if config.get("trainable") is False:
            model.trainable = False
        return model


def _as_layer(layer: Any) -> Any:
    if isinstance(layer, SymbolicTensor) and layer.node is not None:
        layer = layer.node.operation
    if isinstance(layer, Layer):
        return layer
    if isinstance(layer, type) and issubclass(layer, Layer):
        raise WrongTypeError(f"Sequential: got the class {layer.__name__}; make a layer of it: {layer.__name__}(...).")
    raise WrongTypeError(
        f"Sequential: expected a layer; got {type(layer).__name__} {layer!r:.80}. A function can be wrapped in "
        "layers.Lambda."
    )


def _implied_input(layer: Any) -> InputLayer | None:
    """The input that the first layer tells of: by `input_shape=`, or as a model that knows its own."""
    if layer._ef_state.batch_input_shape is not None:
        return _input_for(layer, layer._ef_state.batch_input_shape)
    if not isinstance(layer, Model):
        return None
    ends, graph = layer._ef_state.ends, layer._ef_state.graph
    if ends:
        return _input_for(layer, ends[0].shape, ends[0].dtype)
    if graph is not None and isinstance(graph.inputs_structure, SymbolicTensor):
        return _input_for(layer, graph.inputs[0].shape, graph.inputs[0].dtype)
    return None


def _input_for(layer: Any, batch_shape: tuple[Any, ...], dtype: Any = None) -> InputLayer:
    return InputLayer(batch_shape=batch_shape, dtype=dtype or layer._ef_state.input_dtype or layer.compute_dtype)


def _agree(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Whether two shapes can be of one tensor, whatever the batch."""
    return len(a) == len(b) and all(m == n or None in (m, n) for m, n in zip(a[1:], b[1:]))
