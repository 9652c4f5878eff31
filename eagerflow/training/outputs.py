"""The outputs of a model, and what users give for each of them: in lists by place, in dicts by name, or both nested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eagerflow.base import tree
from eagerflow.base.errors import WrongPlaceError, a_kind, did_you_mean
from eagerflow.core.tensor import Tensor
from eagerflow.training.structures import nests

__all__ = ["Outputs", "outputs_of", "tree_parts"]


class Outputs:
    """Names and structure of the outputs, known from the graph or from the first predictions.

    Attributes:
        names: one per output, None until known.
        prefixes: what the names of metrics begin with, one per output; None until known.
        is_dict: whether the model gives a dict.
        learning: the numbers of the outputs that have a loss, None until known: targets may be given for these alone.
    """

    def __init__(self, names: Sequence[str] | None) -> None:
        self.names = None if names is None else _unique(names)
        self.prefixes = self.names
        self.is_dict = False
        self.learning: list[int] | None = None
        self._keys: list[Any] | None = None
        self._places: Any = None  # where structures are nested: the same structure, of the outputs' numbers
        self._nameless = False
        self._settled = False

    @property
    def nested(self) -> bool:
        """Whether structures are nested in the structure of the outputs."""
        return self._places is not None

    @property
    def known_names(self) -> list[str]:
        """The names, after `settle`."""
        return self.names or []

    def settle(self, y_pred: Any) -> None:
        """Learn the structure from predictions."""
        if self._settled:
            return
        self._settled = True
        if any(tree.is_nested(part) for part in tree_parts(y_pred)):
            self._settle_nested(y_pred)
        elif isinstance(y_pred, Mapping):
            self.is_dict = True
            self._keys = sorted(y_pred)
            self.names = self.prefixes = [str(k) for k in self._keys]
        else:
            count = len(tree.flatten(y_pred))
            if self.names is None or len(self.names) != count:
                self._nameless = True
                self.names = [f"output_{i + 1}" for i in range(count)] if count > 1 else ["output"]
                self.prefixes = self.names

    def _settle_nested(self, y_pred: Any) -> None:
        self.is_dict = isinstance(y_pred, Mapping)
        leaves = tree.flatten(y_pred)
        self._places = tree.pack_sequence_as(y_pred, list(range(len(leaves))))
        known = self.names if self.names is not None and len(self.names) == len(leaves) else None
        self.prefixes = known or [""] * len(leaves)
        paths = [""] * len(leaves)
        for path, i in _paths(self._places):
            last = known[i] if known and isinstance(path[-1], int) else path[-1]
            paths[i] = "/".join(map(str, (*path[:-1], last)))
        self.names = _unique(paths)

    def check(self, what: str, given: Any) -> None:
        """Compare with the known names, before there are predictions.

        Raises:
            ValueError: for another number, or an unknown name.
        """
        if self._places is not None:
            self.spread(what, given)
        elif self._settled is False and nests(given):
            return  # predictions tell how they nest
        elif isinstance(given, Mapping):
            self._by_name(what, given)
        elif isinstance(given, (list, tuple)):
            self._counted(what, given)

    def flat(self, what: str, structure: Any) -> list[Any]:
        """One leaf per output, from a list or dict of them."""
        names = self.known_names
        if structure is None:
            return [None] * len(names)
        if what == "y" and self.learning is not None and len(self.learning) < len(names):
            leaves = tree.flatten(structure)
            if not isinstance(structure, Mapping) and len(leaves) == len(self.learning):
                found = dict(zip(self.learning, leaves))
                return [found.get(i) for i in range(len(names))]
        if self._places is not None:
            return self._nested(what, structure)
        if isinstance(structure, Mapping):
            return self._by_name(what, structure)
        if isinstance(structure, (list, tuple)):
            return self._counted(what, structure if len(structure) == len(names) else tree.flatten(structure))
        if len(names) != 1:
            raise ValueError(
                f"{what}: the model has {len(names)} outputs ({', '.join(names)}); expected a "
                f"list or dict of as many arrays, got one {type(structure).__name__}."
            )
        return [structure]

    def packed(self, what: str, structure: Any, like: Any) -> Any:
        """The leaves in the structure of the predictions `like`, for losses that see lists and dicts of them."""
        return tree.pack_sequence_as(like, self.flat(what, structure))

    def places(self, y_pred: Any) -> Any:
        """The structure of predictions, with the numbers of the outputs as leaves."""
        return tree.pack_sequence_as(y_pred, list(range(len(tree.flatten(y_pred)))))

    def spread(self, what: str, given: Any) -> list[Any]:
        """One entry per output: by place, by name, or the same for all."""
        if self._places is not None and (isinstance(given, Mapping) or _several(given)):
            return self._nested(what, given)
        if isinstance(given, Mapping):
            return self._by_name(what, given)
        if _several(given):
            return self._counted(what, given)
        return [given] * len(self.known_names)

    def _nested(self, what: str, given: Any) -> list[Any]:
        """One entry per output, from what is nested like the outputs, or lists them all."""
        found: list[Any] = [None] * len(self.known_names)
        self._enter(what, given, self._places, found, ())
        return found

    def _enter(self, what: str, given: Any, places: Any, found: list[Any], path: tuple[Any, ...]) -> None:
        if isinstance(places, int):
            if isinstance(given, Mapping) or (_several(given) and len(given) != 1 and "metrics" not in what):
                where = "/".join(map(str, path))
                raise WrongPlaceError(f"{what}: the output {where!r} is one array; got {a_kind(given)} for it.")
            found[places] = given[0] if _several(given) and "metrics" not in what else given
            return
        inside = tree.flatten(places)
        if isinstance(given, Mapping) and isinstance(places, Mapping):
            unknown = next((k for k in given if k not in places), None)
            if unknown is not None:
                raise WrongPlaceError(
                    f"{what}: the outputs have no {'/'.join(map(str, (*path, unknown)))!r}; there "
                    f"{'is' if len(places) == 1 else 'are'} {', '.join(map(repr, places))}."
                )
            for key, part in given.items():
                self._enter(what, part, places[key], found, (*path, key))
        elif _several(given) and not isinstance(places, Mapping) and len(given) == len(places):
            for i, (part, place) in enumerate(zip(given, places)):
                self._enter(what, part, place, found, (*path, i))
        elif tree.is_nested(given):
            leaves = tree.flatten(given)
            if len(leaves) != len(inside):
                raise ValueError(
                    f"{what}{''.join(f'[{p!r}]' for p in path)}: {len(leaves)} given for {len(inside)} outputs "
                    f"({', '.join(self.known_names[i] for i in inside)}); expected the structure of the outputs."
                )
            for place, leaf in zip(inside, leaves):
                found[place] = leaf
        elif given is not None:
            for place in inside:
                found[place] = given

    def _counted(self, what: str, given: Sequence[Any]) -> list[Any]:
        names = self.known_names
        if len(given) != len(names):
            raise ValueError(
                f"{what}: {len(given)} given for {len(names)} output{'s' if len(names) != 1 else ''} "
                f"({', '.join(names)}); expected one for each."
            )
        return list(given)

    def _by_name(self, what: str, given: Mapping[Any, Any]) -> list[Any]:
        keys = self._keys if self._keys is not None else self.known_names
        if self._nameless and len(keys) == len(given) == 1:  # any name can only mean the one output
            return list(given.values())
        unknown = [k for k in given if k not in keys]
        if unknown:
            raise WrongPlaceError(
                f"{what}: there is no output {unknown[0]!r}.{did_you_mean(str(unknown[0]), self.known_names)} "
                f"Outputs: {', '.join(self.known_names)}."
            )
        return [given.get(k) for k in keys]


def _several(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and not isinstance(given, Tensor)


def tree_parts(structure: Any) -> list[Any]:
    """What a list or dict holds; nothing for a leaf."""
    if isinstance(structure, Mapping):
        return list(structure.values())
    return list(structure) if _several(structure) else []


def _paths(places: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], int]]:
    if isinstance(places, int):
        yield path, places
        return
    for key, part in places.items() if isinstance(places, Mapping) else enumerate(places):
        yield from _paths(part, (*path, key))


def _unique(names: Sequence[str]) -> list[str]:
    """Names that occur again get a number."""
    return [name if name not in names[:i] else f"{name}_{names[:i].count(name)}" for i, name in enumerate(names)]


def outputs_of(model: Any) -> tuple[list[str] | None, Any]:
    """Names and structure of the outputs of a model that is a graph; None where they only show when it runs."""
    try:
        structure = model.output
    except AttributeError:
        return None, None
    if isinstance(structure, Mapping) and not any(tree.is_nested(part) for part in structure.values()):
        return sorted(map(str, structure)), structure
    return list(model.output_names), structure
