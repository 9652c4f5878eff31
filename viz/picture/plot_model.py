"""`plot_model` and `model_to_dot`, with Keras' signatures: pictures of a model's layers.

Unlike Keras', they draw subclassed models too (from a run on zeros), and need no installed Graphviz.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from eagerflow.models.summary import in_range
from viz.boundary import boundary
from viz.facts.tables import summary as tables
from viz.facts.text_table import Text
from viz.frameworks.objects import is_layer
from viz.geometry.graph import Cluster, Graph
from viz.picture.architecture import Shown, architecture, has_parts_alone, trial
from viz.picture.drawing import Drawing
from viz.recorder.model_inputs import symbolic_ends

__all__ = ["model_to_dot", "plot_model", "summary"]

_SPLINES = ("ortho", "curved", "polyline", "spline", "line")


@boundary
def summary(model: Any, inputs: Any = None) -> Text:
    """A table of a model's layers, from one call: output shapes, weights, FLOPs, times, bytes of activations.

    Args:
        model: any model or layer, also a subclassed one.
        inputs: the inputs to call it with; default: one sample of zeros, of the shape that it was built with.

    Returns:
        A text, which a prompt or notebook shows as a table. For other code, record it with `viz.trace` and use
        `Recording.summary`.

    Raises:
        ValueError: when there are no inputs and the model's input shape is unknown.

    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2, name="d")], name="m")
    >>> print(viz.summary(model).splitlines()[4].split()[:6])
    ['d', '(Dense)', '1×2', '10', '1', '18']
    """
    return tables.summary(trial(model, inputs))


@boundary
def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    layer_range: Sequence[str] | None = None,
    *,
    inputs: Any = None,
    **kwargs: Any,
) -> Drawing:
    """Draws the layers of a model.

    Args:
        model: a built model: Sequential, functional or subclassed. For a model without `call`, such as a GAN with only
            a `train_step`, its layers and models are drawn.
        show_shapes: whether to show the shapes of inputs and outputs.
        show_dtype: whether to show the types of outputs.
        show_layer_names: whether to show the names of layers besides their classes.
        rankdir: the direction of the forward pass: `"TB"`, `"BT"`, `"LR"` or `"RL"`.
        expand_nested: whether to show the layers of nested models, in a frame.
        dpi: dots per inch of PNG files.
        subgraph: whether to put a frame with the model's name around everything.
        show_layer_activations: whether to show the activations of layers that have them as a setting.
        show_trainable: whether to show if weights are trained.
        splines: how Graphviz bends arrows, where it makes the layout (see `Drawing.source`).
        layer_range: the names of the first and the last layer of a Sequential or functional model to draw, in the order
            of `model.layers`. They may be regular expressions, which match the beginning of a name. Default: all.
        inputs: the inputs to call a subclassed model with; default: zeros of the shape that it was built with.
        **kwargs: none; older arguments of Keras raise an error that explains them.

    Returns:
        A `Drawing`: `source` or `to_string()` give it in Graphviz' language, `save(path)` writes a file.

    Raises:
        ValueError: when the model isn't built, when no layer has a name of `layer_range`, or for an unknown argument.

    >>> import eagerflow as ef
    >>> import viz
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2, name="d")], name="m")
    >>> viz.model_to_dot(model, show_shapes=True)
    <Drawing 'm': 2 boxes, 1 arrows; save(path) writes svg, png, pdf or dot>
    """
    if kwargs:
        raise ValueError(f"model_to_dot(): unknown arguments {', '.join(kwargs)}")
    if splines not in _SPLINES:
        raise ValueError(f"splines={splines!r}: expected one of {', '.join(map(repr, _SPLINES))}")
    if not getattr(model, "built", True) and inputs is None and not has_parts_alone(model):
        raise ValueError(
            f"{type(model).__name__} {getattr(model, 'name', '')!r} is not built yet: it has not been called itself. "
            "Call model.build(input_shape), or call the model on a batch of data, then draw it; or give a batch here: "
            "inputs=x."
        )
    shown = Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    layers = None if layer_range is None else _layers_between(model, layer_range)
    made = architecture(model, shown, expand_nested, inputs, layers)
    made.splines = splines
    if subgraph:
        _framed(made)
    return Drawing(made, rankdir, dpi)


def _layers_between(model: Any, layer_range: Sequence[str]) -> list[Any]:
    if symbolic_ends(model) is None:
        raise ValueError(f"layer_range: {type(model).__name__} {model.name!r} isn't a Sequential or functional model.")
    return in_range("plot_model", list(model.layers), layer_range)


def _framed(graph: Graph) -> None:
    outer = Cluster("whole", None, graph.title, kind="model")
    for node in graph.nodes.values():
        node.cluster = node.cluster or outer.id
    for cluster in graph.clusters.values():
        cluster.parent = cluster.parent or outer.id
    graph.clusters = {outer.id: outer, **graph.clusters}


@boundary
def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] | None = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    layer_range: Sequence[str] | None = None,
    *,
    inputs: Any = None,
    **kwargs: Any,
) -> Drawing:
    """Draws the layers of a model, and writes the picture to a file.

    Args:
        model: see `model_to_dot`.
        to_file: the path of the file, which ends in `.png`, `.svg`, `.pdf` or `.dot`; without an ending, it is a PNG.
            None: no file.
        show_shapes: see `model_to_dot`.
        show_dtype: see `model_to_dot`.
        show_layer_names: see `model_to_dot`.
        rankdir: see `model_to_dot`.
        expand_nested: see `model_to_dot`.
        dpi: see `model_to_dot`.
        show_layer_activations: see `model_to_dot`.
        show_trainable: see `model_to_dot`.
        splines: see `model_to_dot`.
        layer_range: see `model_to_dot`.
        inputs: see `model_to_dot`.
        **kwargs: none.

    Returns:
        The `Drawing`, which notebooks show.

    Raises:
        ValueError: when the model isn't built, or for an unknown argument.
        viz.RendererMissing: for PDF without CairoSVG; the message says how to get it.

    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2, name="d")], name="m")
    >>> viz.plot_model(model, to_file=None, show_shapes=True)
    <Drawing 'm': 2 boxes, 1 arrows; save(path) writes svg, png, pdf or dot>
    """
    if not is_layer(model):
        raise TypeError(f"plot_model(model): expected a model or layer; got {type(model).__name__}")
    drawing = model_to_dot(
        model,
        show_shapes,
        show_dtype,
        show_layer_names,
        rankdir,
        expand_nested,
        dpi,
        False,
        show_layer_activations,
        show_trainable,
        splines,
        layer_range,
        inputs=inputs,
        **kwargs,
    )
    if to_file is not None:
        name = os.fspath(to_file)
        drawing.save(name if os.path.splitext(name)[1] else f"{name}.png")
    return drawing
