"""`remat` and `RematScope`: the same numbers from less memory."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from eagerflow.layers import BatchNormalization, Dense, Dropout, Layer

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def plainly(f: Callable[..., Any]) -> Callable[..., Any]:
    return f


def weights() -> list[ef.Variable]:
    rng = numpy.random.default_rng(0)
    return [ef.Variable(rng.normal(size=s).astype("float32") / 3) for s in ((3, 4), (4, 6), (6, 4))]


def block(a: ef.Variable, b: ef.Variable) -> Callable[[Any], Any]:
    return lambda x: ops.tanh(ops.silu(x @ a) @ b) + x * x


def equal(first: Any, second: Any) -> bool:
    return all(numpy.array_equal(a, b) for a, b in zip(first, second, strict=True))


def gradients(wrap: Wrap, order: int) -> Any:
    """Of the block used twice, once with its input used outside, too."""
    sources = weights()
    x, a, b = sources
    tapes = [ef.GradientTape() for _ in range(order)]
    for tape in tapes:
        tape.__enter__()
    f = wrap(block(a, b))
    found = ops.sum(f(f(x) + x))
    for tape in reversed(tapes):
        tape.__exit__()
        gradient = tape.gradient(found, sources)
        found = sum(ops.sum(g * g) for g in gradient)
    return gradient


@pytest.mark.parametrize("order", [1, 2, 3])
def test_gradients_of_any_order_are_exactly_those_of_what_is_kept(order: int) -> None:
    assert equal(gradients(ef.remat, order), gradients(plainly, order))


def test_what_is_nested_is_exact_too() -> None:
    def nested(f: Callable[..., Any]) -> Callable[..., Any]:
        return ef.remat(lambda x: ef.remat(f)(ef.remat(f)(x)))

    for order in (1, 2):
        assert equal(gradients(nested, order), gradients(lambda f: lambda x: f(f(x)), order))


def test_a_persistent_tape_and_a_jacobian_compute_it_as_often_as_they_need() -> None:
    for ask in (lambda tape, y, x: tape.jacobian(y, x), lambda tape, y, x: tape.gradient(y, x)):
        found = []
        for wrap in (ef.remat, plainly):
            x, a, b = weights()
            with ef.GradientTape(persistent=True) as tape:
                y = wrap(block(a, b))(x)
            assert equal([ask(tape, y, a)], [ask(tape, y, a)])
            found.append(ask(tape, y, a))
        assert equal(found[:1], found[1:])


def test_tensors_that_escape_keep_their_gradients() -> None:
    found = []
    for wrap in (ef.remat, plainly):
        x, a, _ = weights()
        escaped: list[Any] = []

        def f(x: Any, a: ef.Variable = a, escaped: list[Any] = escaped) -> Any:
            escaped.append(ops.exp(x @ a))
            return escaped[-1] * 2

        with ef.GradientTape() as tape:
            y = wrap(f)(x)
            total = ops.sum(y) + ops.sum(escaped[0] ** 2)
        found.append(tape.gradient(total, [x, a, escaped[0]]))
    assert equal(*found)


def test_tensors_from_around_are_found() -> None:
    x = weights()[0]
    with ef.GradientTape() as tape:
        h = ops.sin(x)
        total = ops.sum(ef.remat(lambda y: y * h)(ops.cos(x)))
    numpy.testing.assert_allclose(tape.gradient(total, x), numpy.cos(2 * x.numpy()), rtol=1e-5, atol=1e-6)


def test_a_gradient_inside_is_recomputed_too() -> None:
    def penalty(x: Any) -> Any:
        with ef.GradientTape() as inner:
            inner.watch(x)
            y = ops.sum(ops.tanh(x) ** 2)
        return y + ops.sum(inner.gradient(y, x) ** 2)

    found = []
    for wrap in (ef.remat, plainly):
        x = weights()[0]
        with ef.GradientTape() as tape:
            y = wrap(penalty)(x * 1.5)
        found.append([tape.gradient(y, x)])
    assert equal(*found)


def test_a_gradient_of_ones_own_is_used_at_any_order() -> None:
    @ef.custom_gradient
    def exp_slowly(x: Any) -> Any:
        y = ops.exp(x)
        return y, lambda upstream: upstream * y * 0.5

    found = []
    for wrap in (ef.remat, plainly):
        x = ef.Variable([0.3, 0.7])
        with ef.GradientTape() as outer:
            with ef.GradientTape() as tape:
                y = ops.sum(wrap(exp_slowly)(x * 2.0))
            g = tape.gradient(y, x)
        found.append([g, outer.gradient(g, x)])
    assert equal(*found)


def test_all_draws_are_repeated_and_go_on_as_without() -> None:
    def noisy(x: Any) -> Any:
        noise = ef.random.normal((3, 4)) * random.random()
        return x * noise * numpy.random.rand(3, 4).astype("float32")  # noqa: NPY002

    found = []
    for wrap in (ef.remat, plainly):
        ef.utils.set_random_seed(5)
        x = weights()[0]
        with ef.GradientTape() as tape:
            y = wrap(noisy)(x)
        drawn = [ef.random.normal((2,)), random.random()]
        found.append([y, tape.gradient(y, x), *drawn, ef.random.normal((2,))])
    assert equal(*found)


def test_values_that_were_read_are_those_of_the_first_run() -> None:
    v, seen = ef.Variable(2.0), ef.Variable(3.0, trainable=False)
    layer = Scaled(v, seen)
    with ef.GradientTape() as tape:
        y = ef.remat(layer)(ef.ops.ones((1,)))
    v.assign(10.0)
    seen.assign(20.0)
    assert float(tape.gradient(y, v)) == 12.0  # d(v * v * seen)/dv at 2 and 3
    assert (float(v), float(seen)) == (10.0, 20.0)


class Scaled(Layer):
    def __init__(self, v: ef.Variable, seen: ef.Variable) -> None:
        super().__init__()
        self.v, self.seen = v, seen

    def call(self, x: Any) -> Any:
        return x * self.v * self.v * self.seen


def test_another_path_the_second_time_is_told() -> None:
    calls: list[int] = []

    def fickle(x: Any) -> Any:
        calls.append(1)
        return ops.exp(x) if len(calls) == 1 else ops.sin(x)

    x = weights()[0]
    with ef.GradientTape() as tape:
        y = ef.remat(fickle)(x)
    with pytest.raises(RuntimeError, match="fickle ran other ops"):
        tape.gradient(y, x)


def test_a_tape_from_around_may_not_be_paused_inside() -> None:
    x = weights()[0]
    tape = ef.GradientTape()

    def f(x: Any) -> Any:
        with tape.stop_recording():
            return x * 2

    with tape, pytest.raises(RuntimeError, match="stop_gradient"):
        ef.remat(f)(x)


def held(tape: ef.GradientTape) -> int:
    """The bytes of arrays that a tape keeps."""
    arrays: dict[int, Any] = {}

    def collect(thing: Any) -> None:
        if isinstance(thing, numpy.ndarray):
            arrays[id(thing)] = thing
        elif isinstance(thing, ef.Tensor):
            arrays[id(thing.data)] = thing.data
        elif isinstance(thing, (tuple, list)):
            for part in thing:
                collect(part)
        elif hasattr(thing, "unfolds") and thing.unfolds:
            collect(thing.args)

    for window in tape._windows:
        collect(list(window.log))
    return sum(array.nbytes for array in arrays.values())


def test_a_tape_holds_the_inputs_alone() -> None:
    x, a, b = ef.ops.ones((1000, 4)), *weights()[1:]
    kept = []
    for wrap in (ef.remat, plainly):
        with ef.GradientTape() as tape:
            y = wrap(block(a, b))(x)
        kept.append(held(tape))
        del y
    assert kept[0] <= x.data.nbytes
    assert kept[1] >= 4 * x.data.nbytes


def network(scope: Any) -> ef.Model:
    ef.utils.set_random_seed(1)
    with scope:
        model = ef.Sequential(
            [
                ef.Input((6,)),
                Dense(64, activation="relu", activity_regularizer="l2", name="first"),
                BatchNormalization(),
                Dropout(0.3),
                Dense(64, activation="gelu", name="second"),
                Inner(),
                Dense(2),
            ]
        )
    model.compile("adam", "mse", metrics=["mae"])
    return model


class Inner(Layer):
    """Builds its own layers when it is first called, and adds a loss."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = [Dense(64, activation="tanh"), Dropout(0.2), BatchNormalization()]

    def call(self, x: Any) -> Any:
        y = x
        for part in self.parts:
            y = part(y)
        self.add_loss(ops.mean(y * y) * 0.1)
        return y + x


@pytest.fixture(scope="module")
def numbers() -> Any:
    rng = numpy.random.default_rng(0)
    return rng.normal(size=(40, 6)).astype("float32"), rng.normal(size=(40, 2)).astype("float32")


@pytest.mark.parametrize(
    "scope",
    [
        ef.RematScope(),
        ef.RematScope("activations"),
        ef.RematScope("larger_than", output_size_threshold=600),
        ef.RematScope("list_of_layers", layer_names=["second", "first"]),
        ef.RematScope(None),
    ],
    ids=lambda scope: str(scope.mode),
)
def test_training_in_a_scope_gives_exactly_the_same_model(scope: Any, numbers: Any) -> None:
    found = []
    for around in (scope, nullcontext()):
        model = network(around)
        history = model.fit(*numbers, epochs=2, batch_size=16, verbose=0).history
        found.append((history, model.get_weights(), [v.numpy() for v in model.variables], model.losses))
    assert found[0][0] == found[1][0]
    for part in (1, 2, 3):
        assert equal(found[0][part], found[1][part])


def test_mixed_precision_gives_exactly_the_same_gradients() -> None:
    found = []
    for around in (ef.RematScope(), nullcontext()):
        ef.utils.set_random_seed(2)
        with around:
            layer = Dense(5, activation="tanh", dtype="mixed_float16")
        with ef.GradientTape() as tape:
            y = ops.sum(layer(ops.ones((3, 4))))
        found.append(tape.gradient(y, layer.trainable_weights))
    assert equal(*found)


def test_only_the_layers_that_were_meant_are_computed_again(numbers: Any) -> None:
    def again(scope: Any) -> list[str]:
        model = network(scope)
        model.train_on_batch(*numbers)
        with viz.trace() as recording:
            model.train_on_batch(*numbers)
        return [s.name.removesuffix(" again") for s in recording.scopes if s.name.endswith(" again")]

    layers = len(network(nullcontext()).layers)
    assert len(again(ef.RematScope())) == layers  # not the layers of Inner once more, nor the model
    assert again(ef.RematScope("list_of_layers", layer_names=["second"])) == ["second"]
    assert len(again(ef.RematScope("larger_than", output_size_threshold=40 * 64 - 1))) == layers - 1
    assert again(ef.RematScope("larger_than", output_size_threshold=40 * 64)) == []
    assert again(nullcontext()) == []


def test_scopes_nest_and_end() -> None:
    with ef.RematScope():
        with ef.RematScope(None):
            inner = Dense(2)
        outer = Dense(2)
    assert [layer._ef_state.remat_mode for layer in (inner, Dense(2))] == [None, None]
    assert outer._ef_state.remat_mode.mode == "full"
    with pytest.raises(ValueError, match="larger_than"):
        ef.RematScope("larger")


def test_recordings_show_the_memory_that_is_saved(numbers: Any) -> None:
    x = numpy.tile(numbers[0], (50, 1))
    y = numpy.tile(numbers[1], (50, 1))
    peaks, updates = [], []
    for around in (ef.RematScope(), nullcontext()):
        ef.utils.set_random_seed(1)
        with around:
            model = ef.Sequential([ef.Input((6,)), Dense(64), Inner(), Inner(), Inner(), Dense(2)])
        model.compile("sgd", "mse")
        model.train_on_batch(x, y)
        with viz.trace() as recording:
            model.train_on_batch(x, y)
        peaks.append(recording.memory().peak)
        updates.append([op.name for op in recording.ops if op.phase == "update" or "assign" in op.name])
        assert all(op.phase == "backward" for op in recording.ops if _again(recording, op))
    assert peaks[0] < 0.75 * peaks[1]
    assert updates[0] == updates[1]  # states change once


def _again(recording: viz.Recording, op: Any) -> bool:
    return any(scope.name.endswith(" again") for scope in recording.ancestors(op.scope))
