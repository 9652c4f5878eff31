"""Arguments and names that aren't there are answered with those that may have been meant."""

from __future__ import annotations

import importlib

import pytest

import eagerflow as ef
import viz
from eagerflow.base import tracebacks
from viz.boundary import boundary
from viz.shell.commands import COMMANDS


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
    importlib.import_module("viz.doctor")
    with pytest.raises(TypeError, match=r"viz.doctor is a package, .* viz.diagnose\(model, x, y\)"):
        viz.doctor()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("check", "viz check train.py"),
        ("doctor", "viz doctor train.py; in Python: viz.diagnose"),
        ("show", "viz show train.efz"),
        ("html", "viz html train.efz; in Python: recording.to_html"),
    ],
)
def test_a_command_asked_for_as_a_function_is_told_of(name, told):
    with pytest.raises(AttributeError, match=rf"^viz.{name} is a command, not a function: {told}$"):
        viz.__getattr__(name)  # in a program of its own; here another test may have imported what the command is in


def test_commands_that_are_told_of_are_there_and_so_is_what_does_it_in_python():
    assert viz._COMMANDS.keys() <= COMMANDS.keys()
    for _, function in viz._COMMANDS.values():
        owner, _, name = function.partition(".")
        assert not function or hasattr(viz if owner == "viz" else viz.Recording, name)


@pytest.mark.parametrize("method", ["draw", "save", "to_html", "to_json", "to_perfetto"])
def test_a_path_that_is_none_is_refused_in_words(method):
    with viz.trace() as recording:
        ef.ops.exp(ef.Tensor([1.0]))
    with pytest.raises(TypeError, match=r"^path=3: expected the name of a file; got int$"):
        getattr(recording, method)(3)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda t: t.to_html(3),
        lambda t: t.tabel,
        lambda t: viz.tracee,
        lambda t: viz.step(3),
        lambda t: t.draw(depth="x"),
    ],
)
def test_a_notebook_shows_no_frame_of_ours_whatever_was_wrong(wrong):
    with viz.trace() as recording:
        ef.ops.exp(ef.Tensor([1.0]))
    with pytest.raises((TypeError, AttributeError)) as caught:
        wrong(recording)
    shown = tracebacks._of_user(caught.value.__traceback__)
    files = []
    while shown is not None:
        files.append(shown.tb_frame.f_code.co_filename)
        shown = shown.tb_next
    assert {*files} == {__file__}
