"""`tf.distribute`: `fit` in a strategy's scope runs on the ranks that a launcher started; loops run on one process."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from eagerflow import distribution, ops
from eagerflow.base import tree
from eagerflow.distribution.runtime.communicator import Communicator

__all__ = [
    "CollectiveCommunication",
    "CommunicationImplementation",
    "CommunicationOptions",
    "CrossDeviceOps",
    "HierarchicalCopyAllReduce",
    "MirroredStrategy",
]
__all__ += ["MultiWorkerMirroredStrategy", "NcclAllReduce", "OneDeviceStrategy", "ReduceOp", "ReductionToOneDevice"]
__all__ += ["Strategy", "TPUClusterResolver", "experimental_set_strategy", "get_strategy", "has_strategy"]


class ReduceOp:
    """How results of several replicas become one."""

    MEAN, SUM = "MEAN", "SUM"


class CommunicationImplementation:
    """Accepted; MPI or NCCL is chosen by where arrays lie."""

    AUTO, RING, NCCL = "AUTO", "RING", "NCCL"


CollectiveCommunication = CommunicationImplementation


class _Accepted:
    """Settings of TensorFlow's that mean nothing here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.settings = kwargs


CommunicationOptions = CrossDeviceOps = HierarchicalCopyAllReduce = NcclAllReduce = ReductionToOneDevice = _Accepted


class Strategy:
    """Training on all ranks, a replica on each. On one rank everything runs as it is written."""

    distributes = True

    def __init__(self, devices: Any = None, **kwargs: Any) -> None:
        self.devices = devices
        self.parallel = distribution.DataParallel() if self.distributes else None

    @property
    def _communicator(self) -> Communicator:
        return Communicator() if self.parallel is None else self.parallel.communicator

    @property
    def num_replicas_in_sync(self) -> int:
        """How many ranks train together."""
        return self._communicator.size

    @property
    def cluster_resolver(self) -> Any:
        """Which of the workers this one is: the first is the chief."""
        return SimpleNamespace(task_type="worker", task_id=self._communicator.rank)

    @contextlib.contextmanager
    def scope(self) -> Iterator[Strategy]:
        """A block for models and optimizers. What is compiled there is trained on all ranks, behind the block, too."""
        _strategies.append(self)
        try:
            with contextlib.nullcontext() if self.parallel is None else self.parallel.scope():
                yield self
        finally:
            _strategies.remove(self)

    def _check_alone(self, method: str) -> None:
        if self.num_replicas_in_sync > 1:
            raise NotImplementedError(
                f"strategy.{method}: TensorFlow's loops run on one rank here. On several call fit, or write the loop "
                "with eagerflow.distribution.distribute_dataset (docs/distribution.md)."
            )

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
        """The function's result."""
        self._check_alone("run")
        return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """The value of the only replica; along an axis, its sum or mean."""
        self._check_alone("reduce")
        function = ops.mean if str(reduce_op).upper().endswith("MEAN") else ops.sum
        return value if axis is None else tree.map_structure(lambda x: function(x, axis), value)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """The data set."""
        self._check_alone("experimental_distribute_dataset")
        return dataset

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """The values of this process' replicas: one."""
        return (value,)


class OneDeviceStrategy(Strategy):
    """Training on one device: a model that every rank trains for itself."""

    distributes = False

    def __init__(self, device: Any = None, **kwargs: Any) -> None:
        super().__init__(device)


class MirroredStrategy(Strategy):
    """A replica on every rank of the launcher; alone: this process."""


class MultiWorkerMirroredStrategy(Strategy):
    """A replica on every rank of the launcher.

    Raises:
        ValueError: where `TF_CONFIG` names several workers, and no launcher started them.
    """

    def __init__(self, cluster_resolver: Any = None, communication_options: Any = None, **kwargs: Any) -> None:
        super().__init__()
        cluster = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
        if sum(map(len, cluster.values())) > 1 and self.num_replicas_in_sync == 1:
            raise ValueError(
                "TF_CONFIG names several workers, and this process was started alone. Start them together: "
                "python -m eagerflow launch -n 2 run train.py; TF_CONFIG isn't needed then."
            )


class TPUClusterResolver:
    """There are no TPUs here.

    Raises:
        ValueError: always, as TensorFlow does where there are none: scripts then take `get_strategy()`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ValueError("There are no TPUs here. Write strategy = tf.distribute.get_strategy(), which is this device.")

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Any:
        """The same."""
        return cls()


_default = OneDeviceStrategy()
_strategies: list[Strategy] = []  # whose scopes are open, the innermost last


def get_strategy() -> Strategy:
    """The strategy in force: the one whose scope is open, or this device alone."""
    return _strategies[-1] if _strategies else _default


def has_strategy() -> bool:
    """Whether a strategy's scope is open."""
    return bool(_strategies)


def experimental_set_strategy(strategy: Any) -> None:
    """Put a strategy in force for all that follows; None: none."""
    _strategies[:] = [] if strategy is None else [strategy]
    distribution.set_distribution(None if strategy is None else strategy.parallel)
