"""What models of ImageNet take and give: images made ready, classes by name, sizes that are accepted."""

import json
import warnings
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy

from eagerflow import ops
from eagerflow.applications.published import published
from eagerflow.base.config import floatx, image_data_format
from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import ArrayOrTensor, DataFormat, Shape
from eagerflow.core.tensor import Tensor, convert_to_tensor

__all__ = ["decode_predictions", "preprocess_input"]

Preprocessor: TypeAlias = Callable[..., Any]
# By mode: what the three channels of one pixel become.
_EXAMPLES = {
    "caffe": [151.06, 10.72, -123.68],
    "tf": [-1.0, 0.0, 1.0],
    "torch": [-2.12, 0.2, 2.64],
    None: [0.0, 127.5, 255.0],
}
# By mode: what it does, whether it turns colors round, a divisor, and mean and deviation of channels as they come out.
_MODES: dict[str | None, tuple[str, bool, float, Any, Any]] = {
    "caffe": ("in BGR order, minus the mean of ImageNet", True, 1.0, (103.939, 116.779, 123.68), ()),
    "tf": ("from -1 to 1", False, 127.5, (1.0,), ()),
    "torch": ("from 0 to 1, then normalized for ImageNet", False, 255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    None: ("unchanged, since the models do that themselves", False, 1.0, (), ()),
}


@boundary
def preprocess_input(
    x: ArrayOrTensor, data_format: DataFormat | None = None, mode: Literal["caffe", "tf", "torch"] | str = "caffe"
) -> ArrayOrTensor:
    """Prepares images as a network expects them.

    As in Keras, an array of floats is written over; pass `x.copy()` to keep it.

    Args:
        x: an image or a batch, with three channels from 0 to 255, as an array or a tensor, symbolic ones included.
        data_format: `"channels_last"` or `"channels_first"`; default: `image_data_format()`.
        mode: `"caffe"`: in BGR order, minus the mean of ImageNet; `"tf"`: from -1 to 1; `"torch"`: from 0 to 1, then
            normalized with the mean and deviation of ImageNet.

    Returns:
        An array or a tensor, as `x` is.

    Raises:
        ValueError: for an unknown mode or format.

    >>> ef.applications.imagenet_utils.preprocess_input(np.array([[[0, 127.5, 255]]]), mode="tf").tolist()
    [[[-1.0, 0.0, 1.0]]]
    """
    expect_one_of("preprocess_input", "mode", mode, ("caffe", "tf", "torch"))
    data_format = image_data_format() if data_format is None else data_format
    expect_one_of("preprocess_input", "data_format", data_format, ("channels_first", "channels_last"))
    axis = -3 if data_format == "channels_first" else -1
    x = convert_to_tensor(x) if isinstance(x, (list, tuple)) else x
    is_array = isinstance(x, numpy.ndarray)
    if "float" not in str(x.dtype):
        x = x.astype(floatx()) if is_array else ops.cast(x, floatx())
    elif is_array and not x.flags.writeable:
        x = x.copy()
    _, turned, factor, *statistics = _MODES[mode]
    mean, deviation = [numpy.array(n, str(x.dtype)).reshape((-1,) + (1,) * (-1 - axis)) for n in statistics]
    if turned:
        x = numpy.flip(x, axis) if is_array else ops.flip(x, axis=axis)
    if factor != 1.0:
        x /= factor
    x -= mean
    if deviation.size:
        x /= deviation
    return x


def preprocessor(module: str, mode: Literal["caffe", "tf", "torch"] | str | None) -> Preprocessor:
    """The `preprocess_input` of a module; without a mode it gives back what it gets."""
    general = preprocess_input

    def special(x: ArrayOrTensor, data_format: DataFormat | None = None) -> ArrayOrTensor:
        return x if mode is None else general(x, data_format, mode)

    special.__module__, special.__name__, special.__qualname__ = module, "preprocess_input", "preprocess_input"
    special.__doc__ = f"""Prepares images as the networks of this module expect them: {_MODES[mode][0]}.

    Args:
        x: an image or a batch, with three channels from 0 to 255; an array is overwritten, a tensor is not.
        data_format: `"channels_last"` or `"channels_first"`; default: `image_data_format()`.

    Raises:
        ValueError: for an unknown format.

    >>> pixel = np.array([[[0, 127.5, 255]]])
    >>> ef.applications.{module.rpartition(".")[2]}.preprocess_input(pixel).round(2).tolist()
    [[{_EXAMPLES[mode]}]]
    """
    return special


@boundary
def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The most probable classes of ImageNet, by name.

    The names are in `imagenet_class_index.json`, which is downloaded once into Keras' folder, `~/.keras/models`.

    Args:
        preds: the predictions of a model with its top, (batch, 1000).
        top: the number of classes for each image.

    Returns:
        For each image a list of `(id of the class in WordNet, name, score)`, the most probable first.

    Raises:
        ValueError: for another shape.
        ConnectionError: when the names can't be downloaded; says where to put the file.

    Example::

        from eagerflow.applications import mobilenet_v2

        model = mobilenet_v2.MobileNetV2()
        images = mobilenet_v2.preprocess_input(photographs)  # (batch, 224, 224, 3)
        mobilenet_v2.decode_predictions(model.predict(images), top=1)  # [[('n02123045', 'tabby', 0.91)], ...]
    """
    scores = preds.numpy() if isinstance(preds, Tensor) else preds
    if getattr(scores, "ndim", None) != 2 or scores.shape[1] != 1000:
        raise ValueError(
            f"decode_predictions(preds={signature_of(preds)}): expected shape (images, 1000): what a model with "
            "include_top=True and classes=1000 gives."
        )
    classes = json.loads(published("imagenet_class_index").path("decode_predictions").read_text(encoding="utf-8"))
    return [[(*classes[str(i)], row[i]) for i in row.argsort(kind="stable")[::-1][:top]] for row in scores]


def obtain_input_shape(
    input_shape: Any,
    default_size: Any,
    min_size: int,
    data_format: DataFormat,
    require_flatten: bool,
    weights: Any = None,
    where: str = "obtain_input_shape",
) -> Shape:
    """The shape of the images that a model takes, without the batch; `require_flatten` means that it has a top."""
    first = data_format == "channels_first"
    given = f"{where}(input_shape={input_shape!r:.80})"
    side = default_size if require_flatten else None
    default = (3, side, side) if first else (side, side, 3)
    shape = tuple(input_shape or default)
    if len(shape) != 3 or any(n is not None and (isinstance(n, bool) or not hasattr(n, "__index__")) for n in shape):
        raise ValueError(f"{given}: expected three integers, {'channels first' if first else 'channels last'}.")
    channels, sides = (shape[0], shape[1:]) if first else (shape[2], shape[:2])
    if weights == "imagenet" and require_flatten and shape != default:
        raise ValueError(f"{given}: weights='imagenet' with include_top=True needs {default}.")
    if weights == "imagenet" and channels != 3:
        raise ValueError(f"{given}: weights='imagenet' needs 3 channels.")
    if channels not in (1, 3):
        warnings.warn(f"{given}: images usually have 1 or 3 channels; these have {channels}.", stacklevel=2)
    if any(side is not None and side < min_size for side in sides):
        raise ValueError(f"{given}: expected sides of at least {min_size}.")
    if require_flatten and None in shape:
        raise ValueError(f"{given}: expected known sides, since include_top=True.")
    return shape
