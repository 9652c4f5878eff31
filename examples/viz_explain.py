"""What a network looks at: digits explained in four ways.

python examples/viz_explain.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import eagerflow as ef
import viz
from eagerflow import layers


def main(out: Path, epochs: int = 8) -> None:
    # First, a network to ask: two convolutions, whose results are averaged over all pixels. It is trained as usual; the
    # explanations need nothing special from it.
    ef.utils.set_random_seed(3)
    (x, y), (x_test, y_test) = ef.datasets.digits.load_data()
    x, x_test = x[..., None] / 16, x_test[..., None] / 16
    model = ef.Sequential(
        [
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    model.compile(ef.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=epochs, verbose=0)

    # Which pixels speak for the right digit, and which against it? Four methods answer in different ways: the gradient
    # with respect to the pixels, gradients along the way from an empty image, the maps of the last convolution, and
    # what changes when parts of the image are hidden. Where they agree, you can trust them more than any one of them.
    for method in ("gradient", "integrated", "gradcam", "occlusion"):
        found = viz.explain(model, x_test[1:5], method, target=y_test[1:5], logits=True)
        print(found, end="\n\n")
        found.draw(out / f"viz_explain_{method}.svg")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="the folder for pictures")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
