"""Mistakes with tensors, variables, ops, gradients, devices and threads."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.base.errors import TapeError
from tests.mistakes.checking import Mistake, check

A = np.ones((2, 3), "float32")


def tensor():
    return ef.Tensor(A)


def spent():
    x = ef.Variable([1.0, 2.0])
    with ef.GradientTape() as tape:
        y = ops.sum(x * x)
    tape.gradient(y, x)
    tape.gradient(y, x)


def changed_in_between():
    x = ef.Variable([1.0, 2.0])
    with ef.GradientTape() as tape:
        y = ops.sum(x * x)
    x.assign([3.0])
    tape.gradient(y, x)


def gradient_of(function, *sources):
    with ef.GradientTape() as tape:
        y = function()
    tape.gradient(y, sources or [ef.Variable([1.0])])


def watching(x):
    with ef.GradientTape() as tape:
        tape.watch(x)


def custom_of_another_number():
    @ef.custom_gradient
    def double(x, y):
        return x + y, lambda g: (g, g, g)

    x = ef.Variable([1.0])
    with ef.GradientTape() as tape:
        z = double(x, x)
    tape.gradient(z, x)


def loss_by_numpy():
    x = ef.Variable([1.0, 2.0])
    with ef.GradientTape() as tape:
        y = (x * x).numpy().mean()
    tape.gradient(y, x)


TENSORS: dict[str, Mistake] = {
    "item of many": (lambda: tensor().item(), ValueError, (".item()", "(2, 3)", "Reduce it")),
    "a position outside": (lambda: tensor()[5], IndexError, ("x[5] of float32[2, 3]: index 5 is out of bounds",)),
    "a position outside, behind a slice": (lambda: tensor()[1:, 9], IndexError, ("x[1:, 9] of float32[2, 3]: ",)),
    "a loss that left the tape": (loss_by_numpy, TypeError, ("float32", "leave out .numpy()")),
    "PyTorch's dim in an op": (
        lambda: ops.sum(tensor(), dim=1),
        TypeError,
        ("sum() got an unexpected keyword argument 'dim'. Use axis=",),
    ),
    "PyTorch's dim in a function of ops": (lambda: ops.std(tensor(), dim=1), TypeError, ("std()", "'dim'. Use axis=")),
    "PyTorch's dim in a method": (lambda: tensor().mean(dim=1), TypeError, ("mean()", "'dim'. Use axis=")),
    "PyTorch's keepdim": (lambda: ops.max(tensor(), keepdim=True), TypeError, ("'keepdim'. Use keepdims=",)),
    "a misspelt axis": (lambda: ops.softmax(tensor(), axiss=0), TypeError, ("'axiss'", "Did you mean 'axis'")),
    "where by shapes that don't fit": (
        lambda: ops.where(tensor() > 0, ops.zeros(4), 1.0),
        ValueError,
        ("where(bool[2, 3], float32[4], x2=1.0): shapes (2, 3) and (4,) don't broadcast",),
    ),
    "a position outside, by take": (lambda: ops.take(tensor(), 9, axis=0), IndexError, ("take(float32[2, 3]", "9")),
    "a stack of unequal shapes": (
        lambda: ops.stack([ops.zeros((4, 3)), ops.zeros((5, 3))]),
        ValueError,
        ("all tensors need the same shape; got (4, 3) and (5, 3)",),
    ),
    "a shape with too many elements": (lambda: tensor().reshape((5, -1)), ValueError, ("into shape (5, -1)",)),
    "text": (lambda: ef.Tensor("text"), TypeError, ("text",)),
    "ragged lists": (lambda: ef.Tensor([[1, 2], [3]]), (TypeError, ValueError), ("length",)),
    "a dict": (lambda: ef.Tensor({"a": 1}), TypeError, ("dict",)),
    "an unknown type": (lambda: ef.Tensor([1.0], "float33"), ValueError, ("float33",)),
    "a type as a number": (lambda: ef.Tensor([1.0], 32), (TypeError, ValueError), ("32",)),
    "a condition on many elements": (lambda: bool(tensor()), ValueError, ("2, 3",)),
    "a float of many elements": (lambda: float(tensor()), (TypeError, ValueError), ("2, 3",)),
    "a whole number of many elements": (lambda: int(tensor()), (TypeError, ValueError), ("2, 3",)),
    "an index of many elements": (lambda: [1, 2][tensor()], TypeError, ("index",)),
    "too many indices": (lambda: tensor()[0, 0, 0], IndexError, ("3", "2")),
    "an index of text": (lambda: tensor()["a"], (IndexError, TypeError), ("a",)),
    "an index of fractions": (lambda: tensor()[1.5], (IndexError, TypeError), ("integers",)),
    "a misspelt attribute": (lambda: tensor().shap, AttributeError, ("Tensor", "shap")),
    "a variable of zeros without a shape": (lambda: ef.Variable("zeros"), ValueError, ("zeros", "shape=")),
    "a variable of a negative length": (
        lambda: ef.Variable(ef.initializers.Zeros(), shape=(-1,)),
        ValueError,
        ("shape", "-1"),
    ),
    "a tensor in JSON": (lambda: json.dumps({"loss": tensor()}), TypeError, ("Tensor", "JSON serializable")),
}
OPS: dict[str, Mistake] = {
    "attention from one batch to another": (
        lambda: ops.dot_product_attention(ops.ones((2, 3, 1, 4)), ops.ones((3, 3, 1, 4)), ops.ones((3, 3, 1, 4))),
        ValueError,
        ("key", "batch of query, 2", "[3, 3, 1, 4]", "ops.repeat"),
    ),
    "a length that isn't known yet": (
        lambda: ops.zeros((ef.Input((3,)).shape[0], 2)),
        TypeError,
        ("zeros", "None is a length that the functional API doesn't know"),
    ),
    "rows of other lengths": (lambda: ops.add(A, ops.ones((2, 4))), ValueError, ("(2, 3) and (2, 4)", "equal or 1")),
    "shapes that don't add": (lambda: ops.add(A, np.ones((4, 5))), ValueError, ("add", "[2, 3]", "[4, 5]")),
    "an axis twice": (lambda: ops.sum(A, axis=(0, 0)), ValueError, ("sum", "duplicate")),
    "an axis of text": (lambda: ops.sum(A, axis="rows"), TypeError, ("sum", "rows")),
    "axes that aren't all": (lambda: ops.transpose(A, (0,)), ValueError, ("transpose",)),
    "a tensor where a list belongs": (lambda: ops.stack(3), TypeError, ("list",)),
    "text": (lambda: ops.add(A, "text"), TypeError, ("add", "text")),
    "None": (lambda: ops.add(A, None), TypeError, ("add", "None")),
    "no argument": (lambda: ops.add(A), TypeError, ("x2",)),
    "an unknown argument": (lambda: ops.sum(A, axs=0), TypeError, ("axs",)),
    "a negative length": (lambda: ops.zeros((-1, 2)), ValueError, ("-1",)),
    "a length of text": (lambda: ops.zeros("3"), (TypeError, ValueError), ("3",)),
    "rows and columns that differ, one axis apart": (
        lambda: ops.add(A, np.ones(2)),
        ValueError,
        ("(2, 3) and (2,)", "x[:, None] inserts an axis of length 1"),
    ),
    "another number of elements": (lambda: ops.reshape(A, (4, 2)), ValueError, ("reshape(", "(4, 2)", "-1")),
    "an axis too many in one of them": (
        lambda: ops.concatenate([A, np.ones((2, 4, 5))]),
        ValueError,
        ("(2, 3) and (2, 4, 5)", "number of axes"),
    ),
    "another length beside the joined axis": (
        lambda: ops.concatenate([A, np.ones((2, 4))], axis=0),
        ValueError,
        ("(2, 3) and (2, 4)", "same lengths"),
    ),
    "an axis beyond the last": (lambda: ops.sum(A, axis=3), ValueError, ("sum(", "axis 3", "use -2 to 1")),
    "one-hot labels for class numbers": (
        lambda: ef.losses.SparseCategoricalCrossentropy()(np.eye(3)[:2], A),
        ValueError,
        ("float32[2, 3]", "categorical loss", "argmax"),
    ),
    "a label beyond the last class": (
        lambda: ef.losses.SparseCategoricalCrossentropy(from_logits=True)(np.array([0, 5]), A),
        ValueError,
        ("sparse_categorical_crossentropy(", "from 0 to 2", "more outputs"),
    ),
    "a negative repetition": (lambda: ops.repeat(A, -1), ValueError, ("repeat", "-1")),
    "a misspelt op": (lambda: ops.reshpe(A, (6,)), AttributeError, ("reshpe",)),
    "a negative count of segments": (
        lambda: ops.segment_sum(np.ones(3), np.array([0, 1, 2]), num_segments=-1),
        ValueError,
        ("num_segments", "-1"),
    ),
    "a dropout rate above 1": (lambda: ef.random.dropout(A, 1.5), ValueError, ("rate", "1.5")),
    "a seed of text": (lambda: ef.random.normal((2,), seed="x"), (TypeError, ValueError), ("seed", "x")),
}
TAPES: dict[str, Mistake] = {
    "a tape used twice": (spent, TapeError, ("persistent=True",)),
    "a tape never opened": (lambda: ef.GradientTape().gradient(A, [ef.Variable([1.0])]), TapeError, ("with",)),
    "a gradient of no number": (lambda: ef.grad(lambda x: x)(tensor()), TypeError, ("one element", "jacobian")),
    "another shape assigned in between": (changed_in_between, ValueError, ("(2,)", "[1]")),
    "a source of numbers": (lambda: gradient_of(tensor, 3.0), TypeError, ("float",)),
    "a source of arrays": (lambda: gradient_of(tensor, A), TypeError, ("ndarray",)),
    "a target that is no tensor": (lambda: gradient_of(lambda: 3.0), TypeError, ("float",)),
    "None as target": (lambda: gradient_of(lambda: None), TypeError, ("None",)),
    "a custom gradient of another number": (custom_of_another_number, ValueError, ("3", "2")),
    "a gradient of what is no function": (lambda: ef.grad(3), TypeError, ("function", "int")),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_and_variables(name):
    check(TENSORS[name])


@pytest.mark.parametrize("name", OPS)
def test_ops(name):
    check(OPS[name])


@pytest.mark.parametrize("name", TAPES)
def test_tapes(name):
    check(TAPES[name])


def test_one_element_is_told_in_the_singular():
    with pytest.raises(ValueError, match="the last axis of x1 has 1 element, the axis of x2 that meets it has 3"):
        ops.matmul(np.ones((2, 1)), np.ones((3, 2)))


def test_outputs_of_layers_are_no_sources_of_a_tape():
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, name="inner"), ef.layers.Dense(1)])
    for persistent in (False, True):
        with ef.GradientTape(persistent=persistent) as tape:
            loss = ef.ops.sum(model(np.ones((1, 3), "float32")))
        with pytest.raises(TypeError, match=r"'inner'.* is symbolic.*\[layer.output, model.output\]"):
            tape.gradient(loss, model.get_layer("inner").output)


@pytest.mark.parametrize("of", [lambda model: model, lambda model: model.layers])
def test_gradients_of_a_model_or_its_layers_are_asked_for_its_weights(of):
    model = ef.Sequential([ef.layers.Dense(1)])
    with ef.GradientTape() as tape:
        loss = ops.sum(model(A))
    with pytest.raises(TypeError, match=r"Give its weights: model\.trainable_variables"):
        tape.gradient(loss, of(model))


ROWS = ef.Tensor(np.ones((2, 3), "float32"))


def test_a_shape_that_cannot_be_is_shown_as_it_was_written():
    with pytest.raises(ValueError, match=re.escape("into shape (-1, 3, 3): both need")):
        ops.reshape(ROWS, newshape=(-1, 3, 3))


def test_a_tape_shows_what_it_watches_and_has_recorded():
    tape = ef.GradientTape(persistent=True)
    assert repr(tape) == "<GradientTape: not entered, persistent; 0 ops recorded; watches variables and 0 tensors>"
    x = ef.Tensor(3.0)
    with tape:
        tape.watch(x)
        y = x * x
        assert repr(tape) == "<GradientTape: recording, persistent; 1 op recorded; watches variables and 1 tensor>"
    assert repr(tape).startswith("<GradientTape: stopped, persistent; 1 op recorded; ")
    with ef.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = x * x + x
    tape.gradient(y, x)
    assert repr(tape).startswith("<GradientTape: spent, ")


def test_an_axis_more_is_only_suggested_where_it_helps():
    with pytest.raises(ValueError, match="don't broadcast") as raised:
        ops.add(ops.zeros((10, 20)), ops.zeros(3))
    assert "x[:, None]" not in str(raised.value)
