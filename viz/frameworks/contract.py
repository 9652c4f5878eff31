"""What a framework hands to observers: the events of `eagerflow.core.observe`, with objects of these classes.

Eagerflow's own tensors, variables, layers and optimizers have all this already. Another framework's folder derives what
stands for its own objects from the classes here. Whoever observes asks `viz.frameworks.objects` what an object is.
"""

from __future__ import annotations

import math
from typing import Any

from eagerflow.core.observe import libraries as library_folders

__all__ = ["Array", "Op", "Owner", "Tensor", "Variable", "library_folders"]


class Array:
    """The numbers of a tensor, which NumPy gets when somebody asks.

    Derived classes have `shape`, `dtype` (NumPy's, or with the same `name`, `kind` and `itemsize`), `nbytes`, `device`
    (None, or with a number as `id`) and `base` (the `Array` of all of its memory, which goes when that goes).
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


class Tensor:
    """What an op reads or makes.

    Attributes:
        data: its numbers: an `Array`, or NumPy's or CuPy's array.
        key: by which backward passes know it; None where gradients stop.
        serial: free for observers; None until one writes it.
    """

    __slots__ = ("__weakref__", "data", "key", "serial")

    data: Any
    key: int | None
    serial: int | None

    def __init__(self, data: Any, key: int | None) -> None:
        self.data, self.key, self.serial = data, key, None

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its axes."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> Any:
        """The type of its elements."""
        return self.data.dtype


class Variable(Tensor):
    """What a program keeps and changes in place.

    Attributes:
        identity: its number; `key` is the same while gradients are wanted of it.
        path: its name, with those of what holds it: `net/layers.0/weight`.
    """

    __slots__ = ()

    identity: int
    path: str

    @property
    def trainable(self) -> bool:
        """Are gradients wanted of it?"""
        raise NotImplementedError

    @property
    def frozen(self) -> bool:
        """Were gradients wanted when it was made, and aren't now?"""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Op:
    """What ran.

    Attributes:
        name: the framework's word.
        means: eagerflow's op that does the same; else the name.
        moves: does it only rearrange numbers, so that it isn't shown where a layer of the framework calls it?
        arrays, settings: the names of what it is given.
        fused: the arrays with several samples, where it stands for several ops.
    """

    __slots__ = ("arrays", "fused", "means", "moves", "name", "settings")

    name: str
    means: str
    moves: bool
    arrays: tuple[str, ...]
    settings: tuple[str, ...]
    fused: tuple[str, ...]


class Owner:
    """A layer, model, loss or optimizer.

    Attributes:
        name: within what calls it.
        path: from the outermost model on.
        role: what a layer does, as `viz.frameworks.owners.layer_role` has it.
        is_library: is it of a class that comes with the framework?
        created_at: the file and line on which the user made it.
    """

    name: str
    path: str
    role = ""
    is_library = False
    created_at: tuple[str, int] | None = None
