"""Which lengths of the inputs are open, and at which sizes the model is run to see what follows from them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.layer.symbolic.text_type import type_of
from eagerflow.onnx.graph import Lengths

__all__ = ["Given", "Sizes", "given_inputs", "packed", "schemes"]

_BATCH = (2, 4, 3)  # the last, with which the graph is computed, takes the most memory
# Lengths for open axes other than the batch, three for each: an odd one and an even one, far from each other, so that
# halves and steps through an image differ too; then such as layers halve many times.
_SMALL = (7, 32, 57, 17, 42, 67, 29, 54, 79, 41, 66, 91)
_LARGE = (67, 112, 157, 79, 124, 169, 97, 142, 187, 107, 152, 197)
_CLOSE = (5, 8, 11, 6, 9, 12, 7, 10, 13, 4, 14, 15)  # for models that take no longer ones


class Given(NamedTuple):
    """One input: its name, its shape with None for open lengths, and its type."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Sizes(NamedTuple):
    """Numbers for the open lengths.

    Attributes:
        symbols: for each input the name of each open axis, None for fixed ones.
        runs: for each run, the number that each symbol has; the last is kept for the comparison.
    """

    symbols: list[list[str | None]]
    runs: list[dict[str, int]]

    def shapes(self, given: Sequence[Given], run: int) -> list[tuple[int, ...]]:
        """The shapes of the inputs in a run."""
        return [
            tuple([n if s is None else self.runs[run][s] for n, s in zip(each.shape, names)])  # type: ignore[misc]
            for each, names in zip(given, self.symbols)
        ]

    def names(self) -> dict[Lengths, str]:
        """The symbol behind lengths, one for each run but the last."""
        found = dict.fromkeys([s for names in self.symbols for s in names if s is not None])
        return {tuple([run[s] for run in self.runs[:-1]]): s for s in found}


def schemes(given: Sequence[Given]) -> Iterator[Sizes]:
    """Ways to choose sizes: axes apart, then equal axes together; small, large, divisible by 32, close."""
    for shared in (False, True):
        symbols = [
            [
                None if n is not None else "batch" if axis == 0 else _symbol(each, axis, shared)
                for axis, n in enumerate(each.shape)
            ]
            for each in given
        ]
        names = list(dict.fromkeys([s for row in symbols for s in row if s is not None]))
        for lengths in (_SMALL, _LARGE, [32 * i for i in range(1, 13)], [32 * i for i in range(7, 19)], _CLOSE):
            yield Sizes(symbols, _runs(names, lengths))
            if names in ([], ["batch"]):
                break
        if len(given) == 1:
            return


def _symbol(given: Given, axis: int, shared: bool) -> str:
    return f"length_{axis}" if shared else f"{given.name}_{axis}"


def _runs(names: list[str], lengths: Sequence[int]) -> list[dict[str, int]]:
    """A first run, one with each symbol changed, and one with all changed."""
    others = [name for name in names if name != "batch"]
    triples = {name: lengths[3 * (i % 4) : 3 * (i % 4) + 3] for i, name in enumerate(others)}
    if "batch" in names:
        triples["batch"] = _BATCH
    first = {name: triple[0] for name, triple in triples.items()}
    return [first, *[{**first, name: triples[name][1]} for name in names], {n: t[2] for n, t in triples.items()}]


def given_inputs(signature: Any, model: Any) -> tuple[list[Given], Any]:
    """The inputs, and the structure in which the model takes them.

    Args:
        signature: what the caller gave: specs with shape, dtype and name, shapes, or arrays, in any structure; or None.
        model: a model, whose own inputs are taken without a signature.

    Raises:
        ValueError: when nothing tells the shapes.
    """
    if signature is None:
        signature = _own(model)
    if isinstance(signature, list) and len(signature) == 1:
        signature = signature[0]
    return [_given(leaf, i) for i, leaf in enumerate(_leaves(signature))], signature


def _own(model: Any) -> Any:
    with contextlib.suppress(AttributeError, ValueError):  # what subclasses that write `call` say
        return model.input
    (*shapes,), _ = model._ef_state.build_shapes
    if not shapes:
        raise ValueError(
            f"export(): nothing tells the shapes of the inputs of {getattr(model, 'name', model)!r}. Call it once on "
            "data, or give input_signature=[keras.InputSpec(shape=(None, 28, 28, 1), dtype='float32')]."
        )
    return _opened(shapes[0])


def _opened(shape: Any) -> Any:
    """Shapes of a call, the batch open."""
    if _is_shape(shape):
        return (None, *shape[1:])
    return {k: _opened(v) for k, v in shape.items()} if isinstance(shape, dict) else [_opened(v) for v in shape]


def _is_shape(x: Any) -> bool:
    return isinstance(x, (tuple, list)) and all(n is None or isinstance(n, (int, numpy.integer)) for n in x)


def _is_spec(x: Any) -> bool:
    return hasattr(x, "shape") or _is_shape(x)


def _leaves(signature: Any) -> list[Any]:
    if _is_spec(signature):
        return [signature]
    parts = signature.values() if isinstance(signature, dict) else signature
    return [leaf for part in parts for leaf in _leaves(part)]


def packed(structure: Any, tensors: Iterator[Any]) -> Any:
    """Tensors in the structure of the signature."""
    if _is_spec(structure):
        return next(tensors)
    if isinstance(structure, dict):
        return {key: packed(part, tensors) for key, part in structure.items()}
    return type(structure)([packed(part, tensors) for part in structure])


def _given(leaf: Any, number: int) -> Given:
    shape = leaf if _is_shape(leaf) else leaf.shape
    if shape is None:
        raise ValueError("export(input_signature=...): every InputSpec needs its shape, with None for open lengths.")
    dtype = getattr(leaf, "dtype", None) or "float32"
    name = getattr(leaf, "name", None) or f"input_{number}"
    return Given(str(name), tuple([None if n is None else int(n) for n in shape]), type_of(str(dtype)).name)
