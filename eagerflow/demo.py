"""The demo: a small convolutional network learns handwritten digits, and shows what it did.

It leaves the picture of one executed training step, a TensorBoard log and the recorded trace in a folder.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy

from eagerflow import _viz, callbacks, datasets, layers, models
from eagerflow.core.random import set_random_seed

__all__ = ["build_network", "run_demo"]


def build_network() -> Any:
    """The network of the demo: two convolutions, a pooling, two dense layers; 10 classes of 8×8 images."""
    return models.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def load_digits() -> tuple[tuple[numpy.ndarray, numpy.ndarray], tuple[numpy.ndarray, numpy.ndarray]]:
    """The shipped digits, scaled to 0..1, with a channel axis."""
    (x_train, y_train), (x_test, y_test) = datasets.digits.load_data()
    x_train, x_test = (x[..., None].astype("float32") / 16 for x in (x_train, x_test))
    return (x_train, y_train), (x_test, y_test)


def run_demo(out: Path, epochs: int = 15, seed: int = 7) -> int:
    """Train, draw, and say where everything is.

    Args:
        out: the folder for the results; made if missing.
        epochs: passes over the training images.
        seed: of the initial weights, the order of the images and dropout.

    Returns:
        The exit code: 0.
    """
    started = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    set_random_seed(seed)
    (x_train, y_train), test = load_digits()
    print(
        f"{len(x_train)} handwritten digits to learn from, {len(test[0])} to be tested on "
        "(8x8 pixels; UCI, CC BY 4.0)\n"
    )
    model = build_network()
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    board = callbacks.TensorBoard(str(out / "logs"), histogram_freq=5)
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_data=test, callbacks=[board])
    _, accuracy = model.evaluate(*test, verbose=0)
    files = _show_one_step(model, x_train[:32], y_train[:32], out)
    _report(accuracy, time.perf_counter() - started, out, files)
    return 0


def _show_one_step(model: Any, x: numpy.ndarray, y: numpy.ndarray, out: Path) -> dict[str, Path]:
    """Record one more training step: its picture, its trace, its place in TensorBoard."""
    with _viz.package().trace(stats="basic") as trace:
        model.train_on_batch(x, y)
    files = {"picture": out / "step.svg", "bitmap": out / "step.png", "trace": out / "step.efz"}
    trace.draw(files["picture"])
    trace.draw(files["bitmap"])
    trace.save(files["trace"])
    trace.to_tensorboard(out / "logs" / "step")
    return files


def _report(accuracy: float, seconds: float, out: Path, files: dict[str, Path]) -> None:
    print(f"\nTest accuracy {accuracy:.2%} after {seconds:.0f} s.\n")
    print("What ran in one training step, forward and backward:")
    print(f"  picture      {files['picture']}  (and {files['bitmap'].name})")
    print(f"  trace        {files['trace']}")
    print(f"  TensorBoard  {out / 'logs'}")
    print("\nNext:")
    print(f"  open {files['picture']} in a browser: every operation, its shape, its time, its line of code")
    print(f"""  python -c "import viz; print(viz.load('{files["trace"]}').summary())\"""")
    print(f"  pip install 'eagerflow[tensorboard]'; tensorboard --logdir {out / 'logs'}")
    print("  README.md: the same in ten lines of your own")
