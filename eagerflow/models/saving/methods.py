"""The methods of `Model` that save and load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import FilePath
from eagerflow.core.strategy import active
from eagerflow.models import saving

if TYPE_CHECKING:
    from eagerflow.models.saving.api import LoadOptions

__all__ = ["back_up", "load_weights", "resume", "save", "save_weights", "settle"]


@boundary
def save(  # noqa: D417 # a method of `Model`, as the next ones
    self: Any, filepath: FilePath, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Saves architecture, weights and compiled state, for `models.load_model` to read. See `models.save_model`.

    Args:
        filepath: a path that ends in `.keras`, `.h5` or `.safetensors`.
        overwrite: whether an existing file may be replaced.
        zipped: False writes a folder instead of a `.keras` file.
        **kwargs: `include_optimizer`: whether the optimizer and the arguments of `compile` are saved.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> model.save("model.keras")
    >>> again = ef.models.load_model("model.keras")
    >>> x = np.ones((1, 3))
    >>> bool((again.predict(x, verbose=0) == model.predict(x, verbose=0)).all())
    True
    """
    saving.save_model(self, filepath, overwrite, zipped, **kwargs)


@boundary
def save_weights(  # noqa: D417 # a method of `Model`, as the next ones
    self: Any, filepath: FilePath, overwrite: bool = True, max_shard_size: Any = None
) -> None:
    """Saves the weights to a file.

    Args:
        filepath: a path that ends in `.weights.h5`, `.h5` or `.safetensors`.
        overwrite: whether an existing file may be replaced.
        max_shard_size: the largest size of a file in gigabytes. Larger weights are split into several files, listed
            in one that ends in `.weights.json`. Default: one file.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, kernel_initializer="ones")])
    >>> model.save_weights("model.weights.h5")
    >>> other = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> other.load_weights("model.weights.h5")
    >>> other(ef.Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[6.0, 6.0]]
    """
    saving.save_weights(self, filepath, overwrite, max_shard_size)


@boundary
def load_weights(  # noqa: D417 # a method of `Model`, as the next ones
    self: Any, filepath: FilePath, skip_mismatch: bool = False, **kwargs: Unpack[LoadOptions]
) -> None:
    """Loads the weights from a file: all of them, or none if they don't fit.

    Args:
        filepath: a `.weights.h5`, `.keras`, `.h5` or `.safetensors` file.
        skip_mismatch: whether to set the weights that fit and warn about the others, instead of raising an error.
        **kwargs: `by_name`, `objects_to_skip`; see `models.load_weights`.

    Raises:
        ValueError: naming file, layer, array, what was expected and what was found.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, kernel_initializer="ones")])
    >>> model.save_weights("model.weights.h5")
    >>> other = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> other.load_weights("model.weights.h5")
    >>> other(ef.Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[6.0, 6.0]]
    """
    saving.load_weights(self, filepath, skip_mismatch, **kwargs)


def settle(self: Any) -> None:
    """Where ranks train together: compare their models, and make one of what each has kept for itself."""
    active.strategy.check_replicas(self, "a backup")


def back_up(self: Any, path: str, notes: dict[str, Any], training: Any = None) -> None:
    """Write all state that training changes, and notes; for `BackupAndRestore`."""
    saving.write_backup(self, path, notes, training)


def resume(self: Any, path: str) -> Any:
    """Restore what `_back_up` wrote; returns the notes and the other arrays."""
    return saving.read_backup(self, path)
