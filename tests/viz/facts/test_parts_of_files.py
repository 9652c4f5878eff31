"""Of a long recording only the steps around one of them are shown."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from tests.viz.page.test_page_data import long_record
from viz.cli import main
from viz.facts.digest.excerpt import around_step
from viz.facts.digest.picked_step import pick_step
from viz.facts.selection import last_step
from viz.facts.tables.summary import summary
from viz.page.data import data
from viz.recording import Recording


def train(**settings):
    """Two epochs of four batches, the last of which is smaller, each with two of validation: twelve steps."""
    ef.utils.set_random_seed(1)
    model = ef.Sequential([ef.layers.Dense(3, activation="relu"), ef.layers.Dropout(0.2), ef.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    x, y = np.ones((30, 2), "float32"), np.ones((30, 1), "float32")
    with viz.trace("net", stats="full", values="kernel", **settings) as t:
        model.fit(x, y, batch_size=8, epochs=2, validation_data=(x[:9], y[:9]), verbose=0)
    for op in t.ops:  # of which a part tells medians of fewer steps
        op.start = op.end = None
    return t


def loop():
    """Six steps of a loop of one's own, whose third reads a number and whose fourth makes infinity."""
    w = ef.Variable([1.0, 2.0], name="w")
    with viz.trace("loop", stats="basic") as t, np.errstate(divide="ignore"):
        for number in range(6):
            with ef.name_scope("inner"), ef.GradientTape() as tape:
                loss = ef.ops.sum(w / 0.0 if number == 3 else w * w)
            ef.ops.one_hot(ef.ops.argmax(w, axis=0), 3)
            if number == 2:
                float(loss)
            w.assign_sub(0.1 * ef.ops.clip(tape.gradient(loss, w), -1, 1))
    for op in t.ops:
        op.start = op.end = None
    return t


def near(record, step, most):
    at = pick_step(record) if step is None else [s.number or s.index for s in record.steps].index(step)
    whole = max(most, sum(op.step == at for op in record.ops))
    return Recording._of(around_step(record, at, whole)[0])


def told(record, position, beside=True):
    """All that a step's ops say, without numbers that are positions, and what scopes made beside that."""
    found = []
    for op in (op for op in record.ops if op.step == position):
        tensors = [
            (info.shape, info.dtype, info.role, record.shown(info.id), info.version, repr(info.stats))
            for info in (record.tensors[i] for i in (*op.inputs, *op.outputs))
        ]
        values = [record.values[i].tolist() for i in (*op.inputs, *op.outputs) if i in record.values]
        scopes = [
            (s.kind, s.name, s.cls, s.call, s.config, len(s.outputs) * beside) for s in record.ancestors(op.scope)
        ]
        reads = [str(read) for read in record.reads.get(op.id, [])]
        forward = None if op.forward is None else record.ops[op.forward].name
        call = record.calls.get(op.id, ("",))[0]
        found.append((op.name, op.phase, op.settings, op.stack, tensors, values, scopes, reads, forward, call))
    return found


@pytest.fixture(scope="module", params=[train, loop])
def recorded(request, tmp_path_factory):
    t = request.param()
    return t, t.save(tmp_path_factory.mktemp("recorded") / "whole.efz")


def drawn(record, step=None):
    """The picture, without the numbers of boxes, which are those of ops and scopes."""
    return re.sub(r"(?<=[a-z_])\d+", "", record.draw(step=step).source)


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_each_step_of_a_part_tells_what_it_tells_in_the_whole(recorded, share):
    whole, _ = recorded
    for step in range(len(whole.steps)):
        part = near(whole, step, int(share * len(whole.ops)))
        assert len(part.whole.ops) == len(whole.ops) > len(part.ops)
        at = next(s.index for s in part.steps if s.number == step)
        assert told(part, at) == told(whole, step)
        assert summary(part, step) == summary(whole, step)
        assert drawn(part, step) == drawn(whole, step)


def test_a_step_is_read_to_its_end_however_large_it_is(recorded):
    whole, _ = recorded
    part = near(whole, 1, 1)
    assert [step.number for step in part.steps] == [1]
    assert drawn(part, 1) == drawn(whole, 1)
    shown = data(whole, most_ops=3, step=1)
    assert len(shown["ops"]["name"]) == 3
    first = next(op.id for op in whole.ops if op.step == 1) + 1
    assert f"ops {first} to {first + 2} of {len(whole.ops)}" in shown["notes"][-1]


def test_the_step_that_is_shown_is_that_of_the_whole(recorded):
    whole, _ = recorded
    part = near(whole, None, len(whole.ops) // 3)
    assert part.steps[pick_step(part)].number == pick_step(whole)
    assert drawn(part) == drawn(whole)
    assert str(part.grad_flow()) == str(whole.grad_flow())


def test_a_step_that_is_not_there_is_told_with_those_that_are(recorded, capsys):
    whole, path = recorded
    assert main(["draw", str(path), "--step", "99"]) == 2
    assert f"the steps 0 to {len(whole.steps) - 1}" in capsys.readouterr().err


def test_steps_that_were_chosen_keep_their_numbers():
    part = near(train(steps=[1, 4, 6]), 4, 30)
    assert [step.number for step in part.steps] == [4, 6]
    assert last_step(part) == (6, False)
    assert " of 0–" not in part.draw(step=4).source


def test_the_page_of_a_part_says_what_it_is_a_part_of(recorded, tmp_path):
    whole, path = recorded
    for step in (0, 3):
        shown = data(whole, most_ops=len(whole.ops) // 3, step=step)
        assert shown["total_ops"] == len(whole.ops)
        assert sum(count for _, count in shown["step_kinds"]) == len(whole.steps)
        assert shown["steps"][shown["step"]][3] == step
        assert f"of {len(whole.ops):,}: more would not fit" in shown["notes"][-1]
    assert main(["html", str(path), "--step", "3", str(tmp_path / "page.html")]) == 0


def test_no_more_than_a_thousand_steps_are_shown_together():
    part, _ = around_step(long_record(1500, 1), 700, 10**6)
    assert len(part.steps) == 1000
    assert 700 in [each.number for each in part.steps]
