"""Older spellings: with compat they are understood, without it an error names the present one and the way."""

from __future__ import annotations

import inspect
import traceback
from importlib import import_module

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import compat, layers, models
from eagerflow.base import config
from eagerflow.base.legacy import legacy, name_of
from eagerflow.base.tracebacks import boundaries
from eagerflow.compat import tables
from eagerflow.compat.arguments import Older

X, Y = np.ones((4, 2)), np.ones((4, 1))


def model():
    made = ef.Sequential([layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


OLDER = {
    "output_dim": (lambda: layers.Dense(output_dim=3, init="zeros"), "Use units=3 and kernel_initializer='zeros'"),
    "nb_filter": (lambda: layers.Conv2D(nb_filter=8, nb_row=3, nb_col=2), "Use filters=8"),
    "batch_input_shape": (lambda: layers.Dense(1, batch_input_shape=(None, 3)), "Use batch_shape="),
    "weights": (lambda: layers.Dense(1, weights=[X]), "no argument 'weights'"),
    "nb_epoch": (lambda: model().fit(X, Y, nb_epoch=3), "Use epochs=3"),
    "workers": (lambda: model().fit(X, Y, workers=3), "unexpected keyword argument 'workers'"),
    "m": (lambda: ef.constraints.MaxNorm(m=2), "Use max_value=2"),
    "period": (lambda: ef.callbacks.ModelCheckpoint("a.keras", period=2), "no argument 'period'"),
    "fit_generator": (lambda: model().fit_generator, "Use `fit`"),
    "predict_classes": (lambda: model().predict_classes, "Use `predict`"),
    "lr": (lambda: ef.optimizers.SGD(0.1).lr, "Use `learning_rate`"),
}


@pytest.mark.parametrize(("use", "present"), OLDER.values(), ids=OLDER)
def test_without_compat_an_error_names_the_present_spelling_and_the_way(use, present):
    config.enable_traceback_filtering()
    try:
        with pytest.raises((TypeError, AttributeError)) as caught:
            use()
    finally:
        config.disable_traceback_filtering()
    assert present in str(caught.value)
    assert "`python -m eagerflow run script.py`, or `eagerflow.compat.install()`" in str(caught.value)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("use", [use for use, _ in OLDER.values()], ids=OLDER)
def test_with_compat_it_is_understood(use, keras_2):
    use()


def test_after_uninstall_all_is_as_before(keras_2):
    before = model().fit_generator
    compat.uninstall()
    assert not legacy.changes
    assert not hasattr(ef.Model, before.__name__)
    with pytest.raises(TypeError, match="nb_epoch"):
        model().fit(X, Y, nb_epoch=1)


def test_every_entry_of_the_tables_is_a_function_that_asks_them():
    for name in (
        "callbacks",
        "compat.keras_1.local",
        "datasets.imdb",
        "datasets.reuters",
        "models",
        "preprocessing.image_folder",
    ):
        import_module(f"eagerflow.{name}")
    for package in (ef.layers, ef.metrics, ef.optimizers, ef.models):  # whose classes load when they are asked for
        for name in package.__all__:
            getattr(package, name)
    assert tables.CHANGES.keys() - set(map(name_of, boundaries)) == set()


def test_a_present_and_an_older_name_together_are_refused():
    with pytest.raises(TypeError, match="Line: 'w' is the older name of 'width'; give one of them"):
        Older({"w": "width"})("Line", (), {"width": 3, "w": 3})


def test_another_value_than_the_only_one_is_refused_with_advice():
    older = Older(only={"backwards": (False, "Turn it round yourself.")}, ignored=["color"])
    assert older("Line", (), {"backwards": False, "color": "red", "width": 2}) == ((), {"width": 2})
    with pytest.raises(ValueError, match=r"Line\(backwards=True\) isn't possible here. Turn it round yourself"):
        older("Line", (), {"backwards": True})


@pytest.mark.parametrize(
    ("method", "first"),
    [
        (layers.Dense.__init__, "self, units"),
        (models.Model.fit, "self, x"),
        (models.Model.compile, "self, optimizer"),
        (layers.Conv2D.__init__, "self, filters"),
    ],
)
def test_the_signature_is_todays(method, first, keras_2):
    shown = str(inspect.signature(method)).replace(": Any", "").replace(": int", "").replace(": ", "")
    assert shown.startswith(f"({first}")
    assert not {"output_dim", "nb_epoch", "nb_filter"} & inspect.signature(method).parameters.keys()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: layers.Dense(3, activation="rleu"),
        lambda: layers.Dense(output_dim=-3),
        lambda: model().fit(X, Y[:3], verbose=0),
    ],
)
def test_two_frames_of_ours_are_shown(wrong, keras_2):
    config.enable_traceback_filtering()
    try:
        with pytest.raises(ValueError) as caught:
            wrong()
    finally:
        config.disable_traceback_filtering()
    shown = traceback.extract_tb(caught.value.__traceback__)
    assert len(shown) == 4  # the test, the lambda, what it called and what raised
