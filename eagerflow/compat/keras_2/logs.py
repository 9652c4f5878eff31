"""Numbers by their older names: Keras 2.2 reported `metrics=["accuracy", "mae"]` as `acc` and `mean_absolute_error`."""

from __future__ import annotations

from typing import Any

from eagerflow.callbacks.logs import SAME_METRIC, Logs
from eagerflow.compat.overrides import Override, added, instead_of

__all__ = ["OVERRIDES"]


def _missing(original: Any, self: Logs, name: Any) -> Any:
    other = _present(self, name)
    return original(self, name) if other is None else self[other]


class _EitherName:
    """What logs have besides: `acc` is found under `accuracy`, and the other way round."""

    def __contains__(self: Any, name: object) -> bool:
        return dict.__contains__(self, name) or _present(self, name) is not None

    def get(self: Any, name: str, default: Any = None) -> Any:
        """The number of that name, or of the other name of the same metric."""
        other = _present(self, name)
        return dict.get(self, name if dict.__contains__(self, name) or other is None else other, default)


def _present(logs: Logs, name: Any) -> str | None:
    """The first of the other names that is there."""
    for names in SAME_METRIC:
        for last in names:
            if name == last or str(name).endswith(f"_{last}"):
                others = [str(name).removesuffix(last) + other for other in names]
                return next((other for other in others if dict.__contains__(logs, other)), None)
    return None


OVERRIDES: list[Override] = [
    instead_of(Logs, "__missing__", _missing),
    *added(Logs, ["__contains__", "get"], _EitherName),
]
