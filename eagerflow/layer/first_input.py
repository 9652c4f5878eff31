"""Arguments that every layer takes besides its own: the shape of the first input, `input_shape=` and its kin."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Shape

__all__ = ["INPUT_ARGUMENTS", "batch_shape_of"]

INPUT_ARGUMENTS = ("batch_shape", "batch_size", "input_dim", "input_shape")


def batch_shape_of(cls: type, given: dict[str, Any]) -> Shape | None:
    """The shape of the first input that the arguments tell, with the batch axis; None when they don't.

    Raises:
        ValueError: for what is no shape.
    """
    if given.get("batch_shape") is not None:
        return _checked(cls, "batch_shape", given["batch_shape"])
    rest = given.get("input_shape")
    if rest is None and given.get("input_dim") is not None:
        rest = (given["input_dim"],)
    if rest is None:
        return None
    return (given.get("batch_size"), *_checked(cls, "input_shape", rest))


def _checked(cls: type, argument: str, shape: Any) -> Shape:
    dims = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n is not None and (isinstance(n, bool) or not hasattr(n, "__index__") or n < 0) for n in dims):
        raise ValueError(
            f"{cls.__name__}({argument}={shape!r}): expected a tuple of integers and None, such as (28, 28, 1)."
        )
    return tuple([None if n is None else int(n) for n in dims])
