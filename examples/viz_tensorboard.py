"""Everything for TensorBoard: fit with its callback, watched gradients, and custom numbers.

python examples/viz_tensorboard.py --out logs && tensorboard --logdir logs
"""

from __future__ import annotations

import argparse
from pathlib import Path

import eagerflow as ef
import viz
from eagerflow import layers


def main(out: Path, epochs: int = 3) -> None:
    (x, y), (x_test, y_test) = ef.datasets.digits.load_data()
    x, x_test = (each.reshape(len(each), 64).astype("float32") for each in (x, x_test))
    model = ef.Sequential([layers.Dense(32, activation="relu"), layers.Dense(10)], name="digits")
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    callback = ef.callbacks.TensorBoard(out, histogram_freq=1, write_images=True, update_freq=5)
    with viz.watch(model, out / "watch", every=10, what=("gradients", "activations")):
        history = model.fit(x, y, epochs=epochs, verbose=0, validation_data=(x_test, y_test), callbacks=[callback])
    logits = model.predict(x_test, verbose=0)
    ones = ef.ops.softmax(logits).numpy()[:, 1]
    with viz.SummaryWriter(out / "report") as log:
        log.images("digits", x_test[:3].reshape(3, 8, 8, 1) / x_test.max(), step=0)
        log.text("about", "Handwritten digits, *two* dense layers.")
        log.pr_curve("is it a one?", y_test == 1, ones, step=0)
        log.hparams({"units": 32, "optimizer": "adam"}, {"accuracy": history.history["val_accuracy"][-1]})
        log.embedding("test digits", x_test[:200], [str(label) for label in y_test[:200]])
    print(f"tensorboard --logdir {out}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("logs"), help="the folder for TensorBoard")
    main(parser.parse_args().out)
