"""A student learns from a teacher."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import eagerflow as ef
from eagerflow.distillation import DistillationLoss, Distiller, FeatureDistillation, LogitsDistillation

RNG = numpy.random.default_rng(0)
X = RNG.normal(size=(64, 6)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype("int64")


def model(*sizes: int, name: str) -> ef.Model:
    ef.utils.set_random_seed(len(sizes))
    hidden = [ef.layers.Dense(n, "relu", name=f"hidden_{i}") for i, n in enumerate(sizes[:-1])]
    return ef.Sequential([ef.Input((6,)), *hidden, ef.layers.Dense(sizes[-1])], name=name)


def distiller(losses: Any = None, **settings: Any) -> Distiller:
    made = Distiller(model(16, 8, 2, name="teacher"), model(8, 2, name="student"), losses, **settings)
    made.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return made


def test_the_student_comes_nearer_to_a_teacher_that_stays() -> None:
    made = distiller(LogitsDistillation(2.0), student_loss_weight=0.0)
    before = made.teacher.get_weights()
    losses = made.fit(X, Y, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    for old, new in zip(before, made.teacher.get_weights(), strict=True):
        assert_array_equal(old, new)
    assert_array_equal(made.predict(X, verbose=0), made.student.predict(X, verbose=0))


def test_the_loss_is_the_weighted_sum_of_both() -> None:
    kd = LogitsDistillation(3.0)
    features = FeatureDistillation("mae", "hidden_1", "hidden_0")
    made = distiller([kd, features], distillation_loss_weights=[2.0, 0.5], student_loss_weight=0.3)
    found = made.evaluate(X, Y, return_dict=True, verbose=0, batch_size=64)
    teacher, student = made.teacher(X), made.student(X)
    own = ef.losses.SparseCategoricalCrossentropy(from_logits=True)(Y, student)
    inner = abs(made.teacher.layers[1](made.teacher.layers[0](X)) - made.student.layers[0](X)).mean()
    distilled = 2 * kd.compute_loss(teacher, student) + 0.5 * inner
    assert_allclose(found["student_loss"], float(own), rtol=1e-5)
    assert_allclose(found["distillation_loss"], float(distilled), rtol=1e-5)
    assert_allclose(found["loss"], 0.3 * float(own) + 0.7 * float(distilled), rtol=1e-5)


def test_soft_targets_are_softmax_whatever_the_loss_is_called() -> None:
    a, b = RNG.normal(size=(2, 5, 3)).astype("float32")
    p, q = (ef.ops.softmax(v / 2.0).numpy() for v in (a, b))
    wanted = 4 * (p * numpy.log(p / q)).sum(1).mean()
    for loss in ("kl_divergence", ef.losses.KLDivergence()):
        assert_allclose(float(LogitsDistillation(2.0, loss).compute_loss(a, b)), wanted, rtol=1e-4)


def test_sample_weights_count_for_the_targets() -> None:
    made = distiller(LogitsDistillation(), student_loss_weight=1.0)
    weights = numpy.repeat([1.0, 0.0], 32).astype("float32")
    weighted = made.evaluate(X, Y, sample_weight=weights, verbose=0, batch_size=64, return_dict=True)["loss"]
    own = ef.losses.SparseCategoricalCrossentropy(from_logits=True)(Y, made.student(X), weights)
    assert_allclose(weighted, float(own), rtol=1e-5)


def test_several_outputs_have_losses_of_their_own() -> None:
    def two(name: str) -> ef.Model:
        x = ef.Input((6,))
        return ef.Model(x, {"a": ef.layers.Dense(2)(x), "b": ef.layers.Dense(3)(x)}, name=name)

    made = Distiller(two("t"), two("s"), LogitsDistillation(loss={"a": "mse", "b": None}))
    made.compile("sgd", loss={"a": "mse", "b": "mae"})
    y = {"a": numpy.zeros((64, 2), "float32"), "b": numpy.zeros((64, 3), "float32")}
    assert numpy.isfinite(made.fit(X, y, verbose=0).history["loss"]).all()


def test_files_hold_both_models(tmp_path: pathlib.Path) -> None:
    made = distiller([LogitsDistillation(2.0), FeatureDistillation("mse", "hidden_1", "hidden_0")])
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "d.keras")
    again = ef.models.load_model(tmp_path / "d.keras")
    assert_array_equal(again.predict(X, verbose=0), made.predict(X, verbose=0))
    assert [type(loss) for loss in again.distillation_losses] == [LogitsDistillation, FeatureDistillation]
    assert again.distillation_losses[0].temperature == 2.0
    assert_array_equal(again.teacher.get_weights()[0], made.teacher.get_weights()[0])


class Vector(DistillationLoss):
    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        return ef.ops.mean(teacher_outputs - student_outputs, axis=1)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: Distiller("t", model(2, name="s"), LogitsDistillation()), "Teacher must be"),
        (lambda: Distiller(model(2, name="t"), model(3, name="s"), LogitsDistillation()), "incompatible"),
        (lambda: distiller(None), "None"),
        (lambda: distiller([LogitsDistillation()], distillation_loss_weights=[1, 2]), "must match"),
        (lambda: distiller(LogitsDistillation(), student_loss_weight=2), "between"),
        (lambda: distiller(FeatureDistillation(teacher_layer_name="nope")), "In teacher model.*nope"),
        (lambda: LogitsDistillation(temperature=0), "positive"),
        (lambda: LogitsDistillation(loss=[None, None]), "at least one"),
        (lambda: distiller(LogitsDistillation()).compile("sgd"), "loss"),
        (lambda: distiller(Vector()).fit(X, Y, verbose=0), "non-scalar"),
    ],
)
def test_what_makes_no_sense_is_refused(ask: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ask()
