"""`model.summary()` in terminals that are narrower than its table, and with names whose signs are wide."""

from __future__ import annotations

import sys

import pytest

import eagerflow as ef
from eagerflow.base.output import places


@pytest.mark.parametrize("columns", [60, 70, 200])
def test_the_table_fits_into_the_terminal(columns, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    inputs = ef.Input((3,), name="numbers")
    hidden = ef.layers.Dense(4, name="最後の層の名前はとても長いので次の行に続きます")(inputs)
    ef.Model(inputs, ef.layers.Add()([hidden, hidden])).summary()
    lines = [line for line in capsys.readouterr().out.splitlines() if line[:1] in "┏┃┡│├└"]
    assert len({places(line) for line in lines}) == 1
    assert places(lines[0]) <= min(columns, 96)


def test_pipes_get_the_usual_width(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "50")
    ef.Sequential([ef.Input((3,)), ef.layers.Dense(4)]).summary()
    assert len(capsys.readouterr().out.splitlines()[1]) > 70
