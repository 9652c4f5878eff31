"""Training to be watched on a page while it runs; the same without a change to a script: `viz run --live SCRIPT`.

python examples/viz_live.py --out pictures
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers


def network() -> ef.Model:
    model = ef.Sequential(
        [
            layers.Reshape((8, 8, 1), name="image"),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.2, name="dropout"),
            layers.Dense(10, name="head"),
        ],
        name="digits",
    )
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(ef.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    return model


def digits() -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Images and their digits, and some of both to validate with."""
    (x, y), (x_test, y_test) = ef.datasets.digits.load_data()
    return x.reshape(-1, 64).astype("float32") / 16, y, (x_test.reshape(-1, 64).astype("float32") / 16, y_test)


def main(out: Path, epochs: int = 40, open_browser: bool | None = None, linger: float = 600.0) -> None:
    ef.utils.set_random_seed(0)
    x, y, test = digits()
    with viz.live(open_browser=open_browser, linger=linger, name="digits") as page:
        network().fit(x, y, epochs=epochs, validation_data=test, verbose=0)
    if page.recording is not None:
        print("wrote", page.recording.save(out / "viz_live.efz"))
    print("the page stays while a browser shows it:", page.url)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
