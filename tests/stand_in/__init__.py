"""A strict stand-in for CuPy, so that the GPU's code paths run on machines without a GPU.

`installed()` puts it in the place of the module `cupy`. Its arrays hold NumPy arrays, but give nothing away:

* nothing mixes silently with host arrays: arithmetic, indexing, assignment and every function refuse
  `numpy.ndarray`, and NumPy's functions refuse the stand-in's arrays;
* only CuPy's names exist, and only with CuPy's arguments (`signatures.py`): no `initial=` or `where=` on
  reductions, no `maximum.reduce`, no `vecdot`;
* reductions and indexing answer with arrays of no axes, never with numbers; there is no `__index__`;
* indices from integer arrays wrap around instead of raising, invalid arithmetic gives no warning;
* where an index names a place twice, the first assignment stays, and `at` is for CuPy's types only;
* linear algebra broadcasts no stacks of matrices, and raises for no values (`solvers.py`);
* kernels are compiled at their first call (`cuda/compiler.py`);
* every copy between host and device is counted in `copies`.

With kernels (`kernels/`), those of eagerflow in CUDA C are compiled as C++ and run on the CPU, and NumPy multiplies in
place of cuBLAS. Without, `cupy` has none of the names that these need, and the ops' mathematics computes.

Where the real CuPy would let something slip through (`device[host_array]` uploads, `numpy.sum(device_array)`
is answered by CuPy), the stand-in refuses: such code works by accident.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from types import ModuleType

from tests.stand_in.array import copies, ndarray
from tests.stand_in.cuda.compiler import forget
from tests.stand_in.kernels.taken import taken
from tests.stand_in.module import build

__all__ = ["copies", "installed", "ndarray"]


@functools.cache
def _built(kernels: bool) -> dict[str, ModuleType]:
    """The modules, built once: they hold no state but `copies`."""
    return build(kernels)


@contextlib.contextmanager
def installed(kernels: bool = False) -> Iterator[ModuleType]:
    """Inside the block, `import cupy` gives the stand-in. `copies` starts from zero, and no kernel is compiled yet.

    Args:
        kernels: whether it has kernels in CUDA C; `kernels.compiler.using` says where they are kept.
    """
    copies.reset()
    forget()
    modules = _built(kernels)
    before = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules.update(modules)
    try:
        with taken(kernels):
            yield modules["cupy"]
    finally:  # these alone: what else was imported meanwhile isn't to be imported once more, as another module
        for name in modules:
            del sys.modules[name]
        sys.modules.update(before)
