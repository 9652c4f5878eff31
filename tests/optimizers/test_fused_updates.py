"""Updates on a GPU as one launch for all variables: on the stand-in, which runs the kernel, and on CuPy."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.device import load_cupy
from eagerflow.kernels.gpu.written import Unwritable
from eagerflow.optimizers.updates import fused

SHAPES = ((40, 30), (30,), (), (1,), (3, 1, 5000))
SCHEDULE = ef.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)
MADE = {
    "sgd": lambda: ef.optimizers.SGD(0.1),
    "momentum": lambda: ef.optimizers.SGD(SCHEDULE, momentum=0.9, nesterov=True),
    "adam": lambda: ef.optimizers.Adam(SCHEDULE),
    "amsgrad": lambda: ef.optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "adamw": lambda: ef.optimizers.AdamW(SCHEDULE, weight_decay=0.1),
    "adamax": lambda: ef.optimizers.Adamax(0.01),
    "nadam": lambda: ef.optimizers.Nadam(0.01, global_clipnorm=1.0),
    "rmsprop": lambda: ef.optimizers.RMSprop(SCHEDULE, momentum=0.5, centered=True),
    "adagrad": lambda: ef.optimizers.Adagrad(0.1, use_ema=True),
    "adadelta": lambda: ef.optimizers.Adadelta(1.0),
    "lion": lambda: ef.optimizers.Lion(0.01, gradient_accumulation_steps=2),
    "ftrl": lambda: ef.optimizers.Ftrl(0.01),
    "adamw with a part excluded": lambda: excluded(ef.optimizers.AdamW(SCHEDULE, weight_decay=0.1)),
    "rmsprop without momentum": lambda: ef.optimizers.RMSprop(0.01),
    "a rate of 0 at first": lambda: ef.optimizers.SGD(
        ef.optimizers.schedules.PolynomialDecay(0.0, 4, 0.1), momentum=0.9
    ),
}


def excluded(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["w1"])
    return optimizer


def gradients(step, dtype):
    rng = np.random.default_rng(step)
    return [np.asarray(rng.normal(size=shape), dtype) for shape in SHAPES]


def updated(make, device, dtype="float32", between=lambda i, variables: None):
    with ef.device(device):
        optimizer = make()
        variables = [ef.Variable(np.full(shape, 0.5, dtype), name=f"w{i}") for i, shape in enumerate(SHAPES)]
        for i in range(7):
            between(i, variables)
            optimizer.apply(list(map(ef.Tensor, gradients(i, dtype))), variables)
        return [v.numpy() for v in (*variables, *optimizer.variables)], optimizer


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", MADE)
def test_weights_and_slots_are_those_of_the_cpu(name, dtype):
    (found, optimizer), (expected, _) = (updated(MADE[name], where, dtype) for where in ("gpu:0", "cpu"))
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-7)
    written = getattr(optimizer.rule, "elementwise", False)
    assert any(update._addresses for update in optimizer._fused._updates.values()) == written


@pytest.mark.usefixtures("kernels")
def test_weights_that_move_and_those_that_others_hold_are_updated_where_they_are():
    held = []

    def between(i, variables):
        if i == 3:
            variables[0].assign(np.full(SHAPES[0], 2.0, "float32"))
        if i in (2, 5):
            held.append(variables[1].value.numpy() if i == 2 else variables[1].value)

    adam = lambda: ef.optimizers.Adam(0.1)  # noqa: E731
    found, _ = updated(adam, "gpu:0", between=between)
    kept = np.asarray(held[1].numpy())
    expected, _ = updated(adam, "cpu", between=between)
    np.testing.assert_allclose(kept, held[3].numpy(), rtol=1e-5)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.usefixtures("kernels")
def test_copies_have_tables_of_their_own():
    _, optimizer = updated(MADE["adam"], "gpu:0")
    assert optimizer._fused._updates
    assert copy.deepcopy(optimizer)._fused._updates == {}


@pytest.mark.usefixtures("kernels")
def test_a_rule_that_isnt_arithmetic_of_elements_is_run_as_it_is():
    def make():
        optimizer = ef.optimizers.SGD(0.1)
        plain = optimizer.rule

        def rule(xp, w, g, slots, settings, scratch):
            plain(xp, w, xp.where(g > 0, g, g), slots, settings, scratch)

        rule.elementwise = True
        optimizer.rule = rule
        return optimizer

    found, optimizer = updated(make, "gpu:0")
    expected, _ = updated(make, "cpu")
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    assert optimizer._fused._updates != {}
    assert optimizer._fused._unwritable


@pytest.mark.usefixtures("kernels")
def test_a_whole_update_is_one_launch():
    cupy = load_cupy()
    _, optimizer = updated(MADE["adam"], "gpu:0")
    (update,) = optimizer._fused._updates.values()
    pieces = len(update._tables[0]) // 16
    assert pieces == sum(-(-max(1, int(np.prod(shape))) // fused._PIECE) for shape in SHAPES)
    assert isinstance(update._tables[1], cupy.ndarray)


RULES = [
    (ef.optimizers.SGD(0.1), "r0 = g * s0; a0 = a0 - r0;"),
    (ef.optimizers.SGD(0.1, momentum=0.9), "r0 = g * s0; a1 = a1 * s1; a1 = a1 - r0; a0 = a0 + a1;"),
]


@pytest.mark.parametrize(("optimizer", "expected"), RULES)
def test_rules_are_written_step_by_step(optimizer, expected, monkeypatch):
    sources = []
    monkeypatch.setattr(fused, "compiled", lambda source, name, *settled: sources.append(source))
    fused._kernel.cache_clear()
    settings = optimizer.settings(0.1)
    kept = tuple(None if setting else 0.0 for setting in settings)
    fused._kernel(optimizer.rule, len(settings) - 1 if settings[1:] and settings[1] else 0, 1, kept, "f")
    fused._kernel.cache_clear()
    assert expected in sources[0]


def test_what_isnt_arithmetic_is_said():
    with pytest.raises(Unwritable):
        fused._kernel(lambda xp, w, *_: w.sum(), 0, 0, (), "f")
