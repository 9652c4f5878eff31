"""`rearrange`: axes moved, split and merged by a pattern of names."""

from __future__ import annotations

import math
import re

from eagerflow.base.typing import TensorLike
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.shape import reshape, transpose

__all__ = ["rearrange"]


@composite
def rearrange(tensor: TensorLike, pattern: str, **axes_lengths: int) -> Tensor:
    """Moves, splits and merges axes as a pattern says, in the notation of einops.

    Args:
        tensor: a tensor.
        pattern: the names of the axes before and after, as in `"b h w c -> b (h w) c"`; those in parentheses make up
            one axis, in row-major order, and `1` is an axis of length 1.
        **axes_lengths: the lengths of axes that can't be inferred.

    Raises:
        ValueError: when pattern, lengths and shape don't fit.

    Source: the notation of A. Rogozhnikov, "Einops: Clear and reliable tensor manipulations with Einstein-like
    notation" (2022).

    >>> ef.ops.rearrange(np.zeros((2, 6, 3)), "b (h w) c -> b c h w", h=2).shape
    (2, 3, 2, 3)
    """
    tensor = convert_to_tensor(tensor)
    before, after = _sides(pattern)
    lengths = _lengths(pattern, before, tensor.shape, axes_lengths)
    names = [name for group in before for name in group]
    wanted = [name for group in after for name in group]
    if sorted(names) != sorted(wanted) or len(set(names)) < len(names):
        raise ValueError(f"rearrange: both sides of {pattern!r} must name the same axes, each once.")
    apart = reshape(tensor, tuple([lengths[name] for name in names]))
    moved = transpose(apart, tuple([names.index(name) for name in wanted]))
    return reshape(moved, tuple([math.prod([lengths[name] for name in group]) for group in after]))


def _sides(pattern: str) -> list[list[list[str]]]:
    """The groups of names on both sides; `1` is a group of none."""
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f"rearrange: the pattern {pattern!r} needs one '->'.")
    found = []
    for side in sides:
        if not re.fullmatch(r"\s*((\w+|\([\w\s]*\))\s*)*", side):
            raise ValueError(f"rearrange: {side.strip()!r} in {pattern!r} isn't made of names and (groups of names).")
        groups = re.findall(r"\w+|\([^)]*\)", side)
        found.append([[name for name in group.strip("()").split() if name != "1"] for group in groups])
    return found


def _lengths(pattern: str, groups: list[list[str]], shape: tuple[int, ...], given: dict[str, int]) -> dict[str, int]:
    """The length of each named axis."""
    if len(groups) != len(shape):
        raise ValueError(f"rearrange: {pattern!r} names {len(groups)} axes of a tensor of shape {shape}.")
    known = {name: int(n) for name, n in given.items()}
    unknown_names = set(known) - {name for group in groups for name in group}
    if unknown_names:
        raise ValueError(f"rearrange: {sorted(unknown_names)} have lengths but don't occur in {pattern!r}.")
    for group, n in zip(groups, shape, strict=True):
        open_names = [name for name in group if name not in known]
        product = math.prod([known[name] for name in group if name in known])
        if len(open_names) > 1:
            raise ValueError(f"rearrange: the lengths of {open_names} in {pattern!r} are unknown; give all but one.")
        if open_names and product and n % product == 0:
            known[open_names[0]] = n // product
        elif open_names or product != n:
            raise ValueError(
                f"rearrange: ({' '.join(group)}) in {pattern!r} doesn't make up length {n} with the lengths {known}."
            )
    return known
