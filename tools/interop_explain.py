"""Compare `viz.explain` with Captum's on the same weights: part of `make interop`.

    python tools/interop_explain.py

Runs in an environment with torch and captum. Prints, for each network and method, the largest difference, relative to
the largest value, and ends with 1 where one is above 1e-5.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from captum import attr

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import eagerflow as ef  # noqa: E402
import viz  # noqa: E402
from eagerflow import layers  # noqa: E402

LIMIT, STEPS = 1e-5, 50
Case = tuple[str, np.ndarray, np.ndarray]


def t(array: Any, grad: bool = False) -> torch.Tensor:
    return torch.tensor(np.array(array), requires_grad=grad)


def linear(x: torch.Tensor, layer: Any) -> torch.Tensor:
    kernel, bias = layer.get_weights()
    return x @ t(kernel) + t(bias)


def conv(x: torch.Tensor, layer: Any, padding: int) -> torch.Tensor:
    kernel, bias = layer.get_weights()
    order = (3, 2, 0, 1) if kernel.ndim == 4 else (2, 1, 0)
    run = torch.nn.functional.conv2d if kernel.ndim == 4 else torch.nn.functional.conv1d
    return run(x, t(kernel).permute(*order), t(bias), padding=padding)


class Net(torch.nn.Module):
    """A function as a module, with the modules whose outputs are asked for."""

    def __init__(self, function: Callable[..., torch.Tensor], **modules: torch.nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *x: torch.Tensor) -> torch.Tensor:
        return self.function(self, *x)


# ---------------------------------------------------------------------- networks


def mlp(rng: np.random.Generator) -> Iterator[Case]:
    one, two = layers.Dense(16, activation="tanh"), layers.Dense(4, activation="softmax")
    model = ef.Sequential([one, two])
    x = rng.normal(size=(6, 7)).astype("float32")
    target = np.argmax(model(x).numpy(), 1)
    net = Net(lambda _, a: torch.softmax(linear(torch.tanh(linear(a, one)), two), -1))
    yield "gradient", viz.explain(model, x).values, attr.Saliency(net).attribute(t(x), t(target), abs=False).numpy()
    ours = viz.explain(model, x, "integrated", steps=STEPS).values
    yield "integrated", ours, attr.IntegratedGradients(net).attribute(t(x), target=t(target), n_steps=STEPS).numpy()
    ours = viz.explain(model, x, "occlusion", window=2, stride=1).values
    theirs = attr.Occlusion(net).attribute(t(x), (2,), target=t(target), strides=(1,)).detach().numpy()
    yield "occlusion", ours, theirs


def cnn(rng: np.random.Generator) -> Iterator[Case]:
    one = layers.Conv2D(6, 3, padding="same", activation="relu")
    two = layers.Conv2D(5, 3, padding="same", activation="relu")
    three = layers.Dense(3)
    model = ef.Sequential([one, layers.MaxPooling2D(), two, layers.GlobalAveragePooling2D(), three])
    x = rng.normal(size=(4, 10, 12, 3)).astype("float32")
    model(x)
    last = Net(lambda _, a: torch.relu(conv(a, two, 1)))

    def run(net: Any, a: torch.Tensor) -> torch.Tensor:
        a = torch.nn.functional.max_pool2d(torch.relu(conv(a, one, 1)), 2)
        return linear(net.last(a).mean((2, 3)), three)

    net, first = Net(run, last=last), np.moveaxis(x, -1, 1)
    found = attr.Saliency(net).attribute(t(first), 1, abs=False).numpy()
    yield "gradient", viz.explain(model, x, target=1).values, np.moveaxis(found, 1, -1)
    found = attr.IntegratedGradients(net).attribute(t(first), t(first * 0 + 0.2), 1, n_steps=STEPS).numpy()
    ours = viz.explain(model, x, "integrated", 1, steps=STEPS, tolerance=0.1, baseline=0.2).values
    yield "integrated", ours, np.moveaxis(found, 1, -1)
    found = attr.LayerGradCam(net, last).attribute(t(first), 1, relu_attributions=True).detach().numpy()[:, 0]
    yield "gradcam", viz.explain(model, x, "gradcam", 1).values, found
    found = attr.Occlusion(net).attribute(t(first), (3, 4, 4), (3, 2, 3), target=1).detach().numpy()
    ours = viz.explain(model, x, "occlusion", 1, window=4, stride=(2, 3)).values
    yield "occlusion", ours, np.moveaxis(found, 1, -1)


def text(rng: np.random.Generator) -> Iterator[Case]:
    embedding, one, two = layers.Embedding(20, 5), layers.Conv1D(6, 3, activation="tanh"), layers.Dense(2)
    model = ef.Sequential([embedding, one, layers.GlobalMaxPooling1D(), two])
    x = rng.integers(1, 20, (5, 9))
    model(x)
    table = torch.nn.Embedding.from_pretrained(t(embedding.get_weights()[0]))
    last = Net(lambda _, a: torch.tanh(conv(a, one, 0)))
    net = Net(lambda n, a: linear(n.last(n.table(a).transpose(1, 2)).amax(2), two), table=table, last=last)
    found = attr.LayerGradientXActivation(net, table, multiply_by_inputs=False).attribute(t(x), 1)
    yield "gradient", viz.explain(model, x, target=1).values, found.detach().numpy()
    found = attr.LayerIntegratedGradients(net, table).attribute(t(x), t(x * 0), 1, n_steps=STEPS)
    ours = viz.explain(model, x, "integrated", 1, steps=STEPS, tolerance=0.1, baseline=0).values
    yield "integrated", ours, found.detach().numpy()
    found = attr.LayerGradCam(net, last).attribute(t(x), 1, relu_attributions=True).detach().numpy()[:, 0]
    yield "gradcam", viz.explain(model, x, "gradcam", 1).values, found
    after = Net(lambda n, a: linear(n.last(a.transpose(1, 2)).amax(2), two), last=last)
    found = attr.Occlusion(after).attribute(table(t(x)), (2, 5), (1, 5), target=1)
    yield "occlusion", viz.explain(model, x, "occlusion", 1, window=2, stride=1).values, found.detach().numpy()


def two_inputs(rng: np.random.Generator) -> Iterator[Case]:
    a, b = ef.Input((4,), name="a"), ef.Input((3,), name="b")
    left, right, end = layers.Dense(5, activation="gelu"), layers.Dense(5), layers.Dense(1, activation="sigmoid")
    model = ef.Model({"a": a, "b": b}, end(left(a) * right(b)))
    x = {"a": rng.normal(size=(6, 4)).astype("float32"), "b": rng.normal(size=(6, 3)).astype("float32")}
    gelu = torch.nn.functional.gelu
    net = Net(lambda _, p, q: torch.sigmoid(linear(gelu(linear(p, left)) * linear(q, right), end)))
    given = t(x["a"]), t(x["b"])
    theirs: dict[Any, Any] = {
        "gradient": attr.Saliency(net).attribute(given, 0, abs=False),
        "integrated": attr.IntegratedGradients(net).attribute(given, target=0, n_steps=STEPS),
        "occlusion": attr.Occlusion(net).attribute(given, ((1,), (1,)), target=0),
    }
    for method, found in theirs.items():
        ours = viz.explain(model, x, method, steps=STEPS, window=1).values
        for name, values in zip("ab", found):
            yield f"{method} of {name}", ours[name], values.detach().numpy()


def main() -> int:
    """Run the comparison."""
    failed = 0
    for build in (mlp, cnn, text, two_inputs):
        ef.utils.set_random_seed(1)
        for method, ours, theirs in build(np.random.default_rng(0)):
            error = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
            failed += not error <= LIMIT
            print(
                f"{build.__name__:12} {method:18} {ours.shape!s:18} {error:.1e}{'' if error <= LIMIT else '  FAILED'}"
            )
    print(f"{failed} above {LIMIT:g}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
