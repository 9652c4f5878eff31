"""`CallbackList`: several callbacks as one, which calls only the hooks that somebody overrides."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from eagerflow.base.errors import did_you_mean, nearest
from eagerflow.base.signatures import refuses
from eagerflow.base.tracebacks import warn
from eagerflow.callbacks.base import Callback
from eagerflow.callbacks.history import History
from eagerflow.callbacks.progbar_logger import ProgbarLogger
from eagerflow.core.strategy import active

__all__ = ["CallbackList"]

_OLDER = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class CallbackList(Callback):
    """A list of callbacks that are called in order.

    Args:
        callbacks: a callback, or a list of them, or None.
        add_history: whether to add a `History` at the end, where it sees what the others put into the logs. None is
            added where there is one already.
        add_progbar: whether to add a `ProgbarLogger` at the end, unless there is one already.
        model: passed to `set_model` of all callbacks.
        **params: passed to `set_params` of all callbacks.

    Raises:
        TypeError: for something that is no callback.

    >>> callbacks = ef.callbacks.CallbackList([ef.callbacks.EarlyStopping()], add_history=True, epochs=3)
    >>> [type(c).__name__ for c in callbacks.callbacks]
    ['EarlyStopping', 'History']
    >>> callbacks.append(ef.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs)))
    >>> callbacks.on_epoch_end(0, {"loss": 0.5, "val_loss": 1.0})
    0 {'loss': 0.5, 'val_loss': 1.0}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = [_checked(c) for c in _flat(callbacks)]
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        if add_history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        self._hooks: dict[str, list[Callable[..., None]]] = {}
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    @property
    def progress(self) -> ProgbarLogger | None:
        """The `ProgbarLogger` in the list, or None. Training loops ask it whether to draw; its hooks aren't called."""
        if not active.strategy.writes:
            return None
        return next((c for c in self.callbacks if isinstance(c, ProgbarLogger)), None)

    def append(self, callback: Any) -> None:
        """Adds a callback at the end.

        Args:
            callback: a `Callback`.

        >>> callbacks = ef.callbacks.CallbackList()
        >>> callbacks.append(ef.callbacks.History())
        >>> len(callbacks.callbacks)
        1
        """
        self.callbacks.append(_checked(callback))
        self._hooks.clear()

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if history is not None:
            model.history = history
        for callback in self.callbacks:
            callback.set_model(model)

    def hooks(self, name: str) -> list[Callable[..., None]]:
        """The bound methods of one hook, from the callbacks that override it, in the order in which they are called.

        Args:
            name: the name of the hook, such as `"on_epoch_end"`.
        """
        found = self._hooks.get(name)
        if found is None:
            ordered = sorted(self.callbacks, key=lambda c: name.endswith("_end") and getattr(c, "_runs_last", False))
            silent = not active.strategy.writes
            found = [getattr(c, name) for c in ordered if _overrides(c, name) and not (silent and c._writes)]
            self._hooks[name] = found
        return found

    def _tell(self, name: str, *arguments: Any) -> None:
        for hook in self.hooks(name):
            hook(*arguments)


def _add_hooks() -> None:
    """Give `CallbackList` every hook: it passes the call on."""
    for name in vars(Callback):
        if name.startswith("on_") and name not in _OLDER.values():
            kind = _epoch_hook if "epoch" in name else _batch_hook if "batch" in name else _plain_hook
            hook = kind(name)
            hook.__name__, hook.__doc__ = name, getattr(Callback, name).__doc__
            setattr(CallbackList, name, hook)


def _epoch_hook(name: str) -> Callable[..., None]:
    def hook(self: CallbackList, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._tell(name, epoch, {} if logs is None else logs)

    return hook


def _batch_hook(name: str) -> Callable[..., None]:
    def hook(self: CallbackList, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._tell(name, batch, {} if logs is None else logs)

    return hook


def _plain_hook(name: str) -> Callable[..., None]:
    def hook(self: CallbackList, logs: dict[str, Any] | None = None) -> None:
        self._tell(name, {} if logs is None else logs)

    return hook


_add_hooks()


def _flat(callbacks: Any) -> Iterable[Any]:
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return callbacks.callbacks
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]


def _checked(callback: Any) -> Any:
    if isinstance(callback, type) and issubclass(callback, Callback):
        raise TypeError(f"callbacks: {callback.__name__} is a class; pass an object: {callback.__name__}(...).")
    if not isinstance(callback, Callback):
        raise TypeError(
            f"callbacks: expected Callback objects, such as callbacks.EarlyStopping(patience=3); "
            f"got {type(callback).__name__} {callback!r:.80}.{_meant(callback)}"
        )
    if not type(callback).__module__.startswith("eagerflow."):
        _check_hooks(callback)
    return callback


def _meant(given: Any) -> str:
    """Which callback was meant: the one with this name, or with a similar name."""
    names = [name for name in import_module("eagerflow.callbacks").__all__ if not name.startswith("Callback")]
    if isinstance(given, str):
        found = nearest(given, names)
    else:
        called = getattr(given, "__name__", type(given).__name__).lower()
        found = next((name for name in names if name.lower() in called), None)
    return "" if found is None else f" Did you mean callbacks.{found}(...)?"


_HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


def _check_hooks(callback: Any) -> None:
    """Of a class of the user's: what the hooks take, and names that nobody calls."""
    cls = type(callback)
    for name in _HOOKS:
        count = 2 if "epoch" in name or "batch" in name else 1
        hook = getattr(callback, name)
        if getattr(cls, name) is not getattr(Callback, name) and refuses(hook, *[None] * count):
            taken = ("epoch, logs" if "epoch" in name else "batch, logs") if count == 2 else "logs"
            raise TypeError(
                f"callbacks: {cls.__name__}.{name} is called with ({taken}), and this takes {inspect.signature(hook)}. "
                f"Write def {name}(self, {taken}=None)."
            )
    for each in cls.__mro__[: cls.__mro__.index(Callback)]:
        for name in vars(each):
            meant = did_you_mean(name.replace("start", "begin"), _HOOKS) if name.startswith("on_") else ""
            if meant and not hasattr(Callback, name):
                warn(f"callbacks: {cls.__name__}.{name} is never called: no hook has this name.{meant}")


def _overrides(callback: Any, name: str) -> bool:
    if isinstance(callback, ProgbarLogger) and "batch" in name:
        return False  # it is asked, see `progress`
    for hook in (name, _OLDER.get(name, name)):
        if hook in vars(callback) or getattr(type(callback), hook) is not getattr(Callback, hook):
            return True
    return False
