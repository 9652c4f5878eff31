"""`viz.patch`: other outputs of a layer for a while, to see what an answer or a loss rests on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from eagerflow.core.observe import Scope
from viz.frameworks import observing
from viz.recorder.listening import Listening

__all__ = ["patch"]


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
    patched = list[Any]()
    others = dict[str, None]()  # the names of other layers that were called

    def begins(scope: Scope) -> None:
        """Replace the `call` of a layer that is meant, when it is first called."""
        if scope.kind not in ("layer", "model"):
            return
        owner, called = scope.owner, getattr(scope.owner, "thing", scope.owner)  # PyTorch's module
        if any(called is each for each in patched):
            return
        if layer is not called and layer not in (owner.name, getattr(owner, "path", None)):
            others[owner.name] = None
            return
        patched.append(called)
        if called is not owner:
            hook = called.register_forward_hook(lambda module, inputs, outputs: function(outputs))
            stack.callback(hook.remove)
            return
        call = called.call
        object.__setattr__(called, "call", lambda *args, **kwargs: function(call(*args, **kwargs)))
        stack.callback(object.__delattr__, called, "call")

    with contextlib.ExitStack() as stack, observing(Listening(everywhere=True, on_scope_begin=begins)):
        yield
    if not patched:
        names = ", ".join([*others][:8]) or "none"
        raise ValueError(f"viz.patch({layer!r}): no such layer was called in the block; called were: {names}")
