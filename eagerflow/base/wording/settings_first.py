"""What a loss or metric is told that was given labels and predictions where it is made, as functions take them."""

from __future__ import annotations

from typing import Any

from eagerflow.base.notebook import shown_short

__all__ = ["refuse_data"]


def refuse_data(cls: type, args: tuple[Any, ...], names: Any) -> None:
    """Raise a TypeError for two arrays, or `y_true` and `y_pred`, where a class of ours takes its settings.

    Args:
        cls: the class.
        args: what it was given by position.
        names: the names of what it was given by name.

    >>> ef.losses.MeanSquaredError(np.zeros(2), np.zeros(2))
    Traceback (most recent call last):
        ...
    TypeError: MeanSquaredError(...) takes settings. Make it first, then call it: MeanSquaredError()(y_true, y_pred).
    """
    arrays = len(args) > 1 and all(getattr(x, "shape", ()) for x in args[:2])
    if (arrays or "y_true" in names or "y_pred" in names) and cls.__module__.startswith("eagerflow."):
        name = cls.__name__
        said = f"{name}(...) takes settings. Make it first, then call it: {name}()(y_true, y_pred)."
        raise shown_short(TypeError(said))
