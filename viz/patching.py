"""`viz.patch`: other outputs of a layer for a while, to see what an answer or a loss rests on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from eagerflow.core.observe import Observer, Scope
from viz.frameworks import observing

__all__ = ["patch"]


class _Patch(Observer):
    """Replaces the `call` of each layer with this name, or of this layer, when it is first called."""

    wants_ops = False

    def __init__(self, layer: Any, function: Callable[[Any], Any], stack: contextlib.ExitStack) -> None:
        self._layer, self._function, self._stack = layer, function, stack
        self._patched: list[Any] = []
        self.others: dict[str, None] = {}  # the names of other layers that were called

    @property
    def found(self) -> bool:
        """Was such a layer called?"""
        return bool(self._patched)

    def on_scope_begin(self, scope: Scope) -> None:
        if scope.kind not in ("layer", "model"):
            return
        owner, layer = scope.owner, getattr(scope.owner, "thing", scope.owner)  # PyTorch's module
        if any(layer is each for each in self._patched):
            return
        if self._layer is not layer and self._layer not in (owner.name, getattr(owner, "path", None)):
            self.others[owner.name] = None
            return
        self._patched.append(layer)
        if layer is not owner:
            hook = layer.register_forward_hook(lambda module, inputs, outputs: self._function(outputs))
            self._stack.callback(hook.remove)
            return
        call = layer.call
        object.__setattr__(layer, "call", lambda *args, **kwargs: self._function(call(*args, **kwargs)))
        self._stack.callback(object.__delattr__, layer, "call")


@contextlib.contextmanager
def patch(layer: Any, function: Callable[[Any], Any]) -> Iterator[None]:
    """Within the block, a layer gives what a function makes of its outputs.

    Set a layer's outputs to zero, to their mean or to those of another input, and see how far the answer or the loss
    changes. Gradients flow through the function. Captured steps run eagerly in the block, and learn of it.

    Args:
        layer: a layer, the name of one, or its path (`"encoder/attention"`); of PyTorch, a module or what the program
            calls it (`"layers.0"`). All layers with the name are meant.
        function: takes the outputs, gives others in their place, of the same structure.

    Raises:
        ValueError: at the end of the block, when no such layer was called in it.

    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.layers.Dense(4, name="hidden"), ef.layers.Dense(1, use_bias=False, name="out")])
    >>> x = ef.ops.ones((2, 3))
    >>> with viz.patch("hidden", lambda y: 0 * y):
    ...     print(model(x).tolist())
    [[0.0], [0.0]]
    """
    if not callable(function):
        raise TypeError(f"viz.patch(function): expected a function of a layer's outputs, got {type(function).__name__}")
    with contextlib.ExitStack() as stack:
        observer = stack.enter_context(observing(_Patch(layer, function, stack)))
        yield
    if not observer.found:
        called = ", ".join(list(observer.others)[:8]) or "none"
        raise ValueError(f"viz.patch({layer!r}): no such layer was called in the block; called were: {called}")
