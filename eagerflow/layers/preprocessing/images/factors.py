"""Arguments of augmentations: ranges to draw from, and ranges of values."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Sampling
from eagerflow.layer.settings import one_of

__all__ = ["checked_range", "interpolation_of", "span", "strict_span", "warp_settings"]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """Numbers of NumPy's, and tensors of one number, as Python's; a pair of them, too."""
    if isinstance(value, (tuple, list)):
        return type(value)([_plain(v) for v in value])
    return value.tolist() if getattr(value, "shape", None) == () else value


def _is_pair(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(_is_number(v) for v in value)


def _refused(layer: Any, name: str, value: Any, low: float, high: float) -> ValueError:
    return ValueError(f"{type(layer).__name__}({name}={value!r}): expected a number, or two, from {low} to {high}.")


def span(layer: Any, name: str, value: Any, low: float, high: float) -> tuple[float, float]:
    """The range that a factor is drawn from: a number f means from -f (or `low`, if that is more) to f.

    Raises:
        ValueError: naming the layer and the argument.
    """
    value = _plain(value)
    if _is_pair(value) and value[0] <= high and value[1] >= low:
        lower, upper = sorted(value)
        return lower, upper
    if _is_number(value) and low <= value <= high:
        return max(-abs(value), low), abs(value)
    raise _refused(layer, name, value, low, high)


def strict_span(layer: Any, name: str, value: Any, low: float, high: float) -> tuple[float, float]:
    """The same where both ends of a pair have to lie within the bounds, and a number f means from -f to f.

    Raises:
        ValueError: naming the layer and the argument.
    """
    value = _plain(value)
    if _is_pair(value) and all(low <= v <= high for v in value):
        lower, upper = sorted(value)
        return lower, upper
    if _is_number(value) and low <= value <= high:
        return -abs(value), abs(value)
    raise _refused(layer, name, value, low, high)


def checked_range(layer: Any, value_range: Any) -> list[Any]:
    """The lowest and highest value of pixels.

    Raises:
        ValueError: unless there are two numbers.
    """
    value_range = _plain(value_range)
    if not _is_pair(value_range):
        raise ValueError(f"{type(layer).__name__}(value_range={value_range!r}): expected two numbers.")
    return sorted(value_range)


def interpolation_of(layer: Any, interpolation: Any) -> Sampling:
    """The interpolation of a layer that moves pixels.

    Raises:
        ValueError: for an unknown one.
    """
    found: Sampling = one_of(layer, "interpolation", interpolation, ("nearest", "bilinear"))
    return found


def warp_settings(layer: Any, fill_mode: Any, interpolation: Any, fill_value: Any) -> None:
    """Set how pixels between and beyond those of an image are found.

    Raises:
        ValueError: for an unknown mode.
    """
    modes = ("reflect", "wrap", "constant", "nearest")
    layer.fill_mode = one_of(layer, "fill_mode", fill_mode, modes)
    layer.interpolation = interpolation_of(layer, interpolation)
    layer.fill_value = fill_value
