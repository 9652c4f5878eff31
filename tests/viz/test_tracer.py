from __future__ import annotations

import contextlib
import gc
import threading
import weakref

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from eagerflow.core import observe
from tests.viz.nets import Trainer


def names(t, **wanted):
    return [op.name for op in t.find(**wanted)]


def test_an_op_knows_inputs_outputs_settings_and_line():
    with viz.trace() as t:
        ops.sum(ef.Tensor(np.ones((2, 3), "float32")), axis=1, keepdims=True)
    (op,) = t.ops
    assert op.input_names == ("x",)
    assert t.tensors[op.inputs[0]].shape == (2, 3)
    assert t.tensors[op.inputs[0]].role == "input"
    made = t.tensors[op.outputs[0]]
    assert (made.shape, made.dtype, made.nbytes, made.producer) == ((2, 1), "float32", 8, 0)
    assert op.settings["axis"] == 1
    assert op.settings["keepdims"] is True
    assert op.source.file == __file__
    assert "ops.sum(ef.Tensor" in op.source.code
    assert op.source.function == "test_an_op_knows_inputs_outputs_settings_and_line"


def test_numbers_among_the_arguments_are_settings():
    with viz.trace() as t:
        ops.multiply(ef.Tensor([1.0, 2.0]), 3.0)
    (op,) = t.ops
    assert len(op.inputs) == 1
    assert 3.0 in op.settings.values()


@pytest.mark.parametrize("number", [0, 1, True, 2.5])
def test_plain_numbers_are_never_taken_for_tensors(number):
    with viz.trace() as t:
        ops.exp(ef.Tensor([1.0, 2.0]))
        ops.add(ef.Tensor([3.0, 4.0]), number)
    op = t.ops[-1]
    assert len(op.inputs) == 1
    assert op.settings["x2"] == number


@pytest.mark.parametrize("number", [0, 1])  # in the second, the weights aren't those any more that were first met
def test_every_backward_op_leads_to_its_forward_op(steps, number):
    step = [op for op in steps.ops if op.step == number]
    forward = [op for op in step if op.phase == "forward"]
    backward = [op for op in step if op.phase == "backward"]
    assert [op.forward for op in backward] == [op.id for op in reversed(forward)]
    assert [op.name for op in backward] == [op.name for op in reversed(forward)]
    for op in backward:
        for i in op.outputs:
            gradient = steps.tensors[i]
            of = steps.tensors[gradient.gradient_of]
            assert gradient.role == "gradient"
            assert of.id in steps.ops[op.forward].inputs
            assert of.shape == gradient.shape


def test_an_update_makes_the_next_version_which_the_next_step_reads(steps):
    first = next(op for op in steps.ops if op.phase == "update" and op.step == 0)
    before, after = steps.tensors[first.inputs[0]], steps.tensors[first.outputs[0]]
    assert (before.version, after.version, after.name) == (0, 1, before.name)
    assert after.storage == before.storage
    readers = [op for op in steps.ops if after.id in op.inputs and op.phase == "forward"]
    assert readers
    assert {op.step for op in readers} == {1}


def test_measured_gradients_are_the_gradients_returned():
    trainer = Trainer()
    trainer.step()
    with viz.trace(stats="basic") as t:
        trainer.step()
    for gradient, weight in zip(trainer.gradients, trainer.model.trainable_variables):
        update = next(op for op in t.ops if op.phase == "update" and t.tensors[op.inputs[0]].name == weight.path)
        found = t.tensors[update.inputs[1]].stats
        assert found.max == pytest.approx(float(gradient.numpy().max()), rel=1e-6)


def test_a_gradient_used_twice_is_the_sum_of_its_parts():
    x = ef.Variable([2.0, 3.0], name="x")
    with viz.trace() as t, ef.GradientTape() as tape:
        y = ops.exp(x)
        loss = ops.sum(ops.add(ops.multiply(y, y), y))
        tape.gradient(loss, x)
    (back,) = [op for op in t.ops if op.phase == "backward" and op.name == "exp"]
    assert {t.ops[t.tensors[i].producer].name for i in back.inputs} == {"add", "multiply"}


def test_a_recorded_backward_pass_links_each_op_to_the_op_it_differentiates():
    x = ef.Variable([0.5], name="x")
    with viz.trace() as t, ef.GradientTape() as outer:
        with ef.GradientTape() as inner:
            y = ops.tanh(x)
        first = inner.gradient(y, x)
        outer.gradient(first, x)
    assert float(first.numpy()[0]) == pytest.approx(1 - np.tanh(0.5) ** 2, rel=1e-6)
    backward = [op for op in t.ops if op.phase == "backward"]
    assert len(backward) > 2
    assert all(op.forward is not None for op in backward)
    assert t.ops[0].name == "tanh"
    for op in backward:
        while op.phase == "backward":
            op = t.ops[op.forward]
        assert op.id == 0


def test_scopes_have_parents_owners_calls_and_places(steps):
    layers = [scope for scope in steps.scopes if scope.kind == "layer"]
    assert {scope.name for scope in layers} == {"hidden_0", "head"}
    hidden = [scope for scope in layers if scope.name == "hidden_0"]
    assert [scope.call for scope in hidden] == [0, 1]
    assert len({scope.owner for scope in hidden}) == 1
    model = steps.scopes[hidden[0].parent]
    assert (model.kind, model.name, model.cls) == ("model", "mlp", "Sequential")
    assert hidden[0].params == 5 * 16 + 16
    assert hidden[0].config["units"] == 16
    assert steps.path(hidden[0].id) == "mlp/hidden_0"
    assert hidden[0].created_at.file.endswith("nets.py")
    assert "Dense(16" in hidden[0].created_at.code
    assert steps.tensors[hidden[0].outputs[0]].shape == (8, 16)


def test_the_stack_inside_layers_is_the_users(steps):
    op = steps.find("dense", layer="head")[0]
    assert [frame.function for frame in op.stack[:2]] == ["step", "steps"]
    assert not any("eagerflow" in frame.file.split("tests")[-1] for frame in op.stack)


def test_times_lie_within_each_other(steps):
    for op in steps.ops:
        assert 0 <= op.start <= op.end
        for scope in steps.ancestors(op.scope):
            assert scope.start <= op.start
            assert op.end <= scope.end
    assert sum(op.duration for op in steps.ops) <= steps.meta["duration"]


def test_what_the_first_recording_waits_for_is_no_part_of_it(monkeypatch):
    read = []
    monkeypatch.setattr(observe.above, "load_kernels", lambda: read.append(observe.clock()))
    capture = viz.trace()._started(None)
    capture.stop()
    assert len(read) == 1
    assert read[0] < capture.began


def test_options_leave_things_out():
    trainer = Trainer()
    with viz.trace(time=False, memory=False, source=False, backward=False) as t:
        trainer.step()
    assert all(op.start is None and op.stack == () for op in t.ops)
    assert all(tensor.storage is None for tensor in t.tensors)
    assert t.storages == []
    assert not t.find(phase="backward")
    assert t.find(phase="update")


def test_the_same_run_gives_the_same_recording_but_for_times():
    def run():
        ef.utils.set_random_seed(1)
        trainer = Trainer()
        with viz.trace(stats="full", time=False, memory=False) as t:
            trainer.step()
        return t

    a, b = run(), run()
    assert [(op.name, op.inputs, op.outputs, op.stack) for op in a.ops] == [
        (op.name, op.inputs, op.outputs, op.stack) for op in b.ops
    ]
    assert [tensor.stats for tensor in a.tensors] == [tensor.stats for tensor in b.tensors]


def test_an_exception_leaves_a_partial_recording_with_the_failing_op():
    x = ef.Tensor(np.ones((2, 3), "float32"))
    with pytest.raises(ValueError, match="matmul"), viz.trace() as t:
        ops.matmul(ops.tanh(x), x)
    assert names(t) == ["tanh", "matmul"]
    assert t.ops[0].error is None
    assert t.ops[1].error.startswith("ValueError")
    assert t.ops[1].outputs == ()
    assert any("ended by ValueError" in note for note in t.notes)
    assert "matmul" in t.summary()
    assert "failed in matmul" in repr(t)


def test_an_empty_trace_can_be_shown():
    with viz.trace() as t:
        pass
    assert t.ops == []
    assert "0 ops" in t.summary()
    assert "op" in t.top()
    assert "nothing was recorded: no op of eagerflow ran" in t._repr_html_()


def test_there_is_no_picture_of_nothing(tmp_path):
    with viz.trace() as t:
        pass
    with pytest.raises(ValueError, match="nothing was recorded, so there is nothing to draw: no op of eagerflow ran"):
        t.draw(tmp_path / "empty.svg")
    assert not any(tmp_path.iterdir())
    model = ef.Sequential([ef.Input((8,)), ef.layers.Dense(2)])
    with pytest.raises(ValueError, match="4"), viz.trace() as t:
        model(np.ones((2, 4), "float32"))
    with pytest.raises(ValueError, match=r"nothing to draw: ended by ValueError: .*4"):
        t.draw()


def test_traces_nest():
    with viz.trace() as outer:
        x = ops.tanh(ef.Tensor([1.0]))
        with viz.trace() as inner:
            y = ops.exp(x)
        ops.multiply(y, x)
    assert names(inner) == ["exp"]
    assert names(outer) == ["tanh", "exp", "multiply"]
    assert outer.parents(outer.ops[2]) == [1, 0]


def test_tensors_of_an_earlier_trace_are_inputs():
    with viz.trace():
        x = ops.tanh(ef.Tensor([1.0]))
    with viz.trace() as t:
        ops.exp(x)
    assert t.tensors[t.ops[0].inputs[0]].role in ("input", "constant")
    assert t.tensors[t.ops[0].inputs[0]].producer is None


def test_threads_record_only_their_own():
    found = {}

    def work(name, op):
        with viz.trace() as t:
            for _ in range(50):
                op(ef.Tensor([1.0]))
        found[name] = t

    threads = [threading.Thread(target=work, args=(f.__name__, f)) for f in (ops.exp, ops.tanh)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(found["exp"]) == ["exp"] * 50
    assert names(found["tanh"]) == ["tanh"] * 50


def test_recording_keeps_no_tensor_alive():
    gc.collect()
    with viz.trace(stats="full") as t:
        tensor = ops.tanh(ef.Tensor(np.ones(100, "float32")))
        array = weakref.ref(tensor.data)
        del tensor
        assert array() is None
    made = t.tensors[t.ops[-1].outputs[0]]
    piece = t.storages[made.storage]
    assert piece.nbytes == 400
    assert piece.freed is not None
    assert piece.allocated <= piece.freed


def test_a_closed_recording_leaves_no_reference_cycles():
    gc.disable()
    try:
        with viz.trace(stats="basic") as t:
            observer = weakref.ref(observe.current()[-1])
            ops.tanh(ef.Tensor([1.0]))
        assert observer() is None
    finally:
        gc.enable()
    assert len(t.ops) == 1


def test_views_share_memory():
    with viz.trace() as t:
        x = ops.tanh(ef.Tensor(np.ones((2, 3), "float32")))
        y = ops.reshape(x, (3, 2))
    a, b = (t.tensors[op.outputs[0]] for op in (t.ops[0], t.ops[-1]))
    assert (a.storage == b.storage) is np.shares_memory(x.data, y.data)
    assert t.storages[a.storage].freed is None


def test_max_ops_cuts_with_a_note():
    with viz.trace(max_ops=3) as t:
        x = ef.Tensor([1.0])
        for _ in range(10):
            x = ops.tanh(x)
    assert len(t.ops) == 3
    (note,) = t.notes
    assert "max_ops=3" in note
    assert "7 more" in note
    assert note in t.summary()


def test_a_decorated_function_returns_its_result_and_keeps_the_recording():
    @viz.trace
    def f(x, *, scale=1.0):
        """Doc."""
        return ops.multiply(ops.tanh(x), scale)

    assert f(ef.Tensor([0.0]), scale=2.0).numpy().tolist() == [0.0]
    assert names(f.recording) == ["tanh", "multiply"]
    assert f.recording.name == "f"
    assert f.__doc__ == "Doc."
    g = viz.trace("named", memory=False)(lambda: ops.tanh(ef.Tensor([1.0])))
    g()
    assert g.recording.name == "named"


def test_reading_an_open_recording_says_when_it_can_be_read():
    with viz.trace() as t:
        with pytest.raises(RuntimeError, match=r"read \.ops after"):
            _ = t.ops
        assert repr(t) == "<recording in progress>"
    assert t.ops == []
    with pytest.raises(AttributeError, match="nonsense"):
        _ = t.nonsense


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"stats": "some"}, ValueError, "'none', 'basic', 'full'"),
        ({"max_ops": -1}, ValueError, "max_ops=-1"),
        ({"max_ops": "many"}, TypeError, "max_ops='many'"),
        ({"max_ops": 1.5}, TypeError, "whole number"),
        ({"values": 5}, TypeError, "regular expression"),
        ({"name": 3}, TypeError, "a title or a function"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        viz.trace(**arguments)


def test_wrong_arguments_of_what_reads_recordings(steps):
    for wrong, error, says in (
        (lambda: steps.summary(9), ValueError, "step=9: the recording has the steps 0 to 1"),
        (lambda: steps.summary("1"), TypeError, "step='1'"),
        (lambda: steps.grad_flow(step=-1), ValueError, "step=-1"),
        (lambda: steps.top(n="a"), TypeError, "number of lines"),
        (lambda: viz.load(5), TypeError, "path of a file; got int"),
        (lambda: viz.summary(5, None), TypeError, "expected a model or layer; got int"),
        (lambda: viz.watch(5), TypeError, "expected a model or layer; got int"),
    ):
        with pytest.raises(error, match=says):
            wrong()


def test_an_exception_outside_of_ops_is_told_of():
    layer = ef.layers.Dense(3, name="picky")
    layer(ops.ones((2, 5)))
    with pytest.raises(ValueError, match="picky"), viz.trace() as t:
        layer(layer(ops.ones((2, 5))))
    assert "ended by ValueError" in repr(t)
    assert "ended by ValueError" in t.draw().graph.caption
    assert 'ended by ValueError: Dense "picky" expects' in t.summary()


def test_one_tracer_can_not_be_open_twice():
    tracer = viz.trace()
    with tracer, pytest.raises(RuntimeError, match="open already"), tracer:
        pass


def test_scopes_that_began_before_the_trace_are_no_trouble():
    with contextlib.ExitStack() as stack:
        stack.enter_context(observe.scope("layer", "outside"))
        tracer = viz.trace()
        t = tracer.__enter__()
        ops.tanh(ef.Tensor([1.0]))
        stack.pop_all().close()
        ops.exp(ef.Tensor([1.0]))
        tracer.__exit__()
    assert names(t) == ["tanh", "exp"]
    assert t.scopes == []


def test_logs_are_kept():
    with viz.trace() as t:
        observe.logs("epoch", 2, {"loss": np.float32(0.5)})
    (logs,) = t.logs
    assert (logs.kind, logs.step, logs.values) == ("epoch", 2, {"loss": 0.5})


def test_recording_works_on_every_device(device):
    w = ef.Variable(np.ones((3, 2), "float32"), name="w")
    with viz.trace(stats="full") as t, ef.GradientTape() as tape:
        y = ops.sum(ops.tanh(ops.matmul(ef.Tensor(np.ones((4, 3), "float32")), w)))
        gradient = tape.gradient(y, w)
    assert {tensor.device for tensor in t.tensors} == {device}
    assert [op.name for op in t.find(phase="backward")] == ["sum", "tanh", "matmul"]
    made = next(t.tensors[i] for op in t.find("matmul", phase="backward") for i in op.outputs)
    assert made.stats.max == pytest.approx(float(gradient.numpy().max()), rel=1e-6)
    assert made.storage is not None
    assert t.draw().svg


def test_reading_a_trace_before_its_block_says_how_to_record():
    with pytest.raises(AttributeError, match=r"write `with viz.trace\(\) as t:`.*t.summary after"):
        viz.trace().summary()
    with pytest.raises(AttributeError, match="no attribute 'sumary'"):
        viz.trace().sumary()


def test_find_names_the_phases_it_knows(steps):
    with pytest.raises(ValueError, match=r"find\(phase='foward'\).*did you mean 'forward'"):
        steps.find(phase="foward")


@pytest.mark.parametrize(
    ("asked", "meant"), [("html", "to_html"), ("tensorboard", "to_tensorboard"), ("summry", "summary")]
)
def test_a_name_that_a_recording_lacks_is_answered_with_the_one_that_was_meant(asked, meant):
    with viz.trace() as t:
        ef.ops.add(1.0, 2.0)
    with pytest.raises(AttributeError, match=f"a recording has no '{asked}'; did you mean '{meant}'"):
        getattr(t, asked)
    assert not hasattr(t, "_repr_latex_")


def test_viz_tells_its_version():
    assert viz.__version__ == ef.__version__


def test_ops_tensors_and_scopes_show_themselves_in_a_few_words():
    with viz.trace() as t:
        ef.layers.Dense(3, name="out")(np.ones((2, 4), "float32"))
    op = next(op for op in t.ops if op.name == "dense")
    shown = repr(op)
    assert shown.startswith(f"<op {op.id} 'dense' (forward): tensors {', '.join(map(str, op.inputs))} → ")
    assert shown.endswith(f":{op.source.line}>")
    assert repr(t.tensors[op.outputs[0]]) == f"<tensor {op.outputs[0]}: 2×3 float32, activation>"
    assert repr(t.tensors[op.inputs[1]]).endswith(": 4×3 float32, parameter 'out/kernel'>")
    assert repr(t.scopes[0]) == "<scope 0: layer 'out' (Dense)>"


def test_a_tracer_that_is_asked_for_its_recording_says_where_that_is():
    tracer = viz.trace()
    with pytest.raises(AttributeError, match=r"nothing is recorded yet, so there is no \.summary: write"):
        tracer.summary()
    with tracer:
        ef.ops.tanh(1.0)
    with pytest.raises(AttributeError, match=r"the recording is what `as` gives.* so there is no \.top"):
        tracer.top()
