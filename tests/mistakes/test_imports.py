"""Mistakes in imports: names of other libraries, and misspelt ones. Python itself says but that they aren't there."""

from __future__ import annotations

import importlib
import sys

import pytest

import eagerflow as ef
from tests.mistakes.checking import Mistake, check


def imported(line):
    return lambda: exec(line, {})


IMPORTS: dict[str, Mistake] = {
    "a layer of PyTorch": (imported("from eagerflow.layers import Linear"), ImportError, ("'Linear'", "layers.Dense")),
    "a misspelt layer": (imported("from eagerflow.layers import Dens"), ImportError, ("Did you mean 'Dense'",)),
    "an op of PyTorch": (imported("from eagerflow.ops import cat"), ImportError, ("ops.concatenate",)),
    "an op of TensorFlow": (imported("from eagerflow.ops import reduce_mean"), ImportError, ("ops.mean(x, axis)",)),
    "a function of PyTorch": (imported("from eagerflow import tensor"), ImportError, ("ef.Tensor(values)",)),
    "a loader of PyTorch": (
        imported("from eagerflow.data import DataLoader"),
        ImportError,
        ("Dataset.from_tensor_slices", ".batch(32)"),
    ),
    "a module of PyTorch": (imported("import eagerflow.nn as nn"), ModuleNotFoundError, ("eagerflow.nn", "ef.layers")),
    "a module of PyTorch by name": (imported("from eagerflow import nn"), ImportError, ("'nn'", "ef.layers")),
    "a module of Keras 2": (
        imported("from eagerflow.utils.np_utils import to_categorical"),
        ModuleNotFoundError,
        ("ef.utils.to_categorical(y)",),
    ),
    "a layer of a module of Keras 2": (
        imported("from eagerflow.layers.core import Dense"),
        ImportError,
        ("ef.layers.Dense",),
    ),
    "a misspelt callback": (
        imported("from eagerflow.callbacks import ModelChekpoint"),
        ImportError,
        ("Did you mean 'ModelCheckpoint'",),
    ),
    "a misspelt data set": (imported("from eagerflow.datasets import minst"), ImportError, ("Did you mean 'mnist'",)),
    "a seed of TensorFlow": (lambda: ef.random.set_seed(1), AttributeError, ("ef.utils.set_random_seed(seed)",)),
    "an op of the backend of Keras": (lambda: ef.backend.mean, AttributeError, ("ef.ops.mean",)),
    "a merge of Keras 1": (lambda: ef.layers.merge([]), AttributeError, ("layers.concatenate", "layers.add")),
    "utilities of Keras 2": (lambda: ef.utils.np_utils, AttributeError, ("ef.utils.to_categorical(y)",)),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_imports(name):
    check(IMPORTS[name])


def test_a_name_that_is_only_asked_for_is_an_attribute_that_is_not_there():
    assert not hasattr(ef.layers, "Linear")
    assert getattr(ef, "tensor", None) is None
    with pytest.raises(AttributeError):
        exec("import eagerflow\neagerflow.layers.Linear", {})


def test_a_refused_import_tells_tools_what_pythons_own_does():
    with pytest.raises(ImportError) as refused:
        exec("from eagerflow.layers import Linear", {})
    assert (refused.value.name, refused.value.path) == ("eagerflow.layers", ef.layers.__file__)
    with pytest.raises(ModuleNotFoundError) as unknown:
        importlib.import_module("eagerflow.nn")
    assert unknown.value.name == "eagerflow.nn"


def test_modules_that_are_imported_by_name_load_as_ever():
    exec("from eagerflow.layers.core import dense", {})
    exec("from eagerflow.layers import rnn, Resizing, LSTM", {})
    assert "eagerflow.layers.core.dense" in sys.modules
