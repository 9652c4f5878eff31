"""What a framework hands to observers: the events of `eagerflow.core.observe`, with objects of these classes.

Eagerflow's own have all this already; another framework's folder derives what stands for its objects from the classes
here. Observers ask `viz.frameworks.objects` what an object is.
"""

from __future__ import annotations

import math
from typing import Any

__all__ = ["Array", "Op", "Owner", "Tensor", "Variable"]


class Array:
    """The numbers of a tensor, which NumPy gets when somebody asks.

    Attributes:
        shape: the lengths of its axes.
        dtype: NumPy's, or with the same `name`, `kind` and `itemsize`.
        nbytes: its size in memory, or that of all the memory which it stands for.
        device: None, or with a number as `id`.
        base: the `Array` of all of its memory, which goes when that goes.
        source: what the program itself holds; None when it is gone.
    """

    __slots__ = ()

    shape: tuple[int, ...]
    dtype: Any
    source: Any

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
        trainable: are gradients wanted of it?
        frozen: were gradients wanted when it was made, and aren't now?
    """

    __slots__ = ()

    identity: int
    path: str
    trainable: Any  # bool; derived classes may have a property
    frozen: Any

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Op:
    """What ran."""

    __slots__ = ("arrays", "fused", "means", "moves", "name", "settings")

    name: str  # the framework's word
    means: str  # eagerflow's op that does the same; else the name
    moves: bool  # does it only rearrange numbers? Then it isn't shown where a layer of the framework calls it
    arrays: tuple[str, ...]  # the names of the tensors that it is given
    settings: tuple[str, ...]  # and of all else
    fused: tuple[str, ...]  # the arrays with several samples, where it stands for several ops


class Owner:
    """A layer, model, loss or optimizer."""

    name: str  # within what calls it
    path: str  # from the outermost model on
    role = ""  # what a layer does, as `viz.frameworks.owners.layer_role` has it
    is_library = False  # is it of a class that comes with the framework?
    created_at: tuple[str, int] | None = None  # the file and line on which the user made it
