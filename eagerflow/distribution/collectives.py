"""What ranks do together in a custom script: wait, sum, gather, hand out."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy

from eagerflow.base import tree
from eagerflow.core.device import to_host
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.distribution.joining import joined
from eagerflow.distribution.runtime.reduction import all_sum, reduce_array, together

__all__ = ["all_gather", "all_reduce", "barrier", "broadcast"]

T = TypeVar("T")


def barrier() -> None:
    """Waits until all ranks have reached this point.

    >>> ef.distribution.barrier()  # a single process waits for nobody
    """
    communicator = joined()
    together(communicator)
    communicator.barrier()


def all_reduce(x: Any, op: str = "sum") -> Tensor:
    """Combines the tensors of all ranks elementwise, by default to their sum; every rank gets the result.

    Sums and means are differentiable: their gradients are sums and means over the ranks as well.

    Args:
        x: a tensor, of the same shape on all ranks.
        op: `"sum"`, `"mean"`, `"max"`, `"min"` or `"prod"`.

    Raises:
        ValueError: for an unknown `op`.

    >>> ef.distribution.all_reduce([1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    if op not in ("sum", "mean", "max", "min", "prod"):
        raise ValueError(f"all_reduce(op={op!r:.40}): expected 'sum', 'mean', 'max', 'min' or 'prod'.")
    tensor, communicator = convert_to_tensor(x), joined()
    if op in ("sum", "mean"):
        total = all_sum(tensor, communicator)
        return total if op == "sum" else total / communicator.size
    return Tensor(reduce_array(communicator, tensor.data, op), None, None)


def all_gather(x: Any, axis: int = 0) -> numpy.ndarray:
    """Joins the arrays of all ranks along `axis`, in the order of the ranks; every rank gets the result.

    Args:
        x: this rank's array. Shapes may differ between ranks along `axis` only.
        axis: the axis to join along.

    >>> ef.distribution.all_gather([1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    communicator = joined()
    together(communicator)
    return numpy.concatenate(communicator.gather_objects(to_host(convert_to_tensor(x).data)), axis)


def broadcast(x: T, root: int = 0) -> T:
    """Sends the value of `x` on rank `root` to all ranks: tensors, arrays, anything that can be pickled.

    Args:
        x: what is sent; only the value on `root` counts.
        root: the rank that sends.

    >>> ef.distribution.broadcast({"rate": 0.1})
    {'rate': 0.1}
    """
    communicator = joined()
    together(communicator)
    plain = tree.map_structure(lambda leaf: leaf.numpy() if isinstance(leaf, Tensor) else leaf, x)
    found = communicator.broadcast_object(plain, root)
    return cast(T, convert_to_tensor(found) if isinstance(x, Tensor) else found)
