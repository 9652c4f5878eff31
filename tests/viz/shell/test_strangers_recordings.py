"""Recordings from elsewhere: nothing in them steers the terminal, and no number in them is a fault of viz."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

import eagerflow as ef
import viz
from viz.cli import main

NAME = "a\x1b[2Jb\x1b]0;title\x07c\x9bd\u202ee"
READERS = [
    "show",
    "summary",
    "top",
    "memory",
    "gradients",
    "annotate",
    "draw",
    "html",
    "tensorboard",
    "perfetto",
    "json",
]


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = ef.Sequential([ef.layers.Input((4,)), ef.layers.Dense(3, name=NAME), ef.layers.Dense(2)])
    model.compile("sgd", "mse")
    with viz.trace(stats="full", name=NAME) as t:
        model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    t.save("a.efz")
    return model


def _changed(column, value):
    """The same recording with another number in all rows of a column."""
    with zipfile.ZipFile("a.efz") as file:
        members = {name: file.read(name) for name in file.namelist()}
    columns = dict(np.load(io.BytesIO(members["columns.npz"])))
    columns[column][:] = value
    packed = io.BytesIO()
    np.savez_compressed(packed, **columns)
    members["columns.npz"] = packed.getvalue()
    with zipfile.ZipFile("a.efz", "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


@pytest.mark.parametrize("colours", ["", "1"])
def test_names_do_not_steer_the_terminal(recorded, capsys, monkeypatch, colours):
    monkeypatch.setenv("FORCE_COLOR", colours)
    for words in [[reader, "a.efz"] for reader in READERS] + [["diff", "a.efz", "a.efz"], ["show", f"{NAME}.efz"]]:
        main(words)
    recorded.summary()
    print(viz.load("a.efz").summary())
    said = "".join(capsys.readouterr())
    assert "Dense" in said
    for sequence in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\u202e", *([] if colours else ["\x1b"])):
        assert sequence not in said


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Op.stack", -(2**63)),
        ("Op.start", 2**63 - 1),
        ("Op.thread", -1),
        ("Storage.nbytes", 2**62),
        ("Stats.l2", 1e308),
        ("Stats.l2", float("inf")),
        ("Stats.mean", float("nan")),
        ("Scope.start", 2**62),
    ],
)
def test_a_hostile_number_is_no_fault_of_viz(recorded, capsys, column, value):
    _changed(column, value)
    for reader in READERS:
        assert main([reader, "a.efz"]) in (0, 1, 2), capsys.readouterr().err
