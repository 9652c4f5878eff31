"""A transformer of twelve equal blocks: equal blocks are drawn once, with ×12.

python examples/viz_transformer.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers


class Block(layers.Layer):
    """Attention and a small network, each with a shortcut and a normalization."""

    def __init__(self, width, heads, **kwargs):
        super().__init__(**kwargs)
        self.norm_1 = layers.LayerNormalization(name="norm_1")
        self.attention = layers.MultiHeadAttention(heads, width // heads, name="attention")
        self.norm_2 = layers.LayerNormalization(name="norm_2")
        self.wide = layers.Dense(4 * width, activation="gelu", name="wide")
        self.narrow = layers.Dense(width, name="narrow")

    def call(self, x):
        y = self.norm_1(x)
        x = x + self.attention(y, y, use_causal_mask=True)
        return x + self.narrow(self.wide(self.norm_2(x)))


def main(out: Path, blocks: int = 12, width: int = 64) -> None:
    # Twelve equal blocks, each with attention, make some 850 operations in one training step: far too many to draw one
    # by one.
    rng = np.random.default_rng(0)
    words = rng.integers(0, 100, (4, 33))
    model = ef.Sequential(
        [
            layers.Embedding(100, width, name="words"),
            *[Block(width, 4, name=f"block_{i}") for i in range(blocks)],
            layers.Dense(100, name="next_word"),
        ],
        name="language_model",
    )

    # The first step also builds the layers, so a later one is recorded.
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(words[:, :-1], words[:, 1:], verbose=0)
    with viz.trace(f"a step of a transformer of {blocks} blocks") as t:
        model.fit(words[:, :-1], words[:, 1:], verbose=0)

    # Blocks that are alike are drawn once, with a number that says how many there are. `collapse_repeats=False` shows
    # all of them, and `depth` sets how many levels of layers within layers are opened.
    print(t)
    t.draw(out / "viz_transformer.svg")
    t.draw(out / "viz_transformer_all.svg", collapse_repeats=False, depth=2, view="forward", color_by="memory")
    print(t.summary(depth=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
