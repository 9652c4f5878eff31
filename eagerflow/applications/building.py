"""From a row of a table to a model: arguments checked, blocks called, weights loaded.

A `Family` says how the networks of one paper are built. Called with what makes one network of it, a row of its
table, it gives the function that users call.
"""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from eagerflow import activations, layers
from eagerflow.applications.imagenet_utils import obtain_input_shape
from eagerflow.applications.published import Published, published
from eagerflow.base.config import image_data_format
from eagerflow.base.errors import MissingFileError, expect_one_of, signature_of
from eagerflow.base.tracebacks import boundary
from eagerflow.layer.session import get_source_inputs, is_keras_tensor
from eagerflow.models import Model

__all__ = ["STANDARD", "Chosen", "Family", "classified", "unnamed"]

STANDARD = "include_top weights input_tensor input_shape pooling classes classifier_activation name"

# By argument: its default, and what it means. A family says which of them its functions take.
_ARGUMENTS: dict[str, tuple[Any, str]] = {
    "alpha": (1.0, "a factor of the number of channels."),
    "classes": (1000, "how many classes the top tells apart."),
    "classifier_activation": ("softmax", "of the top; None for logits."),
    "depth_multiplier": (1, "how many channels a depthwise convolution makes of each."),
    "dropout": (0.001, "the share of numbers dropped before the classifier."),
    "dropout_rate": (0.2, "the share of numbers dropped before the classifier."),
    "include_preprocessing": (True, "whether the model itself prepares images, given as numbers from 0 to 255."),
    "include_top": (True, "whether the classifier is part of the model."),
    "input_shape": (None, "the shape of an image, such as `(224, 224, 3)`; without a top, sides may be None."),
    "input_tensor": (None, "what `Input` or a layer gave, as the images."),
    "minimalistic": (False, "without squeeze and excitation, hard swish and 5 × 5 convolutions."),
    "name": (None, "the model's name."),
    "pooling": (None, 'without a top: `"avg"` or `"max"` over all places; None keeps them.'),
    "weights": ("imagenet", '`"imagenet"`: published ones, None: random ones, or the path of a file of weights.'),
}


class Chosen(SimpleNamespace):
    """The arguments that a user gave, and what the row says: `function`, `title`, `size` and what its family needs."""

    def __getattr__(self, name: str) -> Any:  # for type checkers
        raise AttributeError(name)


def classified(x: Any, chosen: Chosen, average: str | None = "avg_pool", **settings: Any) -> Any:
    """The top of most networks: an average, where it has a name, and a dense layer."""
    x = layers.GlobalAveragePooling2D(name=average)(x) if average != "" else x
    return layers.Dense(chosen.classes, activation=chosen.classifier_activation, name="predictions", **settings)(x)


unnamed = partial(classified, average=None)  # for the top whose average has no name


@dataclass(frozen=True)
class Family:
    """How the networks of one paper are built.

    Attributes:
        module: where their functions stand; its docstring is what their descriptions begin with.
        body: from images to features.
        top: from features to classes.
        arguments: what the functions take, in Keras' order.
        size: the default side of images.
        smallest: the smallest side.
        pooled: whether the layers for `pooling` are called `avg_pool` and `max_pool`.
        fixed: whether the sides of images must be known for a top.
        channels_last_only: as the weights are.
        check: refuses arguments that the family can't build with, and may change them.
        name: the model's name where the user gives none.
        file: the published weights.
        end: what comes after `pooling`.
    """

    module: str
    body: Callable[[Any, Chosen], Any]
    top: Callable[[Any, Chosen], Any] = classified
    arguments: str = STANDARD
    size: int = 224
    smallest: int = 32
    pooled: bool = True
    fixed: bool = True
    channels_last_only: bool = False
    check: Callable[[Chosen], None] = lambda chosen: None
    name: Callable[[Chosen], str | None] = lambda chosen: chosen.title
    file: Callable[[Chosen], Published] = lambda chosen: published(chosen.title, chosen.include_top)
    end: Callable[[Any], Any] = lambda x: x

    def __call__(self, function: str, title: str | None, size: int = 0, **settings: Any) -> Callable[..., Model]:
        """The function for a row.

        Args:
            function: its name.
            title: the name of the model.
            size: the default side of images.
            **settings: what tells it from others of its family.
        """
        kind, names = inspect.Parameter.POSITIONAL_OR_KEYWORD, self.arguments.split()
        defaults = {**{name: _ARGUMENTS[name][0] for name in names}, "name": title}
        signature = inspect.Signature([inspect.Parameter(name, kind, default=defaults[name]) for name in names])

        def build(*args: Any, **kwargs: Any) -> Model:
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise TypeError(f"{function}: {error}. It takes {', '.join(names)}.") from None
            row = {"function": function, "title": title, "size": size or self.size, **settings}
            return self._built(Chosen(**row, **{**defaults, **given}))

        build.__module__, build.__name__, build.__qualname__ = self.module, function, function
        build.__doc__ = "\n".join(
            [
                (sys.modules[self.module].__doc__ or "").partition("\n\n")[2],
                "Args:",
                *[f"    {name}: {_ARGUMENTS[name][1]}" for name in names],
                "\nReturns:\n    A functional model.\n\nRaises:",
                "    ValueError: for arguments that don't go together, naming them.",
                "    ConnectionError: when published weights can't be downloaded; says which file goes where.\n",
                f"Example::\n\n    model = {function}(weights=None, include_top=False, pooling='avg')",
            ]
        )
        vars(build)["__signature__"] = signature
        return boundary(build)

    def _built(self, chosen: Chosen) -> Model:
        _check(self, chosen)
        self.check(chosen)
        flat = chosen.include_top and self.fixed
        side = (chosen.size, self.smallest, image_data_format(), flat, chosen.weights, chosen.function)
        chosen.input_shape = obtain_input_shape(chosen.input_shape, *side)
        path = chosen.weights
        if path == "imagenet":
            instead = ", or give weights=None or the path of a file"
            path = self.file(chosen).path(f"{chosen.function}(weights='imagenet')", instead)
        images = layers.Input(shape=chosen.input_shape) if chosen.input_tensor is None else chosen.input_tensor
        x = self.body(images, chosen)
        if chosen.include_top:
            x = self.top(x, chosen)
        else:
            name = f"{chosen.pooling}_pool" if self.pooled else None
            kind = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}.get(chosen.pooling)
            x = self.end(x if kind is None else kind(name=name)(x))
        sources = get_source_inputs(images)
        model = Model(sources[0] if len(sources) == 1 else sources, x, name=chosen.name or self.name(chosen))
        if path is not None:
            model.load_weights(path)
        return model


def _check(family: Family, chosen: Chosen) -> None:
    """Refuse arguments that don't go together, before anything is built."""
    where, weights = chosen.function, chosen.weights
    if family.channels_last_only and image_data_format() == "channels_first":
        raise ValueError(f"{where}: expected images with channels last. Fix: set_image_data_format('channels_last').")
    is_file = isinstance(weights, (str, os.PathLike)) and Path(weights).exists()
    if weights not in (None, "imagenet") and not is_file:
        raise MissingFileError(f"{where}(weights={weights!r:.200}): expected None, 'imagenet' or the path of a file.")
    if isinstance(chosen.classes, bool) or not isinstance(chosen.classes, int) or chosen.classes < 1:
        raise ValueError(f"{where}(classes={chosen.classes!r:.60}): expected an integer of at least 1.")
    expect_one_of(where, "include_top", chosen.include_top, (True, False))
    expect_one_of(where, "pooling", chosen.pooling, (None, "avg", "max"))
    if chosen.input_shape is not None and not isinstance(chosen.input_shape, (tuple, list)):
        raise ValueError(f"{where}(input_shape={chosen.input_shape!r:.80}): expected a tuple of three integers.")
    if chosen.include_top and weights == "imagenet" and chosen.classes != 1000:
        raise ValueError(
            f"{where}(classes={chosen.classes}): weights='imagenet' with include_top=True has 1000 classes. Fix: give "
            "include_top=False and add a Dense layer of your own, or weights=None."
        )
    last, known = activations.get(chosen.classifier_activation), (activations.get("softmax"), activations.get(None))
    if chosen.include_top and weights is not None and last not in known:
        raise ValueError(
            f"{where}(classifier_activation={chosen.classifier_activation!r:.60}): weights that were trained with "
            "softmax take 'softmax' or None."
        )
    if chosen.input_tensor is not None and not is_keras_tensor(chosen.input_tensor):
        raise ValueError(
            f"{where}(input_tensor={signature_of(chosen.input_tensor)}): expected what Input or a layer called on it "
            "gives. Fix: build the model without input_tensor, and call it on your array."
        )
