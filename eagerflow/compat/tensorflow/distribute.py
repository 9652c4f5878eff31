"""`tf.distribute`: strategies that all mean this machine's one device."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from eagerflow import ops

__all__ = ["MirroredStrategy", "OneDeviceStrategy", "ReduceOp", "Strategy", "TPUClusterResolver"]
__all__ += ["experimental_set_strategy", "get_strategy", "has_strategy", "in_cross_replica_context"]


class ReduceOp:
    """How results of several devices become one."""

    MEAN, SUM = "MEAN", "SUM"


class Strategy:
    """Training on one device: everything runs as it is written.

    Args:
        devices: accepted; arrays live on `eagerflow.current_device()`.
        **kwargs: accepted for TensorFlow's signature.
    """

    num_replicas_in_sync = 1

    def __init__(self, devices: Any = None, **kwargs: Any) -> None:
        self.devices = devices

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """A block for models and optimizers; it changes nothing."""
        return contextlib.nullcontext(self)

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
        """The function's result."""
        return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """The one device's value; along an axis, its sum or mean."""
        if axis is None:
            return value
        return ops.mean(value, axis) if str(reduce_op).upper().endswith("MEAN") else ops.sum(value, axis)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """The data set."""
        return dataset

    def distribute_datasets_from_function(self, dataset_fn: Callable[..., Any], options: Any = None) -> Any:
        """The data set that the function makes."""
        return dataset_fn(InputContext())

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """The values of all devices: one."""
        return (value,)

    def gather(self, value: Any, axis: int) -> Any:
        """The values of all devices, one after the other: this one."""
        return value


class TPUClusterResolver:
    """There are no TPUs here.

    Args:
        *args: TensorFlow's.
        **kwargs: TensorFlow's.

    Raises:
        ValueError: always, as TensorFlow does where there are none: scripts then take `get_strategy()`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ValueError("There are no TPUs here. Write strategy = tf.distribute.get_strategy(), which is this device.")

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Any:
        """The same."""
        return cls()


class InputContext:
    """What functions that make data sets are told about the devices."""

    num_input_pipelines, input_pipeline_id, num_replicas_in_sync = 1, 0, 1

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """The size of a batch of one device."""
        return global_batch_size


MirroredStrategy = OneDeviceStrategy = Strategy
_default = Strategy()


def get_strategy() -> Strategy:
    """The strategy in force."""
    return _default


def has_strategy() -> bool:
    """False: there is one device."""
    return False


def in_cross_replica_context() -> bool:
    """False: there is one device."""
    return False


def experimental_set_strategy(strategy: Any) -> None:
    """Accepted."""
