"""`model.export("digits.html", format="web")`: a trained model as a page that runs it."""

from __future__ import annotations

import os
import pathlib
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow import Input, Model, Sequential
from eagerflow.base.messages import say
from eagerflow.layers import TextVectorization
from eagerflow.onnx import Converted
from eagerflow.onnx.sizes import Given, given_inputs, packed
from viz.page import data
from viz.web import document, runs, vendored
from viz.web.controls import USUAL_SIZE, input_control, output_control
from viz.web.runs import Layer, Run

__all__ = ["export"]

_SCALING = ("Rescaling", "Normalization")  # layers of models that take pixels up to 255
_CHECKED = 3  # samples that the page compares itself with
_MODES = ("int", "multi_hot", "count", "tf_idf")
_PROBES = 256  # numbers of an output, or of a layer's, that it compares
_MOST_SAMPLES, _MOST_BYTES = 20, 200_000  # in a page of a small model; of a large one they may take more
LOOKED_AT = 256  # samples of which it is known which channels they reach
_BATCH = 32


class _Inputs(NamedTuple):
    """What the model takes: its inputs and their structure, examples, whether the user gave those, and their texts."""

    given: list[Given]
    structure: Any
    arrays: list[Any]
    are_given: bool
    texts: list[str] | None

    def packed(self, arrays: Sequence[Any]) -> Any:
        """Arrays in the model's structure."""
        return packed(self.structure, iter(arrays))

    def sample(self, number: int) -> list[Any]:
        """One sample, as a batch."""
        return [array[number : number + 1] for array in self.arrays]


def export(
    model: Any,
    path: str | os.PathLike[str],
    samples: Any = None,
    labels: Any = None,
    *,
    title: str | None = None,
    input: str | None = None,
    output: str | None = None,
    value_range: tuple[float, float] | None = None,
    features: Sequence[str] | None = None,
    text: Any = None,
    input_signature: Any = None,
    opset_version: int | None = None,
    verbose: bool | int | None = None,
) -> pathlib.Path:
    """Write a model as a page that runs it in a browser; `Model.export(path, format="web")` is the way to call it.

    The file opens by a double click, also without a network: model, runtime and page are in it, and it can reach
    nothing else.

    Args:
        model: a model that `export` can write as ONNX.
        path: a file that ends in `.html`, or a folder, into which files for a web server are written.
        samples: examples of the inputs (of a text model: strings). The reader can choose them, the page compares itself
            with what the model gave for them in Python, and ranges of sliders and pixels are taken from them.
        labels: names of the classes.
        title: what stands at the top; default: the model's name.
        input: how the input is given: `"pad"` (to draw on), `"image"` (by drop, paste or camera), `"sliders"`,
            `"plane"` (two numbers as a place), `"text"` or `"numbers"`; default: what suits its shape.
        output: how the output is shown: `"bars"`, `"number"`, `"image"` or `"picture"`; default: what suits its shape.
        value_range: the lowest and highest value of pixels or sliders; default: from samples.
        features: names of the sliders.
        text: the `TextVectorization` that makes the model's inputs, where the model doesn't begin with one.
        input_signature: as for ONNX.
        opset_version: as for ONNX.
        verbose: whether to say where the page is.

    Returns:
        The path.

    Raises:
        ValueError: for samples and labels that don't fit, or a model that is too large for a page; and for what has no
            ONNX form.

    >>> import os, tempfile
    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export(model, os.path.join(folder, "model.html"), labels=["yes", "no"]).name
    'model.html'
    """
    inner, vectorizer = without_text(model)
    scales = any(type(layer).__name__ in _SCALING for layer in getattr(inner, "layers", ()))
    options = {"labels": labels, "input": input, "output": output}  # how the user chose to have things shown
    options |= {"value_range": value_range, "features": features, "scales": scales}
    vectorizer = vectorizer or text
    inputs = _inputs(inner, samples, input_signature, vectorizer)
    made, first = runs.Watched(inner).converted(input_signature, opset_version)
    content, numbers = _content(inner, inputs, made, first, vectorizer, options)
    content["title"] = content["record"]["title"] = str(title or getattr(model, "name", "model"))
    target = pathlib.Path(path)
    document.write(target, content, _bytes(made), numbers.content())
    if verbose:
        say(f"Saved artifact at {str(target)!r}.")
    return target


def _content(
    model: Any, inputs: _Inputs, made: Converted, first: Any, vectorizer: Any, options: Mapping[str, Any]
) -> tuple[dict[str, Any], Numbers]:
    """The page's data, and its arrays."""
    numbers = Numbers()
    weights = sum([array.nbytes for array in made.graph.constants.values()])
    count = kept(inputs.arrays, weights)
    checked = [runs.run(model, inputs.packed(inputs.sample(i))) for i in range(min(_CHECKED, count))]
    known = runs.places(made, first, checked[0])
    layers = runs.layers_of(checked[0].record, known)
    alive = [None] * len(layers)
    if inputs.are_given:
        alive = alive_channels(lambda batch: runs.run(model, inputs.packed(batch)).arrays(), inputs.arrays, layers)
    content = {
        "model": {"bytes": weights, "weights": int(model.count_params()), "runtime": vendored.about()["version"]},
        **_controls(inputs, made, checked, vectorizer, options),
        "layers": [
            {**layer._asdict(), "alive": None if some is None else some.tolist()} for layer, some in zip(layers, alive)
        ],
        "places": [[tensor, *place] for tensor, place in known.items()],
        "record": data(checked[0].record),
        "samples": {
            "given": inputs.are_given,
            "looked": min(LOOKED_AT, len(inputs.arrays[0])) if inputs.are_given else 0,
            "count": count,
            "arrays": [numbers.add(array[:count]) for array in inputs.arrays],
            "texts": None if inputs.texts is None else inputs.texts[:count],
        },
        "checks": [expected(run, layers, numbers) for run in checked],
    }
    return content, numbers


def _bytes(made: Converted) -> bytes:
    """The ONNX file."""
    with tempfile.TemporaryDirectory() as folder:
        path = made.write(pathlib.Path(folder) / "model.onnx")
        if len(os.listdir(folder)) > 1:
            raise ValueError("export(format='web'): models of more than 1.9 GB don't fit into a browser.")
        return path.read_bytes()


# ---------------------------------------------------------------------- inputs


def _inputs(model: Any, samples: Any, signature: Any, vectorizer: Any) -> _Inputs:
    given, structure = given_inputs(signature, model)
    if samples is None:
        return _Inputs(given, structure, made_up(given), False, None)
    texts = None
    if vectorizer is not None:
        texts = [str(text) for text in numpy.asarray(samples, dtype=object).reshape(-1)]
        samples = numpy.asarray(vectorizer(texts))
        if (length := given[0].shape[1]) is not None:  # cut or padded to the length that the model takes
            samples = numpy.pad(samples[:, :length], [(0, 0), (0, max(0, length - samples.shape[1]))])
    leaves = _leaves(samples, given, structure)
    if len(leaves) != len(given):
        raise ValueError(f"export(samples=...): the model has {len(given)} inputs; got {len(leaves)} arrays.")
    arrays = [_fitting(numpy.asarray(leaf), each) for leaf, each in zip(leaves, given)]
    if len({len(array) for array in arrays}) > 1 or not len(arrays[0]):
        raise ValueError("export(samples=...): expected equally many examples for each input, and at least one.")
    return _Inputs(given, structure, arrays, True, texts)


def _leaves(samples: Any, given: Sequence[Given], structure: Any) -> list[Any]:
    """The arrays of samples, in the order of the inputs: by their names where there are some."""
    if isinstance(samples, Mapping):
        names = list(structure) if isinstance(structure, Mapping) else [each.name for each in given]
        missing = [name for name in names if name not in samples]
        if missing:
            raise ValueError(f"export(samples=...): there are none for the input {missing[0]!r}.")
        return [samples[name] for name in names]
    if len(given) == 1:
        listed = isinstance(samples, (list, tuple)) and len(samples) == 1
        return [samples[0] if listed and numpy.ndim(samples[0]) == len(given[0].shape) else samples]
    return list(samples)


def _fitting(array: Any, given: Given) -> Any:
    wanted = given.shape[1:]
    if array.ndim != len(given.shape) or any(n is not None and n != m for n, m in zip(wanted, array.shape[1:])):
        shape = ", ".join(["n", *["any" if n is None else str(n) for n in wanted]])
        raise ValueError(
            f"export(samples=...): expected examples of shape ({shape}) for {given.name!r}; got {array.shape}."
        )
    return array.astype(given.dtype, copy=False)


# ---------------------------------------------------------------------- what the reader meets


def _controls(
    inputs: _Inputs, made: Converted, checked: Sequence[runs.Run], vectorizer: Any, options: Mapping[str, Any]
) -> dict[str, Any]:
    names, outputs = list(made.graph.inputs), list(made.graph.outputs)
    labels = _labels(options["labels"], outputs)
    small = all(len(each.shape) == 2 for each in inputs.given)
    drawn = options["input"] == "plane" or (small and vectorizer is None and inputs.given[0].shape[1] == 2)
    shown = []
    for number, name in enumerate(outputs):
        examples = numpy.concatenate([numpy.asarray(run.outputs[number]).reshape(-1) for run in checked])
        shape, wanted = checked[0].outputs[number].shape[1:], options["output"] if number == 0 else None
        control = output_control(shape, examples, labels.get(name), wanted, drawn)
        shown.append({"name": name, "shape": list(shape), **control})
    controls = []
    for number, (each, name) in enumerate(zip(inputs.given, names, strict=True)):
        if number == 0 and vectorizer is not None:
            control = described(vectorizer, each.shape[1])
        else:
            array = inputs.arrays[number] if inputs.are_given else None
            wanted = options["input"] if number == 0 else None
            control = input_control(each.shape[1:], each.dtype, array, wanted, options, shown[0]["kind"])
        controls.append({"name": name, "shape": list(each.shape[1:]), "type": each.dtype, **control})
    return {"inputs": controls, "outputs": shown}


def _labels(labels: Any, outputs: Sequence[str]) -> dict[str, Sequence[str]]:
    """Labels by the name of the output; plain ones are those of the first."""
    if labels is None:
        return {}
    if not isinstance(labels, Mapping):
        return {outputs[0]: list(labels)}
    unknown = sorted(set(labels) - set(outputs))
    if unknown:
        raise ValueError(f"export(labels=...): there is no output {unknown[0]!r}; there are {', '.join(outputs)}.")
    return {str(name): list(words) for name, words in labels.items()}


def described(layer: TextVectorization, length: int | None) -> dict[str, Any]:
    """A layer's settings and words."""
    about, lookup = layer.get_config(), layer._lookup_layer
    chosen = [name for name in ("standardize", "split") if not isinstance(about[name], str | None)]
    if chosen:
        raise ValueError(
            f"export(format='web'): the page can't run the Python function that {layer.name!r} has as {chosen[0]}. "
            "Use one of Keras' names for it, or export the model behind it, which takes numbers."
        )
    words, mode = lookup.get_vocabulary(), about["output_mode"]
    if mode not in _MODES:
        raise ValueError(
            f"export(format='web'): {layer.name!r} has output_mode={mode!r}; the page knows "
            f"{', '.join(map(repr, _MODES))}."
        )
    ngrams = None if layer._ngrams is None else list(layer._ngrams)
    if mode == "int":
        length = about["output_sequence_length"] or length
    else:
        length = about["max_tokens"] if about["pad_to_max_tokens"] else len(words)
    weights = None if mode != "tf_idf" or lookup.idf_weights is None else lookup.idf_weights.tolist()
    first = lookup.vocabulary_size() - len(lookup.get_vocabulary(False))
    found = {"mode": mode, "length": length, "words": words, "first": first, "weights": weights}
    return {"kind": "text", "standardize": about["standardize"], "split": about["split"], "ngrams": ngrams, **found}


def without_text(model: Any) -> tuple[Any, TextVectorization | None]:
    """The part of a model behind its `TextVectorization`, and that layer; the model itself where it has none."""
    layers = list(getattr(model, "layers", ()))
    found = next((layer for layer in layers if isinstance(layer, TextVectorization)), None)
    if found is None:
        return model, None
    if isinstance(model, Sequential):
        if layers[0] is not found:
            raise ValueError(f"export(format='web'): {found.name!r} must be the model's first layer.")
        about = described(found, None)
        kind = "int64" if about["mode"] == "int" else "float32"
        return Sequential([Input((about["length"],), dtype=kind), *layers[1:]], name=model.name), found
    return Model(found.output, model.output, name=model.name), found


def made_up(given: Sequence[Any]) -> list[Any]:
    """One example of numbers for each input (name, shape, type), where nobody gave samples."""
    rng = numpy.random.default_rng(5)
    found = []
    for each in given:
        lengths = each.shape[1:]
        usual = USUAL_SIZE if len(lengths) == 3 else 16  # of a sequence
        shape = [1, *[n or usual for n in lengths]]
        kind = numpy.dtype(each.dtype).kind
        found.append((rng.random(shape) if kind == "f" else rng.integers(0, 2, shape)).astype(each.dtype))
    return found


def kept(samples: Sequence[Any], weights: int) -> int:
    """How many samples travel along: at most 20, and what they take is little compared with the weights."""
    sizes = [len(zlib.compress(numpy.asarray(array[0]).tobytes(), 1)) for array in samples]
    most = max(_MOST_BYTES, weights // 10)
    return max(1, min(_MOST_SAMPLES, len(samples[0]), most // max(sum(sizes), 1)))


def probe(array: Any) -> Any:
    """Numbers of an array at equal distances: the page looks at the same places.

    >>> import numpy
    >>> probe(numpy.arange(640)).tolist()[:5]
    [0, 2, 5, 7, 10]
    """
    flat = numpy.asarray(array).reshape(-1)
    count = min(_PROBES, flat.size)
    return flat[numpy.arange(count) * flat.size // max(count, 1)]


def expected(run: Run, layers: Sequence[Layer], numbers: Numbers) -> dict[str, Any]:
    """What the page must get for one sample: parts of outputs and layers, and the largest number in each."""
    arrays = run.arrays()
    return {
        "outputs": [_part(array, numbers) for array in run.outputs],
        "layers": [_part(arrays[layer.tensor], numbers) for layer in layers],
    }


def _part(array: Any, numbers: Numbers) -> dict[str, Any]:
    array = numpy.asarray(array)
    largest = float(numpy.abs(array[numpy.isfinite(array)].astype(float)).max(initial=0.0))
    if array.size == 1 and largest < 1 and array.dtype.kind == "f":
        largest = 1.0  # one share alone, as of a sigmoid, may be tiny: what is left of the whole is rounded, too
    return {**numbers.add(probe(array).astype("float32")), "largest": largest}


def alive_channels(
    call: Callable[[Sequence[Any]], dict[int, Any]], samples: Sequence[Any], layers: Sequence[Layer]
) -> list[Any]:
    """For each layer and channel, whether a sample makes anything but zeros there."""
    found: list[Any] = [None] * len(layers)
    for begin in range(0, min(len(samples[0]), LOOKED_AT), _BATCH):
        arrays = call([array[begin : begin + _BATCH] for array in samples])
        for number, layer in enumerate(layers):
            array = numpy.asarray(arrays[layer.tensor])
            some = (array != 0).any(axis=tuple(range(array.ndim - 1)))
            found[number] = some if found[number] is None else found[number] | some
    return found


class Numbers:
    """Collects arrays; the page finds each by where it begins, its type and its shape."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, array: Any) -> dict[str, Any]:
        """Add an array; where the page finds it."""
        array = numpy.ascontiguousarray(array)
        content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        found = {"at": self._length, "type": array.dtype.name, "shape": list(array.shape)}
        padding = -len(content) % 8  # typed arrays of browsers begin at multiples of it
        self._parts.append(content + b"\0" * padding)
        self._length += len(content) + padding
        return found

    def content(self) -> bytes:
        """All of them."""
        return b"".join(self._parts)
