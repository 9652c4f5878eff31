"""One recording has one duration, wherever it is told."""

from __future__ import annotations

import re
import time

import pytest

import eagerflow as ef
import viz
from tests.viz.command.test_cli import main
from viz.facts.digest.time_spans import step_spans, took, whole_span
from viz.facts.schema import Op, Record, Scope, Step
from viz.page.data import data as page_data


def a_record(chosen=False):
    """Two steps, of which the recorder began the second late; an op and data outside of them."""
    scopes = [
        Scope(0, "step", "train", None, start=100, end=900),
        Scope(1, "layer", "dense", 0, start=400, end=600),
        Scope(2, "data", "batch", None, start=20, end=1000),
        Scope(3, "step", "train", None, start=1000, end=2000),
        Scope(4, "layer", "dense", 3, start=1900, end=1990),
    ]
    ops = [
        Op(0, "tanh", scope=1, step=0, start=450, end=500),
        Op(1, "add", scope=0, step=0, start=500, end=700),
        Op(2, "tanh", scope=4, step=1, start=1910, end=1950),
        Op(3, "sum", start=2100, end=2200),
    ]
    steps = [Step(0, 0, 100, 900, 5 if chosen else None), Step(1, 3, 1000, 2000, 8 if chosen else None)]
    return Record(meta={"duration": 50_000_000}, scopes=scopes, ops=ops, steps=steps)


def test_a_step_takes_from_its_first_op_or_layer_to_the_last_one():
    spans = step_spans(a_record())
    assert spans == {0: (400, 700), 1: (1900, 1990), None: (2100, 2200)}
    assert whole_span(spans) == (400, 2200)
    assert took(a_record()) == 1800
    assert took(a_record(chosen=True)) == 300 + 90  # what ran between chosen steps isn't known
    assert took(Record()) == 0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    model = ef.Sequential([ef.Input((5,)), ef.layers.Dense(8), ef.layers.Dense(1)])
    model.compile("adam", "mse")
    with viz.trace() as t:
        time.sleep(0.05)  # as imports and data take, before training begins
        model.train_on_batch(ef.ops.ones((4, 5)), ef.ops.ones((4, 1)))
    path = tmp_path_factory.mktemp("one") / "one.efz"
    t.save(path)
    return t, path


def told(text):
    return re.search(r"([\d.]+ [µm]?s)(?: with tracing|, of which|\n)", text)[1]


def test_picture_page_and_commands_tell_one_duration(recorded, capsys):
    t, path = recorded
    said = []
    for command in ("show", "summary"):
        assert main([command, str(path)]) == 0
        said.append(capsys.readouterr().out)
    assert page_data(t)["took"] in repr(t)
    picture = path.with_suffix(".svg")
    t.draw(picture)
    svg = picture.read_text(encoding="utf-8")
    assert len({told(text) for text in (*said, svg)}) == 1
