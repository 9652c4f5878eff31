"""`Functional`: what `Model(inputs, outputs)` makes, and its configuration in Keras 3's layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

from eagerflow import ops
from eagerflow.base import tree
from eagerflow.base.config_from_init import automatic
from eagerflow.base.errors import did_you_mean
from eagerflow.base.machine.budget import step
from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.shared_objects import calls_so_far, made_together, numbers_shared
from eagerflow.core.variable import Variable
from eagerflow.layer.configuration import check_layers, described_with_shapes, own_arguments, reader_of
from eagerflow.layer.operation import Operation
from eagerflow.layer.symbolic.input import InputLayer
from eagerflow.layer.symbolic.tensors import Node, Serial, SymbolicTensor, record
from eagerflow.models.keras_ops import arguments_of, described_call, op_named
from eagerflow.models.model import Model

__all__ = ["Functional"]


class Functional(Model):
    """A model made from a graph of symbolic tensors; `Model(inputs, outputs)` makes one.

    When a layer without `compute_output_shape` is called on symbolic tensors, it is run on small arrays to find the
    shape of its output. Changes of variables in such a run are undone; other effects of Python code in `call` are not.

    Args:
        inputs: symbolic tensors made by `Input`: one, or a list, tuple or dict of them. Tensors from the middle of
            another model work too.
        outputs: symbolic tensors that layers and ops computed from the inputs: one, or a nested structure.
        name: the model's name.
        activity_regularizer: a regularizer or function of the outputs, whose value is added to the losses.
        trainable: whether training changes the weights.
        dtype: a type name or policy; default: the global policy.
        autocast: whether floating-point inputs are cast to the compute type.

    Source: the functional API of Keras 3.15.

    >>> a, b = ef.Input((2,), name="a"), ef.Input((2,), name="b")
    >>> model = ef.Model([a, b], [a + b, a * b])
    >>> total, product = model([ef.Tensor([[1.0, 2.0]]), ef.Tensor([[3.0, 4.0]])])
    >>> type(model).__name__, total.tolist(), product.tolist()
    ('Functional', [[4.0, 6.0]], [[3.0, 8.0]])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._ef_state.graph is None:
            raise TypeError(f"{type(self).__name__}(inputs, outputs): both are needed; got none.")

    @property
    def operations(self) -> list[Any]:
        """The layers and ops of the graph, sorted from the inputs to the outputs.

        >>> x = ef.Input((2,), name="x")
        >>> [operation.name for operation in ef.Model(x, ef.layers.Dense(1, name="out")(x)).operations]
        ['x', 'out']
        """
        return list(self._known_graph("operations").operations)

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The graph as a dict that fits into JSON: layers, their calls, inputs and outputs, in Keras 3's format."""
        return super().get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates a model from the dict that `get_config` returned, with new weights.

        Raises:
            ValueError: when a call refers to a layer that is not there.
        """
        if "layers" not in config:
            return super().from_config(config, custom_objects)
        return from_graph(cls, config, custom_objects)


@numbers_shared
def config_of_graph(model: Any) -> dict[str, Any]:
    """Layers, their calls, inputs and outputs of a model of a graph; and what else its class was made with."""
    graph, added = model._known_graph("config"), model._ef_state.added
    nodes = graph.nodes if added is None else added.whole.nodes
    operations = graph.operations if added is None else added.whole.operations
    described = [_described_operation(operation, nodes) for operation in operations]
    numbers = _numbers(model, nodes)
    layers = [_with_calls(*each, numbers) for each in described]
    later = {_name(entry): 1 for entry in layers if _is_graph(entry)}
    config = {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": _places(graph.inputs_structure, numbers),
        "output_layers": tree.map_structure(
            lambda x: [x.node.name, _place(x, numbers)[1] + later.get(x.node.name, 0), x.index], graph.outputs_structure
        ),
    }
    if added is not None:
        config["added_losses"] = _places(added.losses, numbers)
        config["added_metrics"] = [[_place(x, numbers), name] for x, name in added.metrics]
    return own_arguments(model) | config


def from_graph(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """A model of the class, with the graph that `config_of_graph` described, and the class's other arguments.

    Raises:
        ValueError: when a call refers to a layer that is not there.
    """
    check_layers(config["layers"], cls)
    inside, outside = _firsts(config)
    with made_together(config):
        made = _Rebuilding(config["layers"], custom_objects, inside)
    inputs = made.find_all(config["input_layers"])
    outputs = made.find_all(config["output_layers"], outside)
    read = reader_of(cls)
    others = {k: read(v) for k, v in config.items() if k not in _KNOWN}
    model = cls(inputs, outputs, name=config.get("name"), **others)
    losses = made.find_all(config.get("added_losses", []))
    metrics = [(made.find_all(place), name) for place, name in config.get("added_metrics", [])]
    if losses or metrics:
        model._extended().connect(model, losses, metrics)
    if config.get("trainable") is False:
        model.trainable = False
    return model


_KNOWN = {"layers", "input_layers", "output_layers", "name", "trainable", "added_losses", "added_metrics", "dtype"}


Numbers: TypeAlias = dict[Serial, int]  # which call of its layer each node of a graph is, by the node's serial


def _numbers(model: Any, nodes: list[Node]) -> Numbers:
    """Which call of its layer each node is: in this graph, or among all that are described together."""
    calls, called = calls_so_far(), [node.operation for node in nodes if node.args or node.kwargs]
    following = Counter({} if calls is None else calls.first_ones(model, called))
    numbers: Numbers = {}
    for node in nodes:
        if hasattr(node.operation, "_ef_state"):
            numbers[node.serial] = following[id(node.operation)]
            following[id(node.operation)] += 1
    return numbers


def _described_operation(operation: Any, nodes: list[Node]) -> tuple[dict[str, Any], list[Any]]:
    """A layer or op without its calls, and their arguments."""
    if isinstance(operation, Node):
        entry, args, kwargs = described_call(operation.operation, operation.name, operation.args, operation.kwargs)
        if not _is_index_of_integers(entry, args):
            args, kwargs = tuple(_lists(args)), {k: _lists(v) for k, v in kwargs.items()}
        return {**entry, "name": operation.name}, [(args, kwargs)]
    entry = described_with_shapes(operation)
    calls = [(n.args, n.kwargs) for n in nodes if n.operation is operation and (n.args or n.kwargs)]
    if not entry["registered_name"]:  # a user's own layer may tell tuples from lists
        calls = [(_lists(args), _lists(kwargs)) for args, kwargs in calls]
    entry["name"] = operation.name
    return entry, calls


def _with_calls(entry: dict[str, Any], calls: list[Any], numbers: Numbers) -> dict[str, Any]:
    if _is_op(entry):
        entry["config"] = {k: _described(_lists(v), numbers) for k, v in entry["config"].items()}
    entry["inbound_nodes"] = [
        {"args": _described(list(args), numbers), "kwargs": _described(kwargs, numbers)} for args, kwargs in calls
    ]
    return entry


def _is_index_of_integers(entry: dict[str, Any], args: tuple[Any, ...]) -> bool:
    """`x[0, 1]`: as a list it would mean `x[[0, 1]]`."""
    key = args[1] if entry["class_name"] == "GetItem" and len(args) > 1 else None
    return isinstance(key, tuple) and not any(isinstance(v, (slice, type(...))) for v in key)


def _lists(value: Any) -> Any:
    """Tuples as lists, as Keras writes the arguments of calls."""
    if isinstance(value, dict):
        return {k: _lists(v) for k, v in value.items()}
    return [_lists(v) for v in value] if isinstance(value, (tuple, list)) else value


def _described(value: Any, numbers: Numbers) -> Any:
    """An argument as JSON-able values."""
    if isinstance(value, SymbolicTensor):
        config = {"shape": list(value.shape), "dtype": value.dtype.name, "keras_history": _place(value, numbers)}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, dict):
        return {str(k): _described(v, numbers) for k, v in value.items()}
    if isinstance(value, tuple):
        return {"class_name": "__tuple__", "items": [_described(v, numbers) for v in value]}
    if isinstance(value, list):
        return [_described(v, numbers) for v in value]
    if isinstance(value, slice):
        parts = [_described(v, numbers) for v in (value.start, value.stop, value.step)]
        return {"class_name": "__slice__", "config": dict(zip(("start", "stop", "step"), parts))}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, Variable):
        raise TypeError(
            f"Variable {value.path!r} is an argument of an op in this model, which a config can't describe. "
            "Write a Layer that holds it (add_weight), and call that."
        )
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return {"class_name": "__numpy__", "config": {"value": value.tolist(), "dtype": str(value.dtype)}}
    return serialize_keras_object(value)


def _place(x: SymbolicTensor, numbers: Numbers) -> list[Any]:
    """`[name, which call, which output]`."""
    node = x.node
    assert node is not None
    return [node.name, numbers.get(node.serial, 0), x.index]


def _places(structure: Any, numbers: Numbers) -> Any:
    return tree.map_structure(lambda x: _place(x, numbers), structure)


class _Rebuilding:
    """Makes the layers of a config and repeats their calls."""

    def __init__(self, entries: list[dict[str, Any]], custom_objects: Any, firsts: Mapping[str, int]) -> None:
        self.firsts = firsts  # the numbers of first calls
        self.operations = {_name(e): _operation(e, custom_objects) for e in entries}
        self.settings = {_name(e): e.get("config") or {} for e in entries if _is_op(e)}
        self.results: dict[tuple[str, int], list[Any]] = {}
        waiting = [(_name(e), i, call) for e in entries for i, call in enumerate(_calls(e))]
        for name, operation in self.operations.items():
            if isinstance(operation, InputLayer):
                self.results[name, 0] = [operation.output]
        while waiting:
            later = [task for task in waiting if not self._repeat(*task)]
            if len(later) == len(waiting):
                raise self._stuck(later)
            waiting = later

    def _repeat(self, name: str, which: int, call: dict[str, Any]) -> bool:
        """Make the call, unless a tensor that it needs isn't made yet."""
        step(0.1)
        if which and (name, which - 1) not in self.results:
            return False
        if any((n, i - self.firsts.get(n, 0)) not in self.results for n, i, _ in _needs(call)):
            return False
        if not isinstance(call, dict):
            raise ValueError(
                f"The config describes a call of {name!r} as Keras 2 did; model_from_json and load_model read that."
            )
        args, kwargs = self._filled(call["args"]), self._filled(call.get("kwargs", {}))
        operation = self.operations[name]
        if isinstance(operation, Operation):
            result = operation(*args, **kwargs)
        else:
            args, settings = arguments_of(operation, self._filled(self.settings[name]), args)
            result = record(operation, tuple(args), {**settings, **kwargs})
            tree.flatten(result)[0].node.name = name
        self.results[name, which] = tree.flatten(result)
        return True

    def _stuck(self, waiting: list[Any]) -> ValueError:
        needs = [n for _, _, call in waiting for n, _, _ in _needs(call)]
        unknown = [n for n in needs if n not in self.operations]
        if unknown:
            return ValueError(
                f"The config refers to a layer {unknown[0]!r} that it doesn't contain."
                f"{did_you_mean(unknown[0], self.operations)}"
            )
        return ValueError(f"The calls of {sorted({name for name, _, _ in waiting})} depend on each other in a circle.")

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            made = [self._filled(v) for v in value]
            # Keras writes the tuple of an index as a list.
            return tuple(made) if any(isinstance(v, slice) or v is Ellipsis for v in made) else made
        if not isinstance(value, dict):
            return value
        kind = value.get("class_name")
        if kind == "__keras_tensor__":
            return self._find(value["config"]["keras_history"])
        if kind == "__tuple__":
            return tuple([self._filled(v) for v in value["items" if "items" in value else "config"]])
        if kind == "__slice__":
            return slice(*[self._filled(value["config"][k]) for k in ("start", "stop", "step")])
        if kind == "__ellipsis__":
            return Ellipsis
        if kind in ("__numpy__", "__tensor__"):
            return ops.convert_to_tensor(value["config"]["value"], value["config"]["dtype"])
        if "class_name" in value and "config" in value:
            return deserialize_keras_object(value)
        return {k: self._filled(v) for k, v in value.items()}

    def _find(self, place: Any, firsts: Mapping[str, int] | None = None) -> SymbolicTensor:
        name, call, output = place[:3]
        call -= (self.firsts if firsts is None else firsts).get(name, 0)
        if (name, call) not in self.results:
            raise ValueError(f"The config refers to call {call} of {name!r}.{did_you_mean(name, self.operations)}")
        found: SymbolicTensor = self.results[name, call][output]
        return found

    def find_all(self, places: Any, firsts: Mapping[str, int] | None = None) -> Any:
        """The tensors of `input_layers` or `output_layers`; `firsts` are the numbers of first calls there."""
        if isinstance(places, dict):
            return {k: self.find_all(v, firsts) for k, v in places.items()}
        if _is_place(places):
            return self._find(places, firsts)
        found = [self.find_all(p, firsts) for p in places]
        return tuple(found) if isinstance(places, tuple) else found


def _is_place(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int)


def _firsts(config: dict[str, Any]) -> tuple[dict[str, int], dict[str, int]]:
    """The numbers of the first calls in a graph: among the arguments of calls, and in `output_layers`.

    The calls of a layer that stands in several models may be counted over all their graphs (see
    `calls_counted_together`). Those of a model count from 1 in `output_layers`, as in Keras; eagerflow once counted
    from 0 there. Each call leads to an output, so the right numbers leave none out.
    """
    entries, inside, outside = config["layers"], {}, {}
    ends = [config["input_layers"], config.get("added_losses", []), [m[0] for m in config.get("added_metrics", [])]]
    needed = [*(place for entry in entries for call in _calls(entry) for place in _needs(call)), *_flat_places(ends)]
    given = _flat_places(config["output_layers"])
    for name, count, graph in [(_name(entry), len(_calls(entry)), _is_graph(entry)) for entry in entries]:
        for shift in (1, 0) if graph else (0,):
            used = {place[1] for place in needed if place[0] == name}
            used |= {place[1] - shift for place in given if place[0] == name}
            first = min(used, default=0)
            if used == {*range(first, first + count)} and first >= 0:
                inside[name], outside[name] = first, first + shift
                break
    return inside, outside


def _flat_places(places: Any) -> list[Any]:
    if _is_place(places):
        return [places]
    return [p for part in (places.values() if isinstance(places, dict) else places) for p in _flat_places(part)]


def _is_graph(entry: dict[str, Any]) -> bool:
    """Whether a layer is a model that was made of a graph."""
    return {"layers", "input_layers"} <= (entry.get("config") or {}).keys()


def _name(entry: dict[str, Any]) -> str:
    return str(entry.get("name") or entry["config"]["name"])


def _calls(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [call for call in entry.get("inbound_nodes", []) if call]


def _needs(value: Any) -> list[Any]:
    """The places that the arguments of a call refer to."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [tuple(value["config"]["keras_history"][:3])]
        return [place for v in value.values() for place in _needs(v)]
    return [place for v in value for place in _needs(v)] if isinstance(value, list) else []


def _operation(entry: dict[str, Any], custom_objects: Any) -> Any:
    """A layer, or a function of `eagerflow.ops`."""
    if _is_op(entry):
        return op_named(str(entry["class_name"]))
    return deserialize_keras_object(entry, custom_objects)


def _is_op(entry: dict[str, Any]) -> bool:
    module = str(entry.get("module") or "")
    return module == "eagerflow.ops" or module.startswith("keras.src.ops.")
