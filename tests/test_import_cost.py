"""`import eagerflow` loads NumPy and itself; everything else waits until it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.sources import ROOT

HEAVY = {
    "IPython",
    "PIL",
    "cupy",
    "google.protobuf",
    "graphviz",
    "h5py",
    "ml_dtypes",
    "pandas",
    "pygraphviz",
    "safetensors",
    "scipy",
    "tensorboard",
    "tensorboardX",
    "tensorflow",
    "threadpoolctl",
    "torch",
    "viz",
}
MODULES_OF_A_FIT = 330  # only goes down


def test_importing_eagerflow_loads_nothing_heavy():
    program = "import json, sys, eagerflow; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(json.loads(done.stdout))
    assert "eagerflow" in loaded
    assert loaded & HEAVY == set()


def test_a_fit_of_dense_layers_loads_what_it_needs():
    program = """
import sys
import eagerflow as ef
model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(4, activation="relu"), ef.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(ef.ops.zeros((8, 3)), ef.ops.zeros((8, 1)), verbose=0)
print(sum(name.partition(".")[0] == "eagerflow" for name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) <= MODULES_OF_A_FIT


def test_a_model_of_a_graph_is_described_where_nothing_else_was_loaded():
    program = (
        "import eagerflow as ef; x = ef.Input((3,)); model = ef.Model(x, ef.layers.Dense(2)(x)); "
        "assert type(model).from_config(model.get_config()).output_shape == (None, 2)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, cwd=ROOT)


def test_layers_for_preprocessing_load_when_they_are_asked_for():
    program = (
        "import sys; from eagerflow import layers; layers.Dense; name = 'eagerflow.layers.preprocessing'; "
        "assert name not in sys.modules; assert layers.Resizing in vars(sys.modules[name]).values(); "
        "assert {'Dense', 'Resizing'} <= set(dir(layers))"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, cwd=ROOT)
