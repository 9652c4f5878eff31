"""The progress bar: redrawn in place on a terminal, a plain line elsewhere."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest

from eagerflow.callbacks import progbar
from eagerflow.utils import Progbar


class Screen(io.StringIO):
    """A terminal that keeps what was written."""

    encoding = "utf-8"

    def __init__(self, terminal=True):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.fixture
def screen(monkeypatch):
    return shown_on(monkeypatch, Screen())


def shown_on(monkeypatch, stream):
    """Let the bar write there. (pytest puts its own stream into sys.stdout between fixtures and test.)"""
    monkeypatch.setattr(progbar, "sys", SimpleNamespace(stdout=stream))
    return stream


@pytest.fixture
def clock(monkeypatch):
    """Time moves only when the test says so."""
    now = [100.0]
    monkeypatch.setattr(progbar.time, "perf_counter", lambda: now[0])
    return now


def test_a_terminal_sees_bar_time_and_numbers(screen, clock):
    bar = Progbar(10)
    clock[0] += 1.0
    bar.update(5, [("loss", 0.25)])
    drawn = screen.getvalue()
    assert drawn == "\r 5/10 ━━━━━━━━━━────────── 1s 200ms/step - loss: 0.2500"
    clock[0] += 1.0
    bar.update(10, [("loss", 0.75)])
    last = screen.getvalue()[len(drawn) :]
    assert last.rstrip(" \n") == "\r10/10 ━━━━━━━━━━━━━━━━━━━━ 2s 200ms/step - loss: 0.7500"
    assert last.endswith("\n")


def test_it_is_drawn_as_seldom_as_asked(screen, clock):
    bar = Progbar(1000, interval=0.1)
    for step in range(100):
        clock[0] += 0.01
        bar.update(step + 1)
    assert 9 <= screen.getvalue().count("\r") <= 11


def test_a_shorter_line_covers_the_longer_one(screen, clock):
    bar = Progbar(100)
    clock[0] += 0.0001
    bar.update(1, [("loss", 0.00001)])
    first = len(screen.getvalue())
    clock[0] += 1
    bar.update(2, [("loss", 1.0)])
    assert len(screen.getvalue()) == 2 * first


def test_a_narrow_terminal_gets_one_row(screen, clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    bar = Progbar(100)
    bar.update(50, [("a_long_name", 1.0), ("another", 2.0)])
    assert len(screen.getvalue().lstrip("\r")) == 29


def test_an_unknown_number_of_steps(screen, clock):
    bar = Progbar(None)
    clock[0] += 61
    bar.update(7)
    assert screen.getvalue() == "\r      7/Unknown 61s 9s/step"
    bar.update(8, finalize=True)
    assert "8/8 ━" in screen.getvalue()


def test_a_log_gets_one_line_without_control_characters(monkeypatch, clock):
    log = shown_on(monkeypatch, Screen(terminal=False))
    bar = Progbar(3, verbose=2, stateful_metrics=["loss"])
    bar.prefix = "Epoch 1/2"
    for step in range(3):
        clock[0] += 1
        bar.update(step + 1, [("loss", step / 4)])
    assert log.getvalue() == "Epoch 1/2 - 3/3 - 3s - 1s/step - loss: 0.5000\n"
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", log.getvalue())


def test_silence(screen):
    bar = Progbar(1, verbose=0)
    bar.update(1, [("loss", 1.0)])
    assert screen.getvalue() == ""


def test_values_are_averaged_unless_they_are_means_already(screen, clock):
    bar = Progbar(4, stateful_metrics=["kept"])
    bar.update(1, [("loss", 1.0), ("kept", 1.0)])
    clock[0] += 1
    bar.add(2, [("loss", 4.0), ("kept", 5.0)])
    assert screen.getvalue().endswith("loss: 3.0000 - kept: 5.0000")
    bar.add(1, [("loss", 2.0), ("kept", 7.0)])
    assert screen.getvalue().endswith("loss: 2.0000 - kept: 7.0000\n")  # the last word has whoever ends it


def test_an_output_that_cannot_show_the_bar_gets_another(screen, clock):
    screen.encoding = "ascii"
    bar = Progbar(2, width=4)
    bar.update(1)
    assert "==--" in screen.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.5, "0.5000"),
        (0.0, "0.0000e+00"),
        (0.0001, "1.0000e-04"),
        (float("nan"), "nan"),
        ("text", "text"),
        (-0.5, "-0.5000"),
        ([1, 2], "1.5000"),
    ],
)
def test_numbers(value, shown):
    assert progbar._number(progbar._mean(value), signed=False) == shown


def test_plain_lines_write_negative_numbers_as_keras_does():
    assert progbar._number(-0.5, signed=True) == "-5.0000e-01"


def test_lists_are_shown_by_their_means_at_every_step(screen, clock):
    bar = Progbar(5, interval=0, stateful_metrics=["kept"])
    bar.update(2, [("values", [1.0, 3.0]), ("kept", [4, 6])])
    assert screen.getvalue().endswith("values: 2.0000 - kept: 5.0000")


def test_a_bar_of_ones_own_is_drawn_in_a_file_too(monkeypatch, clock):
    log = shown_on(monkeypatch, Screen(terminal=False))
    Progbar(4, interval=0).update(1, [("loss", 0.5)])
    assert log.getvalue().endswith("loss: 0.5000")


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0s"), (59.9, "59s"), (61, "1:01"), (3661, "1:01:01")])
def test_times(seconds, shown):
    assert progbar._clock(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(2.0, "2s"), (0.005, "5ms"), (0.00012, "120us")])
def test_times_per_step(seconds, shown):
    assert progbar._per_step(seconds) == shown


def test_named_metrics_are_averaged_and_others_are_shown_as_they_are(capsys):
    bar = Progbar(3, interval=0, stateless_metrics=["loss"])
    bar.update(1, [("loss", 1.0), ("accuracy", 0.25)])
    bar.update(2, [("loss", 2.0), ("accuracy", 0.75)])
    assert capsys.readouterr().out.rstrip().endswith("loss: 1.5000 - accuracy: 0.7500")
    with pytest.raises(ValueError, match="not both"):
        Progbar(2, stateful_metrics=["a"], stateless_metrics=["b"])
