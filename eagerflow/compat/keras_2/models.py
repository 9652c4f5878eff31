"""Models as Keras 2 made and ran them: ends by their older names, lists of one, inputs with additional axes."""

from __future__ import annotations

from typing import Any

from eagerflow.base.legacy import Arguments
from eagerflow.compat.arguments import Older
from eagerflow.compat.overrides import instead_of
from eagerflow.layer.layer import Layer
from eagerflow.models import inputs, model as model_of_graph
from eagerflow.models.model import Model

__all__ = ["CHANGES", "OVERRIDES"]

_ENDS = {"input": "inputs", "output": "outputs"}


def _named(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """`super().__init__("name")`, or with the model itself."""
    if len(args) == 2 and isinstance(args[1], (str, Layer)):
        kwargs = {"name": args[1], **kwargs} if isinstance(args[1], str) else kwargs
        args = args[:1]
    return args, kwargs


def _is_functional(original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return original(args, {_ENDS.get(name, name): value for name, value in kwargs.items()})


def _connect(original: Any, self: Model, *ends: Any) -> None:
    """A list of one is what it holds."""
    original(self, *[x[0] if isinstance(x, list) and len(x) == 1 else x for x in ends])


def _the_one(original: Any, found: Any) -> Any:
    """A tuple of one tensor stays one."""
    return found if isinstance(found, tuple) else original(found)


def _with_other_rank(original: Any, self: Any, x: Any, model: Any) -> Any:
    """Axes of length 1 may be missing or there needlessly, which is left to the layers."""
    try:
        return original(self, x, model)
    except ValueError:
        if [n for n in x.shape[1:] if n != 1] == [n for n in self.shape[1:] if n != 1]:
            return x
        raise


_model = Older(_ENDS, first=_named, always=True)
CHANGES = {"Model.__init__": _model, "Functional.__init__": _model}
OVERRIDES = [
    instead_of(model_of_graph, "_is_functional", _is_functional),
    instead_of(model_of_graph, "the_one", _the_one),
    instead_of(Model, "_connect", _connect),
    instead_of(inputs.Door, "_with_other_rank", _with_other_rank),
]
