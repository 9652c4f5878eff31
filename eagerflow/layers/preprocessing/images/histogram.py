"""`AutoContrast`, `Equalization` and `ContrastLimitedAdaptiveHistogramEqualization`: all values put to use."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat
from eagerflow.core.device import namespace_of
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer_options import BoxOptions, ImageOptions
from eagerflow.layer.settings import integer, sizes
from eagerflow.layers.preprocessing.images.factors import checked_range
from eagerflow.layers.preprocessing.images.image_base import ImageLayer
from eagerflow.layers.preprocessing.images.levels import rescaled

__all__ = ["AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization"]


class AutoContrast(ImageLayer):
    """Stretches each channel of each image over the whole range of values, in training and inference.

    Args:
        value_range: the lowest and highest value of pixels.
        **kwargs: arguments of every layer for images: `data_format`, `bounding_box_format`, `name` ...; see `Layer`.

    Raises:
        ValueError: for an unusable range.

    Source: `keras.layers.AutoContrast` 3.15.

    >>> layer = ef.layers.AutoContrast(value_range=(0, 1))
    >>> layer(np.array([[[0.5], [0.6], [0.7]]])).numpy().reshape(3).round(3).tolist()
    [0.0, 0.5, 1.0]
    """

    def __init__(self, value_range: Any = (0, 255), **kwargs: Unpack[ImageOptions]) -> None:
        super().__init__(**kwargs)
        self.value_range = checked_range(self, value_range)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, stretched; channels with a single value are left as they are."""
        images = self._computable(images)
        values = rescaled(images, self.value_range, (0, 255))
        low = ops.min(values, axis=self._spatial, keepdims=True)
        high = ops.max(values, axis=self._spatial, keepdims=True)
        flat = high == low
        scale = 255.0 / ops.where(flat, 1.0, high - low)
        stretched = ops.clip(values * scale - low * scale, 0.0, 255.0)
        return ops.where(flat, images, rescaled(stretched, (0, 255), self.value_range))


class Equalization(ImageLayer):
    """Equalizes the histogram of each channel: spreads its values so that all become about equally frequent.

    It happens while training only. As in Keras, values are counted over all images of a batch together. No gradient
    flows through.

    Args:
        value_range: the lowest and highest value of pixels.
        bins: the number of bins of the histogram.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for an unusable range.

    Source: `keras.layers.Equalization` 3.15.

    >>> ef.layers.Equalization()(np.array([[[10.0], [20.0], [30.0]]])).numpy().reshape(3).tolist()
    [0.0, 128.0, 255.0]
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        bins: int = 256,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.bins = integer(self, "bins", bins)
        self.value_range = checked_range(self, value_range)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, equalized."""
        images = self._computable(images)
        if not training:
            return images
        values = rescaled(images, self.value_range, (0, 255))
        planes = ops.unstack(values, values.shape[self._channels], axis=self._channels)
        found = ops.stack([self._equalized(plane) for plane in planes], axis=self._channels)
        return rescaled(found, (0, 255), self.value_range)

    def _equalized(self, plane: Tensor) -> Tensor:
        values = plane.data
        xp = namespace_of(values)
        scaled = values.astype("float32") * (self.bins - 1) / 255
        places = scaled.astype("int32").clip(0, self.bins - 1)
        counts = xp.bincount(places.reshape(-1), minlength=self.bins)
        if (counts > 0).sum() <= 1:
            return plane
        upto = counts.cumsum()
        least = upto[upto > 0][0]
        table = (upto - least) * 255 / xp.maximum(upto[-1] - least, 1)
        table = xp.rint(table).clip(0, 255).astype(values.dtype)
        places = (values / 255.0 * (self.bins - 1)).clip(0, self.bins - 1).astype("int32")
        return Tensor(table[places], None, None)


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Contrast limited adaptive histogram equalization (CLAHE): equalizes images tile by tile, also in inference.

    No gradient flows through.

    Args:
        value_range: the lowest and highest value of pixels.
        clip_limit: the most that a bin of a tile's histogram may count, as a multiple of the mean; the rest is spread
            over all bins, so that noise isn't amplified too much. 0 for no limit.
        tile_grid_size: how many tiles there are down and across.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a grid that isn't two positive integers.

    Source: Zuiderveld, "Contrast limited adaptive histogram equalization", 1994, as in Keras 3.15.

    >>> layer = ef.layers.ContrastLimitedAdaptiveHistogramEqualization(value_range=(0, 1), tile_grid_size=(2, 2))
    >>> image = np.linspace(0.4, 0.6, 192).reshape(1, 8, 8, 3)  # of little contrast
    >>> stretched = layer(image)
    >>> stretched.shape, float(stretched.std()) > float(image.std())
    ((1, 8, 8, 3), True)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Any = (8, 8),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = value_range
        self.clip_limit = clip_limit
        self.tile_grid_size = sizes(self, "tile_grid_size", tile_grid_size, 2)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """A batch of images, equalized tile by tile."""
        first = self.data_format == "channels_first"
        array = rescaled(self._computable(images), self.value_range, (0, 255)).data
        array = array if first else array.transpose(0, 3, 1, 2)
        found = clahe(array, self.tile_grid_size, self.clip_limit)
        found = Tensor(found if first else found.transpose(0, 2, 3, 1), None, None)
        return rescaled(found, (0, 255), self.value_range).astype(images.dtype)


def clahe(images: Any, grid: tuple[int, ...], clip_limit: float) -> Any:
    """Arrays (batch, channels, height, width) with values up to 255, equalized tile by tile."""
    xp = namespace_of(images)
    height, width = images.shape[2:]
    tile = (-(-height // grid[0]), -(-width // grid[1]))
    missing = [(0, t * g - n) for t, g, n in zip(tile, grid, (height, width))]
    padded = xp.pad(images, [(0, 0), (0, 0), *missing], mode="symmetric")
    values = padded.clip(0, 255).astype("int32")
    tables = _tables(_tile_counts(values, grid, tile), tile[0] * tile[1], clip_limit, images.dtype)
    (y0, y1, wy), (x0, x1, wx) = (_neighbours(xp, t, g, images.dtype) for t, g in zip(tile, grid))
    which = xp.arange(len(images))[:, None, None, None]
    channel = xp.arange(images.shape[1])[None, :, None, None]

    def looked_up(y: Any, x: Any) -> Any:
        return tables[which, channel, y[:, None], x[None, :], values]

    upper = looked_up(y0, x0) * (1 - wx) + looked_up(y0, x1) * wx
    lower = looked_up(y1, x0) * (1 - wx) + looked_up(y1, x1) * wx
    found = upper * (1 - wy)[:, None] + lower * wy[:, None]
    return found[:, :, :height, :width]


def _tile_counts(values: Any, grid: tuple[int, ...], tile: tuple[int, int]) -> Any:
    """How often each of 256 values occurs in each tile: (batch, channels, rows, columns, 256)."""
    xp = namespace_of(values)
    batch, channels = values.shape[:2]
    tiles = values.reshape(batch, channels, grid[0], tile[0], grid[1], tile[1]).swapaxes(3, 4)
    flat = tiles.reshape(-1, tile[0] * tile[1])
    slots = flat + xp.arange(len(flat))[:, None] * 256
    return xp.bincount(slots.reshape(-1), minlength=len(flat) * 256).reshape(batch, channels, *grid, 256)


def _tables(counts: Any, pixels: int, clip_limit: float, dtype: Any) -> Any:
    """What each value becomes in each tile."""
    xp = namespace_of(counts)
    counts = counts.astype(dtype)
    if clip_limit > 0:
        clipped = counts.clip(0, clip_limit * pixels / 256)
        counts = clipped + (counts - clipped).sum(axis=-1, keepdims=True) / 256
    upto = counts.cumsum(axis=-1)
    least = upto.min(axis=-1, keepdims=True)
    room = pixels - least
    return ((upto - least) * 255 / xp.where(room == 0, 1, room)).clip(0, 255)


def _neighbours(xp: Any, tile: int, count: int, dtype: Any) -> tuple[Any, Any, Any]:
    """For each pixel along an axis: the tiles whose middles it lies between, and the weight of the second."""
    at = (xp.arange(tile * count, dtype=dtype) - tile / 2) / tile
    first = xp.floor(at)
    places = [(first + i).astype("int32").clip(0, count - 1) for i in (0, 1)]
    return places[0], places[1], at - first
