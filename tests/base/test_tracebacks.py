"""Tracebacks end where the user can do something."""

from __future__ import annotations

import traceback
import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.base import config
from eagerflow.base.tracebacks import is_ours, shorten, warn


@pytest.fixture(autouse=True)
def filtering():
    """As in a user's program."""
    config.enable_traceback_filtering()
    yield
    config.disable_traceback_filtering()


def caught(run):
    with pytest.raises(Exception) as found:
        run()
    return found.value


def files(error):
    return [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]


def below(error):
    """How many of our frames follow each stretch of the user's."""
    counts, user = [], False
    for file in files(error):
        if is_ours(file):
            if user:
                counts.append(0)
                user = False
            if counts:
                counts[-1] += 1
        else:
            user = True
    return counts


class Own(layers.Layer):
    def call(self, x):
        return ops.matmul(x, ops.ones((7, 7)))


class Outer(ef.Model):
    def __init__(self):
        super().__init__()
        self.inner = ef.Sequential([layers.Dense(3), Own()])

    def call(self, x):
        return self.inner(x)


X = np.ones((4, 2), "float32")


def fitted():
    model = Outer()
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)


class Failing(ef.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise RuntimeError("mine")


def fitted_with_callback():
    model = ef.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0, callbacks=[Failing()])


def backward():
    with ef.GradientTape() as tape:
        y = ef.ops.argsort(ops.ones(3))
    tape.gradient(y, [ops.ones(3)])


CASES = {
    "an op": lambda: ops.matmul(X, X),
    "a layer": lambda: layers.Dense(3)("text"),
    "a layer of one's own": lambda: Own()(X),
    "a model of one's own": lambda: Outer()(X),
    "fit": fitted,
    "a callback": fitted_with_callback,
    "a tape": backward,
    "a layer's arguments": lambda: layers.LSTM(3, activation="tanhh"),
    "a composed op": lambda: ops.einsum("ij,jk->ik", X, X),
}


@pytest.mark.parametrize("case", CASES)
def test_two_frames_of_ours_at_most(case):
    error = caught(CASES[case])
    assert below(error)
    assert max(below(error)) <= 2
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("case", "name"),
    [("fit", "fit"), ("a callback", "fit"), ("a layer's arguments", "__init__"), ("a tape", "gradient")],
)
def test_the_first_frame_of_ours_is_the_function_that_was_called(case, name):
    trail = [frame.f_code for frame, _ in traceback.walk_tb(caught(CASES[case]).__traceback__)]
    assert next(code.co_name for code in trail if is_ours(code.co_filename)) == name


@pytest.mark.parametrize("case", ["fit", "a model of one's own"])
def test_the_users_frames_stay(case):
    error = caught(CASES[case])
    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert names.count("call") >= 2
    assert __file__ in files(error)


@pytest.mark.parametrize("case", ["fit", "a model of one's own", "a callback"])
def test_everything_is_shown_on_demand(case):
    shortened = len(files(caught(CASES[case])))
    ef.config.disable_traceback_filtering()
    assert len(files(caught(CASES[case]))) > shortened


def test_an_error_of_the_users_keeps_its_cause():
    class Raising(layers.Layer):
        def call(self, x):
            try:
                return {}["missing"]
            except KeyError as error:
                raise RuntimeError("mine") from error

    error = caught(lambda: Raising()(X))
    assert isinstance(error.__cause__, KeyError)


def test_shortening_twice_changes_nothing():
    error = caught(CASES["fit"])
    before = files(error)
    shorten(error)
    assert files(error) == before


def test_a_cause_that_was_never_raised_is_kept():
    class Raising(layers.Layer):
        def call(self, x):
            raise RuntimeError("mine") from ValueError("the reason")

    assert str(caught(lambda: Raising()(X)).__cause__) == "the reason"


def test_errors_in_a_circle():
    a, b = ValueError("a"), ValueError("b")
    a.__context__, b.__context__ = b, a
    a.__cause__ = b
    shorten(a)
    assert a.__cause__ is b


def test_a_warning_points_to_the_users_line():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warn("here")
    assert found[0].filename == __file__
