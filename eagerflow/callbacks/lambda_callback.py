"""`LambdaCallback`: hooks given as functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, Unpack

from eagerflow.base.errors import did_you_mean
from eagerflow.callbacks.base import Callback

__all__ = ["LambdaCallback"]

_HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class _OtherHooks(TypedDict, total=False):
    """The hooks that Keras' signature doesn't name."""

    on_batch_begin: Callable[..., Any] | None
    on_batch_end: Callable[..., Any] | None
    on_test_batch_begin: Callable[..., Any] | None
    on_test_batch_end: Callable[..., Any] | None
    on_predict_batch_begin: Callable[..., Any] | None
    on_predict_batch_end: Callable[..., Any] | None
    on_test_begin: Callable[..., Any] | None
    on_test_end: Callable[..., Any] | None
    on_predict_begin: Callable[..., Any] | None
    on_predict_end: Callable[..., Any] | None


class LambdaCallback(Callback):
    """A callback made of functions, without writing a class.

    Args:
        on_epoch_begin: a function `f(epoch, logs)`, called before each epoch.
        on_epoch_end: a function `f(epoch, logs)`, called after each epoch.
        on_train_begin: a function `f(logs)`, called at the beginning of `fit`.
        on_train_end: a function `f(logs)`, called at the end of `fit`.
        on_train_batch_begin: a function `f(batch, logs)`, called before each training step.
        on_train_batch_end: a function `f(batch, logs)`, called after each training step.
        **kwargs: functions for any other hook of `Callback`, by its name.

    Raises:
        TypeError: for a hook that doesn't exist, or something that can't be called.

    >>> seen = []
    >>> callback = ef.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    >>> callback.on_epoch_end(0, {})
    >>> seen
    [0]
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Unpack[_OtherHooks],
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in given.items():
            if name not in _HOOKS:
                raise TypeError(f"LambdaCallback has no hook {name!r}.{did_you_mean(name, _HOOKS)}")
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"LambdaCallback({name}=...): expected a function; got {type(function).__name__}.")
            setattr(self, name, function)
