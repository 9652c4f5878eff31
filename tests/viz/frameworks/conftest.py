"""Fixtures for tests on PyTorch, which need it only where they are used."""

import pytest


@pytest.fixture
def one_thread():
    """PyTorch computes with one thread: sums of several differ from run to run."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
