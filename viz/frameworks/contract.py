"""What a framework hands to observers besides plain data; eagerflow's own objects have all this already."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.core.observe import libraries as library_folders

__all__ = ["Array", "held_in_place_of", "library_folders"]


class Array:
    """Base of what stands for an array of another framework: NumPy gets its values when somebody asks.

    A framework's own class has `shape`, `dtype` (NumPy's, or with the same `name`, `kind` and `itemsize`), `size`,
    `nbytes`, `device` (None, or with a number as `id`) and `base` (the `Array` that stands for all of its memory, and
    goes when that goes).
    """

    __slots__ = ()

    shape: tuple[int, ...]
    dtype: Any

    @property
    def source(self) -> Any:
        """What the program itself holds; None when it is gone."""
        raise NotImplementedError

    def get(self) -> Any:
        """The values as NumPy's array, which may be asked for while the array is announced."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


def held_in_place_of(x: Any) -> Any:
    """What the program holds where observers are told of `x`: a tensor of another framework, or `x` itself."""
    data = getattr(x, "data", None)
    return data.source if isinstance(data, Array) else x.source if isinstance(x, Array) else x
