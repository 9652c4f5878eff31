"""Published data sets to learn with, downloaded when they are first used."""

import importlib as _importlib
from typing import TYPE_CHECKING, Any as _Any

from eagerflow.base.faces import missing as _missing

if TYPE_CHECKING:
    from eagerflow.datasets import (
        boston_housing,
        california_housing,
        cifar10,
        cifar100,
        digits,
        fashion_mnist,
        imdb,
        mnist,
        reuters,
    )

__all__ = ["boston_housing", "california_housing", "cifar10", "cifar100", "digits", "fashion_mnist", "imdb", "mnist"]
__all__ += ["reuters"]


if not TYPE_CHECKING:  # for which a name that isn't here is an error

    def __getattr__(name: str) -> _Any:
        if name not in __all__:
            raise _missing(__name__, name, __all__)
        return _importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
