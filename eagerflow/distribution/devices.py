"""The devices of a distribution: one for each rank."""

from __future__ import annotations

from eagerflow.core.device import default_device
from eagerflow.distribution.joining import joined

__all__ = ["get_device_count", "list_devices"]

_KINDS = ("cpu", "gpu", "tpu")


def list_devices(device_type: str | None = None) -> list[str]:
    """The devices of all ranks together: one for each, such as `"cpu:0"` and `"cpu:1"` for two.

    (The devices that this process could compute on are `eagerflow.list_devices()`.)

    Args:
        device_type: `"cpu"`, `"gpu"` or `"tpu"`; default: the type in use.

    Raises:
        ValueError: for another type.

    >>> ef.distribution.list_devices()
    ['cpu:0']
    """
    kind = default_device().kind
    wanted = kind if device_type is None else str(device_type).lower()
    if wanted not in _KINDS:
        raise ValueError(f"list_devices(device_type={device_type!r:.40}): expected 'cpu', 'gpu', 'tpu' or None.")
    return [f"{kind}:{rank}" for rank in range(joined().size)] if wanted == kind else []


def get_device_count(device_type: str | None = None) -> int:
    """The number of devices of all ranks together.

    Args:
        device_type: `"cpu"`, `"gpu"`, or None for the type in use.

    >>> ef.distribution.get_device_count()
    1
    """
    return len(list_devices(device_type))
