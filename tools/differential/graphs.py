"""Random functional models as plain data, and the model of such data in Keras or here.

A graph is `{"layers": [...], "inputs": ...}`: a table of layers and nested models, of which the last one is the model
itself. Layers refer to each other by their place in the table, so that one may stand in several models. What passes
between them has one of three kinds: `flat` (4 numbers), `sequence` (3 steps of 4 numbers) and `ids` (3 integers).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["Graph", "built", "describe", "inputs_of", "leaves", "random_graph", "size_of"]

Graph = dict[str, Any]
_SHAPES = {"flat": (4,), "sequence": (3, 4), "ids": (3,)}
_DEEPEST = 3
# What takes one tensor: its kind, the kind of its output, the class and its settings.
_ANY: list[tuple[str, dict[str, Any]]] = [
    ("Dense", {"units": 4, "activation": "tanh"}),
    ("Dense", {"units": 4, "use_bias": False}),
    ("BatchNormalization", {}),
    ("LayerNormalization", {}),
    ("Dropout", {"rate": 0.5}),
    ("Activation", {"activation": "tanh"}),
    ("Rescaling", {"scale": 0.5}),
]
_SIMPLE: list[tuple[str, str, str, dict[str, Any]]] = [
    *[(kind, kind, *row) for kind in ("flat", "sequence") for row in _ANY],
    ("sequence", "sequence", "Conv1D", {"filters": 4, "kernel_size": 2, "padding": "same"}),
    ("sequence", "sequence", "LSTM", {"units": 4, "return_sequences": True}),
    ("sequence", "sequence", "SimpleRNN", {"units": 4, "return_sequences": True}),
    ("sequence", "sequence", "Masking", {}),
    ("sequence", "flat", "GRU", {"units": 4}),
    ("sequence", "flat", "LSTM", {"units": 4}),
    ("sequence", "flat", "GlobalAveragePooling1D", {}),
    ("flat", "sequence", "RepeatVector", {"n": 3}),
    ("ids", "sequence", "Embedding", {"input_dim": 7, "output_dim": 4, "mask_zero": True}),
    ("ids", "sequence", "Embedding", {"input_dim": 7, "output_dim": 4}),
]
_MERGING = ("Add", "Average", "Maximum", "Multiply", "Subtract")
# Functions between layers: the kinds that they take, the kind that they give.
_OPS: dict[str, tuple[list[str], str, Callable[..., Any]]] = {
    "x + y": (["flat", "flat"], "flat", lambda K, x, y: x + y),
    "x * y": (["sequence", "sequence"], "sequence", lambda K, x, y: x * y),
    "2 * x": (["flat"], "flat", lambda K, x: 2.0 * x),
    "maximum": (["flat", "flat"], "flat", lambda K, x, y: K.ops.maximum(x, y)),
    "mean": (["sequence"], "flat", lambda K, x: K.ops.mean(x, axis=1)),
    "last": (["sequence"], "flat", lambda K, x: x[:, -1]),
    "relu": (["sequence"], "sequence", lambda K, x: K.ops.relu(x)),
    "stack": (["flat", "flat", "flat"], "sequence", lambda K, x, y, z: K.ops.stack([x, y, z], axis=1)),
}


def leaves(structure: Any) -> list[Any]:
    """The leaves of lists, tuples and dicts, those of dicts in the order of their keys."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in leaves(structure[key])]
    return (
        [leaf for part in structure for leaf in leaves(part)] if isinstance(structure, (list, tuple)) else [structure]
    )


def refilled(structure: Any, values: Iterator[Any]) -> Any:
    """The structure with other leaves."""
    if isinstance(structure, dict):
        found = {key: refilled(structure[key], values) for key in sorted(structure)}
        return {key: found[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        return type(structure)([refilled(part, values) for part in structure])
    return next(values)


def mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    """The structure with what the function gives for each leaf."""
    return refilled(structure, iter([function(leaf) for leaf in leaves(structure)]))


# Drawing


def random_graph(seed: int) -> Graph:
    """The graph of a seed."""
    drawing = _Drawing(random.Random(seed))
    if drawing.chance(0.15):
        drawing.sequential(0, "ids" if drawing.chance(0.2) else drawing.kind(), None, of_input=True)
    else:
        drawing.functional(0)
    return {"layers": drawing.layers}


class _Drawing:
    """The table of layers while it is drawn."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.layers: list[dict[str, Any]] = []
        self.sharing = self.chance(0.5)  # whether layers stand in several models

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def kind(self) -> str:
        return self.rng.choice(["flat", "flat", "sequence"])

    def add(self, of: str, takes: Any, gives: Any, **more: Any) -> int:
        self.layers.append({"class": of, "takes": takes, "gives": gives, **more})
        return len(self.layers) - 1

    def simple(self, takes: str, gives: str | None = None) -> int:
        """A new layer of one tensor."""
        if takes == "sequence" and gives in (None, takes) and self.chance(0.15):
            return self.add("TimeDistributed", takes, takes, inner=self.one("flat", "flat", _DEEPEST - 1))
        fitting = [row for row in _SIMPLE if row[0] == takes and gives in (None, row[1])]
        if not fitting:  # from ids to flat
            return self.sequential(_DEEPEST, takes, gives)
        _, found, name, settings = self.rng.choice(fitting)
        return self.add(name, takes, found, settings=settings)

    def one(self, takes: str, gives: str | None, depth: int) -> int:
        """A layer or model of one tensor: perhaps one that stands elsewhere, too."""
        known = [i for i, x in enumerate(self.layers) if x["takes"] == takes and gives in (None, x["gives"])]
        known = [i for i in known if isinstance(self.layers[i]["gives"], str)]
        if self.sharing and known and self.chance(0.25):
            return self.rng.choice(known)
        if depth < _DEEPEST and self.chance(0.35):
            if self.chance(0.4):
                return self.sequential(depth + 1, takes, gives)
            return self.functional(depth + 1, takes, gives or self.kind())
        return self.simple(takes, gives)

    def sequential(self, depth: int, takes: str, gives: str | None, of_input: bool | None = None) -> int:
        """A `Sequential`, with an Input or without."""
        chain, here = [], takes
        for _ in range(self.rng.randint(1, 3)):
            following = self.one(here, None, depth)
            if following not in chain:
                chain.append(following)
                here = self.layers[following]["gives"]
        if gives is not None and here != gives:
            chain.append(self.simple(here, gives))
        has_input = self.chance(0.75) if of_input is None else of_input
        return self.add("Sequential", takes, gives or here, chain=chain, has_input=has_input)

    def structure(self, count: int) -> Any:
        """A structure of so many places."""
        places = list(range(count))
        if count == 1:
            return self.rng.choice([0, 0, 0, [0], {"a": 0}])
        kind = self.rng.choice(["list", "list", "list", "dict", "dict", "tuple", "nested"])
        if kind == "dict":
            return {"badc"[i]: i for i in places}
        if kind == "nested":
            return self.rng.choice([[places[0], places[1:]], {"b": places[0], "a": places[1:]}])
        return tuple(places) if kind == "tuple" else places

    def functional(self, depth: int, takes: str | None = None, gives: str | None = None) -> int:
        """A functional model; one of single ends where they are told."""
        drawn = _Steps(self, depth)
        structure: Any = 0
        if takes is None:
            structure = self.structure(self.rng.choice([1, 1, 1, 2, 2, 3]))
        kinds = [takes or self.rng.choice(["flat", "flat", "sequence", "ids"]) for _ in leaves(structure)]
        drawn.kinds += kinds
        for _ in range(self.rng.randint(1, 5)):
            drawn.step()
        drawn.use_all(len(kinds))
        if gives is not None:
            ends: Any = drawn.last_of(gives)
        else:
            free = drawn.unused()
            chosen = sorted(self.rng.sample(free, min(len(free), self.rng.choice([1, 1, 2, 2, 3]))))
            if self.chance(0.1):  # one that is used further, too
                chosen.append(self.rng.randrange(len(kinds), len(drawn.kinds)))
            order = self.structure(len(chosen))
            ends = mapped(lambda i: chosen[i], order)
        return self.add(
            "Functional",
            refilled(structure, iter(kinds)),
            mapped(lambda i: drawn.kinds[i], ends),
            steps=drawn.steps,
            ends=ends,
        )


class _Steps:
    """The calls of a functional model while they are drawn."""

    def __init__(self, drawing: _Drawing, depth: int) -> None:
        self.drawing, self.rng, self.depth = drawing, drawing.rng, depth
        self.kinds: list[str] = []
        self.steps: list[dict[str, Any]] = []
        self.used: set[int] = set()

    def unused(self) -> list[int]:
        return [i for i in range(len(self.kinds)) if i not in self.used]

    def take(self, kind: str) -> int | None:
        """A tensor of a kind, rather one that nothing has taken yet."""
        found = [i for i, k in enumerate(self.kinds) if k == kind]
        fresh = [i for i in found if i not in self.used]
        if not found:
            return None
        return self.rng.choice(fresh if fresh and self.drawing.chance(0.7) else found)

    def call(self, what: int | str, arguments: Any, kwargs: dict[str, int] | None = None) -> None:
        """Note a call of a layer or op."""
        gives = _OPS[what][1] if isinstance(what, str) else self.drawing.layers[what]["gives"]
        self.steps.append({"call": what, "arguments": arguments, "kwargs": kwargs or {}})
        self.used |= {*leaves(arguments), *leaves(kwargs or {})}
        self.kinds += leaves(gives)

    def call_on_any(self, what: int) -> bool:
        """Call a layer on tensors that fit, if there are any."""
        takes = self.drawing.layers[what]["takes"]
        chosen = [self.take(kind) for kind in leaves(takes)]
        if None in chosen:
            return False
        self.call(what, [refilled(takes, iter(chosen))])
        return True

    def step(self) -> None:
        """One more call."""
        drawing, what = self.drawing, self.rng.random()
        if what < 0.22 and self.depth < _DEEPEST and self.nested_model():
            return
        if what < 0.42 and self.known_layer():
            return
        if what < 0.57:
            name = self.rng.choice([*_OPS])
            chosen = [self.take(kind) for kind in _OPS[name][0]]
            if None not in chosen:
                self.call(name, chosen)
                return
        if what < 0.75:
            kind = drawing.kind()
            x, y = self.take(kind), self.take(kind)
            if x is not None and y is not None:
                self.several(kind, x, y)
            return
        at = self.rng.choice(self.unused() or range(len(self.kinds)))
        self.call(drawing.one(self.kinds[at], None, self.depth), [at])

    def nested_model(self) -> bool:
        """A new model, called once or twice."""
        model = self.drawing.functional(self.depth + 1)
        called = self.call_on_any(model)
        if called and self.drawing.chance(0.3):
            self.call_on_any(model)
        return called

    def known_layer(self) -> bool:
        """A layer once more, or twice: one of this model, or also one of another."""
        here = {s["call"] for s in self.steps}
        layers = self.drawing.layers
        known = [i for i in range(len(layers)) if (self.drawing.sharing or i in here) and "many" not in layers[i]]
        if not known or not self.call_on_any(chosen := self.rng.choice(known)):
            return False
        if self.drawing.sharing and self.drawing.chance(0.3):
            self.call_on_any(chosen)
        return True

    def several(self, kind: str, x: int, y: int) -> None:
        """A call with several tensors: merging, attention, states."""
        add, way = self.drawing.add, self.rng.choice(["merge", "merge", "concatenate", "states", "attention"])
        if way == "concatenate":
            self.call(add("Concatenate", [kind, kind], "wide", many=True), [[x, y]])
            self.call(add("Dense", "wide", kind, settings={"units": 4}), [len(self.kinds) - 1])
        elif kind == "flat" or way == "merge":
            self.call(add(self.rng.choice(_MERGING), [kind, kind], kind, many=True), [[x, y]])
        elif way == "attention":
            settings = {"num_heads": 1, "key_dim": 2}
            self.call(add("MultiHeadAttention", [kind] * 2, kind, settings=settings, many=True), [x, y])
        else:
            settings = {"units": 4, "return_state": True, "return_sequences": True}
            self.call(add("LSTM", kind, ["sequence", "flat", "flat"], settings=settings), [x])
            state = {"initial_state": len(self.kinds) - 1}
            self.call(add("GRU", kind, "flat", settings={"units": 4}, many=True), [x], state)

    def use_all(self, count: int) -> None:
        """Give each input to some layer."""
        for i in [i for i in range(count) if i not in self.used]:
            self.call(self.drawing.simple(self.kinds[i]), [i])

    def last_of(self, kind: str) -> int:
        """The last tensor of a kind, made if there is none."""
        made = [i for i in range(1, len(self.kinds)) if self.kinds[i] == kind]
        if not made:
            at = max(i for i in range(len(self.kinds)) if self.kinds[i] != "wide")
            self.call(self.drawing.simple(self.kinds[at], kind), [at])
            return len(self.kinds) - 1
        return made[-1]


# Building


def built(graph: Graph, K: Any) -> Any:
    """The model of a graph, made with the layers of `K`: Keras, or eagerflow."""
    table, made = graph["layers"], {}

    def get(number: int) -> Any:
        if number not in made:
            made[number] = make(table[number], f"number_{number}_{table[number]['class'].lower()}")
        return made[number]

    def make(entry: dict[str, Any], name: str) -> Any:
        if entry["class"] == "Sequential":
            first = [_input(K, entry["takes"], f"{name}_in")] if entry["has_input"] else []
            return K.Sequential([*first, *map(get, entry["chain"])], name=name)
        if entry["class"] == "TimeDistributed":
            return K.layers.TimeDistributed(get(entry["inner"]), name=name)
        if entry["class"] != "Functional":
            return getattr(K.layers, entry["class"])(**entry.get("settings", {}), name=name)
        inputs = [_input(K, kind, f"{name}_x{i}") for i, kind in enumerate(leaves(entry["takes"]))]
        tensors = [*inputs]
        for step in entry["steps"]:
            given, named = (mapped(tensors.__getitem__, step[k]) for k in ("arguments", "kwargs"))
            what = step["call"]
            found = _OPS[what][2](K, *given) if isinstance(what, str) else get(what)(*given, **named)
            tensors += leaves(found)
        ends = mapped(tensors.__getitem__, entry["ends"])
        return K.Model(refilled(entry["takes"], iter(inputs)), ends, name=name)

    return get(len(table) - 1)


def _input(K: Any, kind: str, name: str) -> Any:
    return K.Input(_SHAPES[kind], dtype="int32" if kind == "ids" else "float32", name=name)


def inputs_of(graph: Graph, seed: int) -> Any:
    """Two examples for the graph's model."""
    rng = np.random.default_rng(seed)
    # No masked step where Keras 3 is known to differ: its attention averages over everything where all is masked (here
    # that gives zeros), and its recurrent layers drop the mask when they are given a state.
    steps = [step for layer in graph["layers"] for step in layer.get("steps", [])]
    attends = any(layer["class"] == "MultiHeadAttention" for layer in graph["layers"])
    lowest = int(attends or any(step["kwargs"] for step in steps))

    def drawn(kind: str) -> Any:
        shape = (2, *_SHAPES[kind])
        return (
            rng.integers(lowest, 7, shape).astype("int32")
            if kind == "ids"
            else rng.normal(size=shape).astype("float32")
        )

    return mapped(drawn, graph["layers"][-1]["takes"])


def size_of(graph: Graph) -> int:
    """How much there is to read in it."""
    return sum(1 + len(entry.get("steps", entry.get("chain", []))) for entry in graph["layers"])


def describe(graph: Graph) -> str:
    """The graph as a few lines of Python."""
    lines = []
    for i, entry in enumerate(graph["layers"]):
        if entry["class"] == "Functional":
            calls = "; ".join(f"{_called(s['call'])}{s['arguments']}{s['kwargs'] or ''}" for s in entry["steps"])
            lines.append(f"{i}: Model({entry['takes']}) {calls} -> {entry['ends']}")
        else:
            inside = entry.get("chain", entry.get("inner", ""))
            lines.append(
                f"{i}: {entry['class']}({inside}) {entry.get('settings', '') if inside == '' else ''}".rstrip()
            )
    return "\n".join(f"    {line}" for line in lines)


def _called(what: Any) -> str:
    return what if isinstance(what, str) else f"#{what}"
