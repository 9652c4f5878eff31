"""`keras.legacy.interfaces`: decorators that translated Keras 1's arguments; layers do it themselves here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["generate_legacy_interface", "legacy_add_weight_support", "legacy_conv1d_support", "legacy_conv2d_support"]
__all__ += ["legacy_conv3d_support", "legacy_dense_support", "legacy_dropout_support", "legacy_embedding_support"]
__all__ += ["legacy_generator_methods_support", "legacy_get_updates_support", "legacy_pooling1d_support"]
__all__ += ["legacy_pooling2d_support", "legacy_recurrent_support"]

Function = Callable[..., Any]


def _unchanged(function: Function) -> Function:
    """The function itself."""
    return function


legacy_add_weight_support = legacy_conv1d_support = legacy_conv2d_support = legacy_conv3d_support = _unchanged
legacy_dense_support = legacy_dropout_support = legacy_embedding_support = _unchanged
legacy_generator_methods_support = legacy_get_updates_support = _unchanged
legacy_pooling1d_support = legacy_pooling2d_support = legacy_recurrent_support = _unchanged


def generate_legacy_interface(
    allowed_positional_args: Any = None,
    conversions: Any = None,
    preprocessor: Any = None,
    value_conversions: Any = None,
    object_type: str = "class",
) -> Callable[[Function], Function]:
    """A decorator that lets old argument names stand for the present ones.

    Args:
        allowed_positional_args: accepted; Python checks the arguments.
        conversions: pairs of an old and a present name.
        preprocessor: a function of the arguments that gives them changed, with a list of what it did.
        value_conversions: for an argument, present values of old ones.
        object_type: accepted.
    """

    def decorate(function: Function) -> Function:
        def call(*args: Any, **kwargs: Any) -> Any:
            if preprocessor is not None:
                args, kwargs = preprocessor(args, kwargs)[:2]
            for name, values in (value_conversions or {}).items():
                if kwargs.get(name) in values:
                    kwargs[name] = values[kwargs[name]]
            for old, new in conversions or ():
                if old in kwargs:
                    kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate
