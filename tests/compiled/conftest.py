"""Compiled kernels for the tests of this folder."""

import pytest

from eagerflow.core.lowering import load_kernels
from tests.compiled.comparing import forget


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Compiled kernels, as if the environment asked for them; Numba keeps their machine code beside the sources."""
    pytest.importorskip("numba")
    monkeypatch.setenv("EAGERFLOW_KERNELS", "compiled")
    load_kernels()
    forget()
    yield
    monkeypatch.undo()
    forget()
