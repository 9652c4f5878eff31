"""`tf.distribute`: strategies over the ranks that a launcher started, one replica on each; alone, over this process.

TensorFlow's replicas minimize the sum of their losses, each divided by the number of rows of the *global* batch. So it
is in `strategy.run`, for rows that come from the strategy's data sets.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from eagerflow import distribution, ops
from eagerflow.base import tree
from eagerflow.base.output import write
from eagerflow.core.strategy import active, sharing
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.data.arrays import as_batch
from eagerflow.distribution.batch_shard import BatchShard
from eagerflow.distribution.batches import Distributed
from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.shards import brought

__all__ = ["CrossDeviceOps", "DistributedDataset", "HierarchicalCopyAllReduce", "InputContext", "MirroredStrategy"]
__all__ += ["MultiWorkerMirroredStrategy", "NcclAllReduce", "OneDeviceStrategy", "ReduceOp"]
__all__ += ["ReductionToOneDevice", "ReplicaContext", "Strategy", "TPUClusterResolver", "CommunicationOptions"]
__all__ += [
    "CommunicationImplementation",
    "CollectiveCommunication",
    "experimental_set_strategy",
    "get_replica_context",
]
__all__ += ["get_strategy", "has_strategy", "in_cross_replica_context"]


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


class DistributedDataset(Distributed):
    """What a strategy makes of a data set: each rank's rows of its batches."""

    def __init__(self, strategy: Strategy, dataset: Any, own: bool = False) -> None:
        super().__init__(dataset, strategy._communicator)
        self.strategy, self.brings = strategy, own

    def __iter__(self) -> Iterator[Any]:
        batches = map(as_batch, self.dataset)
        parts = brought(batches, self.communicator, "strategy") if self.brings else self._parts(batches)
        try:
            for shard, batch in parts:
                self.strategy._share = shard._replace(summed=True, gathers=True)
                yield batch
        finally:
            self.strategy._share = None


class Strategy:
    """Training on all ranks, a replica on each. On one rank everything runs as it is written."""

    distributes = True
    _share: BatchShard | None = None  # of the batch that was drawn last

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
    def cluster_resolver(self) -> _Resolver:
        """Which of the workers this one is."""
        return _Resolver(self)

    @contextlib.contextmanager
    def scope(self) -> Iterator[Strategy]:
        """A block for models and optimizers. What is compiled there is trained on all ranks, behind the block, too."""
        _strategies.append(self)
        try:
            with contextlib.nullcontext() if self.parallel is None else self.parallel.scope():
                yield self
        finally:
            _strategies.remove(self)

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
        """The function's result on this rank's rows."""
        given = kwargs or {}
        with sharing(self._share_of((args, given))):
            return fn(*args, **given)

    def _share_of(self, given: Any) -> BatchShard | None:
        """The fraction of the batch that was drawn last, if the arguments hold that batch."""
        shard = self._share
        if shard is None or self.num_replicas_in_sync == 1:
            return None
        rows = max(shard.own, 1)
        arrays = [leaf for leaf in tree.flatten(given) if isinstance(leaf, Tensor) and leaf.ndim]
        fits = bool(arrays) and arrays[0].shape[0] == (rows if shard.own else arrays[0].shape[0])
        return shard if fits else None

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """The sum or mean of all ranks' values; along an axis, also over that axis."""
        mean = str(reduce_op).upper().endswith("MEAN")
        if axis is not None:
            return tree.map_structure(lambda x: self._along(x, mean, axis), value)
        if self.num_replicas_in_sync == 1:
            return value
        with sharing(None):
            return tree.map_structure(lambda x: distribution.all_reduce(x, "mean" if mean else "sum"), value)

    def _along(self, value: Any, mean: bool, axis: int) -> Any:
        x = convert_to_tensor(value)
        with sharing(None):
            total = distribution.all_reduce(ops.sum(x, axis))
            return total / distribution.all_reduce(float(x.shape[axis])) if mean else total

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """This rank's rows of each batch of the data set."""
        return dataset if self.num_replicas_in_sync == 1 else DistributedDataset(self, dataset)

    def distribute_datasets_from_function(self, dataset_fn: Callable[..., Any], options: Any = None) -> Any:
        """The data set that the function makes for this rank: its own batches."""
        made = dataset_fn(InputContext(self))
        return made if self.num_replicas_in_sync == 1 else DistributedDataset(self, made, own=True)

    experimental_distribute_datasets_from_function = distribute_datasets_from_function

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """The values of this process' replicas: one."""
        return (value,)

    def gather(self, value: Any, axis: int) -> Any:
        """The values of all ranks, one after the other."""
        if self.num_replicas_in_sync == 1:
            return value
        return tree.map_structure(lambda x: convert_to_tensor(distribution.all_gather(x, axis)), value)


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
        workers = _workers()
        if workers > 1 and self.num_replicas_in_sync == 1:
            script = sys.argv[0] or "train.py"
            raise ValueError(
                f"TF_CONFIG names {workers} workers, and this process was started alone. Start them together: "
                f"python -m eagerflow launch -n {workers} run {script} (with --hosts a,b for several machines); "
                "TF_CONFIG isn't needed then."
            )
        if workers and self.num_replicas_in_sync > 1 and distribution.rank() == 0 and "TF_CONFIG" not in _told:
            _told.add("TF_CONFIG")
            write("eagerflow: TF_CONFIG is ignored: the launcher says who takes part.\n", sys.stderr)


class _Resolver:
    """Which of the workers this one is: the first is the chief."""

    task_type = "worker"

    def __init__(self, strategy: Strategy) -> None:
        self.task_id = strategy._communicator.rank
        self._hosts = list(strategy._communicator.hosts)

    def cluster_spec(self) -> Any:
        """The machines, as a dict."""
        return _ClusterSpec(worker=self._hosts)


class _ClusterSpec(dict[str, list[str]]):
    def as_dict(self) -> dict[str, list[str]]:
        """The same."""
        return dict(self)


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


class InputContext:
    """What functions that make data sets get to know about the ranks."""

    def __init__(self, strategy: Strategy) -> None:
        self.num_input_pipelines = self.num_replicas_in_sync = strategy.num_replicas_in_sync
        self.input_pipeline_id = strategy.cluster_resolver.task_id

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """The size of a batch of one rank.

        Raises:
            ValueError: when the size isn't a multiple of the number of ranks.
        """
        if global_batch_size % self.num_replicas_in_sync:
            raise ValueError(
                f"get_per_replica_batch_size({global_batch_size}): not a multiple of {self.num_replicas_in_sync} ranks."
            )
        return global_batch_size // self.num_replicas_in_sync


class ReplicaContext:
    """What a function knows of the other replicas while `strategy.run` runs it."""

    def __init__(self) -> None:
        self.strategy = get_strategy()
        self.num_replicas_in_sync = self.strategy.num_replicas_in_sync
        self.replica_id_in_sync_group = self.strategy.cluster_resolver.task_id

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """The sum or mean of all ranks' values, differentiable."""
        if self.num_replicas_in_sync == 1:
            return value
        kind = "mean" if str(reduce_op).upper().endswith("MEAN") else "sum"
        return tree.map_structure(lambda x: distribution.all_reduce(x, kind), value)


_default = OneDeviceStrategy()
_strategies: list[Strategy] = []  # whose scopes are open, the innermost last
_told: set[str] = set()


def _workers() -> int:
    """How many workers `TF_CONFIG` names."""
    try:
        cluster = json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
        return sum(len(found) for kind, found in cluster.items() if kind in ("chief", "worker", "master"))
    except (ValueError, AttributeError, TypeError):
        raise ValueError(
            f"TF_CONFIG={os.environ['TF_CONFIG']!r:.80}: expected JSON such as TensorFlow reads."
        ) from None


def get_strategy() -> Strategy:
    """The strategy in force: the one whose scope is open, or this device alone."""
    return _strategies[-1] if _strategies else _default


def has_strategy() -> bool:
    """Whether a strategy's scope is open."""
    return bool(_strategies)


def get_replica_context() -> ReplicaContext | None:
    """What is known of other replicas; None within a strategy's scope, outside of `run`."""
    return None if in_cross_replica_context() else ReplicaContext()


def in_cross_replica_context() -> bool:
    """Whether a scope is open, and no function runs in its `run`."""
    return bool(_strategies) and active.shard is None


def experimental_set_strategy(strategy: Any) -> None:
    """Put a strategy in force for all that follows; None: none."""
    _strategies[:] = [] if strategy is None else [strategy]
    distribution.set_distribution(None if strategy is None else strategy.parallel)
