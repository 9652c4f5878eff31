"""`KerasFileEditor`: look at a file of weights, rename or change what is in it, and save it again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy

from eagerflow.base.errors import did_you_mean
from eagerflow.base.machine.budget import Limit, loading
from eagerflow.base.messages import say
from eagerflow.models.saving import hdf5
from eagerflow.models.saving.archive import Archive
from eagerflow.models.saving.files import name_of, opened, replacing
from eagerflow.models.saving.state import collect

__all__ = ["KerasFileEditor"]

Tree = dict[str, Any]  # names of objects and arrays, nested as in the file, without the groups "vars"


class KerasFileEditor:
    """Shows and edits the weights in a `.weights.h5` or `.keras` file, to load them after the architecture has changed.

    Args:
        filepath: the path of the file.
        limit: how many bytes may be taken; `"auto"`: by the size of the file. None: no limit, for files that you trust.

    Attributes:
        filepath: that path.
        weights_dict: arrays in nested dicts, `{"layers": {"dense": {"0": kernel, "1": bias}}}`.
        object_metadata: a dict from the path of an object, such as `"layers/dense"`, to its metadata: `{"name": ...}`.
        config: the model's configuration, for a `.keras` file.
        metadata: the Keras version and the date of saving, for a `.keras` file.

    Raises:
        ValueError: for another ending.
        FileFormatError: when the file is damaged.

    Source: the class of this name in Keras 3.15.

    >>> import eagerflow as ef
    >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).save_weights("model.weights.h5")
    >>> editor = ef.saving.KerasFileEditor("model.weights.h5")
    Keras model file 'model.weights.h5'
    >>> editor.rename_object("layers/dense", "head")
    >>> editor.save("renamed.weights.h5")
    >>> sorted(ef.saving.read_weights("renamed.weights.h5"))
    ['layers/head/vars/0', 'layers/head/vars/1']
    """

    def __init__(self, filepath: str | os.PathLike[str], limit: Limit = "auto") -> None:
        self.filepath = name_of(filepath)
        self.config: dict[str, Any] | None = None
        self.metadata: dict[str, Any] | None = None
        if not self.filepath.endswith((".keras", ".weights.h5")):
            raise ValueError(
                f"KerasFileEditor({self.filepath!r:.200}): expected a file that ends in '.keras' or '.weights.h5'."
            )
        with opened(self.filepath) as file, ExitStack() as stack:
            size, fix = os.fstat(file.fileno()).st_size, "KerasFileEditor(..., limit=None)"
            stack.enter_context(loading(self.filepath, size, limit, fix))
            source = file
            if self.filepath.endswith(".keras"):
                archive = Archive(file, self.filepath)
                self.config, self.metadata = archive.config(), archive.metadata()
                source = stack.enter_context(archive.weights())
            with hdf5.reading(source, self.filepath) as root:
                self.weights_dict, self.object_metadata = _tree_of(root), dict(_notes_of(root))
        say(f"Keras model file {self.filepath!r}")
        if self.metadata is not None:
            version, date = self.metadata.get("keras_version"), self.metadata.get("date_saved")
            say(f"Saved with Keras {version} - date: {date}")

    def summary(self) -> None:
        """Prints the objects and the arrays in them, with their shapes.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, name="out")]).save_weights("model.weights.h5")
        >>> ef.saving.KerasFileEditor("model.weights.h5").summary()
        Keras model file 'model.weights.h5'
        Weights structure
          └─ layers
              └─ dense ('out')
                  ├─ 0: shape=(3, 2), dtype=float32
                  └─ 1: shape=(2,), dtype=float32
        """
        say("Weights structure")
        for line in self._lines(self.weights_dict, "", ""):
            say(f"  {line}")

    def _lines(self, tree: Tree, path: str, indent: str) -> Iterator[str]:
        for i, (name, value) in enumerate(tree.items()):
            last = i == len(tree) - 1
            branch = "└─ " if last else "├─ "
            if not isinstance(value, dict):
                yield f"{indent}{branch}{name}: shape={value.shape}, dtype={value.dtype}"
                continue
            inner = f"{path}/{name}" if path else name
            label = self.object_metadata.get(inner, {}).get("name")
            yield f"{indent}{branch}{name}" + (f" ({label!r})" if label else "")
            yield from self._lines(value, inner, indent + ("    " if last else "│   "))

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Compares the file with a model, and prints the differences.

        Args:
            reference_model: a built model.

        Returns:
            `{"status": "success" or "error", "error_count": ..., "match_count": ...}`.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).save_weights("model.weights.h5")
        >>> other = ef.Sequential([ef.Input((3,)), ef.layers.Dense(4, use_bias=False)])
        >>> ef.saving.KerasFileEditor("model.weights.h5").compare(other)
        Keras model file 'model.weights.h5'
        ...layers/dense/1: in the file, not in the model
        ...layers/dense/0: (3, 4) in the model, (3, 2) in the file
        0 arrays agree; 2 differences.
        {'status': 'error', 'error_count': 2, 'match_count': 0}
        """
        own = dict(_flat(self.weights_dict))
        wanted = {
            f"{part.path}/{key}".removeprefix("/"): array.shape
            for part in collect(reference_model)[0]
            for key, array in part.arrays.items()
        }
        problems = [f"{path}: in the model, not in the file" for path in wanted if path not in own]
        problems += [f"{path}: in the file, not in the model" for path in own if path not in wanted]
        shared = [path for path in wanted if path in own]
        different = [path for path in shared if own[path].shape != wanted[path]]
        problems += [f"{p}: {wanted[p]} in the model, {own[p].shape} in the file" for p in different]
        for problem in problems:
            say(f"...{problem}")
        matches = len(shared) - len(different)
        verdict = f"{len(problems)} differences" if problems else "the file fits the model"
        say(f"{matches} arrays agree; {verdict}.")
        return {"status": "error" if problems else "success", "error_count": len(problems), "match_count": matches}

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Renames an object (a layer).

        Args:
            object_name: its path, such as `"layers/dense_2"`, or its name where that is unique.
            new_name: the new name, without a path.

        Raises:
            ValueError: for an object that isn't there, or is there several times, and a name that is taken.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).save_weights("model.weights.h5")
        >>> editor = ef.saving.KerasFileEditor("model.weights.h5")
        Keras model file 'model.weights.h5'
        >>> editor.rename_object("dense", "head")
        >>> list(editor.weights_dict["layers"])
        ['head']
        """
        if "/" in new_name:
            raise ValueError(f"rename_object(new_name={new_name!r:.80}): expected a name, not a path.")

        def rename(holder: Tree, name: str) -> None:
            if new_name in holder:
                raise ValueError(f"rename_object(new_name={new_name!r:.80}): there is another one of this name.")
            items = [(new_name if key == name else key, value) for key, value in holder.items()]
            holder.clear()
            holder.update(items)

        self._edit(object_name, rename)

    def delete_object(self, object_name: str) -> None:
        """Removes an object (a layer) and everything in it.

        Args:
            object_name: its path, such as `"layers/dense_2"`, or its name where that is unique.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2), ef.layers.Dense(1)])
        >>> model.save_weights("model.weights.h5")
        >>> editor = ef.saving.KerasFileEditor("model.weights.h5")
        Keras model file 'model.weights.h5'
        >>> editor.delete_object("layers/dense_1")
        >>> list(editor.weights_dict["layers"])
        ['dense']
        """
        self._edit(object_name, lambda holder, name: holder.pop(name))

    def add_object(self, object_path: str, weights: Mapping[str, Any]) -> None:
        """Adds a new object (a layer).

        Args:
            object_path: its path, such as `"layers/dense_2"`; the part before the last slash must exist.
            weights: a dict of its arrays: `{"0": kernel, "1": bias}`.

        Raises:
            ValueError: when that part doesn't exist, the path is taken, or `weights` isn't a dict of arrays.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).save_weights("model.weights.h5")
        >>> editor = ef.saving.KerasFileEditor("model.weights.h5")
        Keras model file 'model.weights.h5'
        >>> editor.add_object("layers/dense_1", {"0": np.zeros((2, 1)), "1": np.zeros(1)})
        >>> list(editor.weights_dict["layers"])
        ['dense', 'dense_1']
        """
        *above, name = object_path.split("/")
        holder = self._at(above, object_path)
        if name in holder:
            raise ValueError(f"add_object({object_path!r:.80}): there is such an object; use add_weights.")
        holder[name] = _arrays("add_object", weights)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Removes an array from an object.

        Args:
            object_name: the object's path, such as `"layers/dense_2"`, or its name where that is unique.
            weight_name: the name of the array, such as `"1"`.

        Raises:
            ValueError: for an array or object that isn't there.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).save_weights("model.weights.h5")
        >>> editor = ef.saving.KerasFileEditor("model.weights.h5")
        Keras model file 'model.weights.h5'
        >>> editor.delete_weight("dense", "1")  # the bias
        >>> list(editor.weights_dict["layers"]["dense"])
        ['0']
        """

        def delete(holder: Tree, name: str) -> None:
            if weight_name not in holder[name]:
                raise ValueError(
                    f"delete_weight: {object_name!r:.80} has no array {weight_name!r:.80}; it has {list(holder[name])}."
                )
            del holder[name][weight_name]

        self._edit(object_name, delete)

    def add_weights(self, object_name: str, weights: Mapping[str, Any]) -> None:
        """Adds arrays to an object; they replace those of the same names.

        Args:
            object_name: its path, such as `"layers/dense_2"`, or its name where that is unique.
            weights: a dict of arrays: `{"0": kernel, "1": bias}`.

        >>> ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).save_weights("model.weights.h5")
        >>> editor = ef.saving.KerasFileEditor("model.weights.h5")
        Keras model file 'model.weights.h5'
        >>> editor.add_weights("dense", {"1": np.array([5.0, 6.0])})  # another bias
        >>> editor.weights_dict["layers"]["dense"]["1"].tolist()
        [5.0, 6.0]
        """
        arrays = _arrays("add_weights", weights)
        self._edit(object_name, lambda holder, name: holder[name].update(arrays))

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the edited weights to a `.weights.h5` file.

        Args:
            filepath: a path that ends in `.weights.h5`.

        Raises:
            ValueError: for another ending.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, kernel_initializer="zeros")])
        >>> model.save_weights("model.weights.h5")
        >>> editor = ef.saving.KerasFileEditor("model.weights.h5")
        Keras model file 'model.weights.h5'
        >>> editor.add_weights("dense", {"1": np.array([5.0, 6.0])})
        >>> editor.save("changed.weights.h5")
        >>> model.load_weights("changed.weights.h5")
        >>> model(ef.ops.zeros((1, 3))).tolist()
        [[5.0, 6.0]]
        """
        path = name_of(filepath)
        if not path.endswith(".weights.h5"):
            raise ValueError(f"KerasFileEditor.save({path!r:.200}): expected a path that ends in '.weights.h5'.")
        with replacing(path) as target, hdf5.writing(target) as writer:
            for name, notes in self.object_metadata.items():
                if self._has(name):
                    writer.attributes(f"{name}/vars", notes)
            for place, array in _flat(self.weights_dict):
                above, _, key = place.rpartition("/")
                writer.array(f"{above}/vars/{key}".removeprefix("/"), array)

    resave_weights = save

    def _has(self, path: str) -> bool:
        here: Any = self.weights_dict
        for name in path.split("/"):
            here = here.get(name) if isinstance(here, dict) else None
        return isinstance(here, dict)

    def _at(self, names: list[str], asked: str) -> Tree:
        here: Any = self.weights_dict
        for name in names:
            if not isinstance(here, dict) or name not in here:
                raise ValueError(f"{asked!r:.80}: there is no {name!r:.80} in the file.{did_you_mean(name, here)}")
            here = here[name]
        if not isinstance(here, dict):
            raise ValueError(f"{asked!r:.80}: {names[-1]!r:.80} is an array.")
        return here

    def _edit(self, asked: str, change: Callable[[Tree, str], Any]) -> None:
        *above, name = asked.split("/")
        holders = [self._at(above, asked)] if above else list(_holders(self.weights_dict, name))
        if len(holders) > 1:
            raise ValueError(f"{asked!r:.80} is in the file {len(holders)} times; give its whole path.")
        if not holders or not isinstance(holders[0].get(name), dict):
            known = {path.rpartition("/")[0].rpartition("/")[2] for path, _ in _flat(self.weights_dict)}
            raise ValueError(f"{asked!r:.80}: there is no such object in the file.{did_you_mean(name, known)}")
        change(holders[0], name)


def _tree_of(group: hdf5.Group) -> Tree:
    found: Tree = {}
    for name, inner in group.groups.items():
        below = _tree_of(inner)
        if name == "vars":
            found |= below
        elif below:
            found[name] = below
    return found | {name: array.read() for name, array in group.arrays.items()}


def _notes_of(group: hdf5.Group, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in group.groups.items():
        if name == "vars" and path and inner.attributes:
            yield path, dict(inner.attributes)
        elif name != "vars":
            yield from _notes_of(inner, f"{path}/{name}" if path else name)


def _flat(tree: Tree, path: str = "") -> Iterator[tuple[str, numpy.ndarray]]:
    for name, value in tree.items():
        inner = f"{path}/{name}" if path else name
        if isinstance(value, dict):
            yield from _flat(value, inner)
        else:
            yield inner, value


def _holders(tree: Tree, name: str) -> Iterator[Tree]:
    """The dicts which have an object of this name."""
    if isinstance(tree.get(name), dict):
        yield tree
    for value in tree.values():
        if isinstance(value, dict):
            yield from _holders(value, name)


def _arrays(method: str, weights: Any) -> Tree:
    if not isinstance(weights, Mapping):
        raise ValueError(
            f"KerasFileEditor.{method}(weights={type(weights).__name__}): expected a dict of names ('0', '1', ...) and "
            "arrays."
        )
    return {str(name): numpy.array(value) for name, value in weights.items()}
