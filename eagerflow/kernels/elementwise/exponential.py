"""e to the power of x, by the faster of two ways: where NumPy's `exp2` uses vectors, it takes half as long as `exp`.

    raised(RATE * x)   is e to the power of x, for arrays of float32

The factor is best put into constants that x is multiplied by anyway. It rounds x once more, as if x had another last
digit: relative errors are |x| times 6e-8.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

__all__ = ["RATE", "raised"]


def _has_vectors(name: str) -> bool:
    """Whether a function of NumPy on float32 is more than a loop over the C library's."""
    introspect = getattr(numpy.lib, "introspect", None)  # from NumPy 2.1
    if introspect is None:
        return False
    ways = introspect.opt_func_info(func_name=f"^{name}$", signature="float32").get(name, {})
    return any(not way["current"].startswith("baseline") for way in ways.values())


_by_two = _has_vectors("exp2")
raised: Any = numpy.exp2 if _by_two else numpy.exp
RATE = math.log2(math.e) if _by_two else 1.0
