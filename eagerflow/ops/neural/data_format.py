"""Where the channels axis is, and the checks that ops over spatial axes share."""

from __future__ import annotations

from typing import Any

from eagerflow.base.config import image_data_format
from eagerflow.base.errors import expect_one_of
from eagerflow.base.typing import DataFormat

__all__ = ["channels_first_to_last", "is_channels_first", "spatial_rank", "to_first", "to_last"]

_LAYOUTS = ("channels_last", "channels_first")


def is_channels_first(data_format: DataFormat | None) -> bool:
    """Reads `data_format`; None is the configured default.

    Raises:
        ValueError: for an unknown one.
    """
    found = image_data_format() if data_format is None else data_format
    if found not in _LAYOUTS:
        expect_one_of("", "data_format", found, _LAYOUTS)
    return bool(found == "channels_first")


def to_last(x: Any) -> Any:
    """(batch, channels, *spatial) as (batch, *spatial, channels); arrays and tensors."""
    return x.transpose((0, *range(2, x.ndim), 1))


def to_first(x: Any) -> Any:
    """(batch, *spatial, channels) as (batch, channels, *spatial)."""
    return x.transpose((0, x.ndim - 1, *range(1, x.ndim - 1)))


def channels_first_to_last(x: Any, data_format: DataFormat | None) -> Any:
    """`x` with channels last, whatever `data_format` says about it."""
    return to_last(x) if is_channels_first(data_format) else x


def spatial_rank(x: Any, ranks: tuple[int, ...] = (1, 2, 3)) -> int:
    """The number of spatial axes of `inputs`.

    Raises:
        ValueError: when it is none of `ranks`.
    """
    rank = x.ndim - 2
    if rank not in ranks:
        allowed = " or ".join(str(r + 2) for r in ranks)
        raise ValueError(f"expected inputs with {allowed} axes (batch, spatial axes, channels); got {x.ndim} axes.")
    return rank
