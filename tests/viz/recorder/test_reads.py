"""What Python reads of tensors while a program runs: what runs from there on may depend on it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz import cli
from viz.page.smaller_record import cut


def reads(t):
    """How Python read what ops made, with the names of these."""
    return [(t.ops[i].name, read.how) for i, found in t.reads.items() for read in found]


def test_a_branch_is_told_at_its_own_line():
    with viz.trace() as t:
        total = ops.sum(ops.ones(3))
        line = sys._getframe().f_lineno + 1
        if total > 2:
            total = total * 2
    assert reads(t) == [("greater", "bool")]
    (found,) = next(iter(t.reads.values()))
    assert found.line.file == __file__
    assert (found.line.line, found.line.code) == (line, "if total > 2:")


WAYS = {
    "float": float,
    "int": int,
    "bool": bool,
    "complex": complex,
    "item": lambda x: x.item(),
    "numpy": lambda x: x.numpy(),
    "tolist": lambda x: x.tolist(),
    "array": np.asarray,
}


@pytest.mark.parametrize("how", WAYS)
def test_each_way_is_told(how):
    with viz.trace() as t:
        WAYS[how](ops.exp(1.0))
    assert reads(t) == [("exp", how)]


def test_conditions_of_control_flow_are_read_by_the_op_that_asks_them():
    with viz.trace() as t:
        x = ops.while_loop(lambda v: ops.sum(v) < 20, lambda v: (v * 2,), (ops.ones(3),))[0]
        line = sys._getframe().f_lineno + 1
        x = ops.cond(ops.max(x) > 0, lambda: -x, lambda: x)
        ops.switch(ops.argmax(x), [lambda v: v] * 3, x)
    assert [how for _, how in reads(t)] == ["while_loop"] * 4 + ["cond", "switch"]
    assert [name for name, _ in reads(t)] == ["less"] * 4 + ["greater", "argmax"]
    ((asked,),) = [found for found in t.reads.values() if found[0].how == "cond"]
    assert asked.line.line == line


def test_a_tensor_as_an_index_is_read():
    with viz.trace() as t:
        assert [5, 6, 7][ops.argmax(ops.ones(3))] == 5
    assert reads(t)[-1] == ("argmax", "index")


def test_a_line_that_reads_again_and_again_is_told_once():
    with viz.trace() as t:
        x = ops.exp(1.0)
        for _ in range(3):
            float(x)
    assert reads(t) == [("exp", "float")]


def test_what_training_reads_for_itself_is_not_told():
    model = ef.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    with viz.trace() as t:
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert t.ops
    assert not t.reads


def test_what_changes_in_place_is_read_as_it_is_then():
    w = ef.Variable(1.0)
    with viz.trace() as t:
        w.assign_add(1.0)
        w.assign_add(2.0)
        assert float(w) == 4.0
    assert list(t.reads) == [t.ops[-1].id]


def test_pictures_tell_the_line():
    with viz.trace() as t:
        x = ops.exp(1.0)
        line = sys._getframe().f_lineno + 1
        float(x)
        x.item()
        float(ops.tanh(x))
    nodes = t.draw().graph.nodes
    assert f"read by Python: test_reads.py:{line}  (+1)" in nodes["op0"].lines
    assert f"read by Python: test_reads.py:{line + 2}" in nodes["op1"].lines
    assert f"read by Python, item: {__file__}:{line + 1} x.item()"[-40:] in nodes["op0"].tooltip


def test_show_lists_the_lines(tmp_path, capsys):
    with viz.trace() as t:
        for _ in range(3):
            float(ops.exp(1.0))
    assert cli.main(["show", str(t.save(tmp_path / "t.efz"))]) == 0
    (told,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("read by Python")]
    assert told.endswith("float(ops.exp(1.0))  (float of exp, 3 times)")


def test_it_is_part_of_json_and_of_a_smaller_record():
    with viz.trace() as t:
        float(ops.exp(1.0))
        float(ops.tanh(1.0))
    assert '"reads":{"0":[{"how":"float"' in t.to_json()
    part, _ = cut(t, 1)
    assert list(part.reads) == [0]
