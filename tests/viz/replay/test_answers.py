"""What running a step again answers."""

import json

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.replay import conftest
from tests.viz.replay.conftest import Raising, data, judged, quiet, train
from viz.replay import machine as machine_facts
from viz.replay.file import read
from viz.replay.player import CannotReplay
from viz.replay.recorded import filmed, first_nonfinite, traced
from viz.replay.rows import guilty_rows

LAST = 2  # the place of the last step of `good_file`


def last(kept):
    return len(kept.steps) - 1


def test_the_op_where_nan_begins_is_named_with_layer_and_line(nan_file):
    kept = read(nan_file)
    found = first_nonfinite(kept)
    assert (found.kind, found.phase, found.layer) == ("op", "forward", "mean_squared_error")
    assert f"step {kept.steps[-1].number}" in str(found)


def test_the_guilty_row_is_found(nan_file):
    kept = read(nan_file)
    found = guilty_rows(kept, last(kept))
    assert found.of_data == [17]
    assert len(found.rows) == 1
    assert found.runs < 30


def test_of_several_bad_rows_it_says_that_the_batch_is_bad_without_the_one_found(tmp_path):
    x, y = data()
    x[[16, 18, 21], 2] = 3e38
    model = ef.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile(ef.optimizers.SGD(0.01), "mse")
    with pytest.warns(UserWarning, match="the loss is"), quiet(1, tmp_path / "a.efr"):
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    kept = read(tmp_path / "a.efr")
    found = guilty_rows(kept, last(kept))
    assert found.of_data == [16]
    assert "row 0 of 8 (row 16 of the data) alone makes NaN or infinity; so does the batch without it" in str(found)


def test_two_rows_that_do_it_only_together_are_found(tmp_path):
    x, y = data()
    x[[3, 12], 0] = 2e38  # their sum overflows

    def summed(z):
        return z + 0.0 * ef.ops.mean(ef.ops.sum(z, 0))

    model = ef.Sequential([layers.Input((4,)), layers.Lambda(summed), layers.Rescaling(1e-38), layers.Dense(1)])
    model.compile(ef.optimizers.SGD(0.0), "mse")
    with pytest.warns(UserWarning, match="the loss is"), quiet(1, tmp_path / "a.efr"):
        model.fit(x, y, batch_size=40, shuffle=False, verbose=0)
    kept = read(tmp_path / "a.efr")
    assert guilty_rows(kept, last(kept)).rows == [3, 12]


def test_a_row_that_makes_a_step_raise_is_found(tmp_path):
    model = ef.Sequential([layers.Input((4,)), Raising(), layers.Dense(1)])
    with pytest.raises(ValueError, match="reshape"):
        train(tmp_path / "a.efr", *data(9, 1e4), model=model)
    assert judged(read(tmp_path / "a.efr")).exact


def test_where_no_row_is_to_blame_it_says_so(tmp_path):
    x, y = data()
    with pytest.warns(UserWarning, match="the loss is"):
        keeping, _ = train(tmp_path / "a.efr", x, y, rate=1e30)
    kept = read(keeping.written[0][0])
    assert guilty_rows(kept, last(kept)).every


def test_a_good_step_has_no_guilty_rows(good_file):
    with pytest.raises(CannotReplay, match="no row can be blamed"):
        guilty_rows(read(good_file), LAST)


def test_another_machine_is_named_as_the_reason(good_file, monkeypatch):
    kept = read(good_file)
    kept.meta["machine"] = {**kept.meta["machine"], "numpy": "1.0"}
    kept.arrays[kept.steps[0].batch[0][1]] = kept.arrays[kept.steps[0].batch[0][1]] * np.float32(1.001)
    found = judged(kept)
    assert not found.exact
    assert found.largest > 0
    assert "NumPy's version (1.0 there" in str(found)
    assert machine_facts.differences(machine_facts.machine(), machine_facts.machine()) == []


# ---------------------------------------------------------------------- the film


def test_upstream_times_local_is_the_gradient(good_file):
    frames = filmed(read(good_file), LAST)
    assert [f.phase for f in frames].index("backward") > 0
    of_mean = next(f for f in frames if f.phase == "backward" and f.op == "mean")
    assert any("upstream × local = gradient" in line for line in of_mean.lines)
    assert "    local: [0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125]" in str(of_mean)
    dense = next(f for f in frames if f.phase == "backward" and f.op == "dense")
    assert any("@ local" in line for line in dense.lines)
    assert any("/last/kernel)" in line for line in dense.lines)
    drop = next(f for f in frames if f.phase == "backward" and f.op == "masked_scale")
    assert any("element by element" in line for line in drop.lines)
    assert frames[-1].phase == "update"
    assert len(frames) == len({id(f) for f in frames})


def test_a_step_can_be_recorded_with_its_film(good_file, tmp_path):
    recording = traced(read(good_file), LAST)
    path = recording.save(tmp_path / "a.efz")
    again = viz.load(path)
    assert len(again.meta["film"]) == len(again.ops)
    assert {frame["op"] for frame in again.meta["film"]} == {op.id for op in again.ops}
    assert any("first" in again.path(op.scope) for op in again.ops)
    assert again.values
    dense = [op for op in again.ops if op.name == "dense"]
    assert {op.phase for op in dense} == {"forward", "backward"}
    assert {op.source.file for op in dense} == {conftest.__file__}
    assert all("layers.Dense" in op.source.code or "Sequential" in op.source.code for op in dense)


def test_digests_and_facts_are_json(good_file):
    kept = read(good_file)
    assert json.dumps(vars(judged(kept)))
