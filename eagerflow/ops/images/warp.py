"""Sampling images at points between pixels: map_coordinates, and affine, perspective and elastic transforms."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy

from eagerflow.base.capturing import replayed
from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.typing import DataFormat, FillMode, Numpy, Sampling, Seed, TensorLike
from eagerflow.core.device import namespace_of
from eagerflow.core.op import composite
from eagerflow.core.random import generator, next_key
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.elementwise.selection import where
from eagerflow.ops.images.filters import gaussian_blur
from eagerflow.ops.images.layout import as_batch, as_floats, typed_as

__all__ = ["affine_transform", "elastic_transform", "map_coordinates", "perspective_transform"]

_ORDERS = {"nearest": 0, "bilinear": 1}
_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _inside(xp: Numpy, index: Any, length: int, fill_mode: FillMode) -> Any:
    """Indices outside of an axis brought inside, as the mode says."""
    if fill_mode == "wrap":
        return index % length
    if fill_mode == "mirror":  # d c b | a b c d | c b a
        period = max(1, 2 * (length - 1))
        folded = index % period
        return xp.minimum(folded, period - folded) if length > 1 else index * 0
    if fill_mode == "reflect":  # c b a | a b c d | d c b
        folded = index % (2 * length)
        return xp.minimum(folded, 2 * length - 1 - folded)
    return xp.clip(index, 0, length - 1)


@replayed
def _pixels(coordinate: Tensor, length: int, order: int, fill_mode: FillMode) -> list[tuple[Any, Any, Any]]:
    """The pixels around points along one axis: before they are brought inside, after, and whether they were inside."""
    xp = namespace_of(coordinate.data)
    first = xp.floor(coordinate.data) if order else xp.rint(coordinate.data)
    low = first.astype("int64")
    indices = [low, low + 1] if order else [low]
    return [(first, _inside(xp, index, length, fill_mode), (index >= 0) & (index < length)) for index in indices]


def _corners(coordinate: Tensor, length: int, order: int, fill_mode: FillMode) -> list[tuple[Any, Any, Any]]:
    """The same: index inside, whether it was inside, and weight (None: 1)."""
    pixels = _pixels(coordinate, length, order, fill_mode)
    upper = coordinate - Tensor(pixels[0][0], None, None) if order else None
    weights = [None] if upper is None else [1 - upper, upper]
    return [(index, valid, weight) for (_, index, valid), weight in zip(pixels, weights, strict=True)]


@replayed
def _all_inside(valid: list[Any], trailing: tuple[None, ...]) -> Any:
    return math.prod(valid[1:], start=valid[0])[(..., *trailing)]


def sample(
    x: Tensor, lead: tuple[Any, ...], coordinates: list[Tensor], order: int, fill_mode: FillMode, fill_value: float
) -> Tensor:
    """`x` at points: `lead` indexes its first axes, `coordinates` the next, one each; what follows is kept whole."""
    lengths = x.shape[len(lead) : len(lead) + len(coordinates)]
    corners = [_corners(c, n, order, fill_mode) for c, n in zip(coordinates, lengths, strict=True)]
    trailing = (None,) * (x.ndim - len(lead) - len(coordinates))
    total: Any = None
    for combination in itertools.product(*corners):
        value = x[(*lead, *[index for index, _, _ in combination])]
        if fill_mode == "constant":
            inside = _all_inside([valid for _, valid, _ in combination], trailing)
            value = where(Tensor(inside, None, None), value, fill_value)
        for _, _, weight in combination:
            value = value if weight is None else value * weight[(..., *trailing)]
        total = value if total is None else total + value
    return total


@composite
def map_coordinates(
    inputs: TensorLike, coordinates: TensorLike, order: int, fill_mode: FillMode = "constant", fill_value: float = 0
) -> Tensor:
    """Interpolates `inputs` at given points, which may lie between its elements.

    Args:
        inputs: a tensor.
        coordinates: (axes of `inputs`, ...): the points, one number per axis. Gradients flow to them for order 1.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: how points outside are filled: `"constant"` (with `fill_value`), `"nearest"` (with the element at the
            edge), `"wrap"` (from the opposite side), `"mirror"` (mirrored, the edge not repeated) or `"reflect"`
            (mirrored, the edge repeated).
        fill_value: the value for `fill_mode="constant"`.

    Returns:
        A tensor of the shape of `coordinates` without its first axis; integers are rounded.

    Raises:
        ValueError: for settings or shapes that don't fit together.

    >>> ef.ops.image.map_coordinates([0.0, 10.0], [[0.5, 1.0]], order=1).tolist()
    [5.0, 10.0]
    """
    x, points = convert_to_tensor(inputs), convert_to_tensor(coordinates)
    expect_one_of("map_coordinates", "order", order, (0, 1))
    expect_one_of("map_coordinates", "fill_mode", fill_mode, _FILL_MODES)
    if points.ndim < 2 or points.shape[0] != x.ndim:
        raise ValueError(
            f"map_coordinates: coordinates: expected ({x.ndim}, ...) with at least 2 axes for inputs "
            f"{signature_of(x)}; got {signature_of(points)}."
        )
    points = points if points.dtype.kind not in "iub" else points.astype("float32")
    whole = x.dtype.kind in "iub"
    floats = x.astype(points.dtype) if whole and order else x
    found = sample(floats, (), [points[i] for i in range(x.ndim)], order, fill_mode, fill_value)
    return typed_as(x, found)


def _grid(x: Tensor) -> tuple[Tensor, Tensor]:
    """The positions of the pixels: y (height, 1) and x (1, width)."""
    xp = namespace_of(x.data)
    rows, columns = (xp.arange(n, dtype=x.dtype) for n in x.shape[1:3])
    return Tensor(rows[:, None], None, None), Tensor(columns[None, :], None, None)


def _warped(
    name: str, images: Tensor, numbers: Tensor, interpolation: Sampling, fill_mode: FillMode, value: float
) -> Tensor:
    """Each pixel from where the eight numbers of a projective map say: (batch, height, width, channels)."""
    batch = images.shape[0]
    if numbers.shape[0] not in (1, batch):
        raise ValueError(f"{name}: expected one transform, or one for each of {batch} images; got {numbers.shape[0]}.")
    row, column = _grid(images)
    a = [numbers[:, i].reshape((-1, 1, 1)) for i in range(8)]
    depth = a[6] * column + a[7] * row + 1
    x = (a[0] * column + a[1] * row + a[2]) / depth
    y = (a[3] * column + a[4] * row + a[5]) / depth
    which = namespace_of(images.data).arange(batch)[:, None, None]
    return sample(images, (which,), [y, x], _ORDERS[interpolation], fill_mode, value)


@composite
def affine_transform(
    images: TensorLike,
    transform: TensorLike,
    interpolation: Sampling = "bilinear",
    fill_mode: FillMode = "constant",
    fill_value: float = 0,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Transforms images: rotates, scales, shears, moves or projects them.

    Args:
        images: (height, width, channels) or a batch of them, or channels first.
        transform: (8,) or (batch, 8): `[a0, a1, a2, b0, b1, b2, c0, c1]` gives the pixel (x, y) of the result
            from `((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)` with `k = c0 x + c1 y + 1`. Gradients flow to it.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: how points outside of the image are filled, see `map_coordinates`.
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: for settings or shapes that don't fit together.

    >>> image = [[[1.0], [2.0], [3.0]]]
    >>> moved = ef.ops.image.affine_transform(image, [1.0, 0, 1, 0, 1, 0, 0, 0])
    >>> moved[:, :, 0].tolist()
    [[2.0, 3.0, 0.0]]
    """
    expect_one_of("affine_transform", "interpolation", interpolation, _ORDERS)
    expect_one_of("affine_transform", "fill_mode", fill_mode, _FILL_MODES)
    batch, back = as_batch("affine_transform", images, data_format)
    floats = as_floats(batch)
    numbers = convert_to_tensor(transform)
    numbers = numbers if numbers.dtype == floats.dtype else numbers.astype(floats.dtype)
    if numbers.ndim not in (1, 2) or numbers.shape[-1] != 8:
        raise ValueError(
            f"affine_transform: transform: expected shape (8,) or (batch, 8); got {signature_of(numbers)}."
        )
    numbers = numbers.reshape((-1, 8))
    found = _warped("affine_transform", floats, numbers, interpolation, fill_mode, fill_value)
    return back(typed_as(batch, found))


@composite
def perspective_transform(
    images: TensorLike,
    start_points: Any,
    end_points: Any,
    interpolation: Sampling = "bilinear",
    fill_value: float = 0,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Changes the perspective of images: moves four points to four others, and keeps straight lines straight.

    Args:
        images: (height, width, channels) or a batch of them, or channels first.
        start_points: (4, 2) or (batch, 4, 2): points (x, y) of the images. No gradient flows to them.
        end_points: where they are in the result, of the same shape. No gradient flows to them.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_value: the value of points outside of the image.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: for settings or shapes that don't fit together.

    >>> image = ef.ops.reshape([1.0, 2.0, 3.0, 4.0], (2, 2, 1))
    >>> corners = [[0, 0], [1, 0], [0, 1], [1, 1]]
    >>> mirrored = [[1, 0], [0, 0], [1, 1], [0, 1]]
    >>> ef.ops.image.perspective_transform(image, corners, mirrored)[:, :, 0].round(3).tolist()
    [[2.0, 1.0], [4.0, 3.0]]
    """
    expect_one_of("perspective_transform", "interpolation", interpolation, _ORDERS)
    batch, back = as_batch("perspective_transform", images, data_format)
    floats = as_floats(batch)
    numbers = homography(floats, start_points, end_points)
    found = _warped("perspective_transform", floats, numbers, interpolation, "constant", fill_value)
    return back(typed_as(batch, found))


def homography(images: Tensor, start_points: Any, end_points: Any) -> Tensor:
    """The eight numbers that map each end point to its start point, for each image: (n, 8)."""
    start, end = convert_to_tensor(start_points), convert_to_tensor(end_points)
    if start.ndim not in (2, 3) or start.shape[-2:] != (4, 2) or start.shape != end.shape:
        raise ValueError(
            "perspective_transform: start_points and end_points: expected shape (4, 2) or (batch, 4, 2) for both; "
            f"got {signature_of(start)} and {signature_of(end)}."
        )
    xp = namespace_of(images.data)
    u, v = (p.data.reshape(-1, 4, 2).astype(images.dtype) for p in (start, end))
    x, y = v[..., 0], v[..., 1]
    one, nought = xp.ones_like(x), xp.zeros_like(x)
    across = xp.stack([x, y, one, nought, nought, nought, -u[..., 0] * x, -u[..., 0] * y], axis=-1)
    down = xp.stack([nought, nought, nought, x, y, one, -u[..., 1] * x, -u[..., 1] * y], axis=-1)
    equations = xp.stack([across, down], axis=2).reshape(-1, 8, 8)
    solved = xp.linalg.solve(equations, u.reshape(-1, 8, 1)).reshape(-1, 8)
    return Tensor(solved, None, None)


@composite
def elastic_transform(
    images: TensorLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: Sampling = "bilinear",
    fill_mode: FillMode = "reflect",
    fill_value: float = 0.0,
    seed: Seed = None,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Distorts images by smooth random displacements of their pixels.

    Args:
        images: (height, width, channels) or a batch of them, or channels first.
        alpha: the strength of the displacements.
        sigma: the standard deviation, in pixels, of the Gaussian that smooths them.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: how points outside of the image are filled, see `map_coordinates`.
        fill_value: the value for `fill_mode="constant"`.
        seed: an integer, a `SeedGenerator`, or None for the global state (see `set_random_seed`).
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: for settings or shapes that don't fit together.

    Source: Simard et al. 2003, Best practices for convolutional neural networks applied to visual document analysis.

    >>> image = ef.ops.reshape(ef.ops.arange(16.0), (4, 4, 1))
    >>> ef.ops.image.elastic_transform(image, alpha=20.0, seed=1).shape
    (4, 4, 1)
    >>> ef.ops.image.elastic_transform(image, alpha=0.0, seed=1)[0, :, 0].tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    expect_one_of("elastic_transform", "interpolation", interpolation, _ORDERS)
    expect_one_of("elastic_transform", "fill_mode", fill_mode, _FILL_MODES)
    batch, back = as_batch("elastic_transform", images, data_format)
    floats = as_floats(batch)
    noise = _noise(seed).normal(scale=sigma, size=(*batch.shape[:3], 2))
    size = int(6 * sigma) | 1
    field = Tensor(noise, floats.dtype, device=batch.device)
    moves = gaussian_blur(field, (size, size), (sigma, sigma), "channels_last") * alpha
    row, column = _grid(floats)
    which = namespace_of(floats.data).arange(batch.shape[0])[:, None, None]
    points = [row + moves[..., 1], column + moves[..., 0]]
    found = sample(floats, (which,), points, _ORDERS[interpolation], fill_mode, fill_value)
    return back(typed_as(batch, found))


def _noise(seed: Seed) -> numpy.random.Generator:
    if seed is None:
        return generator(next_key())
    if hasattr(seed, "next"):  # a SeedGenerator: its state moves on
        first, count = seed.next().tolist()
        return generator((first, count))
    if isinstance(seed, bool) or not isinstance(seed, (int, numpy.integer)):
        raise ValueError(f"elastic_transform: seed={seed!r}: expected an integer, a SeedGenerator or None.")
    return generator((int(seed), 0))
