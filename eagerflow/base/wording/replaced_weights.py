"""An array that was put in the place of a weight: nothing trains it, and no file keeps it."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.tracebacks import warn

__all__ = ["warn_of_replaced"]


def warn_of_replaced(called: str, name: str, value: Any) -> None:
    """Warn where an attribute that is a weight is set to an array or tensor.

    Args:
        called: what errors call the layer.
        name: the attribute.
        value: what it is set to.

    >>> import warnings
    >>> import eagerflow as ef
    >>> last = ef.layers.Dense(1, name="last")
    >>> last.build((None, 2))
    >>> with warnings.catch_warnings(action="error"):
    ...     last.kernel = np.zeros((2, 1))
    Traceback (most recent call last):
        ...
    UserWarning: Dense "last": kernel was a weight, and is float64[2, 1] now, which is neither trained nor saved. ...
    """
    warn(
        f"{called}: {name} was a weight, and is {signature_of(value)} now, which is neither trained nor saved. To give "
        f"the weight these numbers: layer.{name}.assign(values)."
    )
