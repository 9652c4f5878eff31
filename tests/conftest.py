"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from eagerflow.core import device as devices
from tests import stand_in


@pytest.fixture
def cupy_stand_in() -> Iterator[ModuleType]:
    """`import cupy` gives the strict stand-in, and eagerflow forgets it again afterwards."""
    before = dict(devices.namespaces)
    with stand_in.installed() as cupy:
        yield cupy
    devices.namespaces.clear()
    devices.namespaces.update(before)


@pytest.fixture(params=["cpu", "stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs on NumPy, on the stand-in for CuPy and, under `make test-gpu`, on CuPy itself.

    Gives the name of the device, on which new tensors are made.
    """
    if request.param == "stand-in":
        request.getfixturevalue("cupy_stand_in")
    name = "cpu" if request.param == "cpu" else "gpu:0"
    with devices.device(name):
        yield name
