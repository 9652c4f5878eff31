"""The state of a model as arrays by path, in Keras 3's layout: `layers/dense/vars/0`, `optimizer/vars/2`.

The states of random generators are kept separately, under `_eagerflow/seeds`, where Keras doesn't look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from eagerflow.base.tracebacks import warn
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.weights import WeightHolder, gather
from eagerflow.models.saving.assign import Match, Stored, Zeros, assign_all, mismatch, signature
from eagerflow.models.saving.errors import SKIPS, FileFormatError, listed
from eagerflow.models.saving.walk import saved_objects
from eagerflow.optimizers.base import Optimizer

__all__ = ["Part", "beside_weights", "bytes_of", "collect", "restore", "restore_beside_weights"]

_OURS = "_eagerflow/"
_SEEDS = f"{_OURS}seeds/"
_STATES = f"{_OURS}states/"  # of layers with their own `save_own_variables`, in files that hold the weights alone
_FITTED = f"{_OURS}fitted_from"  # with how many steps behind it the last `fit` began, for the order of its samples
_SAVING = (WeightHolder.save_own_variables, Optimizer.save_own_variables)
_LOADING = (WeightHolder.load_own_variables, Optimizer.load_own_variables)


class Part:
    """What one layer or optimizer stores: its arrays by key, its path and name."""

    def __init__(self, path: str, name: str, arrays: dict[str, Any]) -> None:
        self.path, self.name, self.arrays = path, name, arrays


def collect(
    model: Any, optimizer: bool = True, skipped: Sequence[Any] = ()
) -> tuple[list[Part], dict[str, numpy.ndarray]]:
    """The state of every layer and (if asked for) optimizer, and the states of random generators by path.

    Layers among `skipped` are left out, with what is inside of them.
    """
    parts, seeds = [], {}
    for path, thing in saved_objects(model, skipped):
        if isinstance(thing, Optimizer):
            if not optimizer or not thing.built:
                continue
        else:
            for i, seed in enumerate(gather(thing)[3]):
                seeds[f"{_SEEDS}{path or 'model'}/{i}"] = seed.state.numpy()
        store = _stored_by(thing)
        parts.append(Part(path, thing.name, {k: _array(v) for k, v in store.items()}))
    if begun := getattr(model._ef_state, "fitted_from", None):
        seeds[_FITTED] = numpy.array([begun], "int64")
    return parts, seeds


def beside_weights(model: Any) -> dict[str, Any]:
    """What the weights of the layers don't hold: states of random generators, and what `save_own_variables` stores."""
    parts, found = collect(model, optimizer=False)
    special = [path for path, thing in saved_objects(model) if _saves_itself(thing)]
    for part in parts:
        if part.path in special:
            found |= {f"{_STATES}{part.path}/vars/{key}": array for key, array in part.arrays.items()}
    return found


def restore_beside_weights(model: Any, arrays: Mapping[str, Stored], file: str) -> None:
    """Set what `beside_weights` gave, in a model that nobody else has yet."""
    stored = _grouped({p.removeprefix(_STATES): a for p, a in arrays.items() if p.startswith(_STATES)})
    matches = []
    for path, thing in saved_objects(model):
        if isinstance(thing, Optimizer):
            continue
        matches += _seed_matches(path, thing, arrays)
        if _saves_itself(thing) and path in stored:
            thing.load_own_variables({key: array.read() for key, array in stored[path].items()})
    assign_all(matches, file, fresh=True)
    _restore_order(model, arrays, file)


def _saves_itself(thing: Any) -> bool:
    return not isinstance(thing, Optimizer) and getattr(thing.save_own_variables, "__func__", None) not in _SAVING


def _seed_matches(path: str, thing: Any, arrays: Mapping[str, Stored]) -> list[Match]:
    found = []
    for i, seed in enumerate(gather(thing)[3]):
        array = arrays.get(f"{_SEEDS}{path or 'model'}/{i}")
        if array is not None:
            found.append(Match(seed.state, array, f"layer {thing.name!r} ({path}), random state {i}", thing.name))
    return found


def _restore_order(model: Any, arrays: Mapping[str, Stored], file: str) -> None:
    if _FITTED in arrays:
        model._ef_state.fitted_from = _steps_before(arrays[_FITTED].read(), file)


def _stored_by(thing: Any) -> dict[str, Any]:
    """What a layer or optimizer puts into its store; without copies where it keeps to the ordinary way."""
    if getattr(thing.save_own_variables, "__func__", None) in _SAVING:
        values = _variables(thing) if isinstance(thing, Optimizer) else thing._values_in_files()
        return {str(i): value.value if isinstance(value, Variable) else value for i, value in enumerate(values)}
    store: dict[str, Any] = {}
    thing.save_own_variables(store)
    return store


def _array(value: Any) -> numpy.ndarray:
    if isinstance(value, Tensor):
        return numpy.asarray(value)  # no copy: a variable that is changed meanwhile gets another array
    return value.numpy() if hasattr(value, "numpy") else numpy.asarray(value)


def restore(
    model: Any,
    arrays: Mapping[str, Stored],
    file: str,
    *,
    whole: bool = False,
    fresh: bool = False,
    skip_mismatch: bool = False,
    skipped: Sequence[Any] = (),
) -> None:
    """Set the model's state from arrays by path: every array must have its place, and every place its array.

    Args:
        model: a built model.
        arrays: what the file holds.
        file: for messages.
        whole: whether optimizers are built where they aren't, and random states set: the model was made from this file.
        fresh: whether nobody has the model yet: what fails needn't be undone.
        skip_mismatch: leave out what doesn't fit, with a warning.
        skipped: layers that are left alone, with what is inside of them.

    Raises:
        FileFormatError: when anything is missing, too much, or doesn't fit; then nothing has changed (of a model that
            isn't fresh).
    """
    plan = _Plan(model, arrays, file, whole, fresh, skipped)
    if plan.extra and not skip_mismatch:
        problems = [p for p in [m.problem for m in plan.matches] if p]
        raise listed(file, "doesn't fit the model", [*problems, *plan.extra], "" if fresh else SKIPS)
    if whole:
        _restore_order(model, arrays, file)
    if not plan.special:
        assign_all(plan.matches, file, skip_mismatch, fresh)
        return
    held = [] if fresh else [v for _, thing in saved_objects(model) for v in _variables(thing)]
    before = [(v, v.value) for v in held]  # snapshots: what is assigned to gets another array
    try:
        for thing, stored in plan.special:
            thing.load_own_variables({key: array.read() for key, array in stored.items()})
        assign_all(plan.matches, file, skip_mismatch, fresh)
    except BaseException:
        for variable, value in before:
            if variable.shape == value.shape:
                variable.assign(value)
        raise


def _steps_before(array: numpy.ndarray, file: str) -> int:
    """The number that a file has under `_FITTED`."""
    if array.shape != (1,) or array.dtype.kind != "i" or array[0] < 0:
        raise FileFormatError(f"{file!r}: {_FITTED} is {array.dtype}{list(array.shape)}, not the number of a step.")
    return int(array[0])


def _variables(thing: Any) -> list[Variable]:
    own: list[Variable] = thing.variables if isinstance(thing, Optimizer) else thing._variables_in_files()
    return own


def bytes_of(model: Any) -> int:
    """The bytes of all weights of a model."""
    things = [thing for _, thing in saved_objects(model) if not isinstance(thing, Optimizer)]
    return sum(variable.nbytes for thing in things for variable in _variables(thing))


class _Plan:
    """Which array goes where.

    Attributes:
        matches: variables and their arrays.
        special: objects that load their state themselves, with their arrays by key.
        extra: what the file has and the model hasn't, in words.
    """

    def __init__(
        self, model: Any, arrays: Mapping[str, Stored], file: str, whole: bool, fresh: bool, skipped: Sequence[Any]
    ) -> None:
        self.file, self.fresh = file, fresh
        self.matches: list[Match] = []
        self.special: list[tuple[Any, dict[str, Stored]]] = []
        self.groups = _grouped(arrays)
        self.extra: list[str] = []
        left_out = [_OURS, *[f"{path}/" for path, thing in saved_objects(model) if thing in skipped]]
        for path, thing in saved_objects(model, skipped):
            stored = self.groups.pop(path, {})
            if not isinstance(thing, Optimizer):
                self._match(path, thing, stored, _variables(thing))
                if whole:
                    self.matches += _seed_matches(path, thing, arrays)
            elif wanted := self._wanted(thing, stored, whole):
                self._match(path, thing, stored, wanted)
            else:
                left_out.append(f"{path}/")
        if getattr(model, "optimizer", None) is None:
            left_out.append("optimizer/")
        for path, stored in self.groups.items():
            if not f"{path}/".startswith(tuple(left_out)):
                self.extra += [
                    f"{path}/vars/{k}: found {signature(a)}, the model has no such array" for k, a in stored.items()
                ]

    def _wanted(self, optimizer: Any, stored: dict[str, Stored], whole: bool) -> list[Variable]:
        """Which of its variables are loaded. An optimizer that hasn't begun keeps its settings, as in Keras.

        A compiled model that wasn't trained holds the counter and the rate alone. A state that doesn't fit, which
        Keras writes of models that were frozen in part or saved as `.h5` before, is left out with a warning.
        """
        own = _variables(optimizer)
        if not stored or (not whole and not (optimizer.built and len(stored) == len(own))):
            return []
        if not self.fresh or type(optimizer).load_own_variables not in _LOADING:
            return own  # a training that goes on does so with its whole state, or not at all
        wanted = own if len(stored) == len(own) else [v for v in own[: len(stored)] if not v.shape]
        if len(wanted) == len(stored) and not any(mismatch(v, stored.get(str(i)), "") for i, v in enumerate(wanted)):
            return wanted
        warn(
            f"{self.file!r}: the state of the optimizer ({len(stored)} arrays) doesn't fit "
            f"{type(optimizer).__name__} ({len(own)} arrays); it starts over."
        )
        return []

    def _match(self, path: str, thing: Any, stored: dict[str, Stored], variables: list[Variable]) -> None:
        if type(thing).load_own_variables not in _LOADING:
            if stored or variables or not type(thing).__module__.startswith("eagerflow."):
                self.special.append((thing, stored))
            return
        kind = "optimizer" if isinstance(thing, Optimizer) else "layer" if path else "model"
        place = f"{kind} {thing.name!r}{f' ({path})' if path else ''}"
        for i, variable in enumerate(variables):
            where = f"{place}, array {i} {variable.name!r:.60}"
            self.matches.append(Match(variable, stored.pop(str(i), None), where, thing.name))
        for variable in () if isinstance(thing, Optimizer) else thing._cleared_by_files():
            self.matches.append(Match(variable, Zeros(variable.shape, variable.dtype), place, thing.name))
        self.extra += [
            f"{place}, array {key}: found {signature(array)}, expected nothing" for key, array in stored.items()
        ]


def _grouped(arrays: Mapping[str, Stored]) -> dict[str, dict[str, Stored]]:
    """Arrays by the path of their object, and then by their key."""
    groups: dict[str, dict[str, Stored]] = {}
    for path, array in arrays.items():
        above, _, key = path.rpartition("/")
        owner = above.removesuffix("vars").removesuffix("/")
        groups.setdefault(owner, {})[key] = array
    return groups
