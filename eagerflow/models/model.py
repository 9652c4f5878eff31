"""`Model`: a layer that can be trained."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Self

from eagerflow.base import notebook, tree
from eagerflow.base.config_from_init import automatic
from eagerflow.base.errors import did_you_mean, no_attribute
from eagerflow.base.serialization import custom_object_scope
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import PolicyLike, RegularizerLike
from eagerflow.core.links import above
from eagerflow.core.tensor import Tensor
from eagerflow.layer.building import build_nothing
from eagerflow.layer.configuration import described_with_shapes
from eagerflow.layer.layer import AnyLayer, Layer
from eagerflow.layer.operation import AnyTensor
from eagerflow.layer.output_shapes import build_by_running, is_shape
from eagerflow.layer.symbolic.graph import Graph, checked_ends
from eagerflow.layer.symbolic.splice import from_intermediate
from eagerflow.layer.symbolic.tensors import SymbolicTensor, is_symbolic
from eagerflow.layer.symbolic.text_type import is_text
from eagerflow.layer.tensor_masks import put_masks
from eagerflow.layer.weights import sublayers, track
from eagerflow.models.inputs import Doors
from eagerflow.models.quantizing import get_quantization_layer_structure, quantize
from eagerflow.models.saving import methods as saving
from eagerflow.models.saving.json_text import write_json
from eagerflow.models.state import get_state_tree, set_state_tree, stateless_compute_loss
from eagerflow.models.summary import print_summary, summary_text
from eagerflow.training.added_losses import Added
from eagerflow.training.model_state import ModelState
from eagerflow.training.trainer import Trainer

__all__ = ["Model"]

# The inputs or the outputs of a graph: one symbolic tensor, or several in a list or a dict.
Ends = Tensor | SymbolicTensor | Sequence[Any] | Mapping[str, Any]


class Model(Trainer, Layer):
    """A network that can be trained: a layer with `compile`, `fit`, `evaluate` and `predict`.

    Subclass it and write `call`, with layers as attributes; or make it from a graph of symbolic tensors:
    `Model(inputs, outputs)`.

    Args:
        inputs: symbolic tensors made by `Input`: one, or a list, tuple or dict of them.
        outputs: symbolic tensors that layers and ops computed from the inputs: one, or a nested structure.
        name: the model's name.
        activity_regularizer: a regularizer or function of the outputs, whose value is added to the losses.
        trainable: whether training changes the weights.
        dtype: a type name or policy; default: the global policy.
        autocast: whether floating-point inputs are cast to the compute type.

    Raises:
        TypeError: for inputs or outputs that aren't symbolic.
        ValueError: when outputs need an `Input` that is not given.

    >>> x = ef.Input((4,))
    >>> model = ef.Model(x, ef.layers.Dense(2)(x))
    >>> model.output_shape
    (None, 2)
    """

    _scope_kind = "model"
    _ef_state: ModelState
    _ef_state_class = ModelState
    quantize = quantize  # type: ignore[assignment] # it takes filters where a layer takes type_check, as in Keras
    get_quantization_layer_structure = get_quantization_layer_structure
    get_state_tree, set_state_tree, stateless_compute_loss = get_state_tree, set_state_tree, stateless_compute_loss
    save, save_weights, load_weights = saving.save, saving.save_weights, saving.load_weights
    _settle, _back_up, _resume = saving.settle, saving.back_up, saving.resume  # for `BackupAndRestore`

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is Model and _is_functional(args, kwargs):
            made: Any = Layer.__new__(_functional().Functional, *args, **kwargs)
            return made
        return Layer.__new__(cls, *args, **kwargs)

    if TYPE_CHECKING:

        def __init__(
            self,
            inputs: Ends | None = None,
            outputs: Ends | None = None,
            name: str | None = None,
            *,
            activity_regularizer: RegularizerLike = None,
            trainable: bool = True,
            dtype: PolicyLike = None,
            autocast: bool = True,
        ) -> None: ...
    else:

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            ends, kwargs = _ends(type(self), args, kwargs)
            Layer.__init__(self, **kwargs)
            self.supports_masking = True
            if ends is not None:
                self._connect(*ends)
                if not self.trainable:  # for the layers too, which it has only now
                    self.trainable = False

    def _connect(self, inputs: Any, outputs: Any) -> None:
        """Become the graph between symbolic tensors."""
        checked_ends(inputs, outputs, type(self).__name__)
        inputs, outputs = from_intermediate(inputs, outputs)
        graph = Graph(inputs, outputs, self.name)
        self.__dict__.update(built=True, autocast=False)
        state = self._ef_state
        state.graph, state.doors, state.path = graph, Doors(inputs, self.name), self.name
        layers = [operation for operation in graph.operations if isinstance(operation, Layer)]
        track(self, state.GRAPH_LAYERS, layers)
        track(self, state.GRAPH_VARIABLES, graph.variables)

    # Running

    if TYPE_CHECKING:  # the argument has the name that a subclass gives it

        def train_step(self, data: Any, /) -> dict[str, Any]: ...

        def test_step(self, data: Any, /) -> dict[str, Any]: ...

        def predict_step(self, data: Any, /) -> Any: ...

        def call(self, *args: Any, **kwargs: Any) -> Tensor | Any:
            """The outputs. A subclass's own takes what it likes.

            >>> class Doubled(ef.Model):
            ...     def __init__(self):
            ...         super().__init__()
            ...         self.dense = ef.layers.Dense(1, kernel_initializer="ones")
            ...     def call(self, inputs):
            ...         return 2 * self.dense(inputs)
            >>> Doubled()(ef.Tensor([[1.0, 2.0]])).tolist()
            [[6.0]]
            """
    else:

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            """Computes the outputs. A subclass overrides it; a functional model runs its graph.

            Args:
                inputs: a tensor or a nested structure of tensors.
                training: whether layers such as dropout behave as in training; None: as the surrounding call says.
                mask: the mask of the inputs, or None.
            """
            state = self._ef_state
            if state.graph is None:
                hint = " Its method forward(...) is named call(...) here." if hasattr(self, "forward") else ""
                raise NotImplementedError(
                    f"{type(self).__name__} needs a method call(self, inputs), or inputs and outputs in "
                    f"super().__init__(inputs, outputs).{hint}"
                )
            if mask is not None:
                put_masks(inputs, mask)
            arranged = state.doors.arrange(inputs, self)
            found = state.graph.run(arranged) if state.added is None else state.added.run(self, arranged)
            return the_one(found)

    @boundary
    def add_loss(self, loss: Any) -> None:
        """Adds a term to the loss that training minimizes.

        Args:
            loss: inside `call`: a scalar tensor, or a list of them, which counts for this call. Outside, on a
                functional model: symbolic tensors computed from its inputs, which count in every call (as in tf.keras).

        Raises:
            TypeError: for anything else.
            ValueError: for a term that needs an `Input` of another model.

        >>> x = ef.Input((2,))
        >>> model = ef.Model(x, ef.layers.Dense(1)(x))
        >>> model.add_loss(ef.ops.sum(x**2))
        >>> y = model(ef.Tensor([[3.0, 4.0]]))
        >>> [float(loss) for loss in model.losses]
        [25.0]
        """
        terms = tree.flatten(loss)
        if self._ef_state.graph is None or not any(isinstance(term, SymbolicTensor) for term in terms):
            super().add_loss(loss)
        else:
            self._extended().connect(self, losses=terms)

    def _extended(self) -> Added:
        state = self._ef_state
        if state.added is None:
            state.added = Added()
        assert state.added is not None
        return state.added

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The masks of the outputs, as the model's layers compute them.

        Args:
            inputs: the inputs of the call.
            previous_mask: the masks of the inputs, or None.
        """
        state = self._ef_state
        if state.graph is None:
            return None
        masks = [getattr(x, "_keras_mask", None) for x in state.graph.outputs]
        ends = [mask for mask in masks if mask is not None]
        if not ends:
            return None
        if previous_mask is not None:
            put_masks(inputs, previous_mask)
        found = iter(Graph(state.graph.inputs_structure, ends, self.name).run(tree.flatten(inputs)))
        masks = [None if mask is None else next(found) for mask in masks]
        return tree.pack_sequence_as(state.graph.outputs_structure, masks)

    def _mask_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any], mask: Any, outputs: Any) -> Any:
        own = type(self).compute_mask is not Model.compute_mask
        return super()._mask_outputs(args, kwargs, mask, outputs) if own else outputs

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        state = self._ef_state
        if state.graph is None or type(self).call is not Model.call:
            return super()._infer(args, kwargs, size)
        inputs = args[0] if args else kwargs["inputs"]
        return state.graph.infer(state.doors.arrange(inputs, self), size)

    def build(self, input_shape: Any) -> None:
        """Creates the weights.

        Args:
            input_shape: the shape of the inputs with the batch axis, or a list or dict of shapes.

        Raises:
            ValueError: when `call` fails for inputs of this shape.

        >>> model = ef.Sequential([ef.layers.Dense(2)])
        >>> model.build((None, 3))
        >>> [tuple(w.shape) for w in model.weights]
        [(3, 2), (2,)]
        """
        if self._ef_state.graph is not None or self.built:
            return
        if not (is_shape(input_shape) or tree.is_nested(input_shape)):
            raise ValueError(
                f"{type(self).__name__}.build(input_shape={input_shape!r}): expected a shape such as (None, 28, 28, 1)."
            )
        build_by_running(self, input_shape)

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        state = self._ef_state
        if type(self).build is Model.build:
            build_nothing(self)
        else:
            super()._build_for(args, kwargs)
        if len(args) == 1 and state.build_shapes == ((), {}) and not is_symbolic(args):
            shapes = tree.map_structure(lambda x: tuple(getattr(x, "shape", ())), args[0])
            state.build_shapes = ((shapes,), {})  # what files tell, to build the model again
            types = tree.map_structure(lambda x: "string" if is_text(x) else self.input_dtype, args[0])
            state.input_types = types if "string" in tree.flatten(types) else None

    def get_build_config(self) -> dict[str, Any] | None:
        """What `build_from_config` takes: the shapes of the inputs, and their types where some are text."""
        config, types = super().get_build_config(), self._ef_state.input_types
        return config if types is None or config is None else {**config, "input_types": types}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the model from the dict that `get_build_config` returned.

        Args:
            config: that dict.
        """
        self._ef_state.input_types = config.get("input_types")
        super().build_from_config(config)

    # What it consists of

    @property
    def layers(self) -> list[AnyLayer]:
        """The layers directly in this model, in order.

        >>> model = ef.Sequential([ef.layers.Dense(4, name="hidden"), ef.layers.Dense(2, name="out")])
        >>> [layer.name for layer in model.layers]
        ['hidden', 'out']
        """
        return self._shown_layers()

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError(
            f"{type(self).__name__}.layers can't be set: it lists what attributes hold. Use another name."
        )

    def _shown_layers(self) -> list[AnyLayer]:
        return [layer for layer in sublayers(self) if isinstance(layer, AnyLayer)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> AnyLayer:
        """Returns a layer of the model.

        Args:
            name: the layer's name.
            index: its position in `layers`, instead of `name`.

        Raises:
            ValueError: for an unknown name (the message suggests the nearest) or index; when both or none are given.

        >>> model = ef.Sequential([ef.layers.Dense(4, name="hidden"), ef.layers.Dense(2, name="out")])
        >>> model.get_layer("out").units, model.get_layer(index=0).units
        (2, 4)
        >>> model.get_layer("hiden")
        Traceback (most recent call last):
            ...
        ValueError: get_layer(name='hiden'): no layer has this name. Did you mean 'hidden'? Layers: ['hidden', 'out']
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer: give either name or index.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"get_layer(index={index}): the model has {len(self.layers)} layers.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = [layer.name for layer in self.layers]
        raise ValueError(
            f"get_layer(name={name!r}): no layer has this name.{did_you_mean(str(name), known)} Layers: {known}"[:480]
        )

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic inputs of a functional model, as a list. Raises AttributeError in a model with its own `call`.

        >>> x = ef.Input((4,))
        >>> [tensor.shape for tensor in ef.Model(x, ef.layers.Dense(2)(x)).inputs]
        [(None, 4)]
        """
        return list(self._known_graph("inputs").inputs)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic outputs.

        >>> x = ef.Input((4,))
        >>> [tensor.shape for tensor in ef.Model(x, ef.layers.Dense(2)(x)).outputs]
        [(None, 2)]
        """
        return list(self._known_graph("outputs").outputs)

    @property
    def input(self) -> AnyTensor | Any:
        """The symbolic inputs, in the structure in which the model was made.

        >>> a, b = ef.Input((4,)), ef.Input((3,))
        >>> model = ef.Model({"a": a, "b": b}, ef.layers.concatenate([a, b]))
        >>> {name: tensor.shape for name, tensor in model.input.items()}
        {'a': (None, 4), 'b': (None, 3)}
        """
        return self._known_graph("input").inputs_structure

    @property
    def output(self) -> AnyTensor | Any:
        """The symbolic outputs, in the structure in which the model was made.

        >>> x = ef.Input((4,))
        >>> features = ef.layers.Dense(3, name="hidden")(x)
        >>> model = ef.Model(x, ef.layers.Dense(2)(features))
        >>> model.output.shape, model.get_layer("hidden").output.shape
        ((None, 2), (None, 3))
        """
        return self._known_graph("output").outputs_structure

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs.

        >>> a, b = ef.Input((4,), name="a"), ef.Input((3,), name="b")
        >>> ef.Model([a, b], ef.layers.concatenate([a, b])).input_names
        ['a', 'b']
        """
        return [x.name for x in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the layers (or ops) which give the outputs.

        >>> x = ef.Input((4,))
        >>> ef.Model(x, [ef.layers.Dense(2, name="mean")(x), ef.layers.Dense(2, name="spread")(x)]).output_names
        ['mean', 'spread']
        """
        return [x.node.name for x in self.outputs if x.node is not None]

    def _known_graph(self, asked: str) -> Graph:
        if self._ef_state.graph is None:
            raise no_attribute(
                f"{type(self).__name__} {self.name!r} has no {asked}: only models made of Input, and built Sequential "
                "models, know it before they run.",
                asked,
            )
        return self._ef_state.graph

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: Literal["onnx", "web"] | str = "onnx",
        verbose: bool | int | None = None,
        input_signature: Any = None,
        opset_version: int | None = None,
        samples: Any = None,
        labels: Any = None,
        **options: Any,
    ) -> None:
        """Writes the model, in inference mode, to a file that other programs can run without eagerflow.

        The ops that run become the nodes of the file, so custom layers and functions work too. Before the file is
        written, its outputs are compared with those of the model, at other batch sizes, too. See
        `eagerflow.onnx.export`.

        `format="web"` writes a page that runs the model in a browser, with an input to draw on or type into, its answer
        and the values of every layer: one `.html` file that needs no network, or a folder for a web server.

        Args:
            filepath: the file to write; for a page that a web server serves, a folder.
            format: `"onnx"` or `"web"`.
            verbose: whether to print where the file is.
            input_signature: `InputSpec`s, shapes or arrays in the structure of the inputs, with None for variable
                lengths; default: the model's own inputs, or those of its first call with any batch size.
            opset_version: the version of ONNX' operators, 17 to 23; default: 18.
            samples: for `"web"`: examples of inputs to choose from; those of a text model are strings.
            labels: for `"web"`: names of the classes.
            **options: for `"web"`: `title`; `input` (`"pad"`, `"image"`, `"sliders"`, `"plane"`, `"text"`,
                `"numbers"`) and `output` (`"bars"`, `"number"`, `"image"`, `"picture"`) where another one than suits
                the shape is wanted; `value_range` of pixels or sliders; `features`, the names of sliders; `text`, the
                `TextVectorization` in front of a model that takes indices.

        Raises:
            TypeError: for an option that the format doesn't have.
            ValueError: for another format, and when the shapes of the inputs are unknown.
            ExportError: (a ValueError) for what ONNX can't express; the message names the layer, line of code and op.

        >>> import os, tempfile
        >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export(os.path.join(folder, "model.onnx"))
        """
        if format not in above.exporters:
            raise ValueError(
                f"export(format={format!r}): {' and '.join(map(repr, above.exporters))} are written here. From ONNX "
                "others are made: openvino by ovc, TensorFlow's and LiteRT's by onnx2tf, torch's by onnx2torch."
            )
        write, options = above.exporters[format](), {"samples": samples, "labels": labels, **options}
        options |= {"input_signature": input_signature, "opset_version": opset_version}
        given = {"verbose": verbose, **{name: value for name, value in options.items() if value is not None}}
        known = inspect.signature(write).parameters
        if "options" not in known and (foreign := [name for name in given if name not in known]):
            raise TypeError(f"export({foreign[0]}=...): the format {format!r} has no such option; 'web' may have it.")
        write(self, filepath, **given)

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: tuple[str, str] | list[str] | None = None,
    ) -> None:
        """Prints a table of the layers, with the shapes of their outputs and their numbers of weights.

        Args:
            line_length: the width in characters.
            positions: where the columns end: fractions of the width (up to 1), or numbers of characters.
            print_fn: called with the text instead of `print`.
            expand_nested: whether the layers inside of layers are shown.
            show_trainable: whether a column says if layers are trainable.
            layer_range: names of (or patterns for) the first and the last layer to show.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, name="out")], name="small").summary(line_length=60)
        Model: "small"
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┓
        ┃ Layer (type)             ┃ Output Shape     ┃    Param # ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━┩
        │ out (Dense)              │ (None, 2)        │          8 │
        └──────────────────────────┴──────────────────┴────────────┘
         Total params: 8 (32.00 B)
         Trainable params: 8 (32.00 B)
         Non-trainable params: 0 (0.00 B)
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def _repr_html_(self) -> str:
        return notebook.pre(summary_text(self))

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text; `model_from_json` reads it.

        Args:
            **kwargs: passed on to `json.dumps`.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
        >>> ef.models.model_from_json(model.to_json()).count_params()
        8
        """
        return write_json(described_with_shapes(self), self, **kwargs)

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal model, as values that fit into JSON; for a functional model, its graph.

        >>> x = ef.Input((3,), name="x")
        >>> config = ef.Model(x, ef.layers.Dense(2, name="out")(x)).get_config()
        >>> [layer["config"]["name"] for layer in config["layers"]]
        ['x', 'out']
        """
        if self._ef_state.graph is None or not _takes_ends(type(self)):
            return super().get_config()
        config: dict[str, Any] = _functional().config_of_graph(self)
        return config

    if TYPE_CHECKING:  # a subclass may write it without `custom_objects`, as most do

        @classmethod
        def from_config(cls, config: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            """The model that `get_config` described."""
    else:

        @classmethod
        def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
            """Creates a model from the dict that `get_config` returned, with new weights.

            Args:
                config: that dict. `Model.from_config` also takes the config of any functional model.
                custom_objects: custom classes and functions by name.

            Raises:
                TypeError: when `__init__` doesn't take these arguments.

            >>> x = ef.Input((3,))
            >>> model = ef.Model(x, ef.layers.Dense(2)(x))
            >>> ef.Model.from_config(model.get_config()).count_params()  # the same layers, with weights of its own
            8
            """
            if cls is Model and {"layers", "input_layers"} <= config.keys():
                return _functional().Functional.from_config(config, custom_objects)
            if {"layers", "input_layers", "output_layers"} <= config.keys() and _takes_ends(cls):
                with custom_object_scope(custom_objects or {}):
                    return _functional().from_graph(cls, config, custom_objects)
            with custom_object_scope(custom_objects or {}):
                return super().from_config(config)


def _functional() -> Any:
    """The module of functional models, which builds on this one; it loads when the first of them is made."""
    return import_module("eagerflow.models.functional")


def the_one(found: Any) -> Any:
    """What a list or tuple of one tensor holds: `Model(x, [y])` gives y, though its symbolic outputs stay a list."""
    is_one = found.__class__ in (list, tuple) and len(found) == 1 and found[0].__class__ is Tensor
    return found[0] if is_one else found


def _takes_ends(cls: type) -> bool:
    """Whether `cls(inputs, outputs, name=...)` is how a model of a graph is made."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    named = {p.name for p in parameters}
    if {"inputs", "outputs"} <= named:
        return True
    kinds = {p.kind for p in parameters}
    return {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds and not any(
        p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters
    )


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return bool(args or {"inputs", "outputs"} & kwargs.keys())


def _ends(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, Any] | None, dict[str, Any]]:
    """The two ends among the arguments of `Model`, and the other arguments."""
    names = ("inputs", "outputs", "name")
    if len(args) > len(names):
        raise TypeError(f"{cls.__name__}: at most inputs, outputs and name by position; got {len(args)} arguments.")
    given = {**dict(zip(names, args)), **kwargs}
    names_given = [name for name in ("inputs", "outputs") if name in given]
    found = [given.pop(name) for name in names_given]
    if len(found) == 1:
        missing = "outputs" if "inputs" in names_given else "inputs"
        name = "Model" if cls.__name__ == "Functional" else cls.__name__
        raise TypeError(f"{name}(inputs, outputs): both are needed; {missing} are missing.")
    return ((found[0], found[1]) if found else None), given
