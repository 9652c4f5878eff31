"""Torch's tensors and modules as observers know them: small objects that keep nothing of the program alive."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NamedTuple

import numpy
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin

from viz.frameworks import contract
from viz.frameworks.contract import Tensor, Variable
from viz.recorder.source_lines import is_internal

__all__ = ["Array", "Objects", "Weight", "as_numpy", "key_of_edge", "node_of"]

_KEYS, _OUTPUTS = 1 << 48, 1 << 16  # keys of tensors that ops made: beyond all that count from 0; outputs of one node
_new_key = itertools.count(1 << 40).__next__

_unheard = torch._C.DisableTorchFunction

_made: dict[int, tuple[weakref.ref[Any], tuple[str, int]]] = {}


def note_line(thing: Any, frame: FrameType | None) -> None:
    """A module or optimizer is being made: note the user's line that does so."""
    while frame is not None and (is_internal(frame.f_code.co_filename) or frame.f_locals.get("self") is thing):
        frame = frame.f_back
    if frame is not None:
        at = id(thing)
        _made[at] = weakref.ref(thing, lambda gone: _made.pop(at, None)), (frame.f_code.co_filename, frame.f_lineno)


def made_at(thing: Any) -> tuple[str, int] | None:
    """The user's line that made a module or optimizer; None where nothing observed then."""
    known = _made.get(id(thing))
    return known[1] if known is not None and known[0]() is thing else None


def node_of(x: torch.Tensor) -> Any:
    """The autograd node of a tensor; None for leaves, and for views that were changed in place without gradients."""
    try:
        return x.grad_fn
    except RuntimeError:  # PyTorch refuses to say of which op such a view is now
        return None


def key_of_edge(sequence: int, output: int) -> int:
    """The key of what an op made, by the number of its autograd node and which output of that it is."""
    return _KEYS + sequence * _OUTPUTS + output


class _Type(NamedTuple):
    """A type that NumPy doesn't have."""

    name: str
    kind: str
    itemsize: int

    def __str__(self) -> str:
        return self.name


class _Device(NamedTuple):
    id: int


def _type_of(dtype: torch.dtype) -> Any:
    name = str(dtype).removeprefix("torch.")
    try:
        return numpy.dtype(name)
    except TypeError:
        return _Type(name, "f" if dtype.is_floating_point else "i", dtype.itemsize)


_types = {found: _type_of(found) for found in vars(torch).values() if isinstance(found, torch.dtype)}


def as_numpy(x: torch.Tensor) -> Any:
    """The values of a tensor, as a view where that can be; bfloat16 and the like as float32, zeros on `meta`."""
    with _unheard():
        x = x.detach()
        if x.is_meta:  # a shape without values, which are to be loaded
            return numpy.broadcast_to(as_numpy(torch.zeros((), dtype=x.dtype)), tuple(x.shape))
        if x.layout is not torch.strided:
            x = x.to_dense()
        if _types[x.dtype].__class__ is _Type:
            x = x.float()
        if not x.is_cpu:
            x = x.cpu()
        x = x.resolve_conj().resolve_neg()
        try:  # unlike `numpy()`, it leaves a tensor free to be resized
            return numpy.from_dlpack(x)
        except (BufferError, RuntimeError, TypeError):
            return x.numpy()


class Array(contract.Array, NDArrayOperatorsMixin, weakref.ref[torch.Tensor]):
    """A tensor's numbers, which NumPy gets when somebody asks: a weak reference, so the tensor itself isn't kept.

    Attributes:
        at: the identity of the tensor.
        base: the array that stands for the memory of which this is a view; None for that one.
        device: None for the processor, else with its number as `id`.
        dtype: NumPy's type, or one with the same attributes.
        held: of that which stands for memory, the size of all of it; else 0.
        proxy: the tensor or weight that observers know in its place, while it exists.
        shape: the lengths of its axes.
        weights: of that which stands for memory, those that lie there.
    """

    at: int
    base: Any = None
    device: Any = None
    held = 0
    proxy: Any = None
    weights: Sequence[weakref.ref[Weight]] = ()
    _copy: Any = None

    @property
    def source(self) -> Any:
        """The tensor, while the program keeps it."""
        return self()

    @property
    def nbytes(self) -> int:
        """Of all the memory, where this stands for it."""
        return self.held or self.size * int(self.dtype.itemsize)

    @property
    def data(self) -> Array:
        return self

    @property
    def ptr(self) -> int:
        """Where its elements begin in memory."""
        x = self()
        return 0 if x is None else x.data_ptr()

    def get(self) -> Any:
        """The values on the host."""
        if self._copy is not None:
            return self._copy
        x = self()
        if x is None:
            raise RuntimeError("the tensor is gone: its values can be read only while it is announced")
        return as_numpy(x)

    def keep(self) -> None:
        """Keep a copy of the values: the tensor may be gone, or changed, when this is announced."""
        x = self()
        if x is not None and self.shape == () and self.dtype.__class__ is not _Type:
            self._copy = numpy.array(x.item(), self.dtype)
        else:
            self._copy = self.get().copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return numpy.array(self.get(), dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        given = [x.get() if isinstance(x, Array) else x for x in inputs]
        return getattr(ufunc, method)(*given, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.get(), name)

    def __getitem__(self, index: Any) -> Any:
        return self.get()[index]

    def __repr__(self) -> str:
        return f"<{self.dtype} {list(self.shape)} of torch>"


class Weight(Variable):
    """A parameter, a buffer, or another leaf that a loop trains."""

    __slots__ = ("identity", "made_trainable", "path", "requires_grad")

    def __init__(self, x: torch.Tensor, data: Array, path: str) -> None:
        self.identity, self.path, self.requires_grad = _new_key(), path, x.requires_grad
        self.made_trainable = isinstance(x, torch.nn.Parameter) or x.requires_grad
        super().__init__(data, self.identity if x.requires_grad else None)

    @property
    def trainable(self) -> bool:
        return self.requires_grad

    @property
    def frozen(self) -> bool:
        return self.made_trainable and not self.requires_grad


class Objects:
    """What stands for the tensors that were met.

    Args:
        adopt: is called with a tensor that functions made which weren't heard, and what stands for it.
        named: gives a parameter or buffer its path, when it is met; with True, any weight what the code calls it.

    Attributes:
        met: the arrays of the tensors that were met, by their identity.
    """

    def __init__(self, named: Callable[..., str | None], adopt: Callable[[torch.Tensor, Tensor], None]) -> None:
        self._named, self._adopt = named, adopt
        self.met: dict[int, Array] = {}
        self._memory: dict[weakref.ref[Any], Array] = {}  # what stands for each piece, by its storage
        known = self.met

        def forget(met: Any) -> None:
            met.proxy = None
            known.pop(met.at, None)

        self._forget = forget
        self._numbers = itertools.count(1)

    # -- what is known

    def proxy(self, x: torch.Tensor) -> Any:
        """What stands for a tensor as it is now."""
        met = self.met.get(id(x))
        proxy: Any = met.proxy if met is not None and met() is x else None
        if proxy is None:
            return self._new(x)
        if proxy.key is None and x.requires_grad:
            self._now_tracked(x, proxy)
        return proxy

    def known(self, x: torch.Tensor) -> Any:
        """The same of a tensor that was met before; else None."""
        met = self.met.get(id(x))
        return met.proxy if met is not None and met() is x else None

    def made(self, x: torch.Tensor) -> Tensor:
        """What stands for a tensor that an op just made, or changed."""
        try:
            node = x.grad_fn
        except RuntimeError:
            node = None
        key = None if node is None else _KEYS + node._sequence_nr() * _OUTPUTS + x.output_nr
        array = self._array(x, self._forget)
        return self._keep(array, Tensor(array, key))

    def gradient(self, x: torch.Tensor) -> Any:
        """What stands for a gradient that is kept."""
        return self.known(x) or self.made(x)

    def array(self, x: torch.Tensor, again: bool = False) -> Array:
        """The array of a gradient on its way, which may have been met for the first time or `again`."""
        known = self.known(x)
        owner = self._owner(x) if again and known is None else None
        if owner is not None and owner() is x:
            owner._copy = None  # gradients are added up in place
            return owner
        return self._array(x) if known is None else known.data

    def weight(self, x: torch.Tensor) -> Weight:
        """What stands for a leaf that is trained, also one that was met as something else."""
        known = self.proxy(x)
        return known if isinstance(known, Weight) else self._weight(x, known.key)

    def holder(self, x: torch.Tensor) -> Weight | None:
        """The weight whose memory, all of it, a tensor is: `w` of `w.data`."""
        owner = self._owner(x)
        for held in () if owner is None else owner.weights:
            weight = held()
            if weight is not None and weight.data.shape == tuple(x.shape):
                return weight
        return None

    def rename(self, x: torch.Tensor, path: str) -> Weight | None:
        """A weight that was met before its module was, such as one that is being initialized, has this path."""
        known = self.known(x)
        if not isinstance(known, Weight) or known.path == path:
            return None
        known.path = path
        return known

    def with_keys(self, keys: set[int | None]) -> tuple[Tensor, ...]:
        """What stands for the tensors with these keys that still exist."""
        return tuple([met.proxy for met in list(self.met.values()) if met.proxy.key in keys])

    # -- what is new

    def _new(self, x: torch.Tensor) -> Any:
        path = self._named(x)
        if path is not None or (x.requires_grad and node_of(x) is None):
            return self._weight(x, None, path)
        weight = None if x.requires_grad else self.holder(x)
        if weight is not None:
            return self._keep(self._array(x, self._forget), weight)
        proxy = self.made(x)
        if node_of(x) is not None:
            self._adopt(x, proxy)
        return proxy

    def _weight(self, x: torch.Tensor, key: int | None, path: str | None = None) -> Weight:
        path = path or self._named(x, True) or f"weight_{next(self._numbers)}"
        weight = Weight(x, self._array(x, self._forget), path)
        if key is not None:  # it was met as something else
            weight.identity = weight.key = key
        self._keep(weight.data, weight)
        owner = self._owner(x)
        if owner is not None:
            owner.weights = [*[each for each in owner.weights if each() is not None], weakref.ref(weight)]
        return weight

    def _now_tracked(self, x: torch.Tensor, proxy: Tensor) -> None:
        """Gradients are wanted of what was met before."""
        node = node_of(x)
        if isinstance(proxy, Weight):
            if node is None:
                proxy.requires_grad, proxy.key = True, proxy.identity
        else:
            proxy.key = _new_key() if node is None else key_of_edge(node._sequence_nr(), x.output_nr)

    def _keep(self, array: Array, proxy: Any) -> Any:
        former = self.met.get(array.at)
        if former is not None:  # from here on, another one stands for the tensor
            former.proxy = None
        array.proxy = proxy
        self.met[array.at] = array
        return proxy

    def _array(self, x: torch.Tensor, forget: Callable[[Any], None] | None = None) -> Array:
        """What stands for its numbers: views of one piece of memory have the same base."""
        array = Array(x, forget)
        array.at, array.shape, array.dtype = id(x), tuple(x.shape), _types[x.dtype]
        if not x.is_cpu:
            array.device = _Device(x.device.index or 0)
        try:
            memory = x.untyped_storage()
        except (RuntimeError, NotImplementedError):  # of sparse tensors and the like
            array.held = x.numel() * x.element_size()
            return array
        array.base = self._memory.get(weakref.ref(memory))
        if array.base is None:
            self._memory[weakref.ref(memory, self._memory.__delitem__)] = array
            array.held = memory.nbytes()
        return array

    def _owner(self, x: torch.Tensor) -> Array | None:
        """What stands for the memory in which a tensor lies."""
        return self._memory.get(weakref.ref(x.untyped_storage())) if x.layout is torch.strided else None

    def clear(self) -> None:
        """Let go of all."""
        for met in self.met.values():
            met.proxy = None
        self.met.clear()
        self._memory.clear()
