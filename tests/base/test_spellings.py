"""Older spellings of arguments: who uses them is understood, who doesn't pays nothing."""

from __future__ import annotations

import inspect
import sys
import traceback

import pytest

from eagerflow import layers, models
from eagerflow.base import config
from eagerflow.base.spellings import accepts, ignores, only, respelled


class Line:
    @ignores("color")
    @only(backwards=(False, "Turn it round yourself."))
    @accepts(w="width")
    def drawn(self, width=1, *, mark="-"):
        """A line."""
        self.frames = [f.name for f in traceback.extract_stack(sys._getframe())][-3:]
        return mark * width


def test_each_spelling_is_understood_beside_the_others():
    assert Line().drawn(w=3, backwards=False, color="red", mark="=") == "==="
    assert Line().drawn(2) == "--"


def test_a_present_and_an_older_name_together_are_refused():
    with pytest.raises(TypeError, match="Line: 'w' is the older name of 'width'; give one of them"):
        Line().drawn(width=3, w=3)


def test_another_value_than_the_only_one_is_refused_with_advice():
    with pytest.raises(ValueError, match=r"Line\(backwards=True\) isn't possible here. Turn it round yourself"):
        Line().drawn(backwards=True)


def test_there_is_one_frame_however_many_decorators():
    line = Line()
    line.drawn(3)
    assert line.frames == ["test_there_is_one_frame_however_many_decorators", "call", "drawn"]


def test_todays_names_ask_no_change():
    asked = []

    def change(args, kwargs):
        asked.append(kwargs)
        return args, {}

    @respelled(change, "old")
    def function(new=0):
        return new

    assert function(new=1) == 1 == function(1)
    assert not asked
    assert function(old=1) == 0
    assert asked == [{"old": 1}]


def test_changes_are_made_from_the_outside_in():
    @accepts(oldest="older")
    @accepts(older="new")
    def method(self, new):
        return new

    assert method(None, oldest=5) == 5


@pytest.mark.parametrize(
    ("method", "first"),
    [
        (Line.drawn, "self, width=1"),
        (layers.Dense.__init__, "self, units"),
        (models.Model.fit, "self, x"),
        (models.Model.compile, "self, optimizer"),
        (layers.Conv2D.__init__, "self, filters"),
    ],
)
def test_the_signature_is_todays(method, first):
    shown = str(inspect.signature(method)).replace(": Any", "").replace(": int", "").replace(": ", "")
    assert shown.startswith(f"({first}")
    assert not {"w", "color", "output_dim", "nb_epoch", "nb_filter"} & inspect.signature(method).parameters.keys()


@pytest.mark.parametrize("wrong", [lambda: layers.Dense(3, activation="rleu"), lambda: layers.Dense(output_dim=-3)])
def test_of_a_decorated_constructor_two_frames_of_ours_are_shown(wrong):
    config.enable_traceback_filtering()
    try:
        with pytest.raises(ValueError) as caught:
            wrong()
    finally:
        config.disable_traceback_filtering()
    shown = traceback.extract_tb(caught.value.__traceback__)
    assert len(shown) == 4  # the test, the lambda, what it called and what raised
