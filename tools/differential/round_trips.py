"""Models of random graphs through files and configurations, here and between Keras and here: the same predictions."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tools.differential.graphs import Graph, built, inputs_of, leaves, mapped

__all__ = ["WAYS", "Begun", "explains", "trip"]

_REFUSAL = re.compile(r"(FileFormatError|NotImplementedError|TypeError|UnknownNameError|ValueError|WrongTypeError): .+")
Way = Callable[[Any, Any, Path, Callable[[], Any]], Any]


def _file(ending: str, **settings: Any) -> Way:
    def way(model: Any, K: Any, folder: Path, again: Callable[[], Any]) -> Any:
        model.save(folder / f"model{ending}", **settings)
        return K.models.load_model(folder / f"model{ending}")

    return way


def _weights(ending: str) -> Way:
    def way(model: Any, K: Any, folder: Path, again: Callable[[], Any]) -> Any:
        model.save_weights(folder / f"model{ending}")
        fresh = again()
        fresh.load_weights(folder / f"model{ending}")
        return fresh

    return way


def _described(change: Callable[[Any, Any], Any]) -> Way:
    def way(model: Any, K: Any, folder: Path, again: Callable[[], Any]) -> Any:
        fresh = change(model, K)
        fresh.set_weights(model.get_weights())
        return fresh

    return way


WAYS: dict[str, Way] = {
    ".keras": _file(".keras"),
    ".h5": _file(".h5"),
    "folder": _file("", zipped=False),
    ".weights.h5": _weights(".weights.h5"),
    ".safetensors": _weights(".safetensors"),
    "to_json": _described(lambda model, K: K.models.model_from_json(model.to_json())),
    "get_config": _described(lambda model, K: type(model).from_config(model.get_config())),
    "clone_model": _described(lambda model, K: K.models.clone_model(model)),
}


class Begun:
    """The model of a graph, with weights of its own, and what it answers.

    Args:
        graph: the graph.
        seed: of the weights and of the inputs.
        K: what makes the model, Keras or eagerflow.
    """

    def __init__(self, graph: Graph, seed: int, K: Any) -> None:
        self.graph, self.K, self.inputs = graph, K, inputs_of(graph, seed)
        self.model, rng = built(graph, K), np.random.default_rng(seed)
        drawn = [rng.normal(scale=0.6, size=tuple(w.shape)) for w in self.model.weights]
        positive = ["variance" in w.name for w in self.model.weights]
        self.model.set_weights([np.abs(x) + 0.1 if above_0 else x for x, above_0 in zip(drawn, positive, strict=True)])
        self.expected = answers(self.model, K, self.inputs)


def answers(model: Any, K: Any, inputs: Any) -> Any:
    """The model's outputs as arrays, in their structure."""
    return mapped(K.ops.convert_to_numpy, model(inputs))


def difference(found: Any, expected: Any) -> str | None:
    """What differs in two answers."""
    if _shape_of(found) != _shape_of(expected):
        return f"outputs of another structure, {_shape_of(found)} instead of {_shape_of(expected)}"
    for i, (a, b) in enumerate(zip(leaves(found), leaves(expected), strict=True)):
        if a.shape != b.shape:
            return f"output {i}: shape {a.shape} instead of {b.shape}"
        if not np.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True):
            return f"output {i} is another one, by {np.abs(a - b).max():.2g}"
    return None


def _shape_of(structure: Any) -> str:
    """Tuples become lists in files, and Keras sorts the keys of dicts."""
    return json.dumps(mapped(lambda leaf: 0, structure), sort_keys=True)


def trip(begun: Begun, way: str, target: Any) -> str | None:
    """What goes wrong when the model becomes one of `target`; None where nothing does.

    With `way="weights"` the target makes the model of the graph, and takes the weights.
    """
    model, K = begun.model, begun.K
    with tempfile.TemporaryDirectory() as folder:
        try:
            if way == "weights":
                found = built(begun.graph, target)
                found.set_weights(model.get_weights())
            elif K is target:
                found = WAYS[way](model, K, Path(folder), lambda: built(begun.graph, K))
            else:
                model.save(Path(folder) / f"model{way}")
                found = target.models.load_model(Path(folder) / f"model{way}")
            differs = difference(answers(found, target, begun.inputs), begun.expected)
            if differs is None and model.count_params() != found.count_params():
                return f"has {found.count_params()} weights instead of {model.count_params()}"
            return differs
        except Exception as error:  # noqa: BLE001 # any failure is a finding
            return f"{type(error).__name__}: {error}"


def explains(own: str | None, finding: str) -> bool:
    """Whether what Keras makes of its own file explains what was found here: its refusals explain refusals alone.

    Its `.h5` doesn't hold which layers stand in several models: each has weights of its own then, of the same values.
    """
    if own is None:
        return False
    return _REFUSAL.match(finding) is not None or _REFUSAL.match(own) is None or finding.startswith("has ")
