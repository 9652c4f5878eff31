"""`tf.config` and `tf.test`: questions about devices, and settings that have no meaning here."""

from __future__ import annotations

from typing import Any, NamedTuple

from eagerflow.core.device import list_devices

__all__ = ["LogicalDeviceConfiguration", "PhysicalDevice", "enable_op_determinism", "experimental_connect_to_cluster"]
__all__ += ["functions_run_eagerly", "get_jit", "get_visible_devices", "set_experimental_options", "set_jit"]
__all__ += ["gpu_device_name", "is_built_with_cuda", "is_gpu_available", "list_logical_devices"]
__all__ += ["list_physical_devices", "run_functions_eagerly", "set_inter_op_parallelism_threads"]
__all__ += ["set_intra_op_parallelism_threads", "set_logical_device_configuration", "set_memory_growth"]
__all__ += ["set_soft_device_placement", "set_visible_devices"]


class PhysicalDevice(NamedTuple):
    """A device: `name` such as "/physical_device:CPU:0", and `device_type`, "CPU" or "GPU"."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of this machine that arrays can live on."""
    kinds = [str(d).partition(":") for d in list_devices()]
    found = [
        PhysicalDevice(f"/physical_device:{kind.upper()}:{number or 0}", kind.upper()) for kind, _, number in kinds
    ]
    return [d for d in found if device_type in (None, d.device_type)]


list_logical_devices = get_visible_devices = list_physical_devices


def is_gpu_available(*args: Any, **kwargs: Any) -> bool:
    """Whether there is a GPU that arrays can live on."""
    return bool(list_physical_devices("GPU"))


is_built_with_cuda = is_gpu_available


def gpu_device_name() -> str:
    """The name of the first GPU, or an empty text."""
    return "/device:GPU:0" if is_gpu_available() else ""


def functions_run_eagerly() -> bool:
    """True."""
    return True


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Accepted; everything runs eagerly."""


def set_memory_growth(device: Any, enable: bool) -> None:
    """Accepted; memory grows as it is needed."""


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Accepted; `eagerflow.set_default_device` chooses the device."""


def set_logical_device_configuration(device: Any, logical_devices: Any) -> None:
    """Accepted without effect."""


def set_soft_device_placement(enabled: bool) -> None:
    """Accepted without effect."""


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Accepted without effect."""


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Accepted without effect."""


def set_jit(enabled: Any) -> None:
    """Accepted without effect; nothing is compiled."""


def get_jit() -> str:
    """Nothing is compiled."""
    return ""


def set_experimental_options(options: Any) -> None:
    """Accepted without effect."""


def experimental_connect_to_cluster(*args: Any, **kwargs: Any) -> None:
    """Accepted without effect; there is one machine."""


class LogicalDeviceConfiguration:
    """Accepted without effect.

    Args:
        memory_limit: accepted.
        **kwargs: accepted.
    """

    def __init__(self, memory_limit: Any = None, **kwargs: Any) -> None:
        self.memory_limit = memory_limit


def enable_op_determinism() -> None:
    """Accepted; results don't depend on the number of threads."""
