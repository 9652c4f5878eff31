"""Arguments that every layer takes besides its own: Keras 2's `input_shape=`, `weights=` and their kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.base.spellings import behaviour
from eagerflow.base.tracebacks import arguments_of, unknown_arguments
from eagerflow.base.typing import Shape
from eagerflow.layer.weights import gather

__all__ = ["OWN_BY_KERAS_2", "batch_shape_of", "refuse_unknown"]

INPUT_ARGUMENTS = ("batch_input_shape", "batch_shape", "batch_size", "input_dim", "input_dtype", "input_shape")


def batch_shape_of(cls: type, given: dict[str, Any]) -> Shape | None:
    """The shape of the first input that the arguments tell, with the batch axis; None when they don't.

    Raises:
        ValueError: for what is no shape.
    """
    whole = given.get("batch_input_shape", given.get("batch_shape"))
    if whole is not None and not _is_of_several(whole):
        return _checked(cls, "batch_input_shape", whole)
    rest = given.get("input_shape")
    if rest is None and given.get("input_dim") is not None:
        rest = (given["input_dim"],)
    if rest is None:
        return None
    return (given.get("batch_size"), *_checked(cls, "input_shape", rest))


def _is_of_several(shape: Any) -> bool:
    """Whether these are the shapes of several inputs, which Keras 2 takes, and which tell of no single one."""
    return behaviour.keras_2 and isinstance(shape, (list, tuple)) and any(isinstance(n, (list, tuple)) for n in shape)


def _checked(cls: type, argument: str, shape: Any) -> Shape:
    dims = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n is not None and (isinstance(n, bool) or not hasattr(n, "__index__") or n < 0) for n in dims):
        raise ValueError(
            f"{cls.__name__}({argument}={shape!r}): expected a tuple of integers and None, such as (28, 28, 1)."
        )
    return tuple([None if n is None else int(n) for n in dims])


def refuse_unknown(cls: type, unknown: dict[str, Any]) -> None:
    """Raise when arguments are left that nobody knows.

    Raises:
        UnknownArgumentError: with the nearest argument of the class.
    """
    if unknown:
        raise unknown_arguments(cls, unknown, arguments_of(cls))


# Lists under Keras 2's private names, which custom layers read: of the layer alone, without sublayers.
OWN_BY_KERAS_2: dict[str, Callable[[Any], list[Any]]] = {
    "_trainable_weights": lambda layer: [v for v in gather(layer)[0] if v.trainable],
    "_non_trainable_weights": lambda layer: [v for v in gather(layer)[0] if not v.trainable],
    "_updates": lambda layer: [],
}
