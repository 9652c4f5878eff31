"""The demo: a small convolutional network learns handwritten digits, and shows what it did.

In a folder it leaves one executed training step (a picture, a page, a recording), a TensorBoard log, and two scripts to
go on with.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy

from eagerflow import _viz, callbacks, datasets, layers, models
from eagerflow.base.text.extras import pip_install
from eagerflow.cli.statuses import failed
from eagerflow.cli.wrapping import folded
from eagerflow.core.random import set_random_seed

__all__ = ["build_network", "run_demo"]

_UNTRACED = 8  # steps before the one that is drawn
_SCRIPT = '''"""{about}"""

import eagerflow as ef
from eagerflow import layers

ef.utils.set_random_seed(1)
(x_train, y_train), (x_test, y_test) = ef.datasets.digits.load_data()
x_train, x_test = x_train / 16, x_test / 16

model = ef.Sequential(
    [
        ef.Input((8, 8)),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10{activation}),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=20, validation_data=(x_test, y_test), verbose=0)
_, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy {{accuracy:.1%}}")
'''


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
        seed: the seed of the initial weights, the order of the images and dropout.

    Returns:
        The exit code: 0, or 2 where the folder can't be made.
    """
    started = time.perf_counter()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return failed("demo", f"{out} can't be made ({error.strerror}). Fix: --out with another folder.")
    set_random_seed(seed)
    (x_train, y_train), test = load_digits()
    sizes = f"{len(x_train)} handwritten digits to learn from, {len(test[0])} to be tested on"
    print(folded(f"{sizes} (8x8 pixels; UCI, CC BY 4.0)\n"))
    model = build_network()
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    board = callbacks.TensorBoard(str(out / "logs"), histogram_freq=5)
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_data=test, callbacks=[board])
    _, accuracy = model.evaluate(*test, verbose=0)
    files = _show_one_step(model, x_train[:32], y_train[:32], out)
    _write_scripts(out)
    _report(accuracy, time.perf_counter() - started, out, files)
    return 0


def _show_one_step(model: Any, x: numpy.ndarray, y: numpy.ndarray, out: Path) -> dict[str, Path]:
    """Record one more training step: its picture, its trace, its place in TensorBoard."""
    with _viz.package().trace(stats="basic", steps=_UNTRACED) as trace:
        for _ in range(_UNTRACED + 1):  # the others tell how long a step takes that nobody records
            model.train_on_batch(x, y)
    files = {name: out / f"step.{name}" for name in ("svg", "png", "html", "efz")}
    trace.draw(files["svg"])
    trace.draw(files["png"])
    trace.to_html(files["html"])
    trace.save(files["efz"])
    trace.to_tensorboard(out / "logs" / "step")
    return files


def _write_scripts(out: Path) -> None:
    """Two scripts to go on with: one learns, the other has a mistake for the doctor to find."""
    learns = _SCRIPT.format(about="A network that reads digits.", activation=', activation="softmax"')
    stuck = _SCRIPT.format(about="A network with a mistake: it runs, and learns nothing.", activation="")
    (out / "train.py").write_text(learns, encoding="utf-8")
    (out / "stuck.py").write_text(stuck, encoding="utf-8")


def _report(accuracy: float, seconds: float, out: Path, files: dict[str, Path]) -> None:
    print(f"\nTest accuracy {accuracy:.2%} after {seconds:.0f} s.\n")
    print(folded("What ran in one training step, forward and backward:"))
    about = "(open it in a browser: every operation, its shape, time and line of code)"
    print(folded(f"  page         {files['html']}  {about}"))
    print(folded(f"  picture      {files['svg']}  (and {files['png'].name})"))
    print(f"  recording    {files['efz']}")
    print(f"  TensorBoard  {out / 'logs'}")
    watch, python = _watcher(), _python()
    logs, efz, stuck, train = (shlex.quote(str(out / name)) for name in ("logs", "train.efz", "stuck.py", "train.py"))
    install = "" if find_spec("tensorboard") else f"{python} -m {pip_install('tensorboard')} && "
    board = f"{install}{python} -m tensorboard.main --logdir {logs}"
    print("\nNext:")
    for command, what in {
        f"{watch} doctor {stuck}": "why this network doesn't learn, on which line, and what to do",
        f"{watch} run --live {train}": "watch this one learn, on a page in your browser (end with Ctrl-C)",
        f"{watch} run --steps {_UNTRACED} -o {efz} {train} && {watch} top {efz}": (
            f"what took most time in its step number {_UNTRACED} alone (--steps takes numbers, from 0)"
        ),
        board: "its curves and graph",
    }.items():
        print(f"  {command}\n{folded(f'      {what}')}")  # commands stay whole, to be copied


def _watcher() -> str:
    """How to call viz of this Python's environment from here: by its name alone where that finds it."""
    name = _viz.NAME
    script = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    return name if found and Path(found) == script else f"{_python()} -m {name}"


def _python() -> str:
    """How to call this Python from here."""
    if shutil.which("python") == sys.executable:
        return "python"
    program, here = Path(sys.executable), Path.cwd()
    return shlex.quote(str(program.relative_to(here) if program.is_relative_to(here) else program))
