from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.nets import Trainer
from viz.facts.flops import FORMULAS, flops
from viz.frameworks.torch.formulas import OF_TORCH


def counted(run, name):
    """The FLOPs of the last op of this name that `run` ran."""
    with viz.trace() as t:
        run()
    return flops(t, t.find(name)[-1])


def ones(*shape):
    return ef.Tensor(np.ones(shape, "float32"))


# The expected counts are spelled out by hand: outputs × what each output takes.
CASES = {
    "matmul": (lambda: ops.matmul(ones(3, 4), ones(4, 5)), 3 * 5 * (2 * 4)),
    "batched matmul": (lambda: ops.matmul(ones(7, 3, 4), ones(7, 4, 5)), 7 * 3 * 5 * (2 * 4)),
    "conv": (lambda: ops.conv(ones(2, 8, 8, 3), ones(3, 3, 3, 5), padding="same"), 2 * 8 * 8 * 5 * (2 * 3 * 3 * 3)),
    "strided conv": (lambda: ops.conv(ones(2, 8, 8, 3), ones(2, 2, 3, 5), strides=2), 2 * 4 * 4 * 5 * (2 * 2 * 2 * 3)),
    "grouped conv": (lambda: ops.conv(ones(1, 4, 4, 6), ones(1, 1, 2, 9)), 4 * 4 * 9 * (2 * 2)),
    "depthwise_conv": (
        lambda: ops.depthwise_conv(ones(1, 6, 6, 4), ones(3, 3, 4, 2), padding="same"),
        6 * 6 * 8 * (2 * 9),
    ),
    "conv_transpose": (
        lambda: ops.conv_transpose(ones(1, 4, 4, 3), ones(2, 2, 5, 3), strides=2),
        4 * 4 * 3 * (2 * 2 * 2 * 5),
    ),
    "max_pool": (lambda: ops.max_pool(ones(1, 6, 6, 2), 3), 2 * 2 * 2 * 9),
    "average_pool": (lambda: ops.average_pool(ones(1, 6, 6, 2), (2, 3)), 3 * 2 * 2 * 6),
    "tanh": (lambda: ops.tanh(ones(3, 4)), 12),
    "add": (lambda: ops.add(ones(3, 1), ones(1, 4)), 12),
    "sum": (lambda: ops.sum(ones(3, 4), axis=0), 12),
    "softmax": (lambda: ops.softmax(ones(3, 4)), 12 * 5),
    "reshape": (lambda: ops.reshape(ones(3, 4), (12,)), 0),
    "transpose": (lambda: ops.transpose(ones(3, 4)), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_formulas_agree_with_counting_by_hand(case):
    run, expected = CASES[case]
    assert counted(run, case.split()[-1]) == expected


@pytest.mark.parametrize(
    ("layer", "name", "expected"),
    [
        (layers.SimpleRNN(5), "simple_rnn", 2 * 6 * 5 * (2 * (3 + 5) + 2)),
        (layers.LSTM(5), "lstm", 2 * 6 * 5 * (2 * 4 * (3 + 5) + 9)),
        (layers.GRU(5), "gru", 2 * 6 * 5 * (2 * 3 * (3 + 5) + 10)),
    ],
)
def test_recurrent_layers_count_every_step(layer, name, expected):
    x = ones(2, 6, 3)
    layer(x)
    assert counted(lambda: layer(x), name) == expected


def test_attention_counts_scores_and_sums():
    x = ones(2, 6, 4, 8)  # batch, length, heads, size
    run = lambda: ops.dot_product_attention(x, x, x)  # noqa: E731
    assert counted(run, "dot_product_attention") == 2 * 4 * 6 * 6 * (2 * 8 + 5 + 2 * 8)


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(
    ("layer", "name", "gates", "elementwise", "biases"),
    [
        (layers.SimpleRNN(5), "simple_rnn", 1, 2, 1),
        (layers.LSTM(5), "lstm", 4, 9, 1),
        (layers.GRU(5), "gru", 3, 10, 2),
        (layers.Bidirectional(layers.LSTM(5)), "lstm_pair", 4, 9, 1),
    ],
)
def test_the_gradients_of_a_recurrent_layer_share_what_leads_back_through_time(
    layer, name, gates, elementwise, biases, given
):
    """Products for the kernels, the state and, where that isn't given, the sequence: never one for a bias."""
    x = ef.Variable(ones(2, 6, 3))
    layer(x)
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            y = layer(x if not given else ones(2, 6, 3))
        tape.gradient(y, [*layer.trainable_weights, *([] if given else [x])])
    backs = t.find(name, "backward") or t.find("lstm", "backward")  # the two directions in one op, or each by itself
    each = 2 * gates * (3 * (1 if given else 2) + 5 * 2) + biases * gates + elementwise
    assert sum(flops(t, back) for back in backs) == 2 * 6 * 5 * each * (2 if name == "lstm_pair" else 1)


@pytest.mark.parametrize(
    ("wanted", "each"),
    [("qkv", 2 * 8 + 2 * 8 + 5 + 4 * 8), ("v", 2 * 8), ("q", 2 * 8 + 5 + 2 * 8), ("qk", 16 + 5 + 32)],
)
def test_attentions_gradients_share_that_of_the_scores(wanted, each):
    given = {name: ef.Variable(ones(2, 6, 4, 8)) for name in "qkv"}
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            y = ops.dot_product_attention(*given.values())
        tape.gradient(y, [given[name] for name in wanted])
    (back,) = t.find("dot_product_attention", "backward")
    assert flops(t, back) == 2 * 4 * 6 * 6 * each


def test_a_backward_op_counts_once_per_gradient():
    a, b = ef.Variable(ones(4, 5)), ef.Variable(ones(5, 6))
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            y = ops.matmul(a, b)
        tape.gradient(y, [a, b])
    (back,) = t.find("matmul", "backward")
    assert flops(t, back) == 2 * (2 * 4 * 5 * 6)


def test_a_fused_op_counts_as_its_parts_and_its_backward_op_as_theirs(steps):
    first, head = (steps.find("dense", "forward", layer)[0] for layer in ("hidden_0", "head"))
    assert flops(steps, first) == 2 * 8 * 5 * 16 + 8 * 16
    assert flops(steps, head) == 2 * 8 * 16 * 3 + 8 * 3
    behind = {op.forward: op for op in steps.find("dense", "backward")}
    # The first layer's input needs no gradient; a bias is added to what needs one.
    assert flops(steps, behind[first.id]) == 2 * 8 * 5 * 16 + 2 * 8 * 16
    assert flops(steps, behind[head.id]) == 2 * (2 * 8 * 16 * 3) + 2 * 8 * 3


def test_ops_without_a_formula_are_unknown_not_free():
    with viz.trace() as t:
        ops.searchsorted(ones(4), ones(2))
    assert flops(t, t.ops[-1]) is None
    assert "without a formula" not in t.summary()  # no weights, no totals
    trainer = Trainer()
    with viz.trace() as t:
        trainer.step()
        ops.searchsorted(ones(4), ones(2))
    total = next(line for line in t.summary(0).splitlines() if line.startswith("total"))
    assert "+" not in total


def test_failed_ops_are_not_counted():
    with pytest.raises(ValueError), viz.trace() as t:
        ops.matmul(ones(2, 3), ones(2, 3))
    assert flops(t, t.ops[-1]) is None


def test_formulas_are_for_ops_that_exist():
    from eagerflow.core.primitive import Op

    known = {name: each.op for name, each in vars(ops).items() if isinstance(getattr(each, "op", None), Op)}
    missing = set(FORMULAS) - set(known) - {op.name for op in known.values()} - set(OF_TORCH)
    assert len(missing) < len(FORMULAS) // 3, missing


def test_a_model_counts_as_the_sum_of_its_layers():
    model = ef.Sequential([ef.Input((10,)), layers.Dense(20), layers.Dense(5)], name="m")
    rows = viz.summary(model).splitlines()
    total = next(row for row in rows if row.startswith("total"))
    assert "625" in total  # 20 × 20 + 20 and 5 × 40 + 5
