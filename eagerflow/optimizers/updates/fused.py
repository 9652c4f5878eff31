"""An update on a GPU as one launch for all variables, instead of a dozen for each of them.

The rule is written as CUDA C (`kernels/gpu/elementwise_codegen.py`). The addresses of variables, slots and
gradients stand in a table on the GPU, which is sent again when one of them has moved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy

from eagerflow.core.device import is_for_gpu_kernels, load_cupy
from eagerflow.core.in_place import Writing, taken_back
from eagerflow.core.observe import state
from eagerflow.kernels.gpu.elementwise_codegen import Named, Setting, Unwritable, written
from eagerflow.kernels.gpu.source import TYPES, compiled
from eagerflow.optimizers.entry import Entry

__all__ = ["FusedUpdates"]

_SETS = 8  # of variables that one optimizer updates in turn
_PIECE = 2048  # elements that a block of threads works on
_THREADS = 256

_SOURCE = r"""
// EXACT: each step is rounded by itself
struct Piece { unsigned int variable, count; unsigned long long start; };

extern "C" __global__ void update(const Piece* pieces, T* const* arrays, const bool* shrinks PARAMETERS) {
    const Piece piece = pieces[blockIdx.x];
    T* const* own = arrays + (unsigned long long)piece.variable * ARRAYS;
    for (unsigned int i = threadIdx.x; i < piece.count; i += blockDim.x) {
        const unsigned long long at = piece.start + i;
        LOAD
        if (shrinks[piece.variable]) a0 = a0 - a0 * s_decay;
        RULE
        STORE
    }
}
"""

Rule = Callable[..., None]


class FusedUpdates:
    """The updates of one optimizer, one for each set of variables that it updates together."""

    def __init__(self, temporaries: int) -> None:
        self.temporaries = temporaries
        self._unwritable = False
        self._updates: dict[tuple[Any, ...], _Update] = {}

    def __reduce__(self) -> Any:
        """Copies and pickles start over: their variables lie elsewhere."""
        return FusedUpdates, (self.temporaries,)

    def update(
        self, optimizer: Any, rule: Any, settings: Any, entries: Sequence[Entry], gradients: Sequence[Any], rate: float
    ) -> bool:
        """Update by an optimizer's rule; False, and nothing has happened, where that can't be one launch.

        Recordings are to see each variable's update, and some runs are taken back.
        """
        if self._unwritable or not getattr(rule, "elementwise", False) or state.ops or taken_back():
            return False
        if not gradients or not all(map(is_for_gpu_kernels, gradients)):
            return False
        shrinks = optimizer.weight_decay is not None
        decays = [shrinks and optimizer._decays(entry.variable) for entry in entries]
        key = (*map(id, entries), *decays)
        update = self._updates.get(key)
        if update is None:
            if len(set(map(id, entries))) < len(entries):
                return False
            if len(self._updates) >= _SETS:
                self._updates.clear()
            update = self._updates[key] = _Update(entries, decays, self.temporaries)
        try:
            return update.run(rule, settings, (optimizer.weight_decay or 0.0) * rate, gradients)
        except Unwritable:
            self._unwritable = True
            return False


@lru_cache(maxsize=64)
def _kernel(rule: Rule, slots: int, temporaries: int, kept: tuple[Any, ...], kind: str) -> Any:
    """The kernel of a rule.

    Args:
        rule: it.
        slots: how many it has for each variable.
        temporaries: how many scratch arrays it needs.
        kept: its settings where they are no floats, None for those that are: they are arguments of the kernel.
        kind: the character of the type.
    """
    names = [f"a{i}" for i in range(slots + 1)]
    given = [f"s{i}" for i, setting in enumerate(kept) if setting is None]

    def prepare(writer: Any) -> list[Any]:
        w, *others = [Named(name, writer) for name in names]
        scratch = tuple([Named(f"r{i}", writer) for i in range(temporaries)])
        settings = tuple([Setting(f"s{i}", writer) if each is None else each for i, each in enumerate(kept)])
        return [w, Named("g", writer), others, settings, scratch]

    body = written(rule, prepare)
    load = [f"T {name} = own[{i}][at];" for i, name in enumerate(names)]
    load += [f"const T g = own[{slots + 1}][at];", *[f"T r{i} = (T)0;" for i in range(temporaries)]]
    source = (
        _SOURCE.replace("PARAMETERS", "".join(f", const T {name}" for name in (*given, "s_decay")))
        .replace("ARRAYS", str(slots + 2))
        .replace("LOAD", " ".join(load))
        .replace("RULE", body.replace("\n", " "))
        .replace("STORE", " ".join(f"own[{i}][at] = {name};" for i, name in enumerate(names)))
    )
    return compiled(source, "update", ("T", TYPES[kind][0]))


class _Update:
    """One set of variables."""

    def __init__(self, entries: Sequence[Entry], decays: Sequence[bool], temporaries: int) -> None:
        self.entries = list(entries)  # held, since they are known by their identities
        self.decays = list(decays)
        self.variables = [v for entry in entries for v in (entry.variable, *entry.slots)]
        self.width = len(self.variables) // len(self.entries)
        self.temporaries = temporaries
        self._place: tuple[Any, ...] = ()  # GPU, shapes and types that the tables were made for
        self._addresses: list[int] = []
        self._tables: tuple[Any, Any, Any] = (None, None, None)

    def run(self, rule: Rule, settings: tuple[Any, ...], decay: float, gradients: Sequence[Any]) -> bool:
        """Update the variables; False, and nothing has happened, where that can't be one launch.

        Raises:
            Unwritable: for a rule that isn't known to be elementwise arithmetic.
        """
        cupy = load_cupy()
        device = cupy.cuda.get_device_id()
        first = gradients[0].dtype
        kind = first.char
        if kind not in TYPES:
            return False
        kept = tuple([None if isinstance(each, float) else each for each in settings])
        # A float of 0 may switch a part of the rule off, as SGD's momentum: then it is written without.
        kept = tuple([0.0 if isinstance(each, float) and not each else k for each, k in zip(settings, kept)])
        kernel = _kernel(rule, self.width - 1, self.temporaries, kept, kind)
        with Writing(self.variables) as arrays:
            # A number would become a vector of one.
            ordered = [g if g.flags.c_contiguous else cupy.ascontiguousarray(g) for g in gradients]
            if not self._fits(arrays, ordered, device, first):
                return False
            self._tell(cupy, arrays, ordered, device)
            number = numpy.float32 if kind == "f" else numpy.float64
            numbers = [number(each) for each, k in zip(settings, kept) if k is None]
            pieces, table, shrinks = self._tables
            kernel((len(pieces) // 16,), (_THREADS,), (pieces, table, shrinks, *numbers, number(decay)))
        return True

    def _fits(self, arrays: Sequence[Any], gradients: Sequence[Any], device: int, dtype: Any) -> bool:
        """Whether all arrays lie in order on the current GPU, are of one type and not empty."""
        for array in (*arrays, *gradients):
            if array.dtype != dtype or not array.flags.c_contiguous or array.device.id != device or not array.size:
                return False
        shapes = [g.shape for g in gradients for _ in range(self.width)]
        return [a.shape for a in arrays] == shapes

    def _tell(self, cupy: Any, arrays: Sequence[Any], gradients: Sequence[Any], device: int) -> None:
        """Let the table on the GPU say where the arrays lie."""
        width, addresses = self.width, list[int]()
        for i, g in enumerate(gradients):
            addresses += [a.data.ptr for a in arrays[i * width : (i + 1) * width]]
            addresses.append(g.data.ptr)
        place = (device, gradients[0].dtype, *[g.shape for g in gradients])
        if place != self._place:
            sizes = [math.prod(g.shape) for g in gradients]
            pieces = [(i, min(_PIECE, n - at), at) for i, n in enumerate(sizes) for at in range(0, n, _PIECE)]
            kinds = [("variable", "u4"), ("count", "u4"), ("start", "u8")]
            of_pieces = numpy.array(pieces, kinds).view("u1")
            table = cupy.asarray(numpy.array(addresses, "u8"))
            self._tables = cupy.asarray(of_pieces), table, cupy.asarray(numpy.array(self.decays))
            self._place, self._addresses = place, addresses
        elif addresses != self._addresses:
            self._tables[1].set(numpy.array(addresses, "u8"))
            self._addresses = addresses
