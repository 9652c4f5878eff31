"""Compiled kernels for the tests of this folder."""

import pytest

from eagerflow.compiled import kernel
from eagerflow.core.lowering import load_kernels
from tests.compiled.beside import forget


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def compiled(home, monkeypatch):
    """Compiled kernels, as if the environment asked for them; machine code is kept for all tests."""
    pytest.importorskip("numba")
    monkeypatch.setenv("EAGERFLOW_HOME", str(home))
    monkeypatch.setenv("EAGERFLOW_KERNELS", "compiled")
    monkeypatch.setattr(kernel, "WAITS", True)
    load_kernels()
    forget()
    yield
    monkeypatch.undo()
    forget()
