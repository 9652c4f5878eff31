"""Data as a model's inputs expect them: found by name or order, with the right type and number of axes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.base import tree
from eagerflow.base.errors import did_you_mean, signature_of
from eagerflow.base.tracebacks import warn
from eagerflow.base.typing import Shape
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import path_now
from eagerflow.layer.symbolic.tensors import Spec, SymbolicTensor
from eagerflow.layer.symbolic.text_type import TEXT, is_text, no_numbers
from eagerflow.layer.tensor_masks import get_mask

__all__ = ["Doors"]

_MOST_IN_ANY_ORDER = 4  # inputs of which all orders are tried


def _named(model: Any) -> str:
    """A model with its name, behind those of the models that it runs in."""
    return f"{type(model).__name__} {path_now(model)!r}"


class Door:
    """What one `Input` lets in."""

    __slots__ = ("dtype", "fixed", "name", "ndim", "optional", "shape")

    def __init__(self, x: SymbolicTensor) -> None:
        self.name = x.name
        self.shape = x.shape
        self.ndim = len(x.shape)
        self.dtype = x.dtype
        # Not the batch axis: what `Input(batch_size=32)` says holds for all batches but the last.
        self.fixed = [(i, n) for i, n in enumerate(x.shape) if n is not None and i > 0]
        self.optional = bool(getattr(x.node.operation, "optional", False)) if x.node is not None else False

    def let_in(self, x: Any, model: Any) -> Any:
        """`x` with the type and axes that the layers behind were made for.

        Raises:
            ValueError: when its shape doesn't fit, naming model and input.
        """
        if x is None:
            if self.optional:
                return None
            raise ValueError(
                f"{_named(model)}: input {self.name!r} is not optional; got None. Input(optional=True) allows it."
            )
        if self.dtype is TEXT:
            x = self._text(x, model)
        elif not isinstance(x, (Tensor, Spec)):
            if is_text(x):
                raise no_numbers(f"{_named(model)}: input {self.name!r}", x)
            x = Tensor(x)
        given, shape = x, x.shape
        if len(shape) != self.ndim:
            x = self._with_other_rank(x, model)
            shape = x.shape
        if len(shape) == self.ndim and not self.fits(shape):
            raise self._misfit(given, model)
        kept = x.dtype == self.dtype or self.dtype is TEXT or isinstance(x, Spec)
        return x if kept else _cast(self._real(x, model), self.dtype)

    def fits(self, shape: Shape) -> bool:
        """Does it let in what has this shape, as it is?"""
        if len(shape) != self.ndim:
            return False
        for axis, n in self.fixed:  # noqa: SIM110 - asked in each call of a model, and half as fast with `all`
            if shape[axis] not in (n, None):
                return False
        return True

    def _real(self, x: Tensor, model: Any) -> Tensor:
        """`x`, unless a cast would drop its imaginary part."""
        if x.dtype.kind == "c" and self.dtype.kind != "c":
            raise TypeError(
                f"{_named(model)}: input {self.name!r} takes {self.dtype.name}; got "
                f"{signature_of(x)}, whose imaginary parts would be lost. Pass numpy.abs(x), or both parts as "
                "features: numpy.concatenate([x.real, x.imag], axis=-1)."
            )
        return x

    def _text(self, x: Any, model: Any) -> Any:
        """Text as a NumPy array."""
        array = x if isinstance(x, (Tensor, Spec)) else numpy.asarray(x)
        if array.dtype is not TEXT and not is_text(array):
            raise TypeError(
                f"{_named(model)}: input {self.name!r} takes text (a list of strings or a NumPy "
                f"array); got {signature_of(x)}."
            )
        return array

    def _with_other_rank(self, x: Any, model: Any) -> Any:
        """A last axis of length 1 may be missing, or be there needlessly."""
        shape = tuple(x.shape)
        if len(shape) == self.ndim + 1 and shape[-1] == 1:
            wanted = shape[:-1]
        elif len(shape) == self.ndim - 1 and self.shape[-1] == 1 and shape:
            wanted = (*shape, 1)
        else:
            raise self._misfit(x, model)
        if isinstance(x, Spec):
            return Spec(wanted, x.dtype)
        return x.reshape(wanted) if is_text(x) else ops.reshape(x, wanted)

    def _misfit(self, x: Any, model: Any) -> ValueError:
        batch = (
            self._for_one_example(tuple(x.shape))
            or self._for_too_many_axes(tuple(x.shape))
            or self._for_a_batch_axis(tuple(x.shape))
            or self._for_another_order(tuple(x.shape))
            or self._for_other_features(tuple(x.shape))
            or self._for_other_sizes(tuple(x.shape))
        )
        return ValueError(
            f"{_named(model)}: input {self.name!r} has shape {self.shape}, a batch of examples "
            f"of shape {tuple(self.shape[1:])}; got {signature_of(x)}.{batch}"
        )

    def _for_one_example(self, shape: Shape) -> str:
        """What to do where the axis of the batch is missing, perhaps with that of one channel."""
        if not shape and self.ndim > 1:
            return (
                " One number is no batch: a generator yields batches, x or (x, y), arrays whose first axis counts "
                "examples."
            )
        if shape == self.shape[1:]:
            other = f" If it holds {shape[0]} examples: Input({shape[1:]})." if len(shape) == 2 else ""
            whole = " A single example needs a batch axis: x[None]; examples of a Dataset become batches by .batch(32)."
            return whole + other
        if self.ndim > 3 and (*shape, 1) == self.shape[1:]:
            return " A single example needs an axis for the batch and one for its channel: x[None, ..., None]."
        return ""

    def _for_too_many_axes(self, shape: Shape) -> str:
        """What to do where an example, or a whole batch, has an axis too many in front."""
        inner = self.shape[1:]
        if len(shape) != self.ndim + 1 or any(n not in (m, None) for n, m in zip(inner, shape[2:])):
            return ""
        return (
            " There is an axis too many in front: leave out a .batch() of a Dataset that has batches already, or join "
            f"the batches: x.reshape({', '.join(map(str, (-1, *shape[2:])))})."
        )

    def _for_a_batch_axis(self, shape: Shape) -> str:
        """What to do if `Input` has the shape of all data, with the number of examples."""
        inner = self.shape[2:]
        if len(shape) != self.ndim - 1 or shape[1:] != inner or None in inner:
            return ""
        if not inner:
            return f" A batch has two axes: (examples, {self.shape[1]})."
        return f" Input takes the shape of one example, without the batch axis: Input({inner})."

    def _for_another_order(self, shape: Shape) -> str:
        """What to do where the channels are at the other end of an example."""
        last, rank = self.shape[1:], self.ndim
        if len(shape) != rank or rank < 4 or shape[1:] == tuple(last):
            return ""
        for order in ((0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))):
            turned = [shape[axis] for axis in order[1:]]
            if None not in last[-1:] and last[0] != shape[1] and all(n in (m, None) for n, m in zip(last, turned)):
                return f" The axes are in another order: x.transpose({', '.join(map(str, order))})."
        return ""

    def _for_other_features(self, shape: Shape) -> str:
        """What to do where only the last axis is of another length."""
        if len(shape) != self.ndim or shape[1:-1] != tuple(self.shape[1:-1]) or self.ndim < 2:
            return ""
        return f" Pass examples of shape {tuple(self.shape[1:])}, or make the model with Input({shape[1:]})."

    def _for_other_sizes(self, shape: Shape) -> str:
        """What to do about pictures of another height or width, with or without the axis of one channel."""
        size = tuple(self.shape[1:-1])
        plain = len(shape) == 3 and self.shape[-1] == 1 != shape[-1]
        if self.ndim != 4 or None in size or not (plain or (len(shape) == 4 and shape[-1] == self.shape[-1])):
            return ""
        pictures = "x[..., None]" if plain else "x"
        own = (*shape[1:3], self.shape[-1])
        return f" Resize them, ops.image.resize({pictures}, {size}), or make the model with Input({own})."


def _cast(x: Tensor, dtype: Any) -> Tensor:
    result, mask = ops.cast(x, dtype), get_mask(x)
    if mask is not None:
        result.mask = mask
    return result


def _are_strings(value: Any) -> bool:
    """Whether a list is text itself, rather than a structure that holds an array of text."""
    return isinstance(value, (list, tuple)) and not any(hasattr(x, "shape") for x in value)


class Doors:
    """All inputs of a model, in their original structure."""

    _warned = False

    def __init__(self, structure: Any, model_name: str) -> None:
        self.structure = structure
        self.doors = [Door(x) for x in tree.flatten(structure)]
        self.is_single = isinstance(structure, SymbolicTensor)
        self.keys = sorted(structure) if isinstance(structure, dict) else [door.name for door in self.doors]
        self.model_name = model_name

    def arrange(self, given: Any, model: Any) -> list[Any]:
        """The tensors for the inputs, in order.

        Raises:
            ValueError: when there are too many or too few, or a name is missing.
        """
        if self.is_single and isinstance(given, (Tensor, Spec)):
            return [self.doors[0].let_in(given, model)]
        if self.is_single and self.doors[0].dtype is TEXT and _are_strings(given):
            return [self.doors[0].let_in(given, model)]
        values = self._found(given, model)
        try:
            return [door.let_in(x, model) for door, x in zip(self.doors, values)]
        except ValueError:
            if isinstance(given, (list, tuple)) and self._fit_in_another_order(values):
                wanted = ", ".join([f"{door.name!r} {door.shape}" for door in self.doors])
                raise ValueError(
                    f"{_named(model)} takes its inputs in this order: {wanted}; got {signature_of(values)}, which fit "
                    "in another order. Change it, or pass a dict with these names."
                ) from None
            raise

    def _fit_in_another_order(self, values: list[Any]) -> bool:
        if not 1 < len(values) <= _MOST_IN_ANY_ORDER or not all(hasattr(x, "shape") for x in values):
            return False
        return any(
            all(door.fits(x.shape) for door, x in zip(self.doors, each)) for each in itertools.permutations(values)
        )

    def _found(self, given: Any, model: Any) -> list[Any]:
        if isinstance(given, Mapping):
            return self._by_name(given, model)
        if isinstance(self.structure, dict) and isinstance(given, (list, tuple)):
            self._check_order(model)
            self._warn(
                f"{_named(model)} has a dict of inputs, {self.keys}; got a "
                f"{type(given).__name__}, which is taken in that order. Pass a dict."
            )
        values = tree.flatten(given)
        if len(values) != len(self.doors):
            raise ValueError(
                f"{_named(model)} has {len(self.doors)} input(s) {self.keys}; "
                f"got {len(values)}: {signature_of(values)}. {self._cure(len(values))}"
            )
        return values

    def _cure(self, count: int) -> str:
        """What to do about this number of values."""
        if len(self.doors) == 1 and count:
            return "Labels go apart from the inputs, fit(x, y); several inputs need a model with as many."
        ways = "Pass a list in this order, or a dict with these keys"
        return f"{ways}; labels go apart from them: fit([a, b], y)." if count > len(self.doors) else f"{ways}."

    def _warn(self, message: str) -> None:
        if not self._warned:
            self._warned = True
            # As Keras begins it: programs that know better filter it by these words.
            warn(f"The structure of `inputs` doesn't match the expected structure. {message}")

    def _check_order(self, model: Any) -> None:
        """A list for inputs in a dict: the order is clear only where the keys were written sorted."""
        keys = list(self.structure)
        if keys != self.keys:
            raise ValueError(
                f"{_named(model)}: its inputs are a dict with the keys {keys}; got a list, whose "
                "order may be theirs or that of the sorted keys. Pass a dict."
            )

    def _by_name(self, given: Mapping[str, Any], model: Any) -> list[Any]:
        if isinstance(self.structure, (list, tuple)) and any(tree.is_nested(s) for s in self.structure):
            return tree.flatten(given)
        if isinstance(self.structure, dict) and any(tree.is_nested(part) for part in self.structure.values()):
            return self._nested(given, model)
        names = [key if key in given else door.name for key, door in zip(self.keys, self.doors)]
        known = [str(key) for key in self.keys]
        missing = [key for key, name, door in zip(known, names, self.doors) if name not in given and not door.optional]
        if missing:
            hint = did_you_mean(missing[0], [str(k) for k in given])
            raise ValueError(
                f"{_named(model)} needs the inputs {known}; {missing} missing among the keys "
                f"{sorted(map(str, given))}.{hint}"
            )
        unused = [key for key in given if key not in names]
        if unused:
            self._warn(
                f"{_named(model)} has the inputs {known}; none of them takes "
                f"{', '.join(map(repr, unused))} of the data."
            )
        return [given.get(name) for name in names]

    def _nested(self, given: Mapping[str, Any], model: Any) -> list[Any]:
        """The tensors of dicts in dicts, which must be the model's own structure."""
        try:
            found: list[Any] = []
            tree.map_structure_up_to(self.structure, found.append, dict(given))
        except ValueError as error:
            raise ValueError(f"{_named(model)}: the data must have the structure of its inputs. {error}") from None
        return found
