"""What a step takes out of a module of settings, by whatever means, also what isn't there yet."""

from __future__ import annotations

import functools
import operator
import sys
import types

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import while_it_changes

settings = types.ModuleType("settings_of_ours")
X = ef.Tensor([1.0, 2.0])
NAME = "scale"
TAKE = operator.attrgetter("sca" + "le")


def by_default(x):
    return x * getattr(settings, "extra", 1.0)


def by_error(x):
    try:
        scale = settings.extra
    except AttributeError:
        scale = 1.0
    return x * scale


def by_import(x):
    try:
        from settings_of_ours import extra
    except ImportError:
        extra = 1.0
    return x * extra


def by_question(x):
    return x * settings.extra if hasattr(settings, "extra") else x


def by_keys(x):
    return x * vars(settings).get("extra", 1.0)


def by_dict(x):
    return x * settings.__dict__["extra"] if "extra" in settings.__dict__.keys() else x  # noqa: SIM118


def by_module_of_name(x):
    return x * getattr(sys.modules["settings_of_ours"], "extra", 1.0)


def by_name(x):
    return x * getattr(settings, NAME)


def by_names(x):
    return x * sum(getattr(settings, name) for name in (NAME, "other"))


def by_built_name(x, end="le"):
    return x * getattr(settings, f"sca{end}")


def by_getter(x):
    return x * TAKE(settings)


def by_all(x):
    return x * sum(value for name, value in vars(settings).items() if not name.startswith("_") and name != "table")


def by_steps(x):
    return x * functools.reduce(getattr, ("inner", NAME), settings)


def by_long_getter(x):
    return x * operator.attrgetter("inner." + NAME)(settings)


def by_format(x):
    return x * float("{.scale}".format(settings))  # noqa: UP032 - attributes are taken by the text


def by_own_module(x):
    return x * getattr(sys.modules[__name__], "SC" + "ALE")


def by_array(x):
    return x * getattr(settings, NAME[:0] + "table")


SCALE = 2.0
MISSING = [by_default, by_error, by_import, by_question, by_keys, by_dict, by_module_of_name]
THERE = [by_name, by_names, by_built_name, by_getter, by_all, by_format]
WITHIN = [by_steps, by_long_getter]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """The module as it is at first."""
    monkeypatch.setitem(sys.modules, settings.__name__, settings)
    reset()


def reset():
    for name in list(vars(settings)):
        if not name.startswith("__"):
            delattr(settings, name)
    globals()["SCALE"] = 2.0
    settings.scale, settings.other, settings.table = 2.0, 3.0, np.ones(2, "float32")


def come_and_go(i):
    if hasattr(settings, "extra"):
        del settings.extra
    else:
        settings.extra = float(i)


def of(step, change):
    def make():
        reset()
        return step, change

    return make


@pytest.mark.parametrize("step", MISSING)
def test_what_comes_and_goes_counts(step):
    eager, captured, run = while_it_changes(of(step, come_and_go), X)
    assert captured == eager
    assert run.replays


@pytest.mark.parametrize("step", THERE)
def test_what_the_step_takes_by_a_name_that_it_makes_counts(step):
    eager, captured, run = while_it_changes(of(step, lambda i: setattr(settings, "scale", float(i))), X)
    assert captured == eager
    assert run.replays


@pytest.mark.parametrize("step", WITHIN)
def test_what_it_takes_of_a_module_within_counts(step, monkeypatch):
    inner = types.ModuleType("settings_of_ours.inner")
    monkeypatch.setitem(sys.modules, inner.__name__, inner)

    def make():
        reset()
        settings.inner, inner.scale = inner, 2.0
        return step, lambda i: setattr(inner, "scale", float(i))

    eager, captured, run = while_it_changes(make, X)
    assert captured == eager
    assert run.replays


def test_an_array_behind_such_a_name_counts():
    eager, captured, run = while_it_changes(of(by_array, lambda i: settings.table.fill(i)), X)
    assert captured == eager
    assert run.replays


def test_a_global_of_the_step_s_own_module_counts():
    eager, captured, run = while_it_changes(of(by_own_module, lambda i: globals().update(SCALE=float(i))), X)
    assert captured == eager
    assert run.replays


def test_a_function_that_is_picked_by_name_may_be_replaced():
    def step(x):
        return getattr(settings, "of_" + NAME)(x)

    def change(i):
        settings.of_scale = lambda x: x * float(i)

    def make():
        reset()
        settings.of_scale = lambda x: x * 2.0
        return step, change

    eager, captured, run = while_it_changes(make, X)
    assert captured == eager
    assert run.replays


def test_what_changes_in_a_module_whose_attributes_alone_are_named_does_not_count():
    counter = types.ModuleType("counter_of_ours")
    counter.scale, counter.calls = 2.0, 0
    holder = types.SimpleNamespace(one=3.0)

    def plain(x):
        return x * counter.scale * getattr(holder, NAME.replace("scale", "one"))

    run = ef.function(plain)
    for _ in range(8):
        run(X)
        counter.calls += 1
    assert run.replays == 6
