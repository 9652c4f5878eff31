"""What this processor can do, as NumPy sees it: tests hold on any, and `make test-simple` runs on a simple one."""

from __future__ import annotations

import os
import platform

import numpy as np
import pytest
import threadpoolctl

SIMPLE = os.environ.get("EAGERFLOW_TEST_SIMPLE") == "1"
FAST = ("X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR")  # as NumPy groups them since 2.4


@pytest.mark.skipif(not SIMPLE, reason="only `make test-simple` switches features off")
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="features of another processor")
def test_the_simple_run_is_one():
    features = np._core._multiarray_umath.__cpu_features__
    assert {name: features[name] for name in FAST} == dict.fromkeys(FAST, False)
    (blas,) = [lib for lib in threadpoolctl.threadpool_info() if lib["internal_api"] == "openblas"]
    assert blas["architecture"] == "Nehalem"


def test_results_hold_whatever_the_processor_adds_in_one_instruction():
    """A sum of products with and without fused steps differs in its last digit, and no more."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(64, 300)), rng.normal(size=(300, 64))
    exact = np.array([[float(sum(x * y for x, y in zip(row, column))) for column in b.T[:3]] for row in a[:3]])
    np.testing.assert_allclose((a @ b)[:3, :3], exact, rtol=1e-12, atol=1e-12)
