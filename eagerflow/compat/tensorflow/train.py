"""What `tf.train` has besides optimizers: checkpoints, in HDF5 files with a group for each object."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eagerflow.base.files import replacing
from eagerflow.core.variable import Variable
from eagerflow.distribution import barrier, rank
from eagerflow.models.saving import hdf5
from eagerflow.models.saving.errors import FileFormatError

__all__ = ["Checkpoint", "CheckpointManager", "latest_checkpoint", "values_of"]

_ENDING = ".weights.h5"


class Checkpoint:
    """The values of models, optimizers, variables, metrics, and lists and dicts of them, saved and put back together.

    Attributes:
        save_counter: how often `save` was called.

    Raises:
        TypeError: for an object that holds no variables.
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        named = kwargs if root is None else {"root": root, **kwargs}
        for name, value in named.items():
            if not _is_tracked(value):
                raise TypeError(
                    f"tf.train.Checkpoint({name}=...): expected a model, layer, optimizer, metric or variable; got a "
                    f"{type(value).__name__}. Other state goes into a tf.Variable."
                )
        self._named = named
        self.__dict__.update(kwargs)
        self.save_counter = Variable(0, dtype="int64", trainable=False, name="save_counter")

    def _variables(self) -> Iterator[tuple[str, Variable]]:
        yield "save_counter", self.save_counter
        for name, value in self._named.items():
            for place, variable in enumerate(_variables_of(value)):
                yield f"{name}/{place}", variable

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Write the file `PREFIX.weights.h5`; gives the prefix."""
        prefix = os.fspath(file_prefix)
        Path(prefix).parent.mkdir(parents=True, exist_ok=True)
        with replacing(prefix + _ENDING) as target, hdf5.writing(target) as writer:
            for path, variable in self._variables():
                writer.array(path, variable.numpy())
        return prefix

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """`write`, with the number of this save behind the prefix."""
        self.save_counter.assign_add(1)
        return self.write(f"{os.fspath(file_prefix)}-{int(self.save_counter)}")

    def restore(self, save_path: Any, options: Any = None) -> _Restored:
        """Put values back; nothing happens where `save_path` is None or empty.

        Raises:
            FileNotFoundError: when there is no such file.
            FileFormatError: when it is none of these, or its arrays have other shapes.
        """
        if not save_path:
            return _Restored()
        file = f"{os.fspath(save_path)}{_ENDING}"
        with open(file, "rb") as source, hdf5.reading(source, file) as root:
            arrays = dict(root.all_arrays())
            known = dict(self._variables())
            fitting = [(v, arrays[path]) for path, v in known.items() if path in arrays]
            for variable, array in fitting:
                if tuple(array.shape) != tuple(variable.shape):
                    raise FileFormatError(
                        f"{file}: {variable.path!r} has shape {tuple(variable.shape)}, the file has {array.shape}."
                    )
            values = [(variable, array.read()) for variable, array in fitting]
        for variable, value in values:
            variable.assign(value)
        return _Restored(sorted(known.keys() - arrays.keys()), sorted(arrays.keys() - known.keys()))

    read = restore


class _Restored:
    """What a restoration can be asked."""

    def __init__(self, missing: list[str] | None = None, unused: list[str] | None = None) -> None:
        self._missing, self._unused = missing or [], unused or []

    def assert_consumed(self) -> _Restored:
        """Raise unless each value of the file found its variable, and each variable its value."""
        if self._unused:
            raise AssertionError(
                f"the checkpoint has values that no variable took: {', '.join(self._unused[:5])}. Variables are made "
                "when a model is built and an optimizer first applied; restore after that."
            )
        return self.assert_existing_objects_matched()

    def assert_existing_objects_matched(self) -> _Restored:
        """Raise unless each variable found its value."""
        if self._missing:
            raise AssertionError(f"the checkpoint has no value for {', '.join(self._missing[:5])}.")
        return self

    def expect_partial(self) -> _Restored:
        """Nothing: no warning is given about what wasn't used."""
        return self


class CheckpointManager:
    """Numbered checkpoints in a folder, of which the last ones are kept. Of several ranks, the first one writes."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: int | None = None,
        checkpoint_name: str = "ckpt",
        **kwargs: Any,
    ) -> None:
        if max_to_keep is not None and max_to_keep < 1:
            raise ValueError(f"CheckpointManager(max_to_keep={max_to_keep}): expected None or at least 1.")
        self.checkpoint, self.directory = checkpoint, os.fspath(directory)
        self._most, self._name = max_to_keep, checkpoint_name

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes of what is there, oldest first."""
        pattern = re.compile(re.escape(self._name) + r"-(\d+)" + re.escape(_ENDING))
        names = os.listdir(self.directory) if os.path.isdir(self.directory) else []
        numbers = sorted(int(found[1]) for found in map(pattern.fullmatch, names) if found)
        return [os.path.join(self.directory, f"{self._name}-{number}") for number in numbers]

    @property
    def latest_checkpoint(self) -> str | None:
        """The prefix of the newest, None where there is none."""
        return self.checkpoints[-1] if self.checkpoints else None

    def save(self, checkpoint_number: int | None = None, **kwargs: Any) -> str:
        """Save, and remove the oldest beyond `max_to_keep`; all ranks call it, and go on when the file is there."""
        checkpoint = self.checkpoint
        checkpoint.save_counter.assign_add(1)
        number = int(checkpoint.save_counter) if checkpoint_number is None else int(checkpoint_number)
        prefix = os.path.join(self.directory, f"{self._name}-{number}")
        if rank() == 0:
            checkpoint.write(prefix)
            for old in self.checkpoints[: -self._most] if self._most else []:
                os.unlink(old + _ENDING)
        barrier()
        return prefix

    def restore_or_initialize(self) -> str | None:
        """Put the newest back; gives its prefix, None where there is none."""
        newest = self.latest_checkpoint
        self.checkpoint.restore(newest)
        return newest


def _is_tracked(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_tracked, value))
    if isinstance(value, Mapping):
        return all(map(_is_tracked, value.values()))
    return isinstance(value, (Variable, Checkpoint)) or hasattr(value, "variables")


def _variables_of(value: Any) -> list[Variable]:
    """All variables of an object, each once, in their order."""
    if isinstance(value, Variable):
        return [value]
    if isinstance(value, Checkpoint):
        return [variable for _, variable in value._variables()]
    if isinstance(value, (list, tuple, Mapping)):
        parts = value.values() if isinstance(value, Mapping) else value
        return list(itertools.chain.from_iterable(map(_variables_of, parts)))
    own = list(value.variables)
    optimizer = getattr(value, "optimizer", None)
    found = [*own, *(optimizer.variables if optimizer is not None else [])]
    return list({id(variable): variable for variable in found}.values())


def values_of(save_path: Any) -> dict[str, Any]:
    """The arrays of a checkpoint by name, such as `"embedding/0"` for `tf.train.Checkpoint(embedding=variable)`.

    Raises:
        FileNotFoundError: when there is no such file.
    """
    file = f"{os.fspath(save_path)}{_ENDING}"
    with open(file, "rb") as source, hdf5.reading(source, file) as root:
        return {name: array.read() for name, array in dict(root.all_arrays()).items()}


def latest_checkpoint(checkpoint_dir: Any, latest_filename: Any = None) -> str | None:
    """The newest weights in a folder, as `model.load_weights` and `Checkpoint.restore` take them; None without any."""
    folder = os.fspath(checkpoint_dir)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found = [os.path.join(folder, n) for n in names if n.endswith(_ENDING)]
    newest = max(found, key=os.path.getmtime, default=None)
    return None if newest is None else newest.removesuffix(_ENDING)
