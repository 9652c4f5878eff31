"""The parts of a recording: plain data, with nothing of the program that ran.

Ids are positions: `record.ops[5].id == 5`. A tensor is written once and never changes; a variable that
an optimizer changes in place becomes a new `TensorInfo` with the next `version`. Times are nanoseconds since the
recording began.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy

__all__ = [
    "PHASES",
    "ROLES",
    "Composition",
    "Frame",
    "Logs",
    "Op",
    "Part",
    "Record",
    "Scope",
    "Stats",
    "Step",
    "Storage",
]
__all__ += ["VARIABLES", "Read", "TensorInfo"]

PHASES = ("forward", "backward", "update", "metric", "data", "network")
ROLES = ("input", "parameter", "frozen", "state", "activation", "gradient", "constant", "optimizer state")
VARIABLES = ("parameter", "frozen", "state")
"""Roles of variables: what is trained, what is kept from it, and what never is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """A place in the user's code.

    Attributes:
        file: the file's path, or a name such as `In [3]` for a notebook cell.
        line: the line's number, from 1.
        function: the function that was running.
        code: the text of the line, stripped; empty where it can't be had.

    >>> import viz
    >>> frame = viz.Frame("train.py", 12, "step", "loss = model(x)")
    >>> str(frame), frame.code
    ('train.py:12', 'loss = model(x)')
    """

    file: str
    line: int
    function: str = ""
    code: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclasses.dataclass(slots=True)
class Stats:
    """Statistics of a tensor's elements; None where there is no such number, as for a tensor without finite elements.

    Attributes:
        min, max, mean, std: the minimum, maximum, mean and standard deviation of the finite elements.
        nan, inf: the numbers of elements that are NaN, and infinite.
        l2: the L2 norm of the finite elements; only with `stats="full"`, and of weights that were updated, of which it
            is all that is measured unless NaN or infinity came into them.
        zeros: the number of zeros; only with `stats="full"`.
        histogram: the numbers of finite elements in equal bins from `min` to `max`; only with `stats="full"`.
        preview: the first elements; only with `stats="full"`.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace(stats="full") as t:
    ...     y = ef.ops.sqrt(ef.Tensor([0.0, 4.0, 16.0]))
    >>> stats = t.tensors[t.ops[-1].outputs[0]].stats
    >>> stats.min, stats.max, stats.mean, stats.zeros, stats.preview
    (0.0, 4.0, 2.0, 1, (0.0, 2.0, 4.0))
    """

    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    nan: int = 0
    inf: int = 0
    l2: float | None = None
    zeros: int | None = None
    histogram: tuple[int, ...] = ()
    preview: tuple[float, ...] = ()


@dataclasses.dataclass(slots=True, repr=False)
class TensorInfo:
    """One tensor: its shape and type, its role, and where it came from.

    Attributes:
        id: its position in `Record.tensors`.
        shape: its shape.
        dtype: the name of its data type.
        nbytes: the size of its elements in bytes.
        role: one of `ROLES`.
        name: a variable's path; for a model's input, the name of its `Input` or its key in the dict; or "".
        producer: the id of the op that made it, None where it came from outside.
        gradient_of: for gradients, the id of the tensor whose gradient (or part of it) this is; of a variable that is
            changed in place, the version that was read.
        device: `"cpu"` or `"gpu:N"`.
        storage: the position in `Record.storages` of its memory, which views share; None when not recorded.
        version: counts the changes in place of a variable.
        stats: statistics of its elements, where they were recorded.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace() as t:
    ...     y = ef.ops.matmul(ef.ops.ones((2, 3)), ef.Variable(ef.ops.ones((3, 4)), name="w"))
    >>> info = t.tensors[t.ops[-1].outputs[0]]
    >>> info.shape, info.dtype, info.nbytes, t.ops[info.producer].name
    ((2, 4), 'float32', 32, 'matmul')
    >>> [(t.tensors[i].role, t.tensors[i].name) for i in t.ops[-1].inputs]
    [('constant', ''), ('parameter', 'w')]
    """

    id: int
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    role: str = "activation"
    name: str = ""
    producer: int | None = None
    gradient_of: int | None = None
    device: str = "cpu"
    storage: int | None = None
    version: int = 0
    stats: Stats | None = None

    def __repr__(self) -> str:
        """In a few words, as at a prompt; every field has its name."""
        name = f" {self.name!r}" if self.name else ""
        return f"<tensor {self.id}: {'×'.join(map(str, self.shape)) or 'scalar'} {self.dtype}, {self.role}{name}>"


@dataclasses.dataclass(slots=True)
class Storage:
    """A piece of memory that one or more tensors use.

    Attributes:
        id: its position in `Record.storages`.
        nbytes: its size in bytes.
        allocated: when it was first seen, in nanoseconds from the beginning of the recording.
        freed: when it was freed, in the same unit; None: not before the end of the recording.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace() as t:
    ...     y = ef.ops.reshape(ef.ops.exp(ef.ops.ones((2, 3))), (6,))  # a view: the same memory
    >>> places = [t.tensors[op.outputs[0]].storage for op in t.ops]
    >>> places[0] == places[1], t.storages[places[0]].nbytes
    (True, 24)
    """

    id: int
    nbytes: int
    allocated: int
    freed: int | None = None


@dataclasses.dataclass(slots=True, repr=False)
class Op:
    """One op that ran.

    Attributes:
        id: its position in `Record.ops`: the order of execution.
        name: the op's name, such as `"matmul"`.
        phase: one of `PHASES`.
        scope: the id of the innermost scope it ran in, or None.
        step: the position in `Record.steps`, or None.
        inputs: ids of the tensors it read; other arguments, such as numbers and None, are in `settings`.
        input_names: the parameter each input was given for, such as `"x"` or `"arrays[1]"`.
        outputs: ids of the tensors it made.
        settings: the other arguments, as plain data.
        stack: the user's code that led here, innermost first; empty when not recorded.
        start, end: times in nanoseconds, None when not recorded.
        forward: for backward ops, the id of the op whose derivative this is.
        error: what it raised, as text, or None.
        thread: the number of the thread it ran in; communication between ranks has another.
        composition: for a fused op, the position in `Record.compositions` of the ops that it is made of.
        replayed: whether it ran in a captured step that was replayed (`ef.function`, `compile(jit_compile=True)`).
        means: eagerflow's op that does the same, where another framework calls it otherwise; else the name.

    >>> import eagerflow as ef, viz
    >>> with viz.trace() as t:
    ...     y = ef.ops.sum(ef.ops.ones((2, 3)), axis=1)
    >>> op = t.ops[-1]
    >>> op.name, op.phase, op.input_names, op.settings["axis"]
    ('sum', 'forward', ('x',), 1)
    """

    id: int
    name: str
    phase: str = "forward"
    scope: int | None = None
    step: int | None = None
    inputs: tuple[int, ...] = ()
    input_names: tuple[str, ...] = ()
    outputs: tuple[int, ...] = ()
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    stack: tuple[Frame, ...] = ()
    start: int | None = None
    end: int | None = None
    forward: int | None = None
    error: str | None = None
    thread: int = 0
    composition: int | None = None
    replayed: bool = False
    means: str = ""

    def __repr__(self) -> str:
        """In a few words, as at a prompt; every field has its name."""
        parts = [f"tensors {', '.join(map(str, self.inputs)) or '–'} → {', '.join(map(str, self.outputs)) or '–'}"]
        parts += [f"{self.duration / 1e3:.1f} µs"] if self.duration else []
        parts += [str(self.source)] if self.source else []
        parts += [f"failed: {self.error}"] if self.error else []
        return f"<op {self.id} {self.name!r} ({self.phase}): {', '.join(parts)}>"

    @property
    def source(self) -> Frame | None:
        """The line of the user's code that ran it, as a `Frame`; None when not recorded.

        >>> import viz
        >>> with viz.trace() as t:
        ...     y = ef.ops.tanh(1.0)
        >>> t.ops[-1].source.line
        2
        """
        return self.stack[0] if self.stack else None

    @property
    def duration(self) -> int:
        """How long it took in nanoseconds; 0 when times weren't recorded.

        >>> import viz
        >>> with viz.trace() as t:
        ...     y = ef.ops.tanh(1.0)
        >>> t.ops[-1].duration > 0
        True
        """
        return 0 if self.start is None or self.end is None else self.end - self.start


@dataclasses.dataclass(slots=True)
class Part:
    """One of the ops that a fused op stands for. It did not run by itself, so it has no time and no memory.

    Attributes:
        name: the op's name.
        inputs, outputs: numbers of tensors within the composition.
        input_names: the parameter each input is given for.
        settings: the other arguments, as plain data.
    """

    name: str
    inputs: tuple[int, ...] = ()
    input_names: tuple[str, ...] = ()
    outputs: tuple[int, ...] = ()
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def means(self) -> str:
        """What it does: see `Op`."""
        return self.name


@dataclasses.dataclass(slots=True)
class Composition:
    """What a fused op is made of; ops with the same shapes and settings share one.

    Tensors have numbers of their own here: first the op's inputs in their order, then what the parts make.

    Attributes:
        parts: the single ops, in the order of their execution.
        shapes, dtypes: of each tensor.
        results: the tensors that are the op's outputs.
    """

    parts: tuple[Part, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    dtypes: tuple[str, ...] = ()
    results: tuple[int, ...] = ()


@dataclasses.dataclass(slots=True, repr=False)
class Scope:
    """One call of a layer, model, loss, metric or optimizer, or another named stretch of the run.

    Attributes:
        id: its position in `Record.scopes`.
        kind: `"model"`, `"layer"`, `"loss"`, `"metric"`, `"optimizer"`, `"backward"`, `"step"`, `"data"` or `"user"`.
        name: the name its owner has.
        parent: the id of the scope around it, or None.
        owner: a number that calls of the same object share, None without an object.
        call: how many calls of the same object came before.
        cls: the class of the object, or "".
        config: the object's settings as plain data, of an optimizer with the `learning_rate` of this call, or, where
            that is a schedule, its `current_learning_rate`; of a backward pass, the name of its `target` in the code.
        params: the number of the object's parameters, None where it is unknown.
        created_at: the line of the user's code that made the object.
        stack: the lines of the user's code that called it, innermost first.
        start, end: times in nanoseconds; `end` is None where the scope was still open.
        inputs, outputs: ids of the tensors that went in and came out.
        error: what it raised, as text, or None.
        called: what the user's code keeps a layer or model in that has no name of its own: `"img"` of
            `self.img = Dense(16)`; "" for others, and where that isn't sure.

    >>> import eagerflow as ef
    >>> import viz
    >>> layer = ef.layers.Dense(3, name="out")
    >>> with viz.trace() as t:
    ...     y = layer(ef.ops.ones((2, 4)))
    >>> scope = t.scopes[0]
    >>> scope.kind, scope.name, scope.cls, scope.params, scope.config["units"]
    ('layer', 'out', 'Dense', 15, 3)
    """

    id: int
    kind: str
    name: str
    parent: int | None = None
    owner: int | None = None
    call: int = 0
    cls: str = ""
    config: dict[str, Any] = dataclasses.field(default_factory=dict)
    params: int | None = None
    created_at: Frame | None = None
    stack: tuple[Frame, ...] = ()
    start: int | None = None
    end: int | None = None
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    error: str | None = None
    called: str = ""

    @property
    def shown(self) -> str:
        """What pictures call it: as the user's code does, where that is known, else by its name.

        >>> import viz
        >>> critic = ef.Sequential([ef.layers.Dense(1)])
        >>> with viz.trace() as t:
        ...     y = critic(ef.ops.ones((2, 4)))
        >>> [(scope.shown, scope.cls) for scope in t.scopes if scope.kind == "model"]
        [('critic', 'Sequential')]
        """
        return self.called or self.name

    def __repr__(self) -> str:
        """In a few words, as at a prompt; every field has its name."""
        cls = f" ({self.cls})" if self.cls else ""
        return f"<scope {self.id}: {self.kind} {self.name!r}{cls}>"


@dataclasses.dataclass(slots=True)
class Step:
    """One training step.

    Attributes:
        index: its position in `Record.steps`.
        scope: the id of its scope.
        start, end: times in nanoseconds, None when not recorded.
        number: the number of the step in the program, from 0; None when all steps were recorded, since it equals
            `index` then.
        trained: how many batches models had trained on before, in the program, or since the last `fit` began whose
            epochs begin anew; None when all steps were recorded, and of loops of one's own.

    >>> import eagerflow as ef
    >>> import viz
    >>> model = ef.Sequential([ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> with viz.trace() as t:
    ...     history = model.fit(ef.ops.ones((4, 2)), ef.ops.ones(4), batch_size=2, verbose=0)
    >>> [(step.index, t.scopes[step.scope].kind) for step in t.steps]
    [(0, 'step'), (1, 'step')]
    """

    index: int
    scope: int
    start: int | None = None
    end: int | None = None
    number: int | None = None
    trained: int | None = None


@dataclasses.dataclass(slots=True)
class Logs:
    """Losses and metrics that training reported at a step.

    Attributes:
        kind: `"batch"`, which has means since the epoch began, `"epoch"`, `"evaluation"` for batches of `evaluate`,
            of validation and of `test_on_batch`, or `"step"` for what one step of a loop of one's own or of
            `train_on_batch` came to.
        step: the number of the step; of what `fit` and `evaluate` report, of the batch in its epoch, or of the epoch;
            -1 of `test_on_batch`.
        values: the losses and metrics by name.
        time: the time of the report in nanoseconds, None when not recorded.

    >>> import eagerflow as ef
    >>> import viz
    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(ef.optimizers.SGD(0.5), "mse")
    >>> with viz.trace() as t:
    ...     history = model.fit(ef.ops.zeros((4, 2)), ef.ops.zeros(4), verbose=0)
    >>> [(logs.kind, logs.values) for logs in t.logs]
    [('batch', {'loss': 0.0}), ('epoch', {'loss': 0.0})]
    """

    kind: str
    step: int
    values: dict[str, float]
    time: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Read:
    """Python took the values out of what an op made: what the program did with them, no op tells.

    Attributes:
        how: `"float"`, `"int"`, `"bool"`, `"index"`, `"complex"`, `"item"`, `"numpy"`, `"tolist"`, `"array"` (by
            `numpy.asarray`), or `"cond"`, `"while_loop"` and `"switch"`, the ops that ask what to run next.
        line: the user's line that asked, None when not recorded.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace() as t:
    ...     if ef.ops.sum(ef.ops.ones(3)) > 2:
    ...         y = ef.ops.ones(3)
    >>> [(t.ops[i].name, read.how, read.line.line) for i, found in t.reads.items() for read in found]
    [('greater', 'bool', 2)]
    """

    how: str
    line: Frame | None = None


@dataclasses.dataclass
class Record:
    """Everything that was recorded, without the ways to show it (see `Recording`).

    `compositions` tells what fused ops are made of; `parts.py` makes ops of them.
    `values` holds the elements of the tensors that were chosen by `viz.trace(values=...)`, by the tensor's id, and
    `labels` the label by which each was chosen. `reads` tells where Python took values out of what ops made, by the
    op's id: each line once. `called` tells what the user's code calls arrays that come from outside, variables without
    a name of their own, several results of one op or layer, and what it asks the gradient of, by the tensor's id.
    `calls` tells of ops that one call of a composed function ran, `ops.one_hot`, by their ids, its name and number.
    `others` holds the records of the other ranks, where several took part and rank 0 put them together. Each is whole
    by itself, but all times are counted on the clock of rank 0; `meta["rank"]` tells whose it is.
    `whole` is the record of which it is an excerpt; None where it is all that was recorded.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace("hello") as t:
    ...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
    >>> len(t.ops), len(t.tensors), t.meta["name"]
    (1, 2, 'hello')
    """

    meta: dict[str, Any] = dataclasses.field(default_factory=dict)
    scopes: list[Scope] = dataclasses.field(default_factory=list)
    ops: list[Op] = dataclasses.field(default_factory=list)
    tensors: list[TensorInfo] = dataclasses.field(default_factory=list)
    storages: list[Storage] = dataclasses.field(default_factory=list)
    steps: list[Step] = dataclasses.field(default_factory=list)
    logs: list[Logs] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    compositions: list[Composition] = dataclasses.field(default_factory=list)
    values: dict[int, numpy.ndarray] = dataclasses.field(default_factory=dict)
    labels: dict[int, str] = dataclasses.field(default_factory=dict)
    reads: dict[int, list[Read]] = dataclasses.field(default_factory=dict)
    called: dict[int, str] = dataclasses.field(default_factory=dict)
    calls: dict[int, tuple[str, int]] = dataclasses.field(default_factory=dict)
    others: list[Record] = dataclasses.field(default_factory=list)
    whole: Record | None = None

    @property
    def name(self) -> str:
        """The name given to `viz.trace`, or "".

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(1.0)
        >>> t.name
        'hello'
        """
        return str(self.meta.get("name") or "")

    def shown(self, tensor: int, layers: bool = True) -> str:
        """What pictures and tables call a tensor: by its name, a variable that nobody named as the user's code does.

        Args:
            tensor: the id of the tensor.
            layers: call the layers in a weight's name as they are shown; else by their names, as in `variable.path`.

        >>> import viz
        >>> w = ef.Variable([1.0, 2.0])
        >>> with viz.trace() as t:
        ...     y = 2 * w
        >>> t.shown(t.ops[-1].inputs[0])
        'w'

        The layers in a weight's name are called as they are shown:

        >>> critic = ef.Sequential([ef.layers.Dense(1, name="out")])
        >>> with viz.trace() as t:
        ...     y = critic(ef.ops.ones((2, 4)))
        >>> [t.shown(i) for i in t.ops[-1].inputs][1:]
        ['critic/out/kernel', 'critic/out/bias']
        """
        info, called = self.tensors[tensor], self.called.get(tensor, "")
        if info.role in VARIABLES:
            *around, own = info.name.split("/")
            shown = [self._layer_names.get(name, name) if layers else name for name in around]
            return "/".join([*shown, called or own])
        if info.role == "optimizer state" and self._layer_names:
            return self._shown_state(info.name)
        if info.role == "input" and called:  # of several that models call by one name
            return called
        return info.name or called

    @functools.cached_property
    def _layer_names(self) -> dict[str, str]:
        """What layers and models are shown as, by their names, where that is another one and the same for all."""
        found: dict[str, set[str]] = {}
        for scope in self.scopes:
            if scope.kind in ("layer", "model"):
                found.setdefault(scope.name, set()).add(scope.shown)
        return {name: shown for name, (shown, *more) in found.items() if not more and shown != name}

    def _shown_state(self, name: str) -> str:
        """`"adam/generator_dense_kernel_momentum"` for `"adam/sequential_dense_kernel_momentum"`."""
        around, _, own = name.rpartition("/")
        ends = [i for i, letter in enumerate(own) if letter == "_"]
        known = next((own[:end] for end in reversed(ends) if own[:end] in self._weights_of_states), "")
        return f"{around}/{self._weights_of_states[known]}{own[len(known) :]}" if known else name

    @functools.cached_property
    def _weights_of_states(self) -> dict[str, str]:
        """How a weight is shown in the names of an optimizer's states, by its own name in them."""
        variables = [info for info in self.tensors if info.role in VARIABLES]
        return {info.name.replace("/", "_"): self.shown(info.id).replace("/", "_") for info in variables}

    def ancestors(self, scope: int | None) -> Iterator[Scope]:
        """A scope and those around it, innermost first.

        Args:
            scope: the id of the scope, or None, for which the result is empty.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(1, name="out")], name="net")
        >>> with viz.trace() as t:
        ...     y = model(ef.ops.ones((2, 3)))
        >>> [scope.name for scope in t.ancestors(t.ops[-1].scope)]
        ['out', 'net']
        """
        while scope is not None:
            yield self.scopes[scope]
            scope = self.scopes[scope].parent

    def path(self, scope: int | None, separator: str = "/", shown: bool = False) -> str:
        """The path of a scope: the names of the scopes around it, from the outermost, and its own.

        Steps and backward passes are left out.

        Args:
            scope: the id of the scope, or None.
            separator: the text between two names.
            shown: call layers and models as pictures do: as the user's code does, where they have no name of their own.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(1, name="out")], name="net")
        >>> with viz.trace() as t:
        ...     y = model(ef.ops.ones((2, 3)))
        >>> t.path(t.ops[-1].scope)
        'net/out'
        """
        names = [s.shown if shown else s.name for s in self.ancestors(scope) if s.kind not in ("step", "backward")]
        return separator.join(reversed(names))

    def parents(self, op: Op) -> list[int]:
        """The ids of the ops whose results an op read, in the order of its inputs, each once.

        Args:
            op: the op.

        >>> import viz
        >>> with viz.trace() as t:
        ...     y = ef.ops.tanh(ef.ops.exp(ef.ops.ones((2, 3))))
        >>> [t.ops[i].name for i in t.parents(t.ops[-1])]
        ['exp']
        """
        producers = [self.tensors[i].producer for i in op.inputs]
        return list(dict.fromkeys([p for p in producers if p is not None]))
