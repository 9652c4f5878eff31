"""Moving tensors between devices."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.device import Device, device_of, place
from eagerflow.core.links import above
from eagerflow.core.op import op
from eagerflow.core.tensor import Tensor

__all__ = ["to_device"]


def _back(g: Array, source: Device) -> Array:
    return g.to(source) if isinstance(g, Tensor) else place(g, source)


@op(_back, saves=("source",))
def to_device(xp: Numpy, x: Array, where: Any = None) -> Any:
    """`x` on the device `where`; its gradient is moved back.

    Args:
        x: a tensor.
        where: a device name or `Device`.
    """
    return place(x, Device(where)), device_of(x)


above.move = to_device
