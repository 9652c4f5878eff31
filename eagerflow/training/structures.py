"""Losses nested with the outputs, or over whole lists and dicts of them: which loss sees which part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from eagerflow.base import tree
from eagerflow.base.errors import WrongPlaceError, a_kind

__all__ = ["Part", "at", "nests", "parts_of"]

Path = tuple[Any, ...]


class Part(NamedTuple):
    """A loss and the part of the outputs that it sees.

    Attributes:
        name: what it is reported as.
        loss: the loss.
        weight: what its value is multiplied by; None is 1.
        path: the keys and positions that lead to its part.
        outputs: the numbers of the outputs in that part.
    """

    name: str
    loss: Any
    weight: Any
    path: Path
    outputs: list[int]


def at(structure: Any, path: Path) -> Any:
    """The part of a structure that a path leads to."""
    for key in path:
        structure = structure[key]
    return structure


def nests(given: Any) -> bool:
    """Whether lists or dicts are inside a list or dict: there is more than one entry for some output."""
    return tree.is_nested(given) and any(
        tree.is_nested(part) for part in (given.values() if isinstance(given, Mapping) else given)
    )


def parts_of(loss: Any, weights: Any, places: Any, names: list[str], whole: Callable[[Any], bool]) -> list[Part]:
    """Which loss sees which part of the outputs.

    A dict names entries of a dict. A list of the same type as the outputs' has one entry for each of them, and
    so has a list that is as long as there are outputs below; any other list gives several losses for one part.

    Args:
        loss: losses (None for none), in lists and dicts.
        weights: numbers, in the same structure, listed in the same order, or one for all.
        places: the structure of the outputs, with their numbers as leaves.
        names: of the outputs, by number; empty where an output has none.
        whole: whether a loss sees a list or dict of outputs as it is, instead of each output by itself.

    Raises:
        ValueError: where the losses go where the outputs don't.
    """
    if isinstance(loss, Mapping) and not isinstance(places, Mapping):
        loss = tree.pack_sequence_as(places, _listed("loss", loss, names))
        if isinstance(weights, Mapping):
            weights = tree.pack_sequence_as(places, _listed("loss_weights", weights, names))
    losses = tree.flatten(loss)
    if isinstance(weights, (list, tuple)) and not nests(weights) and len(weights) == len(losses):
        weights = tree.pack_sequence_as(loss, weights)
    return list(_parts(loss, weights, places, (), names, whole))


def _listed(what: str, given: Mapping[Any, Any], names: list[str]) -> list[Any]:
    unknown = next((key for key in given if key not in names), None)
    if unknown is not None:
        raise WrongPlaceError(f"{what}: there is no output {unknown!r}. Outputs: {', '.join(names)}.")
    return [given.get(name) for name in names]


def _parts(
    loss: Any, weight: Any, places: Any, path: Path, names: list[str], whole: Callable[[Any], bool]
) -> Iterator[Part]:
    below = tree.flatten(places)
    if not tree.is_nested(loss):
        if loss is None:
            return
        if not isinstance(places, int) and not whole(loss):
            for inner, i in tree.flatten_with_path(places):
                yield Part(_name((*path, *inner), i, places, names), loss, weight, (*path, *inner), [i])
            return
        yield Part(_name(path, places, places, names), loss, weight, path, below)
        return
    if not isinstance(loss, Mapping) and not nests(loss) and len(loss) == len(below):
        loss = tree.pack_sequence_as(places, loss)
        if tree.is_nested(weight) and not nests(weight) and len(weight) == len(below):
            weight = tree.pack_sequence_as(places, tree.flatten(weight))
        if not tree.is_nested(loss):
            yield from _parts(loss, weight, places, path, names, whole)
            return
    elif not isinstance(loss, Mapping) and not isinstance(places, type(loss)):
        for i, one in enumerate(loss):
            yield from _parts(one, _weight_of(weight, i), places, path, names, whole)
        return
    _check(loss, places, path, names)
    for key, one in loss.items() if isinstance(loss, Mapping) else enumerate(loss):
        yield from _parts(one, _weight_of(weight, key), places[key], (*path, key), names, whole)


def _weight_of(weights: Any, key: Any) -> Any:
    if isinstance(weights, Mapping):
        return weights.get(key)
    return weights[key] if tree.is_nested(weights) else weights


def _check(loss: Any, places: Any, path: Path, names: list[str]) -> None:
    """The entries of a list or dict of losses are there in the outputs.

    Raises:
        ValueError: naming what isn't.
    """
    where = "/".join(map(str, path))
    if not tree.is_nested(places) or isinstance(loss, Mapping) is not isinstance(places, Mapping):
        kind = type(places).__name__ if tree.is_nested(places) else "one array"
        raise WrongPlaceError(f"loss: the output {where!r} is {kind}; got {a_kind(loss)} for it.")
    if isinstance(loss, Mapping):
        unknown = next((key for key in loss if key not in places), None)
        if unknown is not None:
            raise WrongPlaceError(
                f"loss: the outputs have no {'/'.join(map(str, (*path, unknown)))!r}; there "
                f"{'is' if len(places) == 1 else 'are'} {', '.join(map(repr, places))}."
            )
    elif len(loss) != len(places):
        inside = ", ".join(names[i] or str(i) for i in tree.flatten(places))
        raise ValueError(
            f"loss{''.join(f'[{key!r}]' for key in path)}: {len(loss)} given for {len(places)} outputs ({inside}); "
            "expected the structure of the outputs."
        )


def _name(path: Path, place: Any, places: Any, names: list[str]) -> str:
    """The keys on the way; an output in a list is called by its own name."""
    if not path:
        return "_".join(map(str, places)) if isinstance(places, Mapping) else "_".join(_own(places, names))
    last = path[-1]
    if isinstance(last, int) and isinstance(place, int) and names[place]:
        last = names[place]
    return "/".join(map(str, (*path[:-1], last)))


def _own(places: Any, names: list[str]) -> list[str]:
    return [names[i] or str(i) for i in tree.flatten(places)]
