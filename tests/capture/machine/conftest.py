"""Machine code for the tests of this folder."""

import pytest

from eagerflow.capture.machine import runs


@pytest.fixture(autouse=True)
def machine_code(monkeypatch):
    """As where compiled kernels are used; the kernels themselves stay the plain ones."""
    pytest.importorskip("llvmlite")
    from eagerflow.compiled.objects import gives_products

    if not gives_products():
        pytest.skip("another BLAS than that of NumPy's wheels")
    monkeypatch.setattr(runs, "kernels", lambda: "compiled")
    monkeypatch.setattr(runs, "later", lambda work: work())
