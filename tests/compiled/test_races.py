"""Compiled kernels and plain ones race on the processor at hand; the slower one isn't used."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow.base import twins
from eagerflow.compiled import beaten, provider
from eagerflow.measuring import command, races
from tests.compiled.beside import forget, numbers

pytestmark = pytest.mark.slow  # kernels are compiled


@pytest.fixture(autouse=True)
def known_again():
    yield
    beaten.keep([])
    forget()


def test_every_compiled_kernel_takes_part():
    """But for convolutions, whose algorithm is chosen for each of them by its own shapes, and for what only asks."""
    places = {race.place for race in races._races()}
    compiled = {place for place in twins.PLAIN if place[0] != "convolution" and provider.find(*place)}
    assert places == compiled - {("winograd", "is_fused")}


def test_what_loses_is_kept_and_runs_no_more(monkeypatch):
    x, lost = numbers(64, 8), ("softmax", "softmax")
    assert provider.find(*lost) is not None
    assert beaten.keep([lost])
    assert beaten.is_known()
    assert provider.find(*lost) is None
    assert provider.find("softmax", "log_softmax") is not None
    twins.find_again()
    assert np.array_equal(races.softmax.softmax(x), twins.PLAIN[lost](x))
    assert command.measure(off=True, quiet=True) == 0
    assert provider.find(*lost) is not None


@pytest.mark.parametrize(("compiled", "loses"), [(100.0, False), (104.0, False), (106.0, True)])
def test_a_kernel_loses_where_it_takes_five_per_cent_longer(compiled, loses, monkeypatch):
    place = ("gelu", "gelu")
    monkeypatch.setattr(races, "_races", lambda: iter([races.Race(place, [lambda: None])]))
    monkeypatch.setattr(races, "microseconds", lambda call, tries: 100.0 if place in twins._found else compiled)
    twins.find_again()
    assert races.held() == ([place] if loses else [])
    assert place not in twins._found


@pytest.mark.parametrize(("long_rows", "loses"), [(80.0, False), (100.0, True)])
def test_what_loses_on_short_rows_may_win_on_long_ones(long_rows, loses, monkeypatch):
    place = ("softmax", "softmax")
    runs = [lambda: 120.0, lambda: long_rows]
    monkeypatch.setattr(races, "_races", lambda: iter([races.Race(place, runs)]))
    monkeypatch.setattr(races, "microseconds", lambda call, tries: 100.0 if place in twins._found else call())
    twins.find_again()
    assert races.held() == ([place] if loses else [])


def test_the_command_says_who_won(capsys, monkeypatch):
    few = [race for race in races._races() if race.place[0] == "layer_norm"]
    monkeypatch.setattr(races, "_races", lambda: iter(few))
    completed = []
    monkeypatch.setattr(command, "complete", completed.append)  # which takes a minute
    assert command.measure() == 0
    assert completed
    told = capsys.readouterr().out
    assert "layer_norm/layer_norm_gradient: " in told
    assert "Programs choose kernels by these figures from now on" in told
    assert beaten.is_known()
