"""`tf.autograph`: functions run as they are written, so nothing is converted."""

import inspect
from types import SimpleNamespace
from typing import Any

__all__ = ["experimental", "set_verbosity", "to_code", "to_graph"]


def to_graph(entity: Any = None, *args: Any, **kwargs: Any) -> Any:
    """The function itself."""
    return to_graph if entity is None else entity


experimental = SimpleNamespace(do_not_convert=to_graph, set_loop_options=lambda **kwargs: None)


def to_code(entity: Any, *args: Any, **kwargs: Any) -> str:
    """The source of a function, which runs as it stands."""
    return inspect.getsource(inspect.unwrap(entity))


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Accepted without effect."""
