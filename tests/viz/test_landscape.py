"""`viz.loss_landscape`: the loss around a model's weights."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz


@pytest.fixture(scope="module")
def trained():
    ef.utils.set_random_seed(0)
    model = ef.Sequential([ef.Input((3,)), ef.layers.BatchNormalization(), ef.layers.Dropout(0.5), ef.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    return model, x, x.sum(axis=1, keepdims=True)


def test_the_middle_is_the_model_as_it_is_and_the_model_stays_so(trained):
    model, x, y = trained
    loss, before = model.evaluate(x, y, verbose=0, return_dict=True)["loss"], model.get_weights()
    found = viz.loss_landscape(model, x, y, points=5, distance=0.5)
    assert found.losses[2, 2] == pytest.approx(loss)
    assert found.distances.tolist() == [-0.5, -0.25, 0.0, 0.25, 0.5]
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_is_the_loss_with_weights_that_are_moved_by_their_own_size():
    model = ef.Sequential([ef.Input((1,)), ef.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    found = viz.loss_landscape(model, np.ones((1, 1)), np.zeros((1, 1)), points=3)
    first, second = (1 if found.losses[at] > 1 else -1 for at in ((2, 1), (1, 2)))  # which way each direction points
    expected = [[(1 + first * a + second * b) ** 2 for b in (-1, 0, 1)] for a in (-1, 0, 1)]
    np.testing.assert_allclose(found.losses, expected, atol=1e-6)


def test_the_same_seed_gives_the_same_landscape(trained):
    first, second, other = (viz.loss_landscape(*trained, points=3, seed=seed).losses for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_it_is_drawn(trained, tmp_path, ending):
    found = viz.loss_landscape(*trained, points=3)
    assert found.save(tmp_path / f"loss.{ending}").stat().st_size > 500


def test_losses_that_are_no_numbers_are_drawn_as_the_highest():
    losses = np.array([[1.0, np.nan, 2.0], [1.0, 0.5, 1.0], [np.inf, 1.0, 1.0]])
    assert "<svg" in viz.LossLandscape(np.array([-1.0, 0.0, 1.0]), losses)._repr_svg_()


def test_what_it_cant_do_is_said(trained):
    model, x, y = trained
    with pytest.raises(TypeError, match="expected a model"):
        viz.loss_landscape(x, x, y)
    with pytest.raises(ValueError, match="odd number"):
        viz.loss_landscape(model, x, y, points=4)
    with pytest.raises(ValueError, match="compiled"):
        viz.loss_landscape(ef.Sequential([ef.Input((3,)), ef.layers.Dense(1)]), x, y)
