"""The stand-in's tables against the real CuPy, wherever it can be imported (a GPU is not needed for that)."""

from __future__ import annotations

import inspect
import re

import pytest

from tests.stand_in import random, signatures
from tests.stand_in.module import SHARED

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def cupy():
    return pytest.importorskip("cupy", minversion="14", reason="CuPy is not installed")


def parameters(text):
    """Names and defaults of a signature, without annotations and spelled alike."""
    text = re.sub(r": '[^']*'|^\(|\)$", "", re.sub(r"\) -> .*", ")", text))
    text = re.sub(r"<class '(\w+)'>|numpy\.(float|int)64", lambda match: match[1] or match[2], text)
    text = re.sub(r"\b(int|_ndarray_base|Py_ssize_t) (?=\w)", "", text)
    return re.sub(r"\s*=\s*", "=", text).removeprefix("self, ").replace("self", "")


@pytest.mark.parametrize("name", sorted(signatures.UFUNCS))
def test_ufuncs_exist(cupy, name):
    assert isinstance(getattr(cupy, name), cupy.ufunc)


@pytest.mark.parametrize("name", SHARED)
def test_shared_names_exist(cupy, name):
    assert hasattr(cupy, name)


@pytest.mark.parametrize(
    ("table", "home"), [(signatures.FUNCTIONS, ""), (signatures.LINALG, "linalg"), (signatures.FFT, "fft")]
)
def test_functions_have_the_same_parameters(cupy, table, home):
    module = getattr(cupy, home) if home else cupy
    for name, expected in table.items():
        if name not in ("size", "min_scalar_type"):  # built-ins, which give no signature
            assert parameters(str(inspect.signature(getattr(module, name)))) == expected, name


def test_random_functions_have_the_same_parameters(cupy):
    for name, expected in random.FUNCTIONS.items():
        assert parameters(str(inspect.signature(getattr(cupy.random, name)))) == expected, name


@pytest.mark.parametrize(("table", "owner"), [(signatures.METHODS, "ndarray"), (random.GENERATOR, "random.Generator")])
def test_methods_have_the_same_parameters(cupy, table, owner):
    home = cupy.ndarray if owner == "ndarray" else cupy.random.Generator
    for name, expected in table.items():
        first_line = getattr(home, name).__doc__.partition("\n")[0]
        given = parameters(re.search(r"\((.*?)\)( ->.*)?$", first_line)[1])
        assert given == expected, name


def test_array_attributes_that_the_stand_in_has_are_cupys(cupy):
    from tests.stand_in import ndarray

    own = {name for name in dir(ndarray) if not name.startswith("_")}
    assert own <= set(dir(cupy.ndarray))
