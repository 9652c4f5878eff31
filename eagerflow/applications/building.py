"""From a row of a table to a model: arguments checked, blocks called, weights loaded.

A `Family` builds the networks of one paper. Called with a row of its table it gives the function that users call.
"""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Generic, Literal, NoReturn, Protocol, TypeAlias, TypedDict, TypeVar, Unpack, cast

from eagerflow import activations, layers
from eagerflow.applications.blocks import head
from eagerflow.applications.imagenet_utils import Preprocessor, decode_predictions, obtain_input_shape, preprocessor
from eagerflow.applications.published import Published, published
from eagerflow.base.config import image_data_format
from eagerflow.base.errors import MissingFileError, expect_one_of, signature_of
from eagerflow.base.tracebacks import boundary
from eagerflow.layer.symbolic.session import get_source_inputs, is_keras_tensor
from eagerflow.models import Model

# The latter three for the modules of architectures, which all need them.
__all__ = ["Chosen", "Family", "Network", "Special", "Preprocessor", "decode_predictions", "preprocessor"]

F = TypeVar("F", "Network", "Special")
Weights: TypeAlias = str | os.PathLike[str] | None
_POOLING = 'without a top: `"avg"` or `"max"` over all positions; None for no pooling.'


class Standard(TypedDict, total=False):
    """What most functions take, in their order: type, default and meaning."""

    include_top: Annotated[bool, True, "whether the classifier is part of the model."]
    weights: Annotated[Weights, "imagenet", '`"imagenet"` (published weights), None (random ones) or a path.']
    input_tensor: Annotated[Any, None, "a symbolic tensor, from `Input` or a layer, for the images."]
    input_shape: Annotated[Any, None, "an image's shape, as `(224, 224, 3)`; without a top, sides can be None."]
    pooling: Annotated[Literal["avg", "max"] | str | None, None, _POOLING]
    classes: Annotated[int, 1000, "the number of classes."]
    classifier_activation: Annotated[Any, "softmax", "the activation of the top; None for logits."]
    name: Annotated[str | None, None, "the model's name."]


class Further(Standard, total=False):
    """What the functions of some families take, too."""

    alpha: Annotated[float, 1.0, "the factor by which all numbers of channels are multiplied."]
    depth_multiplier: Annotated[int, 1, "the number of filters per channel in depthwise convolutions."]
    dropout: Annotated[float, 0.001, "the fraction of features that is dropped before the classifier."]
    dropout_rate: Annotated[float, 0.2, "the fraction of features that is dropped before the classifier."]
    include_preprocessing: Annotated[bool, True, "whether the model rescales images (from 0 to 255) itself."]
    minimalistic: Annotated[bool, False, "whether to omit squeeze and excitation, hard swish and 5 × 5 convolutions."]


class Network(Protocol):
    """A function that makes a model, as type checkers see it."""

    def __call__(self, *args: Any, **kwargs: Unpack[Standard]) -> Model: ...


class Special(Protocol):
    """The same with further arguments."""

    def __call__(self, *args: Any, **kwargs: Unpack[Further]) -> Model: ...


class Chosen(SimpleNamespace):
    """The arguments that a user gave, and what the row says: `function`, `title`, `size` and what its family needs."""


@dataclass(frozen=True)
class Family(Generic[F]):
    """How the networks of one paper are built."""

    module: str  # where their functions stand; its docstring is what their descriptions begin with
    body: Callable[[Any, Chosen], Any]  # from images to features
    top: Callable[[Any, Chosen], Any] = head  # from features to classes
    arguments: str = " ".join(Standard.__annotations__)  # what the functions take, in Keras' order
    size: int = 224  # the default side of images
    smallest: int = 32  # the smallest side
    pooled: bool = True  # whether the layers for `pooling` are called `avg_pool` and `max_pool`
    fixed: bool = True  # whether the sides of images must be known for a top
    channels_last_only: bool = False  # as the weights are
    check: Callable[[Chosen], None] = lambda chosen: None  # refuses what can't be built, and may change arguments
    name: Callable[[Chosen], str | None] = lambda chosen: chosen.title  # the model's, where the user gives none
    file: Callable[[Chosen], Published] = lambda chosen: published(chosen.title, chosen.include_top)
    end: Callable[[Any], Any] = lambda x: x  # what comes after `pooling`

    def __call__(self, function: str, title: str | None, size: int = 0, example: str = "", **settings: Any) -> F:
        """The function of this name for a row: the model's title, the default side, and what the family needs.

        An `example`, further arguments and the features of the small model that they make, is built in its description.
        """
        kind, names = inspect.Parameter.POSITIONAL_OR_KEYWORD, self.arguments.split()
        told: dict[str, Any] = {name: Further.__annotations__[name].__metadata__ for name in names}
        defaults = {**{name: default for name, (default, _) in told.items()}, "name": title}
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
                f"{sys.modules[self.module].__doc__}\n{self._described(function, size or self.size)}\nArgs:",
                *[f"    {name}: {meaning}" for name, (_, meaning) in told.items()],
                "\nReturns:\n    A functional model.\n\nRaises:",
                "    ValueError: for arguments that don't go together, naming them.",
                "    ConnectionError: when published weights can't be downloaded; says which file goes where.\n",
                _classifying(function, self.module.rpartition(".")[2], size or self.size),
                _example(function, *example.split("->")) if example else "",
            ]
        )
        vars(build)["__signature__"] = signature
        return cast("F", boundary(build))

    def _described(self, function: str, side: int) -> str:
        """What goes in and comes out without further arguments, as a paragraph."""
        other = "" if self.fixed and side == self.smallest else f" Sides have at least {self.smallest} pixels."
        return (
            f"By default `{function}` takes images of {side} × {side} pixels in three channels and gives the\n"
            f"probabilities of 1,000 classes; with `include_top=False` it gives features instead.{other}\n"
        )

    def _built(self, chosen: Chosen) -> Model:
        _check(self, chosen)
        self.check(chosen)
        flat = chosen.include_top and self.fixed
        side = (chosen.size, self.smallest, image_data_format(), flat, chosen.weights, chosen.function)
        chosen.input_shape = obtain_input_shape(chosen.input_shape, *side)
        path, call = chosen.weights, f"{chosen.function}(weights='imagenet')"
        if path == "imagenet":
            path = self.file(chosen).path(call, ", or give weights=None or the path of a file")
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


def _check(family: Family[Any], chosen: Chosen) -> None:
    """Refuse arguments that don't go together, before anything is built."""

    def refuse(name: str, words: str, kind: type[Exception] = ValueError) -> NoReturn:
        given = getattr(chosen, name)
        raise kind(f"{where}({name}={signature_of(given) if name == 'input_tensor' else repr(given)[:200]}): {words}")

    where, weights, classes, shape = chosen.function, chosen.weights, chosen.classes, chosen.input_shape
    if family.channels_last_only and image_data_format() == "channels_first":
        raise ValueError(f"{where}: expected images with channels last. Fix: set_image_data_format('channels_last').")
    is_file = isinstance(weights, (str, os.PathLike)) and Path(weights).exists()
    if weights not in (None, "imagenet") and not is_file:
        refuse("weights", "expected None, 'imagenet' or the path of a file.", MissingFileError)
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        refuse("classes", "expected an integer of at least 1.")
    expect_one_of(where, "include_top", chosen.include_top, (True, False))
    expect_one_of(where, "pooling", chosen.pooling, (None, "avg", "max"))
    if shape is not None and not isinstance(shape, (tuple, list)):
        refuse("input_shape", "expected a tuple of three integers.")
    if chosen.include_top and weights == "imagenet" and classes != 1000:
        own = "Fix: give include_top=False and add a Dense layer of your own, or weights=None."
        refuse("classes", f"weights='imagenet' with include_top=True has 1000 classes. {own}")
    last, known = activations.get(chosen.classifier_activation), (activations.get("softmax"), activations.get(None))
    if chosen.include_top and weights is not None and last not in known:
        refuse("classifier_activation", "weights that were trained with softmax take 'softmax' or None.")
    if chosen.input_tensor is not None and not is_keras_tensor(chosen.input_tensor):
        instead = "Fix: build the model without input_tensor, and call it on your array."
        refuse("input_tensor", f"expected what Input or a layer called on it gives. {instead}")


def _example(function: str, arguments: str, features: str) -> str:
    small = f"small = dict(weights=None, include_top=False, pooling='avg', {arguments.strip()})"
    shape = f"ef.applications.{function}(**small).output_shape"
    return f">>> import eagerflow as ef\n>>> {small}\n>>> {shape}\n(None, {features.strip()})\n"


def _classifying(function: str, module: str, side: int) -> str:
    """For published weights, which are downloaded."""
    return f"""\
Example::

    model = ef.applications.{function}(weights="imagenet")  # downloaded once
    # images: an array of the shape (n, {side}, {side}, 3), with numbers from 0 to 255
    ready = ef.applications.{module}.preprocess_input(images)
    print(ef.applications.{module}.decode_predictions(model.predict(ready), top=3))
"""
