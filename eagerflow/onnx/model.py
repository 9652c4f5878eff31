"""`load_onnx`, and the model that it gives."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base import notebook
from eagerflow.base.errors import did_you_mean
from eagerflow.base.machine.budget import Limit
from eagerflow.core.custom_gradient import no_grad
from eagerflow.core.observe import Observer, observing, scope, state, unobserved
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.input_spec import InputSpec
from eagerflow.layer.layer import AnyLayer, Layer
from eagerflow.models.model import Model
from eagerflow.onnx.nodes import NODES
from eagerflow.onnx.nodes.limits import limits_for, room
from eagerflow.onnx.reading import SPECIFIED, Program, read
from eagerflow.onnx.reading.program import Port, Step

__all__ = ["OnnxModel", "load_onnx"]

_LONGEST_NAME = 80
_WEIGHTS_ONLY = (
    "a model of an ONNX file is saved as such: model.export('m.onnx'), which load_onnx reads again. Its weights alone: "
    "model.save_weights('m.weights.h5'), which goes with a model loaded from the same file"
)


def load_onnx(
    filepath: str | os.PathLike[str],
    name: str | None = None,
    outputs: Sequence[str] | None = None,
    limit: Limit = "auto",
) -> OnnxModel:
    """Loads an ONNX file as a model: from PyTorch, TensorFlow (tf2onnx) or `Model.export`.

    Its nodes run as eagerflow's ops, so the model can be trained, be part of other models, be traced by viz, and
    exported again. Weights become variables: kernels, biases, scales and embeddings are trainable, moving means and
    variances are not. Also in training, normalization uses these moving values and dropout is off, as in the file.

    Files may come from anywhere: no code in them runs, sizes are checked before memory is taken, and further files are
    read from the model's own folder only.

    Args:
        filepath: the path of the file.
        name: the name of the model; default: that in the file.
        outputs: names of values in the graph to return instead of its outputs, such as the features before the last
            layer.
        limit: how many bytes may be taken; `"auto"`: by the size of the file. None: no limit, for files that you trust.

    Returns:
        A model. It takes one tensor, or several in the order of the file, or a dict by their names.

    Raises:
        LoadError: (a `ValueError`) for a damaged file, or for unknown nodes, which the message names.
        LoadLimitError: (a `ValueError`) when it would take more memory or time than its size gives reason for.
        FileNotFoundError: when there is no file.

    >>> import os, tempfile
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.onnx")
    ...     model.export(path)
    ...     again = ef.models.load_onnx(path)
    >>> x = ef.ops.ones((3, 4))
    >>> bool(ef.ops.allclose(model(x), again(x))), again.count_params()
    (True, 10)
    """
    with read(filepath, outputs, limit) as program:
        return OnnxModel(program, name=name)


class OnnxLayer(Layer):
    """A node of an ONNX file, or the nodes of one of its parts; it runs as a part of its model.

    Args:
        name: the model's name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, autocast=False)
        self.built = True
        self.__dict__["_seen"] = None
        self.parts: dict[str, Any] = {}

    def call(self, inputs: Any) -> Any:
        """Not by itself."""
        raise ValueError(f"{self.name!r:.80} is a part of a model from an ONNX file, and runs with it only.")

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """What the file tells, or the last call told; None for open lengths."""
        return self.__dict__["_seen"]

    def get_config(self) -> dict[str, Any]:
        """Its name."""
        return {"name": self.name}


_KINDS = frozenset([kind.rpartition(".")[2] for kind in (*NODES, *SPECIFIED)])


@cache
def _class_named(name: str) -> type[OnnxLayer]:
    """The class of layers for nodes of a kind, whose name summaries and pictures show."""
    return type(name, (OnnxLayer,), {"__doc__": f"A node {name}.", "__module__": __name__})


def _class_of(kind: str) -> type[OnnxLayer]:
    """The class for a kind of nodes; for functions of the file's own, whose names may be anything, one for all."""
    name = kind.rpartition(".")[2]
    return _class_named(name if name in _KINDS else "Function")


def __getattr__(name: str) -> Any:
    """Those classes, for pickles."""
    if name in _KINDS or name == "Function":
        return _class_named(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class OnnxModel(Model):
    """What `load_onnx` gives.

    Args:
        program: what the file holds.
        name: the name of the model.
    """

    _reserved = Model._reserved | {"_program", "_weights_by_name"}
    _program: Program
    _weights_by_name: dict[str, Any]

    def __init__(self, program: Program, name: str | None = None) -> None:
        super().__init__(name=name or _plain(program.name) or None, autocast=False)
        self.built = True
        values: dict[str, Any] = {}
        self.__dict__.update(_program=program, _weights_by_name=values)
        self.parts: dict[str, Any] = {}
        self._enter([step for step in program.steps if not step.aside], values)
        for key in program.weights.keys() - values.keys():  # used in graphs inside of nodes only
            values[key] = self._variable(self, key)
        program.weights.clear()

    def _enter(self, steps: list[Step], values: dict[str, Any]) -> None:
        """Make the layers of nodes and of what they are part of, and their weights."""
        paths = [self._path_of(step) for step in steps]
        sizes = Counter([path[:end] for path in paths for end in range(1, len(path))])
        program = self._program
        for step, path in zip(steps, paths):
            while len(path) > 1 and sizes[path[:-1]] == 1:
                path = path[:-1]  # a part of one node is that node
            here, around = self, list[Any]()
            for part in path[:-1]:
                here = _part_of(here, part, OnnxLayer)
                around.append(here)
            node = _part_of(here, path[-1], _class_of(step.kind), new=True)
            shape = program.shapes.get(step.outputs[0])
            if shape is not None:
                for layer in (*around, node):
                    _tell(layer, tuple([n if isinstance(n, int) else None for n in shape]))
            for key in step.inputs:
                if key in program.weights and key not in values:
                    values[key] = self._variable(node, key)
            step.layers = [*around, node]

    def _path_of(self, step: Step) -> tuple[str, ...]:
        path = step.path or (step.outputs[0] or step.kind,)
        return path[1:] if len(path) > 1 and path[0] == self._program.name else path

    def _variable(self, owner: Any, key: str) -> Any:
        weight = self._program.weights[key]
        array = weight.held()
        key = key.removesuffix(":onnx")  # which we write behind names of kernels
        name = _plain(key.rpartition("/")[2]) or "weight"
        variable = owner.add_weight(
            shape=array.shape,
            dtype=array.dtype.name,
            initializer=lambda shape, dtype=None: array,
            trainable=weight.trainable,
            autocast=False,
            name=name,
        )
        variable.path = "/".join([part for part in map(_plain, key.split("/")) if part]) or name
        return variable

    # ------------------------------------------------------------------ running

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The outputs: one tensor, or a list of several."""
        program, values = self._program, self._weights_by_name
        given = _arranged(inputs, program.inputs)
        held = sum(x.nbytes for x in given.values()) + sum(v.nbytes for v in values.values())
        with limits_for(held):
            if state.on:
                with _Parts() as parts:
                    found = program.values({**values, **given}, parts.run)
            else:
                found = program.values({**values, **given})
        made = [x if x.__class__ is Tensor else Tensor(numpy.array(x.data)) for x in found]
        return made[0] if len(made) == 1 else made

    def sample_inputs(self, sizes: Mapping[str, int] | None = None) -> Any:
        """Made-up inputs, on which the model runs: random numbers, and ones for integers.

        Args:
            sizes: open lengths by the file's names for them, or as `"input:axis"`; default: 1 for the batch, and for
                others the first of 32, 8, 64, 224 and 1 with which the model runs.

        Returns:
            An array, or a list of several.

        Raises:
            ValueError: for names that the file doesn't have, and where the model runs with none of the lengths.
        """
        sizes = dict(sizes or {})
        ports = self._program.inputs
        names = [
            name
            for port in ports
            for axis, n in enumerate(port.shape or ())
            if not isinstance(n, int)
            for name in (f"{port.name}:{axis}", n)
            if name
        ]
        unknown = [name for name in sizes if name not in names]
        if unknown or any(n < 1 for n in sizes.values()):
            raise ValueError(f"sizes={sizes!r:.150}: the open lengths are {list(dict.fromkeys(names))!r:.250}.")
        error: Exception | None = None
        open_ones = any(not isinstance(n, int) for port in ports for n in (port.shape or ())[1:])
        for length in (32, 8, 64, 224, 1) if open_ones else (1,):
            inputs = [_sample(port, sizes, length) for port in ports]
            try:
                self._run_aside(inputs)
            except ValueError as raised:
                error = error or raised
                continue
            return inputs[0] if len(inputs) == 1 else inputs
        assert error is not None
        raise error

    def _run_aside(self, inputs: list[Any]) -> None:
        """Run without being seen, so that layers know the shapes of what they give."""
        with unobserved(), observing(Observer()), no_grad(), numpy.errstate(all="ignore"):
            self.call(inputs)

    # ------------------------------------------------------------------ telling

    @property
    def input(self) -> Any:
        """The inputs, as an `InputSpec` or a list of them."""
        specs = [_spec(port) for port in self._program.inputs]
        return specs[0] if len(specs) == 1 else specs

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return [port.name for port in self._program.inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs."""
        return [port.name for port in self._program.outputs]

    def get_layer(self, name: str | None = None, index: int | None = None) -> AnyLayer:
        """A part of the model or a node, by its name, its place in `layers`, or a path such as `"encoder/layer/0"`.

        Raises:
            ValueError: for an unknown name, path or place, with the nearest name.
        """
        if not isinstance(name, str) or "/" not in name or index is not None:
            return super().get_layer(name, index)
        first, *rest = name.split("/")
        found: Any = super().get_layer(first)
        for part in rest:
            if part not in found.parts:
                hint = did_you_mean(part, found.parts)
                raise ValueError(f"get_layer({name!r:.150}): {found.name!r:.80} has no {part!r:.80}.{hint}")
            found = found.parts[part]
        return found

    def summary(self, *args: Any, **kwargs: Any) -> None:
        """Print the layers; see `Model.summary`. Shapes that the file doesn't tell are those of `sample_inputs`.

        Args:
            *args: as `Model.summary` takes them.
            **kwargs: the same by name.
        """
        if any(layer.__dict__["_seen"] is None for layer in self.parts.values()):
            with contextlib.suppress(ValueError):
                self.sample_inputs()
        super().summary(*args, **kwargs)

    def _repr_html_(self) -> str:
        told: list[str] = []
        self.summary(print_fn=told.append)
        return notebook.pre("\n".join(told))

    def get_config(self) -> dict[str, Any]:
        """Raises: the graph is in the ONNX file.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(f"{self.name!r:.80}: {_WEIGHTS_ONLY}.")


class _Parts:
    """Announces the parts of a model while their nodes run: each once for nodes that follow each other."""

    def __init__(self) -> None:
        self._open: list[tuple[Any, Any]] = []

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self._close(0, error)

    def _close(self, keep: int, error: BaseException | None = None) -> None:
        while len(self._open) > keep:
            self._open.pop()[1].__exit__(None if error is None else type(error), error, None)

    def run(self, step: Step, inputs: list[Any], call: Callable[[], list[Any]]) -> list[Any]:
        """The outputs of a node."""
        *around, node = step.layers
        given = [x for x in inputs if x is not None]
        same = 0
        while same < min(len(around), len(self._open)) and around[same] is self._open[same][0]:
            same += 1
        self._close(same)
        for layer in around[same:]:
            self._open.append((layer, scope("layer", layer.name, layer, given).__enter__()))
        with scope("layer", node.name, node, given) as told:
            made = call()
            told.value = made[0] if len(made) == 1 else made
        for _, each in self._open:
            each.value = told.value
        for layer in (*around, node):
            if made and made[0] is not None:
                _tell(layer, tuple(made[0].shape))
        return made


def _tell(layer: Any, shape: tuple[int | None, ...]) -> None:
    """Note what a layer's outputs look like, for summaries."""
    layer.__dict__["_seen"] = (None, *shape[1:]) if shape else shape
    layer._ef_state.build_shapes = (("what the file tells",), {})


def _part_of(holder: Any, name: str, kind: type[OnnxLayer], new: bool = False) -> Any:
    """A layer in another; `new`: not one that is there."""
    name = _plain(name.replace("/", ".")) or kind.__name__
    count, wanted = 1, name
    while wanted in holder.parts and (new or type(holder.parts[wanted]) is not kind):
        count += 1
        wanted = f"{name}_{count}"
    if wanted not in holder.parts:
        holder.parts[wanted] = kind(name=wanted)
    return holder.parts[wanted]


def _plain(name: str) -> str:
    """A name from a file without signs that control terminals, and not endless."""
    short = name if len(name) <= _LONGEST_NAME else f"{name[:40]}…{name[-39:]}"
    return "".join([c if c.isprintable() else "_" for c in short]).replace("/", ".").strip()


# ---------------------------------------------------------------------- inputs


def _spec(port: Port) -> InputSpec:
    shape = None if port.shape is None else tuple([n if isinstance(n, int) else None for n in port.shape])
    return InputSpec(shape=shape, dtype=port.dtype or "float32", name=port.name)


def _sample(port: Port, sizes: Mapping[str, int], length: int) -> Any:
    shape = []
    for axis, n in enumerate(port.shape or ()):
        if isinstance(n, int):
            shape.append(n)
        else:
            shape.append(sizes.get(f"{port.name}:{axis}", sizes.get(n or "", 1 if axis == 0 else length)))
    dtype = numpy.dtype(port.dtype or "float32")
    room(shape, dtype)
    if dtype.kind != "f":
        return numpy.ones(shape, dtype)
    return numpy.random.default_rng(0).standard_normal(shape).astype(dtype)


def _arranged(inputs: Any, ports: Sequence[Port]) -> dict[str, Any]:
    """Tensors by name, of the types and shapes that the file asks for.

    Raises:
        ValueError: for others.
    """
    if isinstance(inputs, dict):
        missing = [port.name for port in ports if port.name not in inputs]
        further = [key for key in inputs if key not in {port.name for port in ports}]
        if missing or further:
            raise ValueError(f"inputs: expected {[port.name for port in ports]!r:.200}; got {list(inputs)!r:.200}.")
        given = [inputs[port.name] for port in ports]
    else:
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(given) != len(ports):
            raise ValueError(
                f"inputs: the file takes {len(ports)}, {[port.name for port in ports]!r:.200}; got {len(given)}."
            )
    return {port.name: _let_in(x, port) for x, port in zip(given, ports)}


def _let_in(x: Any, port: Port) -> Any:
    x = convert_to_tensor(x)
    wanted = port.dtype or str(x.dtype)
    if port.shape is not None:
        fits = len(port.shape) == x.ndim and all(
            not isinstance(n, int) or n == m for n, m in list(zip(port.shape, x.shape))[1:]
        )
        if not fits:
            shape = ", ".join([str(n) if isinstance(n, int) else "any" for n in port.shape])
            raise ValueError(f"input {port.name!r:.80}: expected the shape ({shape:.120}); got {tuple(x.shape)}.")
    if str(x.dtype) == wanted:
        return x
    if x.dtype.kind == "f" and numpy.dtype(wanted).kind in "iub":
        raise ValueError(
            f"input {port.name!r:.80}: expected {wanted}; got {x.dtype}. Cast it: ops.cast(x, {wanted!r})."
        )
    return ops.cast(x, wanted)
