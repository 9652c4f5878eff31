"""Meshes and layouts, as data: how Keras' scripts say which axis of what lies on which devices."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import numpy

from eagerflow.base.typing import TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.distribution.devices import list_devices

__all__ = ["DeviceMesh", "LayoutMap", "TensorLayout", "distribute_tensor"]


class DeviceMesh:
    """An array of devices with named axes.

    Args:
        shape: the number of devices along each axis.
        axis_names: the names of the axes.
        devices: names of devices; default: those of all ranks.

    Attributes:
        shape: as given.
        axis_names: as given.
        devices: an array of this shape with the devices' names.

    Raises:
        ValueError: when these don't fit together.

    >>> ef.distribution.DeviceMesh((1,), ["batch"])
    <DeviceMesh shape=(1,), axis_names=['batch']>
    """

    def __init__(self, shape: Sequence[int], axis_names: Sequence[str], devices: Any = None) -> None:
        if not shape or not axis_names or len(shape) != len(axis_names):
            raise ValueError(
                f"DeviceMesh(shape={tuple(shape or ())}, axis_names={list(axis_names or ())}): expected one name for "
                "each axis, and at least one axis."
            )
        found = numpy.array(list_devices() if devices is None else devices)
        if math.prod(shape) != found.size:
            raise ValueError(
                f"DeviceMesh(shape={tuple(shape)}): that makes {math.prod(shape)} devices, and there are {found.size}. "
                f"Each rank is one: start {math.prod(shape)} with `python -m eagerflow launch -n {math.prod(shape)}`, "
                "or write the shape from len(list_devices())."
            )
        self.shape, self.axis_names = shape, axis_names
        self.devices = found.reshape(tuple(shape))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} shape={self.shape}, axis_names={self.axis_names}>"


class TensorLayout:
    """How a tensor's axes are divided along the axes of a device mesh.

    Args:
        axes: for each axis of the tensor, the name of the mesh axis that it is divided along; None: it isn't divided.
        device_mesh: the mesh; it may be set later, once.

    Raises:
        ValueError: for an axis that the mesh doesn't have, and for a second mesh.

    >>> ef.distribution.TensorLayout(("batch", None))
    <TensorLayout axes=('batch', None), device_mesh=None>
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None) -> None:
        self.axes = tuple(axes)
        self._device_mesh: DeviceMesh | None = None
        if device_mesh is not None:
            self.device_mesh = device_mesh

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh; None until it is set.

        >>> layout = ef.distribution.TensorLayout(("batch", None))
        >>> layout.device_mesh = ef.distribution.DeviceMesh((1,), ["batch"])
        >>> layout.device_mesh.shape
        (1,)
        """
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, mesh: DeviceMesh) -> None:
        if self._device_mesh is not None:
            raise ValueError(f"TensorLayout.device_mesh: it has one already: {self._device_mesh}.")
        unknown = [axis for axis in self.axes if axis is not None and axis not in mesh.axis_names]
        if unknown:
            raise ValueError(f"TensorLayout(axes={self.axes}): the mesh has no axis {unknown[0]!r}; see {mesh}.")
        self._device_mesh = mesh

    def __repr__(self) -> str:
        return f"<{type(self).__name__} axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping[str, Any]):
    """A dict of layouts by the paths of variables, which Keras' scripts hand to `ModelParallel`.

    Keys are regular expressions. `layouts[path]` is the layout of the key that matches the whole path, and None where
    none does. The layouts are only told: `ModelParallel` keeps every weight whole on each rank.

    Args:
        device_mesh: the mesh of layouts that come without one, as tuples of axes do.

    Attributes:
        device_mesh: as given.

    Raises:
        ValueError: for a key that is there already, for a value that is neither a `TensorLayout` nor a tuple of axes,
            for an axis that the mesh doesn't have, and where several keys match a path.

    >>> layouts = ef.distribution.LayoutMap(ef.distribution.DeviceMesh((1, 1), ["batch", "model"]))
    >>> layouts["dense.*kernel"] = (None, "model")
    >>> layouts["dense_1/kernel"].axes
    (None, 'model')
    >>> layouts["dense_1/bias"] is None, list(layouts)
    (True, ['dense.*kernel'])
    """

    def __init__(self, device_mesh: DeviceMesh) -> None:
        self.device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    def __getitem__(self, key: str) -> TensorLayout | None:
        """The layout of a path; None where no key fits, a ValueError where several do."""
        if key in self._layouts:
            return self._layouts[key]
        fitting = [pattern for pattern in self._layouts if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ValueError(f"LayoutMap[{key!r}]: several keys fit: {', '.join(map(repr, fitting))}. Let one of them.")
        return self._layouts[fitting[0]] if fitting else None

    def __setitem__(self, key: str, layout: Any) -> None:
        if key in self._layouts:
            raise ValueError(f"LayoutMap[{key!r}]: it is there already, with {self._layouts[key]}.")
        if isinstance(layout, (tuple, list)):
            layout = TensorLayout(layout)
        if not isinstance(layout, TensorLayout):
            raise ValueError(
                f"LayoutMap[{key!r}]: expected a TensorLayout or a tuple of axes; got {type(layout).__name__}."
            )
        if layout.device_mesh is None and self.device_mesh is not None:
            layout.device_mesh = self.device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)


def distribute_tensor(tensor: TensorLike, layout: TensorLayout) -> Tensor:
    """Returns the whole tensor on every rank, whatever the layout says.

    Args:
        tensor: the tensor.
        layout: a `TensorLayout`.

    Raises:
        ValueError: when the layout has another number of axes than the tensor, or divides it among several ranks along
            an axis that isn't the first.

    >>> ef.distribution.distribute_tensor([1.0, 2.0], ef.distribution.TensorLayout([None])).tolist()
    [1.0, 2.0]
    """
    found = convert_to_tensor(tensor)
    axes = layout.axes
    if len(axes) != found.ndim:
        raise ValueError(f"distribute_tensor: the layout has {len(axes)} axes, the tensor has shape {found.shape}.")
    mesh = layout.device_mesh
    for axis in axes[1:]:
        if axis is not None and mesh is not None and mesh.shape[list(mesh.axis_names).index(axis)] > 1:
            raise ValueError(
                f"distribute_tensor: {layout} divides an axis other than the first; only batches are divided here."
            )
    return found
