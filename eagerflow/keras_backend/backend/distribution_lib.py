"""What `keras.distribution` asks of a backend: the devices that there are. Nothing is distributed over them."""

from __future__ import annotations

from typing import Any, NoReturn

import eagerflow as ef

__all__ = ["distribute_tensor", "get_device_count", "initialize", "list_devices"]


def list_devices(device_type: str | None = None) -> list[str]:
    """The names of the devices of a type; by default those of GPUs, where there are any."""
    found = [str(device).lower() for device in ef.list_devices()]
    kind = device_type or ("gpu" if any(name.startswith("gpu") for name in found) else "cpu")
    return [name if ":" in name else f"{name}:0" for name in found if name.startswith(kind.lower())]


def get_device_count(device_type: str | None = None) -> int:
    """How many devices of a type there are."""
    return len(list_devices(device_type))


def _refused(*args: Any, **kwargs: Any) -> NoReturn:
    raise NotImplementedError(
        "The eagerflow backend trains Keras' models in one process and has no keras.distribution. Eagerflow's own "
        "models train in many (eagerflow.distribution), or choose KERAS_BACKEND=jax."
    )


distribute_tensor = distribute_variable = distribute_data_input = initialize = _refused
_to_backend_mesh = _to_backend_layout = num_processes = process_id = _refused
