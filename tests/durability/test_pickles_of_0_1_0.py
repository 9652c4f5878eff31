"""Pickles name modules, and modules have moved since 0.1.0: what was pickled then is read now."""

import importlib
import lzma
import pickle
import subprocess
import sys

import numpy as np
import pytest

from eagerflow.base import moved
from tests.sources import ROOT

STORED = pickle.loads(lzma.decompress((ROOT / "tests/fixtures/pickles_0_1_0.pickle.xz").read_bytes()))


@pytest.mark.parametrize("name", sorted(STORED["pickles"]))
def test_a_pickle_is_read(name):
    found = pickle.loads(STORED["pickles"][name])
    assert pickle.dumps(found)


def test_a_trained_model_predicts_the_same():
    model = pickle.loads(STORED["pickles"]["sequential"])
    x = np.linspace(-1, 1, 12, dtype="float32").reshape(2, 6)
    np.testing.assert_allclose(model.predict(x, verbose=0), STORED["predicted"], rtol=1e-6)


MOVED = [(p, old, new) for p in ("eagerflow", "viz") for old, new in moved.moved_modules(p).items()]


@pytest.mark.parametrize(("root", "old", "new"), MOVED, ids=str)
def test_an_old_module_is_found(root, old, new):
    package, _, name = f"{root}.{old}".rpartition(".")
    before = vars(importlib.import_module(package)).get(name)
    found = importlib.import_module(f"{root}.{old}")
    assert not callable(before) or vars(importlib.import_module(package))[name] is before
    homes = [importlib.import_module(f"{root}.{home}") for home in new]
    if hasattr(found, "__path__"):  # the name belongs to a package now
        return
    if len(homes) == 1:
        assert found is homes[0]
        assert found.__name__ == found.__spec__.name == f"{root}.{new[0]}"
    for home in homes:
        assert all(vars(found)[name] is vars(home)[name] for name in home.__all__)


def test_packages_that_took_a_module_s_name_hand_out_what_it_held():
    from eagerflow.layers.attention import attention
    from eagerflow.layers.merging import merge as merging

    assert attention.AdditiveAttention is importlib.import_module("eagerflow.layers").AdditiveAttention
    assert merging.Add is importlib.import_module("eagerflow.layers").Add
    with pytest.raises(AttributeError, match=r"module 'eagerflow.layers.merging.merge' has no attribute 'Ad'"):
        _ = merging.Ad


def test_a_function_stays_where_a_module_had_its_name():
    names = ["eagerflow.ops.scatter", "eagerflow.ops.shape", "eagerflow.ops.rearrange", "eagerflow.layers.dot"]
    for name in names:
        importlib.import_module(name)
        package, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(package), function))


def test_a_name_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'eagerflow\.layers\.dens'"):
        importlib.import_module("eagerflow.layers.dens")


def test_the_table_is_read_only_when_asked_for():
    script = "import eagerflow, eagerflow.base.moved as m; print(m.moved_modules.cache_info().currsize)"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert answer.stdout == "0\n"
