"""The closed table of losses by name."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import UnknownNameError
from eagerflow.base.serialization import Table

__all__ = ["LOSSES", "name_cross_entropies"]

LOSSES = Table("loss", "keras.losses", "eagerflow.losses")


def name_cross_entropies(error: UnknownNameError, name: Any) -> None:
    """Say which cross entropies there are, where one was asked for by a name that doesn't tell which."""
    bare = str(name).lower().replace("_", "").replace("-", "").replace(" ", "").removesuffix("loss")
    if bare in ("crossentropy", "xent", "nll", "logloss", "log"):
        which = (
            f"Unknown loss {name!r}. There are 'sparse_categorical_crossentropy' for targets that are numbers of "
            "classes, 'categorical_crossentropy' for one-hot targets, and 'binary_crossentropy' for yes or no."
        )
        error.args = (which,)
