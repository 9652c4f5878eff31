"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest
from hypothesis import settings

from eagerflow import compat
from eagerflow.base import config
from eagerflow.core import device as devices
from eagerflow.core.strategy import Strategy, active
from tests import stand_in
from tests.durations.measured import SLOW
from tests.stand_in.kernels import compiler

# Generated examples are the same in every run, and a slow machine is no failure.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is read from or left in the home folder of whoever runs the tests; the CPU is the default.

    Before the first test file is imported: what a file computes then already asks whether this user has switched
    compiled kernels on, and the answer holds for all tests of the process.
    """
    environment = pytest.MonkeyPatch()
    home = TemporaryDirectory(prefix="eagerflow-tests-")
    config.add_cleanup(home.cleanup)
    config.add_cleanup(environment.undo)
    environment.setenv("EAGERFLOW_HOME", home.name)
    environment.delenv("EAGERFLOW_DEVICE", raising=False)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that were measured to take long are slow ones, as if marked so (`tests/durations/measured.py`)."""
    slow = set(SLOW.read_text(encoding="utf-8").splitlines())
    for item in items:
        if item.nodeid in slow:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish(session: pytest.Session) -> None:
    """The garbage collector looks no more at what belongs to pytest: two million objects, again for each capture."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def own_garbage() -> Iterator[None]:
    """What the collector counts and finds is this test's own, and it runs only when the test says so.

    What earlier tests left can turn into garbage at any time (a thread of theirs that ends): it is looked at no more.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def keras_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Older spellings and ways of Keras are known, and `import keras` means eagerflow, for the length of a test."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    compat.install()
    yield
    compat.uninstall()


@pytest.fixture(autouse=True)
def _settings_as_before() -> Iterator[None]:
    """What a test sets for the whole process, the next one does not find."""
    numbers = config.floatx(), config.epsilon(), config.image_data_format()
    config.disable_traceback_filtering()  # a failing test shows where
    yield
    config.set_floatx(numbers[0])
    config.set_epsilon(numbers[1])
    config.set_image_data_format(numbers[2])
    devices.set_default_device(None)
    active.strategy = Strategy()


@pytest.fixture
def cupy_stand_in() -> Iterator[ModuleType]:
    """`import cupy` gives the strict stand-in, and eagerflow forgets it again afterwards."""
    with stand_in.installed() as cupy:
        yield cupy


@pytest.fixture
def cupy_with_kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The same, and the stand-in runs eagerflow's kernels for GPUs; what it compiles, all tests of a session share."""
    if compiler.missing():
        pytest.skip(compiler.missing())
    base = tmp_path_factory.getbasetemp()  # of several processes, each has one in the session's folder
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "stand-in-kernels"
    with compiler.using(folder), stand_in.installed(kernels=True) as cupy:
        yield cupy


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def kernels(request: pytest.FixtureRequest) -> str:
    """The device `gpu:0` runs eagerflow's kernels for GPUs: the stand-in, or a GPU. New tensors are made as before."""
    if request.param == "stand-in":
        request.getfixturevalue("cupy_with_kernels")
    return str(request.param)


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def gpu(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs on a GPU or on what stands for it."""
    if request.param == "stand-in":
        request.getfixturevalue("cupy_stand_in")
    with devices.device("gpu:0"):
        yield str(request.param)


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
