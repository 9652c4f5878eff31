"""The pictures of docs/check.md and docs/find_lr.md: rows before and after augmentation, and a search for a rate.

python examples/viz_before.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import eagerflow as ef
import viz
from eagerflow import layers
from viz.check.augmented_picture import picture


def reader() -> ef.Model:
    """A network for digits that sees each of them shifted and turned."""
    return ef.Sequential(
        [
            ef.Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
            layers.RandomRotation(0.05, fill_mode="constant"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main(out: Path) -> None:
    ef.utils.set_random_seed(1)
    (x, y), _ = ef.datasets.digits.load_data()
    x = (x[..., None] / 16).astype("float32")
    model = reader()
    model.compile("adam", "sparse_categorical_crossentropy")
    found = viz.find_lr(model, x, y)
    found.draw(out / "viz_find_lr.svg")
    print(found)
    augmented = model.layers[1](model.layers[0](x[:8], training=True), training=True)
    (out / "viz_check_augmented.svg").write_text(picture(x[:8], augmented.numpy()), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
