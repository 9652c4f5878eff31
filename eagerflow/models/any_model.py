"""The type of models that are known at run time only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eagerflow.models.model import Model
from eagerflow.models.sequential import Sequential

__all__ = ["AnyModel"]

if TYPE_CHECKING:
    from eagerflow.base.typing import Predicted

    class AnyModel(Sequential):
        """A model whose class only a run knows, as one from a file: it may have any attribute.

        It is a `Sequential` to type checkers, for a variable that held one may be given it: `model = load_model(path)`.
        """

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

        def predict(self, *args: Any, **kwargs: Any) -> Predicted | Any: ...

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...
else:
    AnyModel = Model
