"""`tf.config` and `tf.test`: questions about devices, and settings that have no meaning here."""

from __future__ import annotations

from typing import Any, NamedTuple

from eagerflow.core.device import list_devices

__all__ = ["LogicalDeviceConfiguration", "PhysicalDevice", "disable_op_determinism", "enable_op_determinism"]
__all__ += ["experimental_connect_to_cluster", "functions_run_eagerly", "get_experimental_options", "get_jit"]
__all__ += ["get_visible_devices", "gpu_device_name", "is_built_with_cuda", "is_gpu_available"]
__all__ += ["is_op_determinism_enabled", "list_logical_devices", "list_physical_devices", "run_functions_eagerly"]
__all__ += [
    "set_experimental_options",
    "set_inter_op_parallelism_threads",
    "set_intra_op_parallelism_threads",
    "set_jit",
    "set_log_device_placement",
]
__all__ += ["set_logical_device_configuration", "set_memory_growth", "set_soft_device_placement", "set_visible_devices"]


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


def get_jit() -> str:
    """Nothing is compiled."""
    return ""


def get_experimental_options() -> dict[str, bool]:
    """Nothing is optimized."""
    return {}


def is_op_determinism_enabled() -> bool:
    """True: results don't depend on the number of threads."""
    return True


def _accepted(*args: Any, **kwargs: Any) -> None:
    """Accepted without effect: everything runs eagerly, on the device that `eagerflow.set_default_device` chose."""


run_functions_eagerly = set_memory_growth = set_visible_devices = set_logical_device_configuration = _accepted
set_soft_device_placement = set_intra_op_parallelism_threads = set_inter_op_parallelism_threads = _accepted
set_jit = set_log_device_placement = set_experimental_options = experimental_connect_to_cluster = _accepted
enable_op_determinism = disable_op_determinism = _accepted


class LogicalDeviceConfiguration:
    """Accepted without effect."""

    def __init__(self, memory_limit: Any = None, **kwargs: Any) -> None:
        self.memory_limit = memory_limit
