"""Scripts on Keras itself with our backend: the examples, and those of a folder that KERAS_SCRIPTS names.

Scripts for eagerflow and for tf.keras are read with `import keras` instead. What Keras hasn't, the examples have from
eagerflow: `GradientTape`, and the digits that it ships.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eagerflow.datasets import digits
from tests.sources import ROOT
from tests.test_examples import EXPECTED

pytestmark = pytest.mark.slow

EXAMPLES = [name for name in EXPECTED if name != "cartpole"]  # which captures its steps by ef.function
SCRIPTS = sorted(Path(os.environ["KERAS_SCRIPTS"]).glob("*.py")) if "KERAS_SCRIPTS" in os.environ else []

LAUNCHER = """
import runpy, sys
from pathlib import Path
import eagerflow as ef, eagerflow.keras_backend, keras
import keras.src.utils.file_utils
from eagerflow.datasets import digits
keras.src.utils.file_utils.validate_file = lambda *args, **options: True  # data that stand for others
keras.GradientTape, keras.datasets.digits = ef.GradientTape, digits
ops = keras.ops
keras.tf = type("tf", (), dict(keras=keras, nn=ops, matmul=ops.matmul, square=ops.square, reduce_mean=ops.mean))
keras.tf.GradientTape = ef.GradientTape
settings = sys.argv.pop()
found = runpy.run_path("script.py", run_name="script" if settings else "__main__")
assert keras.backend.backend() == "eagerflow"
if settings:
    folder = {"folder": Path()} if "folder" in found["main"].__code__.co_varnames else {}
    print(found["main"](**folder, **eval(settings)))
"""
NAMES = (
    (r"^import eagerflow as (\w+)$", r"import keras as \1"),
    (r"^from eagerflow import", "from keras import"),
    (r"^import tensorflow as tf$", "import keras; tf = keras.tf"),
    (r"^from tensorflow import keras$", "import keras"),
    (r"\btensorflow\.keras\b", "keras"),
)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder of data sets that stand for the known ones."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "datasets").mkdir()
    rng = np.random.default_rng(0)
    (x, y), _ = digits.load_data()

    def drawn(count):
        rows = rng.integers(0, len(x), count)
        small = np.asarray(x[rows], "float32").reshape(-1, 8, 8)
        pictures = np.kron(small / small.max() * 255, np.ones((1, 3, 3)))
        return np.pad(pictures, ((0, 0), (2, 2), (2, 2))).astype("uint8"), y[rows].astype("uint8")

    def texts(count):
        labels, found = rng.integers(0, 2, count), np.empty(count, dtype=object)
        found[:] = [[1, *(rng.integers(3, 200, 80) + 200 * label).tolist()] for label in labels]
        return found, labels

    for name, make, sizes in (("mnist", drawn, (60000, 10000)), ("imdb", texts, (1000, 1000))):
        arrays = dict(zip(("x_train", "y_train", "x_test", "y_test"), (*make(sizes[0]), *make(sizes[1])), strict=True))
        np.savez(folder / "datasets" / f"{name}.npz", **arrays)
    return folder


def run(script, home, folder, settings=""):
    """What a script prints; with settings, the result of its `main` last."""
    text = script.read_text("utf-8")
    for ours, theirs in NAMES:
        text = re.sub(ours, theirs, text, flags=re.MULTILINE)
    (folder / "script.py").write_text(text, encoding="utf-8")
    environment = {"KERAS_HOME": str(home), "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "eagerflow"}
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, settings],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_learns(name, home, tmp_path):
    expected, script = EXPECTED[name], ROOT / "examples" / f"{name}.py"
    settings = expected.settings if name != "transformer" else {}  # other first weights than ours take longer
    found = float(run(script, home, tmp_path, repr(settings)).split()[-1])
    assert found < expected.quick if expected.less_is_better else found > expected.quick


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs(script, home, tmp_path):
    run(script, home, tmp_path)
