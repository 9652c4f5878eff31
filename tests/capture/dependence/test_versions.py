"""Whether anything was changed is asked quickly, and nothing that was is missed."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.capture.dependence import versions
from eagerflow.capture.dependence.versions import Versions, dict_of

X = ef.Tensor([[1.0, 2.0]])


class Settings:
    """Of a user's: a class attribute, and one of its own."""

    factor = 2.0

    def __init__(self):
        self.shift = 1.0


def replayed(step):
    captured = ef.function(step)
    for _ in range(5):
        captured(X)
    assert captured.replays == 3
    return captured


def test_python_tells_here_when_a_dict_was_changed():
    if sys.implementation.name == "cpython" and sys.version_info < (3, 13):
        assert versions._kind() is not None
    for kind in {versions._kind()} - {None}:
        assert all(versions._tries(kind))


def test_dicts_count_as_changed_until_their_state_is_noted():
    plain = {"a": 1}
    asked = Versions([vars(Settings()), plain])
    assert not asked.same()
    if asked.now() is None:
        pytest.skip("nobody can tell with this Python")
    asked.note(asked.now())
    assert asked.same()
    before = asked.now()
    plain["a"] = 2
    assert not asked.same()
    asked.note(before)  # somebody changed it while it was looked at
    assert not asked.same()
    asked.note(asked.now())
    assert asked.same()


def test_the_dict_of_a_class_is_found_and_other_kinds_of_dicts_are_none():
    assert dict_of(vars(Settings)) is not None
    assert dict_of(vars(Settings))["factor"] == 2.0
    assert dict_of(SimpleNamespace(a=1).__dict__) == {"a": 1}
    assert dict_of(os.environ) is None
    assert dict_of([1]) is None


@pytest.mark.parametrize("told", [True, False], ids=["told", "compared"])
@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda thing: setattr(thing, "shift", 3.0), [[5.0, 7.0]]),
        (lambda thing: vars(thing).update(shift=3.0), [[5.0, 7.0]]),
        (lambda thing: setattr(thing, "factor", 3.0), [[4.0, 7.0]]),  # hides that of the class
        (lambda thing: setattr(type(thing), "factor", 3.0), [[4.0, 7.0]]),
        (lambda thing: setattr(thing, "__dict__", {"shift": 3.0}), [[5.0, 7.0]]),
    ],
    ids=["attribute", "entry", "hidden", "class", "dict"],
)
def test_each_change_of_an_object_is_noticed(told, change, wanted, monkeypatch):
    if not told:
        monkeypatch.setattr(versions, "_kind", lambda: None)
    monkeypatch.setattr(Settings, "factor", 2.0)
    thing = Settings()
    captured = replayed(lambda x: x * thing.factor + thing.shift)
    change(thing)
    assert captured(X).tolist() == wanted


def test_an_equal_number_in_the_place_of_another_is_no_change():
    thing = Settings()
    thing.shift = 1000.5
    captured = replayed(lambda x: x + thing.shift)
    for _ in range(3):
        thing.shift = float("1000.5")
        assert captured(X).tolist() == [[1001.5, 1002.5]]
    assert captured.replays == 6
    thing.shift = 2.0
    assert captured(X).tolist() == [[3.0, 4.0]]


@pytest.mark.parametrize("told", [True, False], ids=["told", "compared"])
def test_settings_of_a_layer_the_configuration_and_the_environment_are_noticed(told, monkeypatch):
    if not told:
        monkeypatch.setattr(versions, "_kind", lambda: None)
    leaky = layers.LeakyReLU(0.5)
    captured = replayed(lambda x: leaky(-x))
    assert captured(X).tolist() == [[-0.5, -1.0]]
    leaky.negative_slope = 0.25
    assert captured(X).tolist() == [[-0.25, -0.5]]
    made = replayed(lambda x: x + ef.ops.ones(2))
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    made(X)
    assert made.replays == 4
    monkeypatch.setenv("EAGERFLOW_DEVICE", "cpu:0")
    made(X)
    assert made.replays == 4
    monkeypatch.delenv("EAGERFLOW_DEVICE")
    assert made(X).dtype == "float32"
    ef.config.set_floatx("float64")
    try:
        assert made(X).dtype == "float64"
    finally:
        ef.config.set_floatx("float32")


def test_steps_that_run_while_python_ends_see_changes():
    program = """
import atexit
import eagerflow as ef
layer = ef.layers.Rescaling(2.0)
step = ef.function(lambda x: layer(x))

def last():
    layer.scale = 3.0
    print(step(ef.Tensor([1.0])).tolist())
    layer.scale = 4.0
    print(step(ef.Tensor([1.0])).tolist())

atexit.register(last)
for _ in range(5):
    step(ef.Tensor([1.0]))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "[3.0]\n[4.0]\n", "")


def test_programs_with_captured_steps_end_quietly():
    program = """
import eagerflow as ef
layer = ef.layers.Dense(2)
step = ef.function(lambda x: layer(x))
for _ in range(5):
    step(ef.Tensor([[1.0]]))
print(step.replays)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "2\n", "")


def test_nothing_to_ask_about_is_as_it_was():
    asked = Versions([])
    if asked.now() is None:
        pytest.skip("nobody can tell with this Python")
    asked.note(asked.now())
    assert asked.same()


def test_each_of_many_dicts_counts():
    many = [{"a": i} for i in range(300)]
    asked = Versions(many)
    if asked.now() is None:
        pytest.skip("nobody can tell with this Python")
    for each in (many[0], many[150], many[-1]):
        asked.note(asked.now())
        assert asked.same()
        each["a"] = -1
        assert not asked.same()
