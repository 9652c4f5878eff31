"""What the tests of convolutions share."""

from __future__ import annotations

import pytest

from eagerflow.kernels.convolution.algorithms import choose
from eagerflow.kernels.machine import speeds


@pytest.fixture(autouse=True, scope="module")
def speeds_of_one_kind_of_processor():
    """Those of vectors of 512 bits, on any machine, so that the same algorithms are tested everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speeds, "blas_bits", lambda: 512)
        patch.setattr(speeds, "numpy_bits", lambda: 512)
        speeds.speeds.cache_clear()
        choose.cache_clear()
        yield
    speeds.speeds.cache_clear()
    choose.cache_clear()
