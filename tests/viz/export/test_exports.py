from __future__ import annotations

import gzip
import json
import math
import threading
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from tests.viz.nets import Trainer, mlp


def perfetto(recording, folder):
    recording.to_perfetto(folder / "t.json")
    return json.loads((folder / "t.json").read_text(encoding="utf-8"))["traceEvents"]


def test_slices_lie_within_those_around_them(steps, tmp_path):
    found = [e for e in perfetto(steps, tmp_path) if e["ph"] == "X"]
    assert len(found) == len(steps.ops) + len(steps.scopes)
    open_until = []
    for event in found:
        assert event["dur"] >= 0
        while open_until and open_until[-1] <= event["ts"] + 1e-4:  # microseconds, as floats
            open_until.pop()
        if open_until:
            assert event["ts"] + event["dur"] <= open_until[-1] + 1e-3, event["name"]
        open_until.append(event["ts"] + event["dur"])


def test_arrows_lead_from_forward_to_backward_ops(steps, tmp_path):
    found = perfetto(steps, tmp_path)
    starts = {e["id"]: e for e in found if e["ph"] == "s"}
    ends = {e["id"]: e for e in found if e["ph"] == "f"}
    backward = [op for op in steps.ops if op.phase == "backward"]
    assert set(starts) == set(ends) == {op.id for op in backward}
    for op in backward:
        assert starts[op.id]["ts"] == steps.ops[op.forward].start / 1000
        assert ends[op.id]["ts"] == op.start / 1000


def test_the_counter_is_the_memory_in_use(steps, tmp_path):
    counts = [e["args"]["bytes"] for e in perfetto(steps, tmp_path) if e["ph"] == "C"]
    assert max(counts) == steps.memory().peak
    assert min(counts) >= 0


def test_slices_tell_shapes_and_lines(steps, tmp_path):
    dense = next(e for e in perfetto(steps, tmp_path) if e.get("name") == "dense")
    assert dense["args"]["in"] == "8×5 f32, 5×16 f32, 16 f32"
    assert dense["args"]["FLOPs"] == 2 * 8 * 5 * 16 + 8 * 16
    assert dense["args"]["parts"] == "matmul, add"
    assert "nets.py" in dense["args"]["source"]


def test_compressed_files_and_wrong_names(steps, tmp_path):
    steps.to_perfetto(tmp_path / "t.json.gz")
    assert json.loads(gzip.decompress((tmp_path / "t.json.gz").read_bytes()))["traceEvents"]
    with pytest.raises(ValueError, match=r"\.json or \.json\.gz"):
        steps.to_perfetto(tmp_path / "t.txt")
    with viz.trace(time=False) as t:
        ops.exp(ef.Tensor([1.0]))
    with pytest.raises(ValueError, match="time=True"):
        t.to_perfetto(tmp_path / "t.json")


def test_json_is_strict_and_complete(steps, tmp_path):
    text = steps.to_json(tmp_path / "t.json")
    assert (tmp_path / "t.json").read_text(encoding="utf-8") == text
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert len(data["ops"]) == len(steps.ops)
    assert data["ops"][0]["stack"][0]["file"].endswith("nets.py")
    assert data["tensors"][0]["shape"] == list(steps.tensors[0].shape)


def test_grad_flow_lists_the_norms_of_the_gradients(tmp_path):
    trainer = Trainer()
    trainer.step()
    with viz.trace(stats="full") as t:
        trainer.step()
    flow = t.grad_flow(tmp_path / "flow.svg")
    expected = [np.linalg.norm(g.numpy()) for g in trainer.gradients]
    np.testing.assert_allclose([row.gradient for row in flow.rows], expected, rtol=1e-5)
    assert [row.name for row in flow.rows] == [v.path for v in trainer.model.trainable_variables]
    assert flow.rows[0].zeros == 0.0
    assert not any(row.remark for row in flow.rows)
    assert "mlp/hidden_0/kernel" in str(flow)
    root = ET.parse(tmp_path / "flow.svg").getroot()
    assert len(root.findall(".//{*}g")) == len(flow.rows)
    assert flow.to_dict()[0]["name"] == "mlp/hidden_0/kernel"


def test_a_weight_used_twice_has_the_norm_of_the_sum():
    weight = ef.Variable(np.array([3.0, 4.0], "float32"), name="w")
    with viz.trace(stats="full") as t, ef.GradientTape() as tape:
        loss = ops.sum(weight * 2.0) + ops.sum(weight * weight)
        tape.gradient(loss, [weight])
    (row,) = t.grad_flow().rows
    assert row.gradient == pytest.approx(math.hypot(8.0, 10.0))
    assert row.weight == pytest.approx(5.0)


def test_planted_faults_are_remarked():
    dead = ef.Variable(np.ones(3, "float32"), name="dead")
    tiny = ef.Variable(np.ones(3, "float32"), name="tiny")
    huge = ef.Variable(np.ones(3, "float32"), name="huge")
    bad = ef.Variable(np.zeros(3, "float32"), name="bad")
    fine = [ef.Variable(np.ones(3, "float32"), name=f"fine_{i}") for i in range(3)]
    with np.errstate(all="ignore"), viz.trace(stats="full") as t:
        with ef.GradientTape() as tape:
            parts = [ops.relu(dead * -1.0), tiny * 1e-8, huge * 1e4, ops.sqrt(bad), *fine]
            loss = sum((ops.sum(part) for part in parts), ops.sum(parts[0]))
        tape.gradient(loss, [dead, tiny, huge, bad, *fine])
    remarks = {row.name: row.remark for row in t.grad_flow().rows}
    assert remarks == {
        "dead": "no gradient flows",
        "tiny": "vanishing",
        "huge": "exploding",
        "bad": "3 not finite",
        "fine_0": "",
        "fine_1": "",
        "fine_2": "",
    }
    assert "3 not finite" in t.grad_flow().svg


def test_grad_flow_without_numbers_says_what_to_do(steps, tmp_path):
    trainer = Trainer(mlp())
    with viz.trace() as t:
        trainer.step()
    with pytest.raises(ValueError, match="stats='basic'"):
        t.grad_flow()
    with viz.trace(stats="basic") as t:
        ops.exp(ef.Tensor([1.0]))
    with pytest.raises(ValueError, match="no gradient"):
        t.grad_flow()
    with pytest.raises(ValueError, match="svg"):
        steps.grad_flow(tmp_path / "a.gif")


def test_threads_get_tracks_of_their_own(tmp_path):
    import contextvars

    with viz.trace() as t:
        ops.exp(ef.Tensor([1.0]))
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(ops.tanh, ef.Tensor([1.0])))
        thread.start()
        thread.join()
    found = perfetto(t, tmp_path)
    assert {e["tid"] for e in found if e["ph"] == "X"} == {0, 1}
    assert {e["args"]["name"] for e in found if e["name"] == "thread_name"} == {"main", "thread 1"}
