"""Image files and arrays, one into the other, through Pillow; and resizing without distortion."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eagerflow import ops
from eagerflow.base.config import floatx, image_data_format
from eagerflow.base.errors import expect_one_of
from eagerflow.base.text.extras import missing_package
from eagerflow.base.typing import (
    ArrayOrTensor,
    ColorMode,
    DataFormat,
    DType,
    Interpolation,
    PillowImage,
    PillowInterpolation,
)
from eagerflow.core.tensor import Tensor

__all__ = [
    "animation",
    "array_to_img",
    "brightened",
    "img_to_array",
    "load_img",
    "read_image",
    "save_img",
    "smart_resize",
]
__all__ += ["written"]

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_LAYOUTS = ("channels_last", "channels_first")


def _pillow(purpose: str) -> Any:
    try:
        import PIL.Image
        import PIL.ImageDraw  # noqa: F401 - these are attributes of PIL from here on
        import PIL.ImageEnhance  # noqa: F401
        import PIL.ImageFont  # noqa: F401
    except ImportError:
        raise missing_package("Pillow", "pillow", purpose) from None
    return PIL


def load_img(
    path: str | os.PathLike[str] | bytes | io.BytesIO,
    color_mode: ColorMode = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: PillowInterpolation = "nearest",
    keep_aspect_ratio: bool = False,
) -> PillowImage:
    """Loads an image file as a Pillow image.

    Args:
        path: the path of the file, or its bytes in an `io.BytesIO`.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        target_size: the height and width that the image is resized to; default: its own.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"hamming"`, `"box"` or `"lanczos"`.
        keep_aspect_ratio: whether to crop the image to the proportions of `target_size` first, so that nothing is
            distorted.

    Raises:
        ImportError: without Pillow.
        TypeError: when `path` is no path.
        ValueError: for an unknown setting, or a file that isn't an image.

    Source: `keras.utils.load_img`.

    >>> ef.utils.save_img("picture.png", np.ones((8, 6, 3)) * 255, scale=False)
    >>> ef.utils.load_img("picture.png").size  # Pillow has the width first
    (6, 8)
    >>> ef.utils.load_img("picture.png", target_size=(4, 5), color_mode="grayscale").size
    (5, 4)
    """
    expect_one_of("load_img", "color_mode", color_mode, _MODES)
    pillow = _pillow("load_img")
    image = _opened(pillow, path)
    if color_mode != "grayscale" or image.mode not in ("L", "I;16", "I"):
        image = image.convert(_MODES[color_mode])
    if target_size is None:
        return image
    expect_one_of("load_img", "interpolation", interpolation, _INTERPOLATIONS)
    height, width = target_size
    if image.size == (width, height):
        return image
    box = _centre(image.size, (width, height)) if keep_aspect_ratio else None
    return image.resize((width, height), getattr(pillow.Image.Resampling, interpolation.upper()), box=box)


def _opened(pillow: Any, path: Any) -> Any:
    if isinstance(path, (str, bytes, os.PathLike)):
        stream = io.BytesIO(Path(os.fsdecode(path)).read_bytes())
    elif isinstance(path, io.BytesIO):
        stream = path
    else:
        raise TypeError(f"load_img(path): expected a path or an io.BytesIO; got {type(path).__name__}.")
    try:
        image = pillow.Image.open(stream)
        image.load()
    except (OSError, SyntaxError, ValueError, pillow.Image.DecompressionBombError) as error:
        name = path if isinstance(path, (str, os.PathLike)) else "the stream"
        why = "Pillow knows no such format" if repr(stream) in str(error) else f"{error!s:.120}"
        raise ValueError(f"load_img: {name} holds no image that can be read ({why}).") from None
    return image


def _centre(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest box in the middle with the shape of `target`."""
    width, height = size
    cut_height = min(height, width * target[1] // target[0])
    cut_width = min(width, height * target[0] // target[1])
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    return left, top, left + cut_width, top + cut_height


def img_to_array(img: Any, data_format: DataFormat | None = None, dtype: DType = None) -> np.ndarray:
    """Converts a Pillow image to an array with three axes.

    Args:
        img: the image, or an array of two or three axes.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        dtype: the type of the array; default: `floatx()`.

    Raises:
        ValueError: for another number of axes.

    Source: `keras.utils.img_to_array`.

    >>> from PIL import Image
    >>> ef.utils.img_to_array(Image.new("RGB", (3, 2), "red")).shape  # rows, columns, channels
    (2, 3, 3)
    """
    layout = _layout("img_to_array", data_format)
    array = np.asarray(img, dtype=dtype or floatx())
    if array.ndim not in (2, 3):
        raise ValueError(f"img_to_array(img): expected 2 or 3 axes; got shape {array.shape}.")
    if array.ndim == 2:
        array = array[:, :, None]
    return array.transpose(2, 0, 1) if layout == "channels_first" else array


def array_to_img(x: Any, data_format: DataFormat | None = None, scale: bool = True, dtype: DType = None) -> PillowImage:
    """Converts an array to a Pillow image.

    Args:
        x: an array of three axes, with 1, 3 or 4 channels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        scale: whether to stretch the values to the range from 0 to 255.
        dtype: the type to compute in; default: `floatx()`.

    Raises:
        ImportError: without Pillow.
        ValueError: for another shape.

    Source: `keras.utils.array_to_img`.

    >>> picture = ef.utils.array_to_img(np.array([[[0.0], [0.5], [1.0]]]))
    >>> picture.size, list(picture.tobytes())  # stretched to the range from 0 to 255
    ((3, 1), [0, 127, 255])
    """
    layout = _layout("array_to_img", data_format)
    pillow = _pillow("array_to_img")
    array = np.asarray(x.numpy() if isinstance(x, Tensor) else x, dtype=dtype or floatx())
    if array.ndim != 3:
        raise ValueError(f"array_to_img(x): expected 3 axes, one image; got shape {array.shape}.")
    if layout == "channels_first":
        array = array.transpose(1, 2, 0)
    channels = array.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"array_to_img(x): expected 1, 3 or 4 channels; got {channels} in shape {array.shape}.")
    if scale:
        array = _stretched(array)
    if channels == 1:
        kind = np.int32 if array.max() > 255 else np.uint8
        return pillow.Image.fromarray(np.ascontiguousarray(array[:, :, 0].astype(kind)))
    return pillow.Image.fromarray(np.ascontiguousarray(array.astype(np.uint8)))


def _stretched(array: np.ndarray) -> np.ndarray:
    array = array - array.min()
    highest = array.max()
    if highest != 0:
        array /= highest
    return array * 255


def save_img(
    path: Any,
    x: Any,
    data_format: DataFormat | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array to an image file.

    Args:
        path: the path of the file, or a stream.
        x: an array of three axes, with 1, 3 or 4 channels.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        file_format: the format, such as `"png"`; default: that of the ending of `path`.
        scale: whether to stretch the values to the range from 0 to 255.
        **kwargs: passed on to Pillow's `save`.

    Source: `keras.utils.save_img`.

    >>> ef.utils.save_img("picture.png", np.array([[[0.0], [128.0], [255.0]]]), scale=False)
    >>> ef.utils.img_to_array(ef.utils.load_img("picture.png", color_mode="grayscale"))[0, :, 0].tolist()
    [0.0, 128.0, 255.0]
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = Path(path).suffix[1:].lower()
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("JPEG has no transparency; the image is saved without its fourth channel.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)


def read_image(path: str, color_mode: ColorMode) -> np.ndarray:
    """An image file as bytes of shape `(height, width, channels)`; of a moving image, the first picture."""
    image = load_img(path, color_mode)
    return np.asarray(image)[:, :, None] if image.mode in ("L", "I;16", "I") else np.asarray(image)


def brightened(x: np.ndarray, brightness: float, scale: bool) -> np.ndarray:
    """An image array as it looks after Pillow made it brighter or darker.

    Args:
        x: channels where they are configured to be.
        brightness: 1 changes nothing, 0 is black.
        scale: whether to stretch the values to the range from 0 to 255.
    """
    low, high = np.min(x), np.max(x)
    outside = bool(low < 0 or high > 255)
    image = array_to_img(x, scale=outside or scale)
    enhanced = _pillow("a change of brightness").ImageEnhance.Brightness(image).enhance(brightness)
    array = img_to_array(enhanced)
    return array / 255 * (high - low) + low if outside and not scale else array


def smart_resize(
    x: ArrayOrTensor,
    size: tuple[int, int],
    interpolation: Interpolation = "bilinear",
    data_format: DataFormat = "channels_last",
    **kwargs: Any,
) -> ArrayOrTensor:
    """Resizes images after cropping their middle to the new proportions, so that nothing is distorted.

    Args:
        x: an image or a batch of images, an array or a tensor.
        size: the new height and width.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `backend_module`, which changes nothing.

    Returns:
        An array for an array, a tensor for a tensor.

    Raises:
        TypeError: for an unknown argument.
        ValueError: for other shapes and sizes.

    Source: `keras.preprocessing.image.smart_resize`.

    >>> ef.preprocessing.image.smart_resize(np.zeros((4, 8, 3)), (2, 2)).shape
    (2, 2, 3)
    """
    kwargs.pop("backend_module", None)
    if kwargs:
        raise TypeError(f"smart_resize() got an unknown argument {next(iter(kwargs))!r}.")
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"smart_resize(size={size!r}): expected a height and a width of at least 1.")
    image = ops.convert_to_tensor(x)
    if image.ndim not in (3, 4):
        raise ValueError(f"smart_resize(x): expected an image or a batch of images; got shape {image.shape}.")
    first = image.ndim - 3 if _layout("smart_resize", data_format) == "channels_last" else image.ndim - 2
    (top, bottom), (left, right) = _kept(image.shape[first : first + 2], size)
    where = [slice(None)] * first + [slice(top, bottom), slice(left, right)]
    resized = ops.image.resize(image[tuple(where)], size, interpolation, data_format=data_format)
    return resized if isinstance(x, Tensor) else resized.numpy()


def _kept(lengths: Any, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The rows and columns in the middle that have the shape of `size`."""
    height, width = lengths
    cut_height = max(min(height, width * size[0] // size[1]), 1)
    cut_width = max(min(width, height * size[1] // size[0]), 1)
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    return (top, top + cut_height), (left, left + cut_width)


def _layout(function: str, data_format: DataFormat | None) -> str:
    layout = image_data_format() if data_format is None else str(data_format)
    expect_one_of(function, "data_format", layout, _LAYOUTS)
    return layout


def written(
    image: np.ndarray, text: str, place: tuple[float, float], size: float, weight: int, color: tuple[int, ...]
) -> np.ndarray:
    """Bytes (height, width, channels) with a text on them.

    Args:
        image: the image; 1, 3 or 4 channels.
        text: the text.
        place: its left and upper end, in pixels.
        size: the height of the letters, in pixels.
        weight: how thick they are, from 1.
        color: a number for each channel.

    Raises:
        ImportError: without Pillow.
    """
    pillow = _pillow("Text on images")
    drawn = pillow.Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    font = pillow.ImageFont.load_default(max(size, 1))
    ink = color if len(color) > 1 else color[0]
    pillow.ImageDraw.Draw(drawn).text(place, text, ink, font, stroke_width=(weight - 1) // 2)
    return np.asarray(drawn).reshape(image.shape)


def animation(frames: Sequence[np.ndarray], milliseconds: float) -> bytes:
    """A GIF file that plays again and again.

    Args:
        frames: bytes (height, width, 1 or 3), all of one size.
        milliseconds: how long each is shown.

    Raises:
        ImportError: without Pillow.
    """
    pillow = _pillow("A video, which is a GIF file,")
    drawn = [pillow.Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame) for frame in frames]
    stream = io.BytesIO()
    shown = max(round(milliseconds), 10)  # GIF counts in hundredths of a second
    drawn[0].save(stream, "GIF", save_all=True, append_images=drawn[1:], duration=shown, loop=0)
    return stream.getvalue()
