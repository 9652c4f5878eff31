"""Numbers that stand for categories: whole ones, of whatever type."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import WrongTypeError
from eagerflow.core.device import namespace_of
from eagerflow.layer.call_context import current_call
from eagerflow.layer.input_spec import describe

__all__ = ["refuse_fractions"]


def refuse_fractions(layer: Any, array: Any) -> None:
    """Cutting 1.5 to 1 would put it into a category that it isn't in.

    Args:
        layer: the layer.
        array: a raw array of any type.

    Raises:
        WrongTypeError: (a TypeError) for numbers with fractions, infinity and NaN.
    """
    context = current_call.get()
    if array.dtype.kind != "f" or (context is not None and context.probing):  # then values mean nothing
        return
    xp = namespace_of(array)
    broken = (array != xp.trunc(array)) | ~xp.isfinite(array)
    if broken.any():
        raise WrongTypeError(
            f"{describe(layer)} takes whole numbers; the inputs have {float(array[broken][0]):g} among them. "
            "Discretization puts numbers with fractions into bins; round them if they stand for categories."
        )
