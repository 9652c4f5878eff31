from __future__ import annotations

import builtins

import pytest

import viz
from eagerflow import compat
from viz.cli import main

KERAS = """
import keras

model = keras.Sequential([keras.layers.Dense(2)])
model.compile("sgd", "mse")
model.train_on_batch(keras.ops.ones((4, 3)), keras.ops.ones((4, 2)))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_scripts_that_import_keras_are_recorded(folder):
    (folder / "net.py").write_text(KERAS, encoding="utf-8")
    before = builtins.__import__
    assert main(["run", "net.py"]) == 0
    assert viz.load("net.efz").find("matmul")
    assert not compat.is_installed()
    assert builtins.__import__ is before


def test_a_module_of_the_users_own_with_that_name_is_left_alone(folder):
    package = folder / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "keras.py").write_text("answer = 42", encoding="utf-8")
    code = "import eagerflow\nfrom .keras import answer\nassert int(eagerflow.ops.abs(-answer)) == 42"
    (package / "net.py").write_text(code, encoding="utf-8")
    assert main(["run", "-m", "mine.net"]) == 0
