"""`tf.debugging`: assertions about tensors."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import ops

__all__ = ["assert_all_finite", "assert_equal", "assert_greater", "assert_less", "assert_near", "assert_non_negative"]
__all__ += ["assert_positive", "assert_shapes"]


def _holds(condition: Any, what: str, message: str | None) -> None:
    if not bool(numpy.all(condition)):
        raise ValueError(f"{what} doesn't hold. {message or ''}".rstrip())


def _values(x: Any) -> numpy.ndarray:
    return numpy.asarray(ops.convert_to_numpy(x))


def assert_equal(x: Any, y: Any, message: str | None = None, **kwargs: Any) -> None:
    """Raise a ValueError unless all elements are equal.

    >>> assert_equal([1, 2], [1, 2])
    >>> assert_equal([1, 2], [1, 3], "labels")
    Traceback (most recent call last):
        ...
    ValueError: x == y doesn't hold. labels
    """
    _holds(_values(x) == _values(y), "x == y", message)


def assert_near(
    x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-5, message: str | None = None, **kwargs: Any
) -> None:
    """Raise a ValueError unless all elements are about equal.

    >>> assert_near([1.0], [1.000001])
    """
    _holds(numpy.isclose(_values(x), _values(y), rtol, atol), "x close to y", message)


def assert_less(x: Any, y: Any, message: str | None = None, **kwargs: Any) -> None:
    """Raise a ValueError unless all elements of `x` are less.

    >>> assert_less([1, 2], 3)
    >>> assert_less([1, 4], 3)
    Traceback (most recent call last):
        ...
    ValueError: ...
    """
    _holds(_values(x) < _values(y), "x < y", message)


def assert_greater(x: Any, y: Any, message: str | None = None, **kwargs: Any) -> None:
    """Raise a ValueError unless all elements of `x` are greater.

    >>> assert_greater([4, 5], 3)
    """
    _holds(_values(x) > _values(y), "x > y", message)


def assert_positive(x: Any, message: str | None = None, **kwargs: Any) -> None:
    """Raise a ValueError unless all elements are above 0.

    >>> assert_positive([1, 2])
    >>> assert_positive([0, 2])
    Traceback (most recent call last):
        ...
    ValueError: ...
    """
    _holds(_values(x) > 0, "x > 0", message)


def assert_non_negative(x: Any, message: str | None = None, **kwargs: Any) -> None:
    """Raise a ValueError unless no element is below 0.

    >>> assert_non_negative([0, 2])
    """
    _holds(_values(x) >= 0, "x >= 0", message)


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
    """Raise a ValueError unless every tensor has the shape beside it; names stand for one length each.

    >>> x, y = ef.ops.ones((5, 3)), ef.ops.ones((5,))
    >>> assert_shapes([(x, ("batch", 3)), (y, ("batch",))])
    """
    known: dict[str, int] = {}
    for x, wanted in dict(shapes).items() if isinstance(shapes, dict) else shapes:
        fits = len(wanted) == len(x.shape) and all(
            w is None or (known.setdefault(w, n) if isinstance(w, str) else w) == n for w, n in zip(wanted, x.shape)
        )
        _holds(fits, f"shape {tuple(wanted)} of {tuple(x.shape)}", message)
