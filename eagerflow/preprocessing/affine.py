"""Turned, shifted, sheared and zoomed images, and images with shifted colours; on the host, one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.base.errors import expect_one_of
from eagerflow.base.typing import FillMode
from eagerflow.preprocessing.pictures import brightened

__all__ = ["apply_affine_transform", "apply_brightness_shift", "apply_channel_shift"]

_FILL_MODES = ("nearest", "constant", "reflect", "wrap", "mirror")


def apply_affine_transform(
    x: Any,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: FillMode = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """Rotates, shifts, shears and zooms an image around its middle.

    Args:
        x: an array of three axes.
        theta: the angle of a rotation, in degrees.
        tx: the shift in pixels along columns, if `row_axis` comes before `col_axis`; else along rows.
        ty: the shift in pixels along the other axis.
        shear: the angle of a shear, in degrees.
        zx: the zoom along the axis that `tx` shifts; above 1 the image shrinks.
        zy: the zoom along the axis that `ty` shifts.
        row_axis: the axis of the rows: 0, 1 or 2.
        col_axis: the axis of the columns, another one.
        channel_axis: the axis of the channels, 0 or 2.
        fill_mode: how points outside of the image are filled: `"nearest"` (with the border's pixel), `"constant"` (with
            `cval`), `"reflect"` or `"mirror"` (mirrored), or `"wrap"` (from the opposite side).
        cval: the value for `fill_mode="constant"`.
        order: 0 for the nearest pixel, 1 for linear interpolation.

    Returns:
        An array of the same shape and type.

    Raises:
        ValueError: for other axes, modes or orders.

    Source: `keras.preprocessing.image.apply_affine_transform`; points outside as in `scipy.ndimage`.

    >>> image = np.zeros((1, 3, 3))  # one channel, three rows, three columns
    >>> image[0, 0, 1] = 1  # at the top, in the middle
    >>> ef.preprocessing.image.apply_affine_transform(image, theta=90, order=0)[0].tolist()
    [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    array = np.asarray(x)
    if array.ndim != 3 or {row_axis, col_axis, channel_axis} != {0, 1, 2} or channel_axis == 1:
        raise ValueError(
            f"apply_affine_transform: expected an image of three axes with channels first or last; got shape "
            f"{array.shape} with row_axis={row_axis}, col_axis={col_axis}, channel_axis={channel_axis}."
        )
    expect_one_of("", "fill_mode", fill_mode, _FILL_MODES)
    if order not in (0, 1):
        raise ValueError(f"interpolation order {order!r}: expected 0 (nearest) or 1 (linear).")
    matrix = _matrix(theta, tx, ty, shear, zx, zy)
    if matrix is None:
        return array
    planes = np.moveaxis(array, channel_axis, 0)
    matrix = _around_middle(matrix, array.shape[row_axis], array.shape[col_axis])
    if col_axis > row_axis:  # the matrix is one of x and y, and arrays count rows first; so Keras has it
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    return np.moveaxis(_sampled(planes, matrix, fill_mode, cval, order), 0, channel_axis)


def _matrix(theta: float, tx: float, ty: float, shear: float, zx: float, zy: float) -> np.ndarray | None:
    """The map from the new image's rows and columns to the old one's; None for no change."""
    factors: list[Any] = []
    if theta != 0:
        cos, sin = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
        factors.append([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    if tx != 0 or ty != 0:
        factors.append([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    if shear != 0:
        cos, sin = np.cos(np.deg2rad(shear)), np.sin(np.deg2rad(shear))
        factors.append([[1, -sin, 0], [0, cos, 0], [0, 0, 1]])
    if zx != 1 or zy != 1:
        factors.append([[zx, 0, 0], [0, zy, 0], [0, 0, 1]])
    if not factors:
        return None
    product = np.eye(3)
    for factor in factors:
        product = product @ np.array(factor, float)
    return product


def _around_middle(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    there, back = np.eye(3), np.eye(3)
    there[:2, 2] = height / 2 - 0.5, width / 2 - 0.5
    back[:2, 2] = -there[:2, 2]
    return there @ matrix @ back


def _sampled(planes: np.ndarray, matrix: np.ndarray, fill_mode: FillMode, cval: float, order: int) -> np.ndarray:
    """Every plane at the points that the matrix gives."""
    height, width = planes.shape[1:]
    grid = np.stack([*np.indices((height, width)), np.ones((height, width))])
    rows, cols = np.tensordot(matrix[:2], grid, 1)
    inside = np.ones((height, width), bool)
    if fill_mode == "constant":
        inside = (rows >= 0) & (rows <= height - 1) & (cols >= 0) & (cols <= width - 1)
    rows, cols = _folded(rows, height, fill_mode), _folded(cols, width, fill_mode)
    if order == 0:
        found = planes[:, _index(np.floor(rows + 0.5), height), _index(np.floor(cols + 0.5), width)]
    else:
        found = _mixed(planes, rows, cols)
    return np.where(inside, _as(found, planes.dtype), np.asarray(cval).astype(planes.dtype))


def _folded(points: np.ndarray, length: int, fill_mode: FillMode) -> np.ndarray:
    """Points outside moved to where the image goes on."""
    if fill_mode in ("nearest", "constant") or length == 1:
        return np.clip(points, 0, length - 1)
    if fill_mode == "wrap":  # with the period length - 1, as SciPy has it
        period = length - 1
        below = points + period * (np.floor(-points / period) + 1)
        return np.where(points < 0, below, np.where(points > period, points % period, points))
    if fill_mode == "mirror":  # d c b | a b c d | c b a
        points = np.abs(points) % (2 * (length - 1))
        return np.minimum(points, 2 * (length - 1) - points)
    points = np.where(points < -0.5, -1 - points, points) % (2 * length)  # c b a | a b c d | d c b
    return np.clip(np.where(points > length - 0.5, 2 * length - 1 - points, points), 0, length - 1)


def _index(points: np.ndarray, length: int) -> np.ndarray:
    return np.clip(points, 0, length - 1).astype(int)


def _mixed(planes: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """The four pixels around each point, each by its nearness; in float64."""
    height, width = planes.shape[1:]
    top, left = np.floor(rows), np.floor(cols)
    down, right = rows - top, cols - left
    r0, r1 = _index(top, height), _index(top + 1, height)
    c0, c1 = _index(left, width), _index(left + 1, width)
    above = planes[:, r0, c0] * (1 - right) + planes[:, r0, c1] * right
    below = planes[:, r1, c0] * (1 - right) + planes[:, r1, c1] * right
    return above * (1 - down) + below * down


def _as(values: np.ndarray, dtype: Any) -> np.ndarray:
    return np.trunc(values + np.copysign(0.5, values)).astype(dtype) if dtype.kind in "iu" else values.astype(dtype)


def apply_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Adds a number to all pixels of an image, and clips the result to the range of the image's values.

    Args:
        x: an array of three axes.
        intensity: the number to add.
        channel_axis: accepted for Keras' signature; the same is done to all channels.

    >>> image = np.array([[[0.0, 100.0], [200.0, 255.0]]])
    >>> ef.preprocessing.image.apply_channel_shift(image, 50).tolist()
    [[[50.0, 150.0], [250.0, 255.0]]]
    """
    array = np.asarray(x)
    return np.clip(array + intensity, array.min(), array.max())


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> np.ndarray:
    """Makes an image brighter or darker, with Pillow.

    Args:
        x: an array of three axes in the configured data format.
        brightness: the factor of brightness: 1 changes nothing, 0 gives black.
        scale: whether to stretch the values to the range from 0 to 255 first.

    >>> image = np.array([[[0.0], [100.0]], [[200.0], [255.0]]])
    >>> ef.preprocessing.image.apply_brightness_shift(image, 0.5)[..., 0].tolist()
    [[0.0, 50.0], [100.0, 127.0]]
    """
    return brightened(np.asarray(x), brightness, scale)
