"""Text in front of a model: what a program needs to do what the text layers do, as data.

ONNX files hold numbers. So a model that takes strings is exported from the results of its text layers on, which become
inputs of the file, and what those layers do is told in JSON: beside the file, and inside as its metadata.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.base import tree
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layer.symbolic.text_type import is_text

__all__ = ["Reading", "as_json", "beside", "described", "is_text", "of_input", "readers", "samples", "told"]

_COMMON = "Anna saw the old Film, twice: it was good... 7 of 10!".split()


class Reading(NamedTuple):
    """A call of a layer that takes text.

    Attributes:
        layer: the layer.
        seen: what it gave.
        texts: the arrays it was given.
    """

    layer: Any
    seen: Any
    texts: list[Any]


def beside(path: pathlib.Path) -> pathlib.Path:
    """Where the description of text layers lies: `m.text.json` for `m.onnx`."""
    return path.with_suffix(".text.json")


# ---------------------------------------------------------------------- telling


def described(layer: Any) -> dict[str, Any]:
    """What a text layer does, as values that JSON knows.

    Args:
        layer: `TextVectorization`, `StringLookup`, `Hashing` or `HashedCrossing`.

    >>> import eagerflow as ef
    >>> layer = ef.layers.TextVectorization(vocabulary=["good", "film"], output_sequence_length=4)
    >>> about = described(layer)
    >>> about["vocabulary"], about["standardize"], about["sequence_length"]
    (['', '[UNK]', 'good', 'film'], 'lower_and_strip_punctuation', 4)
    """
    kind = type(layer).__name__
    told = {"layer": kind, "name": layer.name}
    if kind == "TextVectorization":
        return {**told, **_of_vectorization(layer)}
    if hasattr(layer, "get_vocabulary"):
        return {**told, **_of_lookup(layer)}
    settings = {name: getattr(layer, name, None) for name in ("num_bins", "mask_value", "salt", "output_mode")}
    return {**told, **settings}


def _of_lookup(layer: Any) -> dict[str, Any]:
    names = "mask_token oov_token num_oov_indices output_mode pad_to_max_tokens max_tokens salt encoding".split()
    weights = layer.idf_weights
    return {
        "vocabulary": layer.get_vocabulary(),
        "first_token": layer.vocabulary_size() - len(layer.get_vocabulary(False)),
        **{name: getattr(layer, name, None) for name in names},
        "idf_weights": None if weights is None else numpy.asarray(weights).tolist(),
    }


def _of_vectorization(layer: Any) -> dict[str, Any]:
    config = layer.get_config()
    told = _of_lookup(layer._lookup_layer)
    kept = ("vocabulary", "first_token", "output_mode", "idf_weights", "max_tokens", "pad_to_max_tokens", "encoding")
    ngrams = layer._ngrams
    return {
        "standardize": _plain(config["standardize"]),
        "split": _plain(config["split"]),
        "ngrams": None if ngrams is None else list(ngrams),
        "sequence_length": config["output_sequence_length"],
        **{name: told[name] for name in kept},
    }


def _plain(setting: Any) -> Any:
    """A name, or what stands for a function of the user's own, which a file can't hold."""
    return setting if setting is None or isinstance(setting, str) else {"function": str(setting)[:200]}


def told(readings: Sequence[Reading], names: Sequence[str], inputs: dict[int, str]) -> dict[str, Any]:
    """The whole description.

    Args:
        readings: the calls of text layers.
        names: of the file's inputs that stand for what they gave.
        inputs: names of the model's inputs, by the identity of the arrays.
    """
    found = []
    for reading, name in zip(readings, names):
        reads = [inputs.get(id(array)) for array in reading.texts]
        found.append({"input": name, "reads": [each for each in reads if each], **described(reading.layer)})
    return {"format": "eagerflow text", "version": 1, "inputs": found}


def as_json(about: dict[str, Any]) -> str:
    """The description as text."""
    return json.dumps(about, ensure_ascii=False, default=str)


# ---------------------------------------------------------------------- texts to run with


def readers(model: Any) -> list[Any]:
    """The text layers of a model, those inside of other layers too."""
    layers = list(getattr(model, "_flatten_layers", list)())
    return [layer for layer in layers if hasattr(layer, "get_vocabulary")]


def of_input(model: Any, number: int) -> list[Any]:
    """The layers that read an input, by its number; all text layers where no graph tells."""
    graph = getattr(model, "_graph", None)
    return readers(model) if graph is None else list(_reading(graph, graph.inputs[number]))


def _reading(graph: Any, x: SymbolicTensor) -> Iterator[Any]:
    for node in graph.nodes:
        given = [leaf for leaf in tree.flatten((node.args, node.kwargs)) if isinstance(leaf, SymbolicTensor)]
        for place, leaf in enumerate(given):
            if leaf.origin != x.origin:
                continue
            inner = getattr(node.operation, "_graph", None)
            if inner is None:
                yield node.operation
            else:
                yield from _reading(inner, inner.inputs[place])


def samples(layers: Sequence[Any], shape: tuple[int, ...], words: int, rng: Any) -> Any:
    """Texts of words that the layers know, and of some that they don't, if they take such.

    Args:
        layers: which read them.
        shape: of the array.
        words: how many the longest text has.
        rng: NumPy's generator.
    """
    known = [str(w) for layer in layers if hasattr(layer, "get_vocabulary") for w in layer.get_vocabulary()[-500:]]
    strict = any(getattr(layer, "num_oov_indices", 1) == 0 for layer in layers)
    pool = [w for w in known if w.strip()] if strict else [w for w in known if w.strip()] + _COMMON
    split = [getattr(layer, "_split", None) for layer in layers if type(layer).__name__ == "TextVectorization"]
    several = bool(split) and split[0] is not None
    glue = "" if split and split[0] == "character" else " "
    count = int(numpy.prod(shape))
    found = []
    for i in range(count):
        length = (words if i == 0 else int(rng.integers(1, words + 1))) if several else 1
        chosen = [str(rng.choice(pool or _COMMON)) for _ in range(length)]
        found.append("".join(word[0] for word in chosen) if several and not glue else glue.join(chosen))
    return numpy.array(found, object).reshape(shape)
