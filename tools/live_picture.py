"""Pictures of the live page for the documentation, while a training runs; with `--cockpit` of one with a `Cockpit`.

python -m tools.live_picture docs/images/viz_live.png
python -m tools.live_picture --cockpit docs/images/cockpit.png
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import eagerflow as ef
import viz
from eagerflow import layers
from examples.viz_live import digits, network
from tests.viz import browser
from tests.viz.page.pages import PageBrowser
from tools.page_picture import reduce


class _Training(NamedTuple):
    model: ef.Model
    callbacks: Sequence[ef.callbacks.Callback]
    epochs: int
    epoch: int  # in the middle of which the picture is taken
    size: tuple[int, int]
    wait: str  # until this script of the page's gives true


class Photograph(ef.callbacks.Callback):
    """Takes the picture in the middle of an epoch.

    Args:
        seen: the browser that shows the page.
        training: when to take it.
        target: the file to write.
    """

    def __init__(self, seen: PageBrowser, training: _Training, target: Path) -> None:
        super().__init__()
        self.seen, self.training, self.target, self._epoch = seen, training, target, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self._epoch, batch) == (self.training.epoch, 23):
            self.seen.wait(f"document.body.innerText.includes('{self._epoch + 1} / {self.training.epochs}')")
            self.seen.wait(self.training.wait)
            self.seen.screenshot(self.target)
            reduce(self.target)


def plain() -> _Training:
    """`examples/viz_live.py`."""
    return _Training(network(), (), 40, 15, (1400, 960), "true")


def with_cockpit() -> _Training:
    """Plain gradient descent in short steps, with a cockpit, whose charts are scrolled to."""
    inner = [layers.Dense(256, activation="relu"), layers.Dense(256, activation="relu"), layers.Dense(10)]
    model = ef.Sequential([layers.Input((64,)), *inner], name="digits")
    model.compile(ef.optimizers.SGD(0.02), ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    into_view = (
        f"(() => {{ const chart = {browser.WALK}.filter(e => e.textContent.startsWith('cockpit: noise scale')).pop();"
        " if (!chart) return false; chart.scrollIntoView({ block: 'center' }); return true; })()"
    )
    return _Training(model, [ef.callbacks.Cockpit(every=15)], 12, 11, (1400, 900), into_view)


def picture(target: Path, cockpit: bool = False) -> None:
    """Train, and photograph the page."""
    program = browser.find()
    if program is None:
        sys.exit(browser.NONE_FOUND)
    with tempfile.TemporaryDirectory() as profile:
        seen = PageBrowser(program, Path(profile))
        try:
            seen.call("Emulation.setScrollbarsHidden", hidden=True)
            x, y, test = digits()
            network().train_on_batch(x[:32], y[:32])  # what only a first step takes isn't to be seen
            ef.utils.set_random_seed(0)
            training = with_cockpit() if cockpit else plain()
            seen.size(*training.size)
            callbacks = [*training.callbacks, Photograph(seen, training, target)]
            with viz.live(open_browser=False, linger=0, name="digits") as page:
                seen.open(page.url)
                training.model.fit(x, y, epochs=training.epochs, validation_data=test, verbose=0, callbacks=callbacks)
        finally:
            seen.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="the PNG file to write")
    parser.add_argument("--cockpit", action="store_true", help="of a training with a Cockpit")
    given = parser.parse_args()
    picture(given.target, given.cockpit)
