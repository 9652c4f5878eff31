"""`viz.explain`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy

from eagerflow.core.observe import unobserved
from viz.attribution import methods
from viz.attribution.explanation import Explanation, Part
from viz.attribution.question import Question, Source
from viz.attribution.shapes import axes_of, interpolated, kind_of
from viz.boundary import boundary
from viz.facts.formatting import nearest, shape
from viz.frameworks import only_eagerflow
from viz.frameworks.owners import layer_role

__all__ = ["explain"]

_METHODS = ("gradient", "integrated", "gradcam", "occlusion")


@boundary
def explain(
    model: Any,
    x: Any,
    method: Literal["gradient", "integrated", "gradcam", "occlusion"] = "gradient",
    target: Any = None,
    *,
    baseline: Any = None,
    steps: int | None = None,
    tolerance: float = 0.01,
    layer: Any = None,
    window: Any = None,
    stride: Any = None,
    output: Any = None,
    logits: bool = False,
) -> Explanation:
    """Shows which parts of each sample a model's output is based on (feature attribution).

    The model itself is called, with `training=False`; nothing is rebuilt. Inputs that an `Embedding` looks up (tokens,
    text) are explained by the vectors that it returns for them. The output of a row is assumed to depend only on that
    row, as it does outside of training.

    Args:
        model: a model, a layer, or a function of tensors.
        x: the inputs: an array with one row per sample, or a list, tuple or dict of arrays.
        method: `"gradient"`: how the output changes with each number. `"integrated"`: integrated gradients, which add
            up to the output minus that for the baseline. `"gradcam"`: where those channels of the last convolution are
            active that increase the output. `"occlusion"`: how much the output falls when a window is hidden.
        target: the element of the output to explain: a class, a list of classes with one for each row, a tuple of
            positions where outputs have several axes, or a function of the outputs that returns one number per row.
            None: the largest element of each row.
        baseline: for `"integrated"` and `"occlusion"`, the input that stands for missing information: a number or an
            array; for an embedded input, 0 for vectors of zeros, or integers to look up. Default: zeros.
        steps: for `"integrated"`, the number of steps that the path from the baseline to the sample is divided into.
            None: as many as needed, from 32 to 2,048, or up to 65,536 for small inputs.
        tolerance: for `"integrated"`, the largest relative error of the sum. If it is exceeded, a RuntimeWarning and
            the text say so.
        layer: for `"gradcam"`, another layer than the last convolution, or its name.
        window: for `"occlusion"`, the size of the hidden window. Default: an eighth of each axis; one token or column.
        stride: for `"occlusion"`, the distance from one window to the next. Default: half a window.
        output: for models with several outputs, the name or position of one.
        logits: whether to explain the input of the last softmax or sigmoid instead of the probability, which hardly
            changes when it is near 0 or 1.

    Returns:
        An `Explanation`: print it, draw it, or use its `values`.

    Raises:
        ValueError: for another method; for a target, layer, window or baseline that doesn't fit; when there is no
            gradient.

    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
    >>> found = viz.explain(model, [[1.0, 2.0], [0.0, 3.0]], "integrated")
    >>> found.values.tolist(), found.score.tolist()
    ([[1.0, 2.0], [0.0, 3.0]], [3.0, 3.0])
    """
    only_eagerflow("viz.explain", model)
    if method not in _METHODS:
        known = ", ".join(map(repr, _METHODS))
        raise ValueError(f"viz.explain(method={method!r}): expected one of {known}{nearest(str(method), _METHODS)}")
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise ValueError(f"viz.explain(steps={steps!r:.60}): expected a whole number from 1 on, or None")
    if not isinstance(tolerance, (int, float)) or not 0 < tolerance:
        raise ValueError(f"viz.explain(tolerance={tolerance!r:.60}): expected a number above 0 such as 0.01")
    with unobserved():
        question = Question(model, x, target, output, logits, layer)
        name = str(getattr(model, "name", "") or getattr(model, "__name__", "") or type(model).__name__)
        told: dict[str, Any] = {
            "method": method,
            "target": question.target.chosen,
            "score": question.scores,
            "model": name,
        }
        if method == "gradcam":
            return _by_places(question, layer, told)
        if method == "gradient":
            found = methods.gradient(question)
        elif method == "integrated":
            found = methods.integrated(question, _baselines(question, baseline), steps, tolerance)
        else:
            found = methods.occlusion(question, _baselines(question, baseline), window, stride)
        parts = [_part(source, values, method) for source, values in zip(question.sources, found.values)]
        kept = [part for part in parts if part is not None]
        notes = [*_mixed(question), *found.notes]
        notes += [
            f"the answer doesn't depend on {s.name} by any gradient"
            for s, p in zip(question.sources, parts)
            if p is None
        ]
        return Explanation(**told, parts=kept, base=found.base, gap=found.gap, steps=found.steps, notes=notes)


def _part(source: Source, values: numpy.ndarray | None, method: str) -> Part | None:
    if values is None:
        return None
    placed = [axis + 1 for axis in axes_of(source)]
    summed = tuple([axis for axis in range(1, values.ndim) if axis not in placed])
    channels = math.prod([values.shape[axis] for axis in summed])
    if method == "gradient" and channels > 1:  # a sum would let channels cancel each other
        places = numpy.sqrt((values.astype("float64") ** 2).sum(axis=summed))
    elif method == "occlusion":  # the same for all channels, which were hidden together
        places = values.mean(axis=summed)
    else:
        places = values.sum(axis=summed)
    return Part(source.name, kind_of(source), source.data, source.ids, values, places, method)


def _by_places(question: Question, layer: Any, told: dict[str, Any]) -> Explanation:
    found = question.survey.convolution if layer is None else question.survey.layer
    if found is None:
        asked = "the model ran no convolution" if layer is None else f"the model ran no layer {_name(layer)!r}"
        known = ", ".join([f"{name} {shape(lengths)}" for name, lengths in question.survey.layers.items()])
        hint = f"name one whose output has places with layer=...: {known}" if known else "no layer's output has places"
        near = nearest(_name(layer), question.survey.layers)
        raise ValueError(f"viz.explain(method='gradcam'): {asked}; {hint}{near}")
    place, owner = found
    lengths = question.survey.layers.get(place.name, (0, 0, 0))
    if len(lengths) < 3:
        raise ValueError(
            f"viz.explain(method='gradcam', layer={place.name!r}): its output has no places; name a layer whose "
            "output has the shape (rows, ..., channels)"
        )
    first = layer_role(owner) == "convolution" and owner.data_format == "channels_first"
    values = methods.gradcam(question, place, 1 if first else -1)
    source = next((s for s in question.sources if len(axes_of(s)) == values.ndim - 1), question.sources[0])
    lengths = tuple([source.data.shape[axis + 1] for axis in axes_of(source)])
    places = interpolated(values, lengths) if len(lengths) == values.ndim - 1 else values
    part = Part(source.name, kind_of(source), source.data, source.ids, values, places, "gradcam")
    silent = int((~values.reshape(len(values), -1).any(axis=1)).sum())
    note = f"nothing in {silent} of {len(values)} rows: there, the layer's channels speak against the answer on average"
    return Explanation(**told, parts=[part], layer=place.name, notes=[*_mixed(question), *([note] if silent else [])])


def _mixed(question: Question) -> list[str]:
    note = (
        "a row alone has another answer: rows of a batch mix in this model (explain one by one), or it draws random "
        "numbers"
    )
    return [note] if question.mixes else []


def _name(layer: Any) -> str:
    return str(getattr(layer, "name", layer))


# ---------------------------------------------------------------------- baselines


def _baselines(question: Question, given: Any) -> list[numpy.ndarray]:
    sources = question.sources
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in [source.name for source in sources]]
        if unknown:
            known = ", ".join([repr(source.name) for source in sources])
            raise ValueError(f"viz.explain(baseline): there is no {unknown[0]!r}; expected some of {known}")
        each = [given.get(source.name) for source in sources]
    elif len(sources) > 1 and isinstance(given, (list, tuple)):
        if len(given) != len(sources):
            raise ValueError(f"viz.explain(baseline): expected {len(sources)} baselines, got {len(given)}")
        each = list(given)
    else:
        each = [given] * len(sources)
    return [_baseline(question, source, value) for source, value in zip(sources, each)]


def _baseline(question: Question, source: Source, given: Any) -> numpy.ndarray:
    if given is None:
        return numpy.zeros_like(source.data)
    array = numpy.asarray(getattr(given, "numpy", lambda: given)())
    if source.place is not None and array.dtype.kind in "iu":
        return question.embedded(source, array)
    try:
        return numpy.broadcast_to(array.astype(source.data.dtype), source.data.shape)
    except (ValueError, TypeError):
        raise ValueError(
            f"viz.explain(baseline): expected numbers of a shape that fits {source.data.shape} ({source.name}), got "
            f"{array.dtype} of shape {array.shape}"
        ) from None
