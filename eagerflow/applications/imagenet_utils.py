"""What models of ImageNet take and give: images made ready, classes by name, sizes that are accepted."""

import json
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy

from eagerflow import ops
from eagerflow.applications.published import Published
from eagerflow.base.config import floatx, image_data_format
from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Shape
from eagerflow.core.tensor import Tensor, convert_to_tensor

Preprocessor: TypeAlias = Callable[..., Any]

__all__ = ["decode_predictions", "obtain_input_shape", "preprocess_input"]

_CLASSES = Published(
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
)
# By mode: what it does, and the mean and deviation of each channel, in the order in which they come out.
_MODES: dict[str | None, tuple[str, Any, Any]] = {
    "caffe": ("BGR, and the mean of ImageNet taken away", (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),
    "tf": ("from -1 to 1", (), ()),
    "torch": ("from 0 to 1, then normalized by ImageNet's statistics", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    None: ("as they are, for the models themselves prepare them", (), ()),
}


@boundary
def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Images as a network was trained on.

    As in Keras, an array of floats is written over; pass `x.copy()` to keep it.

    Args:
        x: an image or a batch, with three channels from 0 to 255, as an array or a tensor, symbolic ones included.
        data_format: `"channels_last"` or `"channels_first"`; default: `image_data_format()`.
        mode: `"caffe"`: BGR, and the mean of ImageNet taken away; `"tf"`: from -1 to 1; `"torch"`: from 0 to 1, then
            normalized with the mean and deviation of ImageNet.

    Returns:
        An array or a tensor, as `x` is.

    Raises:
        ValueError: for an unknown mode or format.

    >>> preprocess_input(np.array([[[0, 127.5, 255]]]), mode="tf").tolist()
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
    if mode == "tf":
        x /= 127.5
        x -= 1.0
        return x
    if mode == "torch":
        x /= 255.0
    else:
        x = numpy.flip(x, axis) if is_array else ops.flip(x, axis=axis)
    mean, deviation = [numpy.array(n, str(x.dtype)).reshape((3,) + (1,) * (-1 - axis)) for n in _MODES[mode][1:]]
    x -= mean
    if mode == "torch":
        x /= deviation
    return x


def preprocessor(module: str, mode: str | None) -> Preprocessor:
    """The `preprocess_input` of a module; without a mode it gives back what it gets."""
    general = preprocess_input

    def special(x: Any, data_format: str | None = None) -> Any:
        return x if mode is None else general(x, data_format, mode)

    special.__module__, special.__name__, special.__qualname__ = module, "preprocess_input", "preprocess_input"
    special.__doc__ = f"""Images as the networks of this module were trained on: {_MODES[mode][0]}.

    Args:
        x: an image or a batch, with three channels from 0 to 255, as an array, which is written over, or a tensor.
        data_format: `"channels_last"` or `"channels_first"`; default: `image_data_format()`.

    Raises:
        ValueError: for an unknown format.
    """
    return special


@boundary
def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The most probable classes of ImageNet, by name.

    The names are in `imagenet_class_index.json`, which is downloaded once into Keras' folder, `~/.keras/models`.

    Args:
        preds: what a model with its top gave, shape (batch, 1000).
        top: how many classes to name.

    Returns:
        For each image a list of `(id of the class in WordNet, name, score)`, the most probable first.

    Raises:
        ValueError: for another shape.
        ConnectionError: when the names can't be downloaded; says where to put the file.
    """
    scores = preds.numpy() if isinstance(preds, Tensor) else preds
    if getattr(scores, "ndim", None) != 2 or scores.shape[1] != 1000:
        raise ValueError(
            f"decode_predictions(preds={signature_of(preds)}): expected shape (images, 1000): what a model with "
            "include_top=True and classes=1000 gives."
        )
    classes = json.loads(_CLASSES.path("decode_predictions").read_text(encoding="utf-8"))
    return [[(*classes[str(i)], row[i]) for i in row.argsort(kind="stable")[::-1][:top]] for row in scores]


def obtain_input_shape(
    input_shape: Any,
    default_size: int | None,
    min_size: int,
    data_format: str,
    require_flatten: bool,
    weights: Any = None,
    where: str = "obtain_input_shape",
) -> Shape:
    """The shape of the images that a model takes, without the batch.

    Args:
        input_shape: what the user asks for, or None.
        default_size: the side of the images without `input_shape`.
        min_size: the smallest side.
        data_format: `"channels_last"` or `"channels_first"`.
        require_flatten: whether sides must be known, since there is a classifier.
        weights: `"imagenet"` takes three channels, and with a classifier nothing but the default size.
        where: the function that it is an argument of, for messages.

    Raises:
        ValueError: for a shape that the model can't take.

    >>> obtain_input_shape(None, 224, 32, "channels_last", require_flatten=True)
    (224, 224, 3)
    """
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
