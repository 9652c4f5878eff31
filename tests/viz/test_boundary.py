"""Arguments and names that aren't there are answered with those that may have been meant."""

from __future__ import annotations

import pytest

import viz
from viz.boundary import boundary


def test_an_unknown_argument_is_answered_with_one_like_it():
    with pytest.raises(TypeError, match=r"live\(\) has no argument 'open'; did you mean 'open_browser'\?"):
        viz.live(open=False)
    with viz.trace() as recording:
        pass
    with pytest.raises(TypeError, match=r"Recording.draw\(\) has no argument 'dept'; did you mean 'depth'\?"):
        recording.draw("a.svg", dept=1)


def test_errors_from_inside_stay_as_they_are():
    def plain(value=0):
        return value

    @boundary
    def calls(value=0):
        return plain(valeu=value)

    with pytest.raises(TypeError, match=r"plain\(\) got an unexpected keyword argument 'valeu'"):
        calls()


def test_the_package_of_the_doctor_names_what_can_be_called():
    with pytest.raises(TypeError, match=r"viz.doctor is a package, .* viz.diagnose\(model, x, y\)"):
        viz.doctor()


def test_a_command_asked_for_as_a_function_is_told_of():
    with pytest.raises(AttributeError, match=r"^viz.check is a command, not a function: viz check train.py$"):
        viz.__getattr__(
            "check"
        )  # in a program of its own; here another test may have imported what the command is made of
