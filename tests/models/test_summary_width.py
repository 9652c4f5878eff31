"""`model.summary()` in terminals that are narrower than its table, and with names whose signs are wide."""

from __future__ import annotations

import re
import sys

import numpy as np
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
    assert places(lines[0]) <= min(columns, 140)


def test_pipes_get_the_usual_width(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "50")
    ef.Sequential([ef.Input((3,)), ef.layers.Dense(4)]).summary()
    assert len(capsys.readouterr().out.splitlines()[1]) > 70


def _branch(name):
    """A model whose layers have names of this form, and whose table says what is connected to what."""
    inputs = ef.Input((8, 8, 3), name="image")
    hidden = ef.layers.Conv2D(4, 1, name=name)(inputs)
    return ef.Model(inputs, ef.layers.Add(name="sum")([hidden, ef.layers.ReLU(name=f"{name}_relu")(hidden)]))


def _cells(text):
    """The lines of all cells."""
    return [cell.strip() for line in text.splitlines() if line[:1] in "┃│" for cell in re.split("[┃│]", line)[1:-1]]


def test_columns_have_the_width_that_names_need(capsys):
    name = "expanded_conv_block_squeeze_and_excite_pool"
    _branch(name).summary()
    cells = _cells(capsys.readouterr().out)
    assert any(cell.startswith(f"{name}_relu") for cell in cells)
    assert f"{name}[0][0]," in " ".join(cells)
    assert f"{name}_relu[0][0]" in " ".join(cells)
    assert cells.count("(None, 8, 8, 4)") == 3


def test_names_that_fit_leave_the_table_as_wide_as_usual(capsys):
    _branch("conv").summary()
    assert {places(line) for line in capsys.readouterr().out.splitlines() if line[:1] in "┏┃│"} == {96}


def test_names_without_room_are_parted_where_their_parts_end(capsys):
    name = "expanded_conv_block_squeeze_and_excite_pool"
    _branch(name).summary(line_length=84)
    lines = [line for line in capsys.readouterr().out.splitlines() if line[:1] in "┏┃│"]
    assert {places(line) for line in lines} == {84}
    ends = [cell[-1] for cell in _cells("\n".join(lines)) if cell.startswith("expanded_") and not cell.endswith(")")]
    assert ends
    assert {*ends} <= {"_", "]", ","}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((10, 20, 30), r"summary\(positions=20\): expected a list of where columns end"),
        (("wide",), r"summary\(line_length='wide'\): expected the width in characters"),
        ((60, [0.5, "a"]), r"summary\(positions=\[0.5, 'a'\]\): expected a list"),
        ((60, None, 30), r"summary\(print_fn=30\): expected a function"),
        ((60, None, None, False, False, 3), r"summary\(layer_range=3\): expected the names"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_named_with_what_it_takes(given, words):
    with pytest.raises(TypeError, match=words):
        _branch("conv").summary(*given)


def test_widths_and_positions_may_be_numbers_of_numpy():
    said = []
    _branch("conv").summary(np.int64(120), np.linspace(0.25, 1, 4), said.append)
    assert "conv" in said[0]
