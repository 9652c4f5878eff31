"""A module of PyTorch as a layer. All but one test needs torch, which is not installed for the others."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import eagerflow as ef
from eagerflow.layers import TorchModuleWrapper

X = numpy.random.default_rng(0).normal(size=(8, 3)).astype("float32")


@pytest.fixture(name="torch")
def _torch() -> Any:
    return pytest.importorskip("torch")


def test_without_torch_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="pip install torch"):
        TorchModuleWrapper(object())


def network(torch: Any) -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))


def test_outputs_and_gradients_are_torchs(torch: Any) -> None:
    module = network(torch)
    x = torch.from_numpy(X.copy()).requires_grad_()
    y = module(x)
    (y**2).sum().backward()
    layer, v = TorchModuleWrapper(module), ef.Variable(X)
    with ef.GradientTape() as tape:
        found = layer(v)
        loss = ef.ops.sum(found**2)
    assert_allclose(found.numpy(), y.detach().numpy(), rtol=1e-6)
    first, *rest = tape.gradient(loss, [v, *layer.trainable_weights])
    assert_allclose(first.numpy(), x.grad.numpy(), rtol=1e-5, atol=1e-6)
    for ours, parameter in zip(rest, module.parameters(), strict=True):
        assert_allclose(ours.numpy(), parameter.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_gradients_of_gradients(torch: Any) -> None:
    module = network(torch)
    x = torch.from_numpy(X.copy()).requires_grad_()
    (g,) = torch.autograd.grad(module(x).pow(2).sum(), x, create_graph=True)
    wanted = torch.autograd.grad(g.pow(2).sum(), [x, module[0].weight])
    layer, v = TorchModuleWrapper(module), ef.Variable(X)
    with ef.GradientTape() as outer:
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(layer(v) ** 2)
        penalty = ef.ops.sum(tape.gradient(loss, v) ** 2)
    found = outer.gradient(penalty, [v, layer.trainable_weights[0]])
    for ours, theirs in zip(found, wanted, strict=True):
        assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-6)


def test_it_trains_in_a_model_and_the_module_follows(torch: Any) -> None:
    module = network(torch)
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(3), TorchModuleWrapper(module), ef.layers.Dense(1)])
    model.compile(ef.optimizers.Adam(0.02), "mse")
    losses = model.fit(X, X[:, :1] * 2, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    hidden = model.layers[0](X)
    wanted = model.layers[1].module(torch.from_numpy(hidden.numpy())).detach().numpy()
    assert_allclose(model.layers[1](hidden).numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_statistics_are_kept_in_training_and_used_in_inference(torch: Any) -> None:
    layer = TorchModuleWrapper(torch.nn.BatchNorm1d(3))
    reference = torch.nn.BatchNorm1d(3)
    assert [v.trainable for v in layer.weights] == [True, True, False, False, False]
    assert_allclose(layer(X, training=True).numpy(), reference(torch.from_numpy(X)).detach().numpy(), atol=1e-6)
    assert_allclose(layer.weights[2].numpy(), reference.running_mean.numpy(), rtol=1e-6)
    assert int(layer.weights[4]) == 1
    reference.eval()
    assert_allclose(layer(X, training=False).numpy(), reference(torch.from_numpy(X)).detach().numpy(), atol=1e-6)
    assert int(layer.weights[4]) == 1


def test_draws_follow_our_seed_and_are_repeated_by_remat(torch: Any) -> None:
    layer = TorchModuleWrapper(torch.nn.Dropout(0.5))
    ef.utils.set_random_seed(3)
    first = layer(X, training=True).numpy()
    ef.utils.set_random_seed(3)
    assert_array_equal(layer(X, training=True).numpy(), first)
    assert_array_equal(layer(X, training=False).numpy(), X)
    v = ef.Variable(X)
    with ef.GradientTape() as tape:
        y = ef.remat(layer)(v, training=True)
    assert_array_equal(tape.gradient(y, v).numpy() != 0, y.numpy() != 0)


def test_several_inputs_and_outputs(torch: Any) -> None:
    class Two(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, a: Any, b: Any, scale: float = 1.0) -> Any:
            return {"sum": a + b * scale, "index": a.argmax(1)}

    a, b = ef.Variable(X), ef.Variable(X + 1)
    with ef.GradientTape() as tape:
        found = TorchModuleWrapper(Two())(a, b=b, scale=3.0)
        total = ef.ops.sum(found["sum"])
    assert found["index"].dtype == "int64"
    assert [float(g[0, 0]) for g in tape.gradient(total, [a, b])] == [1.0, 3.0]


def test_files_hold_torchs_state(torch: Any, tmp_path: pathlib.Path) -> None:
    def build() -> ef.Model:
        module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
        return ef.Sequential([ef.Input((3,)), TorchModuleWrapper(module)])

    model, other = build(), build()
    model.layers[0](X, training=True)
    model.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="pickle"):
        ef.models.load_model(tmp_path / "m.keras")


def test_what_makes_no_sense_is_refused(torch: Any) -> None:
    with pytest.raises(TypeError, match="Module"):
        TorchModuleWrapper(3)
    with pytest.raises(ValueError, match="LazyModules"):
        TorchModuleWrapper(torch.nn.LazyLinear(2))
