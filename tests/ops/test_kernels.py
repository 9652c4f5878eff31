"""Every op with a hand-written kernel agrees with its plain composition: values, and gradients of both kinds."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.base import tree
from eagerflow.core.device import namespace_of
from eagerflow.core.lowering import load_kernels
from eagerflow.core.primitive import registry
from eagerflow.core.tensor import Tensor
from eagerflow.kernels.machine.costs import Columns

LABELS = np.array([[0, 2], [1, 1], [2, 0]])


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def bools(*shape):
    return np.random.default_rng(shape).random(shape) < 0.6


def convolutions():
    """Arrays and settings of convolutions over one, two and three axes, with and without groups."""
    for padding, stride, dilation in itertools.product(("valid", "same"), (1, 2, 3), (1, 2)):
        yield [normal(2, 6, 5, 4), normal(3, 2, 2, 6)], settings_of(padding, stride, dilation)
    for padding, stride in (("valid", 1), ("same", 2)):
        yield [normal(2, 7, 2), normal(3, 2, 3)], settings_of(padding, stride, 2)
        yield [normal(1, 4, 5, 6, 2), normal(2, 1, 2, 2, 2)], settings_of(padding, stride, 1)
    for shape, kernel in (((2, 3, 4, 3), (1, 1, 3, 2)), ((1, 1, 1, 1), (1, 1, 1, 1)), ((0, 4, 4, 2), (2, 2, 2, 3))):
        yield [normal(*shape), normal(*kernel)], {}
    yield [normal(2, 6, 3), normal(3, 3, 2)], {"padding": "causal", "dilation_rate": 2}


def settings_of(padding, stride, dilation):
    return {"padding": padding, "strides": stride, "dilation_rate": dilation}


def with_bias():
    for i, (arrays, settings) in enumerate(convolutions()):
        yield [*arrays, normal(arrays[1].shape[-1], seed=1)], {**settings, "relu": bool(i % 2)}


def depthwise():
    for arrays, settings in convolutions():
        x, kernel = arrays
        yield [x, normal(*kernel.shape[:-2], x.shape[-1], 2)], settings


def transposed():
    for padding, stride, extra in itertools.product(("valid", "same"), (1, 2, 3), (None, 0)):
        settings = {"padding": padding, "strides": stride, "output_padding": extra}
        yield [normal(2, 5, 2), normal(3, 4, 2)], settings
        yield [normal(2, 3, 4, 3), normal(2, 3, 2, 3)], settings
    yield [normal(1, 2, 3, 2, 2), normal(2, 2, 3, 2, 2)], {"dilation_rate": 2}


def transposed_with_bias():
    for i, (arrays, settings) in enumerate(transposed()):
        if i % 2:
            yield [*arrays, normal(arrays[1].shape[-2], seed=1)], {**settings, "relu": i % 4 == 1}


def pooling():
    for size, stride, padding in itertools.product((1, 2, (3, 2)), (None, 1, 3), ("valid", "same")):
        yield [normal(2, 6, 5, 3)], {"pool_size": size, "strides": stride, "padding": padding}
    yield [normal(2, 7, 3)], {"pool_size": 3, "padding": "same"}
    yield [normal(1, 4, 5, 6, 2)], {"pool_size": 2}
    yield [np.ones((1, 4, 4, 1))], {"pool_size": 2, "strides": 1}  # nothing but ties
    yield [normal(0, 4, 4, 1)], {"pool_size": 2}


def layouts(cases):
    """Every second case with channels first."""
    for i, (arrays, settings) in enumerate(cases):
        if i % 2 and "causal" not in settings.values():
            yield [np.moveaxis(arrays[0], -1, 1), *arrays[1:]], {**settings, "data_format": "channels_first"}
        else:
            yield arrays, settings


def over_time(gates, states, *biases, **settings):
    for batch, steps, features, units in ((2, 3, 2, 3), (1, 1, 1, 1), (3, 5, 4, 2), (2, 0, 3, 2)):
        weights = [normal(features, gates * units), normal(units, gates * units, seed=1)]
        weights += [normal(gates * units, seed=i) if wanted else None for i, wanted in enumerate(biases)]
        arrays = [normal(batch, steps, features), *[normal(batch, units, seed=i) for i in range(states)], *weights]
        yield [*arrays, None], settings
        yield [*arrays, bools(batch, steps)], settings
        yield [*arrays, bools(batch, steps)], {**settings, "all_steps": False}


def of_pairs(cases, required):
    """Each case with a second layer beside the first: other numbers, and neither bias nor mask."""
    for arrays, settings in cases:
        others = [a * 0.7 - 0.1 for a in arrays[:required]]
        rest = arrays[required:]
        yield [*arrays[:required], *others, *rest, *rest], settings
        yield [*others, *arrays[:required], *[None] * len(rest), *rest], settings


def attention():
    for heads, key_heads, cap in ((4, 4, None), (4, 2, 1.5), (3, 1, None)):
        q, k, v = normal(2, 3, heads, 5), normal(2, 6, key_heads, 5), normal(2, 6, key_heads, 2)
        for bias, mask, causal in (
            (None, None, False),
            (None, None, True),
            (normal(2, heads, 3, 6), None, False),
            (None, bools(2, 1, 3, 6), True),
            (normal(3, 6), bools(6), False),
            (None, np.zeros((3, 6), bool), False),
        ):
            yield [q, k, v, bias, mask], {"is_causal": causal, "attn_logits_soft_cap": cap}


CASES = {
    "conv": list(layouts(convolutions())),
    "conv_bias": list(layouts(with_bias())),
    "dense": [
        ([normal(*lead, 4), normal(4, 3), normal(3)], {"relu": relu})
        for lead in ((5,), (2, 3), (1,), (0,), (2, 0))
        for relu in (False, True)
    ],
    "depthwise_conv": list(layouts(depthwise())),
    "conv_transpose": list(layouts(transposed())),
    "conv_transpose_bias": list(layouts(transposed_with_bias())),
    "max_pool": list(layouts(pooling())),
    "average_pool": list(layouts(pooling())),
    "lstm": list(over_time(4, 2, True)),
    "gru": [*over_time(3, 1, True, True), *over_time(3, 1, True, False, reset_after=False)],
    "lstm_pair": list(of_pairs(over_time(4, 2, True), 5)),
    "gru_pair": list(of_pairs(over_time(3, 1, True, True), 4)),
    "simple_rnn": list(over_time(1, 1, True)),
    "dot_product_attention": list(attention()),
    "gelu_exact": [([normal(3, 4)], {}), ([normal(0, 2)], {})],
    "group_norm": [
        ([normal(2, 3, 4), normal(4), normal(4)], {"groups": 2}),
        ([normal(2, 5, 6), None, normal(6)], {"groups": 6}),
        ([normal(3, 4), normal(4), None], {}),
    ],
    "normalize_batch": [
        ([normal(2, 3, 4), normal(4), normal(4)], {"axes": (0, 1)}),
        ([normal(5, 2), None, normal(2)], {"axes": (0,)}),
        ([normal(2, 3, 4), normal(3), None], {"axes": (0, 2)}),
        ([normal(1, 2), None, None], {"axes": (0,)}),
    ],
    "layer_norm": [
        ([normal(2, 3, 4), normal(4), normal(4)], {}),
        ([normal(2, 3, 4), normal(2, 1, 4), None], {"axes": (0, 2)}),
        ([normal(3, 1), None, normal(1)], {}),
    ],
    "rms_norm": [([normal(2, 3, 4), normal(4)], {}), ([normal(2, 3), None], {"axes": (0,)})],
    "batch_normalization": [
        ([normal(2, 3, 4), normal(4), abs(normal(4)), normal(4, seed=1), normal(4, seed=2)], {"axis": -1}),
        ([normal(2, 3, 4), normal(3), abs(normal(3)), None, None], {"axis": 1, "epsilon": 0.1}),
    ],
    "softmax_crossentropy": [([normal(*s), normal(*s, seed=1) * 9], {}) for s in ((3, 4), (2, 3, 5), (1, 1), (0, 3))],
    "sparse_softmax_crossentropy": [
        ([LABELS, normal(3, 2, 3) * 9], {}),
        ([LABELS[:, 0], normal(3, 3)], {}),
        ([LABELS[:0], normal(0, 2, 3)], {}),
    ],
    "ctc_loss": [
        ([np.array([[1, 2, 2], [3, 1, 0]]), normal(2, 6, 4), np.array([3, 2]), np.array([6, 4])], {}),
        ([np.array([[1], [0]]), normal(2, 3, 4), np.array([1, 0]), np.array([3, 2])], {"mask_index": 2}),
        ([np.array([[1, 1]]), normal(1, 3, 2), np.array([2]), np.array([3])], {}),
    ],
}


load_kernels()  # and with them the ops that layers alone would read


def test_every_kernel_is_here():
    kernels = {n for n, op in registry.items() if op.reference and op.mathematics.__module__.startswith("eagerflow.")}
    assert kernels == CASES.keys()


def on_device(arrays):
    return [None if a is None else Tensor(a) for a in arrays]


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_the_composition(name, device):
    for arrays, settings in CASES[name]:
        compare_values(name, arrays, settings)
        compare_gradients(name, arrays, settings)


def compare_values(name, arrays, settings):
    op = registry[name]
    tensors = on_device(arrays)
    raw = [t if t is None else t.data for t in tensors]
    keeps = {"keep": True} if "keep" in inspect.signature(op.forward).parameters else {}
    made = op.forward(namespace_of(*raw), **dict(zip(op.arrays, raw)), **settings, **keeps)
    found, *saved = made if op.saves else (made,)
    defaults = {n: p.default for n, p in inspect.signature(op.call).parameters.items() if n in op.settings}
    extras = {n: Tensor(s, None, None) if hasattr(s, "dtype") else s for n, s in zip(op.saves, saved, strict=True)}
    named = dict(zip(op.arrays, tensors, strict=True))
    expected = op.reference(**named, **{**defaults, **settings, **extras})
    for ours, plain in zip(tree.flatten(found), tree.flatten(expected), strict=True):
        assert ours.shape == plain.shape
        np.testing.assert_allclose(Tensor(ours).numpy(), plain.numpy(), rtol=1e-9, atol=1e-9)


def compare_gradients(name, arrays, settings):
    """The first gradient runs the kernel's rule; the second, taken while another tape records, the composition."""
    tensors = on_device(arrays)
    sources = [t for t in tensors if t is not None and t.dtype.kind == "f"]
    by_rule = gradients(name, tensors, sources, settings)
    with ef.GradientTape() as outer:
        outer.watch(sources)
        by_composition = gradients(name, tensors, sources, settings)
    for ours, plain in zip(by_rule, by_composition, strict=True):
        np.testing.assert_allclose(ours.numpy(), plain.numpy(), rtol=1e-8, atol=1e-8)


def called(name, tensors, settings):
    """The op's outputs, its arrays given by name."""
    op = registry[name]
    return op.call(**dict(zip(op.arrays, tensors)), **settings)


def gradients(name, tensors, sources, settings):
    """Of all outputs, each element weighted differently."""
    with ef.GradientTape() as tape:
        tape.watch(sources)
        outputs = tree.flatten(called(name, tensors, settings))
    upstream = [Tensor(normal(*o.shape, seed=i)) for i, o in enumerate(outputs)]
    return tape.gradient(outputs, sources, output_gradients=upstream, unconnected_gradients="zero")


def test_images_in_several_blocks(monkeypatch):
    """The batch is taken apart so that the matrix of windows stays small."""
    arrays, settings = [normal(5, 6, 5, 2), normal(3, 2, 2, 3)], {"padding": "same"}
    tensors = on_device(arrays)
    whole = gradients("conv", tensors, tensors, settings)
    monkeypatch.setattr(Columns, "ROOM", 2 * 8 * 30 * (12 + 3))  # two images of float64
    compare_values("conv", arrays, settings)
    for in_blocks, at_once in zip(gradients("conv", tensors, tensors, settings), whole, strict=True):
        np.testing.assert_allclose(in_blocks.numpy(), at_once.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32(name):
    for arrays, settings in CASES[name][::4]:
        tensors = [t if t is None or t.dtype != "float64" else t.astype("float32") for t in on_device(arrays)]
        sources = [t for t in tensors if t is not None and t.dtype.kind == "f"]
        with ef.GradientTape() as tape:
            tape.watch(sources)
            outputs = tree.flatten(called(name, tensors, settings))
        found = tape.gradient(outputs, sources, unconnected_gradients="zero")
        assert {t.dtype.name for t in (*outputs, *found)} == {"float32"}
