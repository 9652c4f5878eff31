"""The gallery: interactive pages that viz wrote itself, from the examples, each shown inside a page of the site.

python -m tools.site.gallery NAME FILE.html     # write one of them
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

import eagerflow as ef
import viz
from examples import viz_page, viz_resnet, viz_web
from examples.viz_transformer import Block
from tools import replay_picture
from tools.site import sections, thumbnails
from tools.site.cache import Cache
from tools.site.cards import card, raw
from tools.site.names import ROOT
from tools.site.progress import counted
from tools.site.running import environment
from tools.site.warm import Warm


def training_step(target: Path) -> None:
    """Three steps of a convolutional network."""
    viz_page.steps(viz_page.network(8, "relu"), 64).to_html(target)


def what_changed(target: Path) -> None:
    """The same network with another activation."""
    before = viz_page.steps(viz_page.network(8, "relu"), 64)
    viz_page.steps(viz_page.network(8, "tanh"), 64).to_html(target, diff=before)


def transformer(target: Path) -> None:
    """A step of a small language model."""
    words = np.random.default_rng(0).integers(0, 100, (4, 33))
    blocks = [Block(32, 4, name=f"block_{number}") for number in range(6)]
    model = ef.Sequential(
        [ef.layers.Embedding(100, 32, name="words"), *blocks, ef.layers.Dense(100, name="next_word")],
        name="language_model",
    )
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(words[:, :-1], words[:, 1:], verbose=0)
    with viz.trace("a step of a transformer", stats="basic") as recording:
        model.fit(words[:, :-1], words[:, 1:], verbose=0)
    recording.to_html(target)


def resnet(target: Path) -> None:
    """A step of a network of the depth of ResNet-50, but narrow."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 32, 32, 3)).astype("float32"), rng.integers(0, 10, 2)
    model = viz_resnet.resnet(width=8)
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, verbose=0)
    with viz.trace("a step of ResNet-50, narrow") as recording:
        model.fit(x, y, verbose=0)
    recording.to_html(target)


def film(target: Path) -> None:
    """A kept step, played rule by rule."""
    replay_picture.kept_step(target.parent).rename(target)


def samples(target: Path) -> None:
    """The samples of a training, the hardest first."""
    command = [sys.executable, "-m", "viz", "data", "--seconds", "5", "--html", str(target)]
    subprocess.run([*command, str(ROOT / "examples" / "digits_cnn.py")], check=True, stdout=subprocess.DEVNULL)


def digits(target: Path) -> None:
    """A trained network in the browser."""
    viz_web.digits(target.parent, 8).rename(target)


def map_of_digits(target: Path) -> None:
    """A decoder in the browser."""
    viz_web.map_of_digits(target.parent, 8).rename(target)


def recorded(name: str) -> Callable[[Path], None]:
    """A page of a recording that was made elsewhere, where PyTorch is installed, by `tools/torch_recordings.py`."""

    def write(target: Path) -> None:
        viz.load(RECORDINGS / f"{name}.efz").to_html(target)

    return write


RECORDINGS = ROOT / "tools" / "site" / "recordings"
SECONDS = 600  # the most that a page may take


class Shown(NamedTuple):
    """A page of the gallery.

    Attributes:
        title: of the page.
        text: what to look at in it.
        write: writes it.
        opened: what stands behind its address, and says what it shows first.
        width: of the window for its picture. Up to 900 the graph has all of it, as on a tablet.
        note: what its page says besides, in Markdown.
    """

    title: str
    text: str
    write: Callable[[Path], None]
    opened: str = ""
    width: int = 880
    note: str = ""


_TORCH = (
    "Recorded beforehand, with PyTorch 2.13 (`python -m tools.torch_recordings` makes the file again): this site is"
    " built without PyTorch. [viz with PyTorch](../viz_with_pytorch.md) says how to record your own programs."
)

GALLERY = {
    "training_step": Shown(
        "A training step",
        "Three steps of a convolutional network on handwritten digits. Click a box: what it read and made, the line of"
        " code, statistics of every tensor. The tabs hold tables of layers and ops, memory over time and a timeline.",
        training_step,
    ),
    "what_changed": Shown(
        "What changed",
        "The same network with `tanh` in place of `relu`, beside the one before: what was added or removed, what got"
        " slower, and what differs.",
        what_changed,
        width=1000,
    ),
    "transformer": Shown(
        "A transformer",
        "A small language model of six blocks. Identical blocks are drawn once, marked ×6; open them to see each one.",
        transformer,
    ),
    "resnet": Shown(
        "ResNet-50, narrow",
        "53 convolutions, forward and backward: parts close until the picture fits, and open with a click.",
        resnet,
    ),
    "film": Shown(
        "A step, played like a film",
        "A step that was kept just before a training run overflowed. Play it forward and backward; every rule shows"
        " `upstream × local = gradient` with its numbers.",
        film,
        "#tab=film",
        width=1000,
    ),
    "samples": Shown(
        "The hardest samples",
        "The data of a training run, hardest samples first, with likely wrong labels marked; written by `viz data`.",
        samples,
    ),
    "torch_resnet": Shown(
        "PyTorch: ResNet-18",
        "A step of a ResNet-18 in PyTorch, by SGD with momentum: layers close until the picture fits.",
        recorded("torch_resnet"),
        note=_TORCH,
    ),
    "torch_gpt": Shown(
        "PyTorch: a GPT",
        "A step of a small GPT in PyTorch by AdamW: four blocks drawn once, attention, and a head that has the weights"
        " of the embedding.",
        recorded("torch_gpt"),
        note=_TORCH,
    ),
    "torch_gan": Shown(
        "PyTorch: a GAN",
        "A round of a GAN in PyTorch: two networks, two backward passes and two optimizers in one picture.",
        recorded("torch_gan"),
        note=_TORCH,
    ),
    "digits": Shown(
        "A model in the browser",
        "Draw a digit: the network runs in this page, with the values of every layer. Written by"
        ' `model.export("digits.html", format="web")`.',
        digits,
    ),
    "map_of_digits": Shown(
        "A map of digits", "The decoder of an autoencoder: move over the map, and see what lies there.", map_of_digits
    ),
}


def write_all(folder: Path, cache: Cache, processes: int = 2) -> None:
    """Write the pages of viz that aren't there yet, and small pictures of them.

    Args:
        folder: for them.
        cache: says which are there, and from which sources.
        processes: how many at once.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def write(name: str) -> None:
        target = folder / f"{name}.html"
        if cache.get("gallery", name) and target.exists():
            return
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch) / "made" / "made.html"
            made.parent.mkdir()
            done = programs.run("tools.site.gallery:main", [name, str(made)], made.parent, SECONDS)
            if done.code != 0:
                raise RuntimeError(f"the page {name} of the gallery: exit code {done.code}\n{done.told}")
            text = made.read_text(encoding="utf-8").replace(f"{ROOT}/", "").replace(f"{made.parent}/", "")
            target.write_text(text, encoding="utf-8")
        cache.put(True, "gallery", name)

    with ThreadPoolExecutor(processes) as pool, Warm(("tools.site.gallery",), environment(), processes) as programs:
        counted(pool, write, list(GALLERY), "pages of the gallery")
    thumbnails.write_all(folder, {name: (shown.opened, shown.width) for name, shown in GALLERY.items()})


def pages() -> dict[str, str]:
    """The pages of the site around them, by name."""
    found = {f"gallery/{name}": _page(name, shown) for name, shown in GALLERY.items()}
    cards = "\n".join(_card(name, shown) for name, shown in GALLERY.items())
    toctree = sections.toctree(f"gallery/{name}" for name in GALLERY)
    return {
        **found,
        "gallery/index": "\n\n".join([INTRODUCTION, raw(f'<div class="cards large">\n{cards}\n</div>'), toctree]),
    }


def _card(name: str, shown: Shown) -> str:
    """What leads to a page: a picture of it in the site's theme, where one could be taken, its title and its text."""
    images = [
        f'<img class="only-{theme} dark-light" src="../_static/gallery/{thumbnails.picture_of(name, theme)}"'
        f' width="{shown.width}" height="{thumbnails.height(shown.width)}" alt="" loading="lazy">'
        for theme in thumbnails.THEMES
        if thumbnails.are_possible()
    ]
    return card(name, shown.title, shown.text, images)


def _page(name: str, shown: Shown) -> str:
    address = f"../_static/gallery/{name}.html{shown.opened}"
    frame = f'<iframe class="live-page" src="{address}" title="{shown.title}" loading="lazy"></iframe>'
    alone = f'<p><a href="{address}">Open it alone</a></p>'
    text = f"{shown.text} {shown.note}".strip()
    return f"# {shown.title}\n\n{text}\n\n{raw(f'{frame}{alone}')}\n"


INTRODUCTION = """# Gallery

Pages that viz wrote, as it writes them for your own programs: one file each, without a server and without a network."""


def main(name: str, target: str) -> None:
    """Write a page of the gallery."""
    ef.utils.set_random_seed(0)
    GALLERY[name].write(Path(target))


if __name__ == "__main__":
    main(*sys.argv[1:])
