"""`tf.debugging`: assertions about tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops

__all__ = ["assert_all_finite", "assert_equal", "assert_greater", "assert_greater_equal", "assert_less"]
__all__ += ["assert_less_equal", "assert_near", "assert_negative", "assert_non_negative", "assert_non_positive"]
__all__ += ["assert_none_equal", "assert_positive", "assert_shapes"]


def _holds(condition: Any, what: str, message: str | None) -> None:
    if not bool(numpy.all(condition)):
        raise ValueError(f"{what} doesn't hold. {message or ''}".rstrip())


def _values(x: Any) -> numpy.ndarray:
    return numpy.asarray(ops.convert_to_numpy(x))


def _comparison(sign: str, compare: Callable[..., Any]) -> Callable[..., None]:
    def check(x: Any, y: Any, message: str | None = None, **kwargs: Any) -> None:
        """Raise a ValueError unless it holds for all elements of `x` and `y`."""
        _holds(compare(_values(x), _values(y)), f"x {sign} y", message)

    return check


def _against_zero(sign: str, compare: Callable[..., Any]) -> Callable[..., None]:
    def check(x: Any, message: str | None = None, **kwargs: Any) -> None:
        """Raise a ValueError unless it holds for all elements of `x`."""
        _holds(compare(_values(x), 0), f"x {sign} 0", message)

    return check


assert_equal, assert_none_equal = _comparison("==", numpy.equal), _comparison("!=", numpy.not_equal)
assert_less, assert_less_equal = _comparison("<", numpy.less), _comparison("<=", numpy.less_equal)
assert_greater, assert_greater_equal = _comparison(">", numpy.greater), _comparison(">=", numpy.greater_equal)
assert_positive, assert_non_negative = _against_zero(">", numpy.greater), _against_zero(">=", numpy.greater_equal)
assert_negative, assert_non_positive = _against_zero("<", numpy.less), _against_zero("<=", numpy.less_equal)


def assert_near(
    x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-5, message: str | None = None, **kwargs: Any
) -> None:
    """Raise a ValueError unless all elements are about equal.

    >>> assert_near([1.0], [1.000001])
    """
    _holds(numpy.isclose(_values(x), _values(y), rtol, atol), "x close to y", message)


def assert_all_finite(x: Any, message: str | None = None, name: str | None = None) -> Any:
    """Raise a ValueError if an element is infinite or not a number; gives `x` as a tensor otherwise.

    >>> assert_all_finite([1.0, 2.0], "weights").tolist()
    [1.0, 2.0]
    >>> assert_all_finite([1.0, np.nan], "weights")
    Traceback (most recent call last):
        ...
    ValueError: all finite doesn't hold. weights
    """
    _holds(numpy.isfinite(_values(x)), "all finite", message)
    return ops.convert_to_tensor(x)


def assert_shapes(shapes: Any, message: str | None = None, **kwargs: Any) -> None:
    """Raise a ValueError unless every tensor has the shape given for it; names stand for one length each.

    >>> x, y = ef.ops.ones((5, 3)), ef.ops.ones((5,))
    >>> assert_shapes([(x, ("batch", 3)), (y, ("batch",))])
    """
    known: dict[str, int] = {}
    for x, wanted in dict(shapes).items() if isinstance(shapes, dict) else shapes:
        fits = len(wanted) == len(x.shape) and all(
            w is None or (known.setdefault(w, n) if isinstance(w, str) else w) == n for w, n in zip(wanted, x.shape)
        )
        _holds(fits, f"shape {tuple(wanted)} of {tuple(x.shape)}", message)
