"""`DataParallel`: every rank holds the whole model and works on its rows of each batch."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator
from typing import Any, cast

import numpy

from eagerflow.core.strategy import Strategy, active
from eagerflow.distribution.batches import Distributed
from eagerflow.distribution.joining import joined
from eagerflow.distribution.meshes import DeviceMesh, LayoutMap, TensorLayout
from eagerflow.distribution.runtime.faults import set_timeout
from eagerflow.distribution.strategy import DataParallelStrategy

__all__ = ["DataParallel", "ModelParallel", "distribution", "set_distribution"]


class DataParallel:
    """Data parallelism: every rank (process) holds the whole model and works on its rows of each global batch.

    `batch_size` is that of all ranks together, so that the same script trains the same model on any number of ranks, up
    to rounding: see `docs/distribution.md`. With one rank it changes nothing.

    Args:
        device_mesh: a mesh of as many devices as there are ranks; its first axis is that of the batch. Default: all
            ranks.
        devices: a list of devices, instead of a mesh.
        auto_shard_dataset: True: `fit` gets the same data on all ranks, and each uses its rows of every batch.
            False: `fit` gets other batches on each rank.
        synchronize_batch_norm: True or False for all `BatchNormalization` layers; None: what each layer says.
        bucket_bytes: gradients are sent in buckets of about this many bytes; None: about 12 MB.
        timeout: seconds that ranks wait for each other before the job is ended. The environment variable
            `EAGERFLOW_TIMEOUT` takes precedence.

    Attributes:
        communicator: the communicator of its ranks.
        device_mesh: the given mesh, or one with a single axis `"batch"` of all ranks.
        batch_dim_name: the name of the first axis.

    Raises:
        ValueError: for a mesh with another number of devices than there are ranks, and settings out of range.

    >>> ef.distribution.DataParallel()
    <DataParallel device_mesh=<DeviceMesh shape=(1,), axis_names=['batch']>>
    """

    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Any = None,
        auto_shard_dataset: bool = True,
        *,
        synchronize_batch_norm: bool | None = None,
        bucket_bytes: int | None = None,
        timeout: float = 600,
    ) -> None:
        self.timeout = set_timeout(_above_zero("timeout", timeout))
        self.communicator = joined()
        self.device_mesh = _mesh(device_mesh, devices)
        self.batch_dim_name = self.device_mesh.axis_names[0]
        if len(self.device_mesh.shape) > 1:
            warnings.warn(
                f"DataParallel: {self.device_mesh} has {len(self.device_mesh.shape)} axes; batches are divided along "
                f"the first one, {self.batch_dim_name!r}.",
                stacklevel=2,
            )
        self._check_size(math.prod(self.device_mesh.shape))
        self.auto_shard_dataset = auto_shard_dataset
        if synchronize_batch_norm not in (None, True, False):
            raise ValueError(
                f"DataParallel(synchronize_batch_norm={synchronize_batch_norm!r:.40}): expected None, True or False."
            )
        self.synchronize_batch_norm = synchronize_batch_norm
        self.bucket_bytes = None if bucket_bytes is None else int(_above_zero("bucket_bytes", bucket_bytes))
        self._strategy = DataParallelStrategy(self)

    def _check_size(self, devices: int) -> None:
        size = self.communicator.size
        if devices != size:
            raise ValueError(
                f"{type(self).__name__}: {self.device_mesh} divides batches among {devices} devices, and there are "
                f"{size} ranks, each of which is one. Start as many: python -m eagerflow launch -n {devices} ..."
            )

    @contextlib.contextmanager
    def scope(self) -> Iterator[Any]:
        """A block inside which this distribution applies. Models that are compiled there keep it.

        >>> with ef.distribution.DataParallel().scope():
        ...     model = ef.Sequential([ef.layers.Dense(1)])
        ...     model.compile("sgd", "mse")  # fit divides each batch among the ranks
        ...     print(ef.distribution.distribution())
        <DataParallel device_mesh=<DeviceMesh shape=(1,), axis_names=['batch']>>
        """
        before, active.strategy = active.strategy, self._strategy
        try:
            yield self
        finally:
            active.strategy = before

    @property
    def num_model_replicas(self) -> int:
        """How many ranks have a copy of the model: all of them.

        >>> ef.distribution.DataParallel().num_model_replicas
        1
        """
        return self.communicator.size

    @property
    def num_processes(self) -> int:
        """How many ranks there are.

        >>> ef.distribution.DataParallel().num_processes
        1
        """
        return self.communicator.size

    @property
    def data_shard_id(self) -> int:
        """The number of the part of each batch that this rank uses, from 0.

        >>> ef.distribution.DataParallel().data_shard_id
        0
        """
        return self.communicator.rank

    def distribute_dataset(self, dataset: Any) -> Any:
        """Divides batches for a custom training loop: yields this rank's rows of each global batch.

        In the body of the loop, losses, metrics and `optimizer.apply` are computed for all ranks together.

        Args:
            dataset: an iterable of global batches, the same on all ranks.

        Returns:
            An iterable of the same structures. On one rank, and with `auto_shard_dataset=False`: `dataset` itself.

        >>> batches = ef.data.Dataset.range(4).batch(2)
        >>> mine = ef.distribution.DataParallel().distribute_dataset(batches)
        >>> [batch.tolist() for batch in mine]  # on the first of two ranks: [[0], [2]]
        [[0, 1], [2, 3]]
        """
        alone = self.communicator.size == 1 or not self.auto_shard_dataset
        return dataset if alone or isinstance(dataset, Distributed) else Distributed(dataset, self.communicator)

    def get_data_layout(self, data_shape: Any) -> TensorLayout:
        """The layout of a batch: divided along its first axis.

        Args:
            data_shape: the shape of the batch.

        >>> ef.distribution.DataParallel().get_data_layout((32, 28, 28)).axes
        ('batch', None, None)
        """
        return TensorLayout([self.batch_dim_name, *[None] * (len(data_shape) - 1)], self.device_mesh)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """The layout of a variable: every rank has the whole of it.

        Args:
            variable: the variable.

        >>> ef.distribution.DataParallel().get_variable_layout(ef.Variable(ef.ops.ones((3, 4)))).axes
        (None, None)
        """
        return TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """Returns None: tensors inside a model are divided as the batch is.

        Args:
            path: the path of the tensor.

        >>> print(ef.distribution.DataParallel().get_tensor_layout("dense/output"))
        None
        """
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device_mesh={self.device_mesh}>"


class ModelParallel(DataParallel):
    """Keras' interface to model parallelism, for meshes that divide only the batch.

    eagerflow doesn't divide models among devices. With such a mesh it works as `DataParallel`; with any other it raises
    an error.

    Args:
        layout_map: a `LayoutMap`, in whose mesh all axes but that of the batch have length 1.
        batch_dim_name: the name of the axis along which batches are divided; default: the first.
        auto_shard_dataset: as in `DataParallel`.
        **kwargs: other arguments of `DataParallel`.

    Raises:
        ValueError: where the mesh would divide the model.

    >>> mesh = ef.distribution.DeviceMesh((1, 1), ["batch", "model"])
    >>> ef.distribution.ModelParallel(layout_map=ef.distribution.LayoutMap(mesh))
    <ModelParallel device_mesh=<DeviceMesh shape=(1, 1), axis_names=['batch', 'model']>>
    """

    def __init__(
        self,
        *,
        layout_map: LayoutMap | None = None,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layout_map, LayoutMap):
            raise ValueError(f"ModelParallel(layout_map=...): expected a LayoutMap; got {type(layout_map).__name__}.")
        kwargs.pop("device_mesh", None)
        mesh = layout_map.device_mesh
        name = batch_dim_name or mesh.axis_names[0]
        if name not in mesh.axis_names:
            raise ValueError(f"ModelParallel(batch_dim_name={name!r}): {mesh} has no such axis.")
        divided = [(n, k) for n, k in zip(mesh.axis_names, mesh.shape) if n != name and k > 1]
        if divided:
            (axis, length), batch = divided[0], mesh.shape[list(mesh.axis_names).index(name)]
            raise ValueError(
                f"ModelParallel: {mesh} divides the model among {length} devices along {axis!r}. Every rank holds the "
                "whole model here: dividing it costs two sums over ranks in each block, more than the networks between "
                f"CPUs give back. Make that axis 1, and {name!r} {batch * length}: batches are divided then."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the second axis, which has length 1
            super().__init__(mesh, auto_shard_dataset=auto_shard_dataset, **kwargs)
        self.batch_dim_name, self.layout_map = name, layout_map

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """The layout that the layout map has for a variable.

        Args:
            variable: the variable.

        >>> mesh = ef.distribution.DeviceMesh((1, 1), ["batch", "model"])
        >>> layouts = ef.distribution.LayoutMap(mesh)
        >>> layouts[".*kernel"] = ef.distribution.TensorLayout([None, "model"], mesh)
        >>> kernel = ef.Variable(ef.ops.ones((3, 4)), name="kernel")
        >>> ef.distribution.ModelParallel(layout_map=layouts).get_variable_layout(kernel).axes
        (None, 'model')
        """
        return self.layout_map[variable.path] or super().get_variable_layout(variable)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout that the layout map has for a tensor.

        Args:
            path: the path of the tensor.

        >>> mesh = ef.distribution.DeviceMesh((1, 1), ["batch", "model"])
        >>> layouts = ef.distribution.LayoutMap(mesh)
        >>> layouts["dense/output"] = ef.distribution.TensorLayout(["batch", None], mesh)
        >>> ef.distribution.ModelParallel(layout_map=layouts).get_tensor_layout("dense/output").axes
        ('batch', None)
        """
        return self.layout_map[path]


def _mesh(mesh: Any, devices: Any) -> DeviceMesh:
    if mesh is not None and not isinstance(mesh, DeviceMesh):
        raise ValueError(f"DataParallel(device_mesh=...): expected a DeviceMesh; got {type(mesh).__name__}.")
    if mesh is not None:
        return mesh
    count = joined().size if devices is None else numpy.size(devices)
    return DeviceMesh((count,), ["batch"], devices)


def _above_zero(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise ValueError(f"DataParallel({name}={value!r:.40}): expected a number above 0.")
    return value


def distribution() -> DataParallel | None:
    """The distribution that applies now; None for none.

    >>> print(ef.distribution.distribution())
    None
    >>> with ef.distribution.DataParallel().scope():
    ...     print(ef.distribution.distribution())
    <DataParallel device_mesh=<DeviceMesh shape=(1,), axis_names=['batch']>>
    """
    return cast("DataParallel | None", getattr(active.strategy, "distribution", None))


def set_distribution(value: DataParallel | None) -> None:
    """Sets the distribution that applies from here on; None for none.

    Args:
        value: a distribution, or None.

    Raises:
        TypeError: for anything else.

    >>> ef.distribution.set_distribution(ef.distribution.DataParallel())
    >>> ef.distribution.distribution()
    <DataParallel device_mesh=<DeviceMesh shape=(1,), axis_names=['batch']>>
    >>> ef.distribution.set_distribution(None)
    """
    if value is not None and not isinstance(value, DataParallel):
        raise TypeError(f"set_distribution: expected a DataParallel, a ModelParallel or None; got {value!r:.60}.")
    active.strategy = Strategy() if value is None else value._strategy
