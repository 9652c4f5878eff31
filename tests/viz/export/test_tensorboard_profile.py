"""What TensorBoard's Profile plugin reads. Seen with xprof 2.24: overview, timeline, memory and table of ops."""

from __future__ import annotations

import itertools
import json
import re
import time

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.core import observe
from viz.export import tensorboard_profile

pytest.importorskip("google.protobuf")


def plane_of(path):
    space = tensorboard_profile.messages()["XSpace"].FromString(path.read_bytes())
    assert len(space.planes) == 1
    return space.planes[0]


def named(plane, line=0):
    """The events of a line, with their names and what is known of each."""
    names = {pair.key: pair.value.name for pair in plane.event_metadata}
    stats = {pair.key: pair.value.name for pair in plane.stat_metadata}
    return [
        (names[event.metadata_id], event, {stats[s.metadata_id]: s.str_value or s.int64_value for s in event.stats})
        for event in plane.lines[line].events
    ]


def test_the_profile_holds_every_op_with_its_time_and_layer(steps, tmp_path):
    plane = plane_of(tensorboard_profile.write(steps, tmp_path))
    assert plane.name == "/host:CPU"
    events = named(plane)
    ops = [(name, event, about) for name, event, about in events if "layer" in about]
    assert len(ops) == len(steps.ops)
    assert sum(event.duration_ps for _, event, _ in ops) == 1000 * sum(op.duration for op in steps.ops)
    assert all(re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_./>-]*:[a-z0-9_]+", name) for name, _, _ in ops)
    dense = [about for name, _, about in ops if name == "mlp/hidden_0/dense:dense"]
    assert [about["layer"] for about in dense] == ["mlp/hidden_0"] * len(steps.steps)
    assert "nets.py:" in dense[0]["source"]
    assert any(name == "mlp/hidden_0/dense_gradient:dense_gradient" for name, _, _ in ops)


def test_events_of_a_profile_nest(steps, tmp_path):
    open_until = [float("inf")]
    for _, event, _ in named(plane_of(tensorboard_profile.write(steps, tmp_path))):
        end = event.offset_ps + event.duration_ps
        while open_until[-1] <= event.offset_ps:
            open_until.pop()
        assert end <= open_until[-1]
        open_until.append(end)


def of_memory(plane):
    return [each for each in named(plane) if each[0].startswith("Memory")]


def test_memory_comes_and_goes_on_the_line_of_the_first_thread(tmp_path):
    weight = ef.Variable(np.ones((10, 20), "float32"), name="w")
    with viz.trace() as t:
        y = ef.ops.ones((5, 10)) @ weight
        del y
    plane = plane_of(tensorboard_profile.write(t, tmp_path))
    assert [line.name for line in plane.lines] == ["main"]  # the plugin takes any other line for an idle thread
    events = of_memory(plane)
    assert [event.offset_ps for _, event, _ in events] == sorted(event.offset_ps for _, event, _ in events)
    assert events[0][0] == "MemoryAllocation"
    assert all(about["tf_op"].endswith(" ") for _, _, about in events)  # else they would be counted as runs of ops
    (of_weight,) = [about for _, _, about in events if about["tf_op"].strip() == "w"]
    assert (of_weight["allocation_bytes"], of_weight["region_type"], of_weight["shape"]) == (800, "parameter", "10×20")
    made, gone = [
        (name, about["bytes_allocated"]) for name, _, about in events if about["tf_op"].strip() == "forward/matmul"
    ]
    assert made[0] == "MemoryAllocation"
    assert gone[0] == "MemoryDeallocation"
    in_use = [about.get("bytes_allocated", 0) for _, _, about in events]
    assert max(in_use) == events[-1][2]["peak_bytes_in_use"] == t.memory().peak
    sizes = [(1 if name == "MemoryAllocation" else -1) * about["allocation_bytes"] for name, _, about in events]
    assert in_use == list(np.cumsum(sizes))


def test_without_times_there_is_no_profile(tmp_path):
    with viz.trace(time=False) as t:
        ef.ops.tanh(ef.ops.ones(3))
    assert tensorboard_profile.write(t, tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_profiled_batches_lie_behind_each_other_wherever_the_machine_paused(tmp_path, monkeypatch):
    real = observe.clock
    monkeypatch.setattr(observe, "clock", lambda: time.sleep(0.002) or real())
    model = ef.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    callback = ef.callbacks.TensorBoard(tmp_path, profile_batch=(1, 4))
    model.fit(np.ones((16, 3), "float32"), np.ones((16, 2), "float32"), batch_size=4, verbose=0, callbacks=[callback])
    (found,) = (tmp_path / "train" / "plugins" / "profile").glob("*/*.xplane.pb")
    steps = [event for name, event, _ in named(plane_of(found)) if name == "train"]
    gaps = [after.offset_ps - event.offset_ps - event.duration_ps for event, after in itertools.pairwise(steps)]
    assert len(gaps) == 3
    assert all(gap >= 0 for gap in gaps)


def test_the_callback_profiles_the_chosen_batches(tmp_path):
    model = ef.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    callback = ef.callbacks.TensorBoard(tmp_path, profile_batch=(2, 3))
    model.fit(np.ones((16, 3), "float32"), np.ones((16, 2), "float32"), batch_size=4, verbose=0, callbacks=[callback])
    (found,) = (tmp_path / "train" / "plugins" / "profile").glob("*/*.xplane.pb")
    assert re.fullmatch(r"[\d_]{19}_batches_2_to_3", found.parent.name)
    events = named(plane_of(found))
    marked = [(event, about) for name, event, about in events if name == "train"]
    assert [about["step_num"] for _, about in marked] == [2, 3]
    assert all(about["_r"] == 1 for _, about in marked)  # without it the plugin's overview knows no step
    (first, _), (second, _) = marked
    assert first.offset_ps + first.duration_ps <= second.offset_ps
    inside = [event for name, event, _ in events if name.endswith("/dense:dense")]
    assert [first.offset_ps <= event.offset_ps < first.offset_ps + first.duration_ps for event in inside] == [
        True,
        False,
    ]


def test_a_training_that_breaks_off_leaves_what_was_profiled(tmp_path):
    model = ef.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    callback = ef.callbacks.TensorBoard(tmp_path, profile_batch=(2, 30))
    batch = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")

    def batches():
        yield from [batch] * 3
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        model.fit(batches(), verbose=0, callbacks=[callback])
    (found,) = (tmp_path / "train" / "plugins" / "profile").glob("*/*.xplane.pb")
    assert found.parent.name.endswith("_batches_2_to_30")
    assert [about["step_num"] for name, _, about in named(plane_of(found)) if name == "train"] == [2, 3]
    callback.on_train_end()


@pytest.mark.slow
def test_the_plugins_overview_knows_the_time_of_a_step(tmp_path):
    convert = pytest.importorskip("xprof.convert.raw_to_tool_data")
    model = ef.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    callback = ef.callbacks.TensorBoard(tmp_path, profile_batch=(2, 6))
    model.fit(np.ones((32, 3), "float32"), np.ones((32, 2), "float32"), batch_size=4, verbose=0, callbacks=[callback])
    (found,) = (tmp_path / "train" / "plugins" / "profile").glob("*/*.xplane.pb")
    text, _ = convert.xspace_to_tool_data([str(found)], "overview_page", {})
    steps = json.loads(text)[1]
    assert "No step time measured" not in str(text)
    assert len(steps["rows"]) >= 2
    assert {"host_compute_time_ms_avg", "steptime_ms_average"} <= steps["p"].keys()


class Clips(ef.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        for weight in self.model.trainable_variables:
            weight.assign(weight * 0.5)


@pytest.mark.parametrize("clips_first", [True, False])
def test_profiled_batches_are_one_recording_of_training_alone(tmp_path, monkeypatch, clips_first):
    opened = []
    begin = viz.tracer.Tracer.__enter__
    monkeypatch.setattr(viz.tracer.Tracer, "__enter__", lambda self: opened.append(self) or begin(self))
    model = ef.Sequential([layers.Dense(2, name="out")])
    model.compile("sgd", "mse")
    x, y = np.ones((16, 3), "float32"), np.ones((16, 2), "float32")
    board = ef.callbacks.TensorBoard(tmp_path, profile_batch=(2, 6))
    both = [Clips(), board] if clips_first else [board, Clips()]
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=both, validation_data=(x, y))
    assert len(opened) == 2  # it ends where validation begins, and another one begins behind it
    (found,) = (tmp_path / "train" / "plugins" / "profile").glob("*/*.xplane.pb")
    told = [(name, about["step_num"]) for name, _, about in named(plane_of(found)) if "step_num" in about]
    assert told == [("train", 2), ("train", 3), ("train", 4), ("train", 5), ("train", 6)]


def test_what_was_profiled_is_written_though_training_breaks_off_between_two_batches(tmp_path):
    class Breaks(ef.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise RuntimeError("enough")

    model = ef.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    board = ef.callbacks.TensorBoard(tmp_path, profile_batch=(2, 9))
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(np.ones((40, 3)), np.ones((40, 2)), batch_size=4, verbose=0, callbacks=[Breaks(), board])
    assert not observe.current()
    (found,) = (tmp_path / "train" / "plugins" / "profile").glob("*/*.xplane.pb")
    assert [about["step_num"] for name, _, about in named(plane_of(found)) if name == "train"] == [2, 3]
