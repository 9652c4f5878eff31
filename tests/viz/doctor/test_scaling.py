"""The line that scales pictures is proposed where nothing else in a script could scale them, and only there."""

from __future__ import annotations

import subprocess

import pytest

from viz.doctor.facts.scaling import scaled_after_loading
from viz.doctor.patches import patch
from viz.doctor.watched_script import examine

PICTURES = """\
import numpy as np
import keras


def load_data():
    x = np.random.default_rng(0).integers(0, 256, (600, 8, 8)).astype("uint8")
    return (x[:400], np.arange(400) % 2), (x[400:], np.arange(200) % 2)


(x_train, y_train), (x_test, y_test) = load_data()
x_train = x_train.reshape(-1, 64).astype("float32")
x_test = np.expand_dims(x_test, -1).reshape((-1, 64))
model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x_train, y_train, verbose=0, validation_data=(x_test, y_test))
"""
FIT = PICTURES.splitlines().index("model.fit(x_train, y_train, verbose=0, validation_data=(x_test, y_test))") + 1


def test_the_patch_scales_pictures_behind_the_line_that_loads_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_text(PICTURES, encoding="utf-8")
    text = patch(examine(str(path)).diagnosis)
    subprocess.run(["git", "apply", "--unsafe-paths", "-"], input=text, text=True, cwd=tmp_path, check=True)
    loads = "(x_train, y_train), (x_test, y_test) = load_data()\n"
    scaled = f"{loads}x_train, x_test = x_train / 255.0, x_test / 255.0\n"
    assert path.read_text(encoding="utf-8") == PICTURES.replace(loads, scaled)
    assert [f.kind for f in examine(str(path)).diagnosis if f.kind == "unscaled_input"] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x_test = np.expand_dims(x_test, -1)", "x_test = np.expand_dims(x_test, -1) / 255.0"),
        ('astype("float32")', 'astype("int32")'),
        ("x_train = x_train.reshape(-1, 64)", "x_train = prepared(x_train)"),
        ("x_train = x_train.reshape(-1, 64)", "x_train = other.reshape(-1, 64)"),
        ("model.compile(", "x_train -= x_train.mean(0)\nmodel.compile("),
        ("keras.Sequential([", "keras.Sequential([keras.layers.Rescaling(1 / 255), "),
        ("model.fit(x_train,", "model.fit(x_train[:100],"),
        ("model.compile(", "model.fit(x_test, y_test)\nmodel.compile("),
        ("(x_train, y_train), (x_test, y_test) = load_data()", "x_train, y_train, x_test, y_test = load_data()"),
        ("model.fit(x_train", "def train():\n    model.fit(x_train"),
        ("import numpy as np", "import numpy as"),
    ],
)
def test_nothing_is_proposed_where_something_else_may_scale(old, new, tmp_path):
    path = tmp_path / "train.py"
    assert old in PICTURES
    path.write_text(PICTURES.replace(old, new), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines()
    fit = next(n for n, line in enumerate(lines, 1) if "model.fit(x_train" in line)
    assert scaled_after_loading(str(path), fit) is None
    untouched = tmp_path / "as_it_was.py"
    untouched.write_text(PICTURES, encoding="utf-8")
    assert scaled_after_loading(str(untouched), FIT) is not None


def test_inside_of_a_function_the_line_is_indented_as_the_others(tmp_path):
    path = tmp_path / "train.py"
    text = "def main():\n    (a, _), (b, _) = data.load_data(\n        'x'\n    )\n    model.fit(x=a)\n"
    path.write_text(text, encoding="utf-8")
    assert scaled_after_loading(str(path), 5) == (4, "    )\n    a, b = a / 255.0, b / 255.0")
