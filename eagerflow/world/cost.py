"""What a step on many ranks should cost: a model with three numbers for a network, and one clock.

An all-reduce of m bytes on n ranks takes `2 log2(n) latency + (n - 1) / n * m * (2 / bandwidth + adding)`, as recursive
halving and doubling does; a ring has `2 (n - 1)` latencies instead. Buckets are sent one after the other, each from the
moment when the backward pass has filled it. These are predictions: nothing here was measured.

Source: Thakur, Rabenseifner and Gropp, "Optimization of collective communication operations in MPICH", 2005.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["NETWORKS", "Network", "Prediction", "all_reduce_seconds", "predict", "slowest"]


class Network(NamedTuple):
    """A network between machines.

    Attributes:
        name: what tables call it.
        latency: seconds of a message without content.
        bandwidth: bytes per second that a machine sends, and gets at the same time.
        adding: seconds in which a rank adds a byte to another.
    """

    name: str
    latency: float
    bandwidth: float
    adding: float = 1 / 8e9


NETWORKS = (
    Network("1 Gbit/s Ethernet", 50e-6, 118e6),
    Network("10 Gbit/s Ethernet", 30e-6, 1.1e9),
    Network("25 Gbit/s Ethernet", 20e-6, 2.7e9),
    Network("100 Gbit/s RDMA", 2e-6, 11e9),
)


class Prediction(NamedTuple):
    """A step as it should be.

    Attributes:
        step: its seconds.
        compute: seconds of the slowest rank's own work.
        communication: seconds of all sums, one after the other.
        exposed: seconds in which ranks only wait for sums.
        efficiency: the work of a rank alone, by what a step takes.
    """

    step: float
    compute: float
    communication: float
    exposed: float
    efficiency: float


def all_reduce_seconds(nbytes: float, machines: int, network: Network, ring: bool = False) -> float:
    """Seconds of an all-reduce.

    Args:
        nbytes: of the array.
        machines: how many take part.
        network: between them.
        ring: count the latencies of a ring.

    >>> round(1e3 * all_reduce_seconds(100e6, 8, NETWORKS[1]))
    170
    """
    if machines < 2:
        return 0.0
    messages = 2 * (machines - 1) if ring else 2 * math.log2(machines)
    part = (machines - 1) / machines * nbytes
    return messages * network.latency + 2 * part / network.bandwidth + part * network.adding


def slowest(ranks: int, jitter: float) -> float:
    """By which factor the slowest of many ranks is slower than the mean one.

    Args:
        ranks: the number of ranks.
        jitter: the standard deviation of their steps, by the mean step.

    >>> round(slowest(1024, 0.02), 3)
    1.074
    """
    return 1 + jitter * math.sqrt(2 * math.log(ranks)) if ranks > 1 else 1.0


def predict(
    buckets: Sequence[float],
    compute: float,
    ranks: int,
    network: Network,
    ranks_per_machine: int = 1,
    backward: float = 2 / 3,
    overlap: bool = True,
    jitter: float = 0.0,
) -> Prediction:
    """What a step takes on many ranks, each of which works on as many rows as the one that was measured.

    Args:
        buckets: bytes of each bucket of gradients, in the order in which they are filled.
        compute: seconds of a step on one rank alone.
        ranks: how many there are.
        network: between their machines. Sums within a machine are counted as free.
        ranks_per_machine: how many a machine has.
        backward: the part of a step in which gradients are made. Each bucket is full when its share of it is over.
        overlap: whether sums are made while the backward pass goes on.
        jitter: see `slowest`.

    Raises:
        ValueError: for fewer than one rank, or no time to compute.

    >>> found = predict([12.5e6] * 8, compute=1.0, ranks=1024, network=NETWORKS[2])
    >>> round(found.efficiency, 2), round(predict([100e6], 1.0, 1024, NETWORKS[2], overlap=False).efficiency, 2)
    (0.99, 0.92)
    """
    if ranks < 1 or ranks_per_machine < 1 or compute <= 0:
        raise ValueError(
            f"predict: expected at least one rank and some time to compute; got ranks={ranks}, "
            f"ranks_per_machine={ranks_per_machine}, compute={compute}."
        )
    machines = -(-ranks // ranks_per_machine)
    own = compute * slowest(ranks, jitter)
    seconds = [all_reduce_seconds(nbytes, machines, network) for nbytes in buckets]
    whole = sum(buckets) or 1.0
    clock = filled = 0.0
    for nbytes, duration in zip(buckets, seconds):
        filled += nbytes
        full = own * (1 - backward) + own * backward * filled / whole if overlap else own
        clock = max(clock, full) + duration
    step = max(own, clock)
    return Prediction(step, own, sum(seconds), step - own, compute / step)
