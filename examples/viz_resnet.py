"""A network of the size of ResNet-50 (He et al., 2016): 53 convolutions, drawn whole.

python examples/viz_resnet.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers, ops


class Bottleneck(layers.Layer):
    """Three convolutions around a shortcut."""

    def __init__(self, filters, strides=1, project=False, **kwargs):
        super().__init__(**kwargs)
        sizes = ((filters, 1, strides), (filters, 3, 1), (4 * filters, 1, 1))
        self.convolutions = [
            layers.Conv2D(n, k, strides=s, padding="same", use_bias=False, name=f"conv_{i}")
            for i, (n, k, s) in enumerate(sizes)
        ]
        self.norms = [layers.BatchNormalization(name=f"norm_{i}") for i in range(3)]
        self.shortcut = layers.Conv2D(4 * filters, 1, strides=strides, name="shortcut") if project else None

    def call(self, x, training=False):
        y = x
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            y = norm(convolution(y), training=training)
            y = ops.relu(y) if i < 2 else y
        return ops.relu(y + (x if self.shortcut is None else self.shortcut(x)))


def resnet(blocks=(3, 4, 6, 3), width=64):
    body = []
    for stage, count in enumerate(blocks):
        for i in range(count):
            strides = 2 if i == 0 and stage else 1
            body.append(Bottleneck(width * 2**stage, strides, project=i == 0, name=f"stage{stage}_block{i}"))
    stem = [
        layers.Conv2D(width, 7, strides=2, padding="same", name="stem"),
        layers.BatchNormalization(name="stem_norm"),
        layers.Activation("relu", name="stem_relu"),
        layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool"),
    ]
    head = [layers.GlobalAveragePooling2D(name="pool"), layers.Dense(1000 if width == 64 else 10, name="head")]
    return ef.Sequential([*stem, *body, *head], name="resnet50")


def main(out: Path, blocks=(3, 4, 6, 3), width: int = 64, size: int = 64) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, size, size, 3)).astype("float32"), rng.integers(0, 10, 2)
    model = resnet(blocks, width)
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, verbose=0)
    with viz.trace("a step of ResNet-50") as t:
        model.fit(x, y, verbose=0)

    print(t)
    t.draw(out / "viz_resnet.svg", depth=1)
    t.draw(out / "viz_resnet_layers.svg", view="layers", color_by="time")
    print(t.summary())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
