"""What eagerflow prints where a terminal has little room: no line is broken within a word."""

from __future__ import annotations

import contextlib
import io

import numpy
import pytest

import eagerflow as ef
from eagerflow.__main__ import main
from eagerflow.cli.wrapping import folded, in_parts


class Screen(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """What shows a terminal of 50 signs within `with`: pytest puts its own stream there between fixture and test."""
    monkeypatch.setenv("COLUMNS", "50")
    return contextlib.redirect_stdout(Screen())


def widest(text):
    return max(len(line.rpartition("\r")[2].rstrip()) for line in text.split("\n"))


@pytest.mark.parametrize("verbose", [1, 2])
def test_the_numbers_of_an_epoch_go_on_in_the_next_line(verbose, screen):
    model = ef.Sequential([ef.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", "mape"])
    x = numpy.ones((8, 2), "float32")
    with screen as shown:
        model.fit(x, x[:, :1], validation_data=(x, x[:, :1]), verbose=verbose)
    assert widest(shown.getvalue()) <= 50
    assert [name for name in ("loss", "mae", "mape") if f"val_{name}: " not in shown.getvalue()] == []


def test_without_a_terminal_an_epoch_stays_one_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    with contextlib.redirect_stdout(io.StringIO()):
        assert in_parts("46/46 - 0s - 1ms/step - loss: 2.1488") == "46/46 - 0s - 1ms/step - loss: 2.1488"
        assert folded("a sentence of more than twenty signs") == "a sentence of more than twenty signs"


@pytest.mark.parametrize("given", [["--help"], ["launch", "--help"], ["run", "--help"], ["demo", "--help"]])
def test_help_fits(given, screen, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")  # Python colours help since 3.14
    with screen as shown, pytest.raises(SystemExit):
        main(given)
    lines = [line for line in shown.getvalue().split("\n") if len(line) > 50]
    assert [line for line in lines if " " in line.strip()] == []  # a name without a blank stays whole


def test_what_is_said_of_a_long_example_stands_below_it():
    text = "  eagerflow launch -n 3 -m viz doctor train.py     what is wrong on any rank"
    assert folded(text, 50).split("\n") == [
        "  eagerflow launch -n 3 -m viz doctor train.py",
        "      what is wrong on any rank",
    ]
