"""Whose imports mean eagerflow, and whose don't."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from eagerflow import compat, layers
from eagerflow.compat.importer import _is_the_users

pytestmark = pytest.mark.usefixtures("keras_2")


def test_every_way_to_write_an_import():
    names: dict[str, object] = {"__name__": "__main__"}
    exec(
        "import keras\n"
        "import keras.layers as a\n"
        "from keras import layers as b\n"
        "import tensorflow as tf\n"
        "from tensorflow import keras as c\n"
        "from tensorflow.keras.layers import Dense\n"
        "import importlib; d = importlib.import_module('keras.layers')\n"
        "from keras.layers import *\n",
        names,
    )
    assert names["a"] is names["b"] is names["d"]
    assert names["Dense"] is layers.Dense is names["c"].layers.Dense is names["tf"].keras.layers.Dense  # type: ignore[attr-defined]
    assert names["GRU"] is layers.GRU


def test_nothing_is_left_where_libraries_look_for_tensorflow():
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    assert not {"keras", "tensorflow", "tf_keras"} & sys.modules.keys()
    if importlib.util.find_spec("tensorflow") is not None:
        pytest.skip("TensorFlow itself is here")


def test_after_uninstall_imports_are_as_before():
    before = importlib.util.find_spec("keras") is not None
    compat.uninstall()
    assert not compat.is_installed()
    if not before:
        with pytest.raises(ModuleNotFoundError, match="keras"):
            exec("import keras", {"__name__": "__main__"})


@pytest.mark.parametrize("asking", ["import keras", "import importlib; importlib.import_module('keras.layers')"])
def test_on_demand_the_first_import_installs_until_the_block_ends(asking):
    compat.uninstall()
    before = builtins.__import__, importlib.import_module
    with compat.on_demand():
        exec("import json, tests", {"__name__": "__main__"})
        assert not compat.is_installed()
        exec(asking, {"__name__": "__main__"})
        assert compat.is_installed()
    assert not compat.is_installed()
    assert (builtins.__import__, importlib.import_module) == before


def test_on_demand_leaves_what_was_installed_before():
    with compat.on_demand():
        assert compat.is_installed()
    assert compat.is_installed()


@pytest.mark.parametrize(
    ("module", "users"),
    [
        ({"__name__": "__main__"}, True),
        ({}, True),
        ({"__name__": "train", "__file__": "/home/me/project/train.py"}, True),
        ({"__name__": "pkg.a", "__file__": "/home/me/venv/lib/python3.11/site-packages/pkg/a.py"}, False),
        ({"__name__": "pkg.a", "__file__": "/usr/lib/python3/dist-packages/pkg/a.py"}, False),
        (vars(sys.modules["json"]), False),
        (vars(sys.modules["eagerflow"]), False),
        (vars(layers), False),
        ({"__name__": "zipimport", "__spec__": object()}, False),
    ],
)
def test_who_is_the_user(module, users):
    assert _is_the_users(module) is users


def test_installed_packages_can_be_asked_for():
    package = {"__name__": "tuner.core", "__file__": "/venv/lib/python3.11/site-packages/tuner/core.py"}
    assert not _is_the_users(package)
    compat.install(packages=["tuner"])
    assert _is_the_users(package)


def test_an_installed_package_that_asks_for_tensorflow_does_not_get_us(run, tmp_path):
    """As many do, to find out whether it is there."""
    installed = tmp_path / "site-packages" / "curious"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text(
        "import importlib, sys\n"
        "found = []\n"
        "for name in ('tensorflow', 'keras'):\n"
        "    try:\n"
        "        found.append(__import__(name))\n"
        "        found.append(importlib.import_module(name))\n"
        "    except ImportError:\n"
        "        pass\n"
        "ours = [m for m in found if 'eagerflow' in repr(m)]\n"
        "seen = [n for n in sys.modules if n.partition('.')[0] in ('tensorflow', 'keras')]\n",
        encoding="utf-8",
    )
    done = run(
        """
        import sys
        import tensorflow as tf, keras
        sys.path.append("site-packages")
        import curious
        assert curious.ours == [], curious.ours
        assert not any("eagerflow" in repr(sys.modules[n]) for n in curious.seen)
        print(tf.constant(1.0).numpy(), keras.layers.Dense.__name__)
        """
    )
    assert done.stdout == "1.0 Dense\n", done.stderr


@pytest.mark.parametrize("library", ["h5py", "pandas", "sklearn.base", "tensorboard", "tensorboardX"])
def test_libraries_in_the_same_process_keep_working(run, library):
    if importlib.util.find_spec(library.partition(".")[0]) is None:
        pytest.skip(f"{library} is not installed")
    done = run(
        f"""
        import sys
        import keras, tensorflow as tf
        import {library}
        assert not [n for n in sys.modules if n.partition('.')[0] in ('tensorflow', 'keras')]
        print('fine')
        """
    )
    assert done.stdout == "fine\n", done.stderr


def test_tensorboard_files_are_written_beside_the_face(run, tmp_path):
    pytest.importorskip("tensorboardX")
    done = run(
        """
        import numpy as np
        from tensorflow import keras
        model = keras.Sequential([keras.layers.Dense(1, input_shape=(3,))])
        model.compile("sgd", "mse")
        model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0, callbacks=[keras.callbacks.TensorBoard("logs")])
        """
    )
    assert done.returncode == 0, done.stderr
    assert list(Path(tmp_path, "logs").rglob("*tfevents*"))


def test_install_alone_is_enough(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import eagerflow.compat as c; c.install(); import keras; print(keras.layers.Dense)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "eagerflow" in done.stdout, done.stderr
