from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from tests.viz.nets import Trainer, batch, mlp


def traced(pattern, steps=1):
    trainer = Trainer()
    trainer.step()
    with viz.trace(values=pattern) as t:
        for _ in range(steps):
            trainer.step()
    return trainer, t


def test_values_of_an_op_are_what_it_returned():
    with viz.trace(values="^tanh$") as t:
        y = ops.tanh(ef.Tensor([1.0, 2.0]))
        ops.exp(y)
    assert list(t.labels.values()) == ["tanh"]
    np.testing.assert_array_equal(t.value("tanh"), y.numpy())


def test_labels_name_layers_variables_and_gradients():
    trainer, t = traced("kernel")
    kernel = trainer.model.weights[0]
    assert "gradients/" + kernel.path in t.labels.values()
    np.testing.assert_allclose(t.value("gradients/" + kernel.path), trainer.gradients[0].numpy())
    before, after = t.value(kernel.path, 0), t.value(kernel.path)
    np.testing.assert_array_equal(after, kernel.numpy())
    np.testing.assert_allclose(after, before - 0.1 * trainer.gradients[0].numpy(), rtol=1e-5)


def test_values_are_copies_and_survive_a_file(tmp_path):
    _, t = traced("hidden_0/dense|^input$", steps=2)
    t.save(tmp_path / "a.efz")
    loaded = viz.load(tmp_path / "a.efz")
    assert loaded.labels == t.labels
    assert set(loaded.values) == set(t.values)
    for number, value in t.values.items():
        np.testing.assert_array_equal(loaded.values[number], value)
        assert value.shape == t.tensors[number].shape
    assert loaded.value("mlp/hidden_0/dense").shape == (8, 16)


def test_nothing_is_kept_unless_asked(steps):
    assert steps.values == {}
    with pytest.raises(KeyError, match="no values were kept"):
        steps.value("tanh")


def test_a_wrong_label_names_near_ones():
    _, t = traced("hidden_0")
    with pytest.raises(KeyError, match="mlp/hidden_0/tanh"):
        t.value("mlp/hidden_0/tan")
    with pytest.raises(IndexError, match="there are 1"):
        t.value("mlp/hidden_0/tanh", 4)


def test_a_wrong_pattern_is_refused():
    with pytest.raises(ValueError, match="not a regular expression"):
        viz.trace(values="(")


def test_damaged_values_are_refused(tmp_path):
    _, t = traced("tanh")
    t.save(tmp_path / "a.efz")
    with zipfile.ZipFile(tmp_path / "a.efz") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    packed = io.BytesIO()
    np.savez(packed, **{"99999": np.ones(3)})
    parts["values.npz"] = packed.getvalue()
    with zipfile.ZipFile(tmp_path / "b.efz", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(viz.TraceFileError, match="99999"):
        viz.load(tmp_path / "b.efz")


def compiled():
    model = mlp()
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_only_chosen_steps_of_a_fit_are_recorded(tmp_path):
    x, y = batch()
    model = compiled()
    with viz.trace(steps=(1, 3)) as t:
        model.fit(x, y, batch_size=2, epochs=1, verbose=0)
        ops.tanh(ef.Tensor([1.0]))
    assert [step.number for step in t.steps] == [1, 3]
    assert {op.step for op in t.ops} == {0, 1}
    assert not any(op.name == "tanh" and op.scope is None for op in t.ops)
    assert t.find(phase="backward")
    assert t.find(phase="update")
    assert all(op.source.file == __file__ for op in t.find("matmul"))
    assert "step 3  ·" in t.draw().graph.caption
    t.save(tmp_path / "a.efz")
    assert [step.number for step in viz.load(tmp_path / "a.efz").steps] == [1, 3]


def test_steps_that_never_ran_are_noted():
    trainer = Trainer()
    with viz.trace(steps=[0, 7]) as t:
        trainer.step()
    assert len(t.steps) == 1
    assert "step 7 was asked for" in t.notes[0]


def own_loop(count=3, fails_in=None):
    weight = ef.Variable(np.ones(3, "float32"), name="weight")
    for i in range(count):
        with viz.step():
            with ef.GradientTape() as tape:
                loss = ops.sum(ops.exp(weight))
            if i == fails_in:
                raise KeyError("planted")
            weight.assign_sub(tape.gradient(loss, weight) * 0.1)


def test_a_step_that_fails_is_marked():
    with pytest.raises(KeyError), viz.trace() as t:
        own_loop(fails_in=2)
    assert [t.scopes[step.scope].error is None for step in t.steps] == [True, True, False]
    assert "step 1 of 0–2" in t.draw().source  # the last complete one
    own_loop()  # nothing is recorded: it does nothing
    with pytest.raises(TypeError, match="expected a text"):
        viz.step(3)


@pytest.mark.parametrize(
    ("steps", "error", "says"),
    [(-1, ValueError, "got -1"), (1.5, TypeError, "expected step numbers"), ([True], TypeError, "whole")],
)
def test_wrong_steps_are_refused(steps, error, says):
    with pytest.raises(error, match=says):
        viz.trace(steps=steps)


def test_a_pattern_that_is_in_no_label_is_told_with_some_labels():
    net = ef.Sequential([ef.layers.Dense(2)])
    net(ops.ones((2, 3)))
    with viz.trace(values="nosuch") as t:
        net(ops.ones((2, 3)))
    (note,) = t.notes
    assert re.search(r"values='nosuch' \(--values\) is found; labels are such as 'sequential\w*/dense\w*/kernel'", note)
    with viz.trace(values="kernel$") as t:
        net(ops.ones((2, 3)))
    assert not t.notes
