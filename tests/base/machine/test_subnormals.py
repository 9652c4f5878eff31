"""Numbers below the smallest normal one are zero in steps and gradients, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow.base.machine.subnormals import mode_functions, without_subnormals
from eagerflow.kernels.machine.threads import each

TINY = np.float32(1e-40)
pytestmark = pytest.mark.skipif(mode_functions() is None, reason="only x86-64 with glibc has the setting")


def are_kept() -> bool:
    return bool(TINY * np.float32(1) != 0)


def test_within_the_scope_they_are_zero_and_afterwards_as_before():
    assert are_kept()
    with without_subnormals:
        assert not are_kept()
        with without_subnormals:
            assert not are_kept()
        assert not are_kept()
    assert are_kept()


def test_an_exception_leaves_the_scope():
    with pytest.raises(KeyError), without_subnormals:
        raise KeyError
    assert are_kept()


def test_a_thread_that_runs_beside_keeps_them():
    found, ask, answered = list[bool](), threading.Event(), threading.Event()

    def look() -> None:
        ask.wait(60)
        found.append(are_kept())
        answered.set()

    threading.Thread(target=look).start()
    with without_subnormals:
        ask.set()
        assert answered.wait(60)
    assert found == [True]


def test_workers_that_were_started_in_a_scope_keep_them_outside_of_it():
    code = (
        "import threading, numpy as np, eagerflow as ef\n"
        "from eagerflow.base.machine.subnormals import without_subnormals\n"
        "from eagerflow.kernels.machine.threads import each\n"
        "ef.set_num_threads(2)\n"
        "both, kept = threading.Barrier(2, timeout=60), [None] * 2\n"
        "def look(i):\n"
        "    both.wait()\n"
        "    kept[i] = bool(np.float32(1e-40) * np.float32(1) != 0)\n"
        "with without_subnormals: each(look, 2)\n"
        "inside = list(kept)\n"
        "each(look, 2)\n"
        "print(inside, kept)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[False, False] [True, True]"


@pytest.mark.parametrize("inside", [False, True])
def test_workers_do_as_the_thread_that_they_work_for(inside):
    both, kept = threading.Barrier(2, timeout=60), [None, None]

    def look(i: int) -> None:
        both.wait()  # so that two threads take one each
        kept[i] = are_kept()

    ef.set_num_threads(2)
    try:
        if inside:
            with without_subnormals:
                each(look, 2)
        else:
            each(look, 2)
    finally:
        ef.set_num_threads(None)
    assert kept == [not inside] * 2


def test_a_gradient_that_vanishes_is_zero():
    x = ef.Variable([1.0, 2.0])
    with ef.GradientTape() as tape:
        y = ef.ops.sum(x * 1e-20 * 1e-20)
    assert tape.gradient(y, x).tolist() == [0.0, 0.0]
    assert are_kept()


def test_ops_outside_of_steps_keep_them():
    assert float(ef.Tensor(1e-20) * 1e-20) != 0


def test_an_update_leaves_none_in_the_moments():
    weight, adam = ef.Variable([1.0]), ef.optimizers.Adam()
    adam.build([weight])
    moment = next(v for v in adam.variables if v.shape == (1,))
    moment.assign([TINY])
    assert float(moment[0]) != 0
    adam.apply([ef.Tensor([0.0])], [weight])
    assert float(moment[0]) == 0


@pytest.mark.parametrize("jit_compile", [False, True])
def test_steps_of_fit_update_without_them_and_all_else_keeps_them(jit_compile):
    seen = list[bool]()

    class Look(ef.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(are_kept())

    class Scaled(ef.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=shape[1:], initializer="ones")

        def call(self, x):
            return x * self.scale * 1e-20

    scaled = Scaled()
    model = ef.Sequential([scaled, Scaled(), ef.layers.Dense(1)])
    model.compile(ef.optimizers.SGD(1e-3, momentum=0.9), "mse", jit_compile=jit_compile)
    x = np.ones((8, 3), "float32")
    model.fit(x, np.ones((8, 1), "float32"), batch_size=2, epochs=2, verbose=0, callbacks=[Look()])
    assert seen == [True] * 8
    momentum = next(v for v in model.optimizer.variables if v.shape == (3,))
    assert not momentum.numpy().any()
    assert ef.ops.any(model.layers[1](scaled(ef.Tensor(x))) != 0)


def test_replays_have_the_bits_of_eager_runs():
    def step(x):
        with ef.GradientTape() as tape:
            tape.watch(x)
            small = x * 1e-20 * 1e-20
            loss = ef.ops.sum(small * 3)
        return small, tape.gradient(loss, x)

    captured = ef.function(step, verify_every=3)  # which compares them
    results = [captured(ef.Tensor([1.0, 2.0])) for _ in range(9)]
    assert captured.replays >= 4
    assert "with without_subnormals:" in captured.programs[0]
    for small, gradient in [step(ef.Tensor([1.0, 2.0])), *results]:
        assert small.numpy().all()
        assert not gradient.numpy().any()
    assert are_kept()


def test_a_watched_replay_has_them_where_an_unwatched_one_has():
    @ef.function
    def step(x):
        with ef.GradientTape() as tape:
            tape.watch(x)
            loss = ef.ops.sum(x * 1e-20 * 1e-20)
        return loss, tape.gradient(loss, x)

    for _ in range(3):
        step(ef.Tensor([1.0]))
    with viz.trace() as trace:
        loss, gradient = step(ef.Tensor([1.0]))
    assert any(op.replayed for op in trace.ops)
    assert float(loss) != 0
    assert float(gradient[0]) == 0


def test_a_long_gru_gives_no_gradient_below_the_normal_ones():
    ef.utils.set_random_seed(0)
    gru, x = ef.layers.GRU(4, return_sequences=False), ef.Variable(np.zeros((2, 300, 3), "float32"))
    with ef.GradientTape() as tape:
        loss = ef.ops.sum(gru(x))
    g = np.abs(tape.gradient(loss, x).numpy())
    assert g[:, -1].max() > 1e-4
    assert g[:, 0].max() < 1e-30
    assert not ((0 < g) & (g < np.finfo("float32").tiny)).any()


def test_the_environment_keeps_them():
    code = (
        "import numpy as np, eagerflow as ef\n"
        "x = ef.Variable([1.0])\n"
        "with ef.GradientTape() as tape: y = ef.ops.sum(x * 1e-20 * 1e-20)\n"
        "print(float(tape.gradient(y, x)[0]) != 0)"
    )
    for value, kept in (("1", "True"), ("0", "False")):
        environment = {**os.environ, "EAGERFLOW_SUBNORMALS": value}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == kept
