"""Trained models as pages that run in a browser: digits to draw, digits from a place on a map, reviews to write.

python examples/viz_web.py --out pages
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import eagerflow as ef
from eagerflow import layers

PRAISE, BLAME = "good great lovely brilliant funny moving".split(), "bad awful boring stupid dull weak".split()
OTHER = "the film was and i found it all so with music actors story on a rainy day".split()


def digits(out: Path, epochs: int) -> Path:
    """Drawn digits are read."""
    (x, y), (x_test, _) = ef.datasets.digits.load_data()
    model = ef.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(24, 3, padding="same", activation="relu", name="strokes"),
            layers.MaxPooling2D(name="half"),
            layers.Conv2D(48, 3, padding="same", activation="relu", name="parts"),
            layers.MaxPooling2D(name="quarter"),
            layers.Flatten(name="row"),
            layers.Dense(64, activation="relu", name="thoughts"),
            layers.Dense(10, activation="softmax", name="answer"),
        ],
        name="digits",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[..., None] / 16, y, epochs=epochs, verbose=0)
    path = out / "digits.html"
    samples, labels = x_test[:200, ..., None] / 16, list("0123456789")
    model.export(path, format="web", samples=samples, labels=labels, title="Handwritten digits")
    return path


def map_of_digits(out: Path, epochs: int) -> Path:
    """An autoencoder has found a place for each digit; its second half draws what lies anywhere."""
    (x, _), _ = ef.datasets.digits.load_data()
    x = x.reshape(-1, 64).astype("float32") / 16
    encoder = ef.Sequential([layers.Input((64,)), layers.Dense(128, activation="relu"), layers.Dense(2)])
    hidden = [layers.Dense(128, activation="relu", name=name) for name in ("rough", "fine")]
    decoder = ef.Sequential([layers.Input((2,)), *hidden, layers.Dense(64, activation="sigmoid", name="image")])
    both = ef.Sequential([layers.Input((64,)), encoder, decoder])
    both.compile(ef.optimizers.Adam(0.002), "binary_crossentropy")
    both.fit(x, x, epochs=2 * epochs, batch_size=64, verbose=0)
    path = out / "map.html"
    decoder.export(path, format="web", samples=encoder.predict(x[:300], verbose=0), title="A map of digits")
    return path


def reviews(out: Path, epochs: int) -> Path:
    """Praise or blame, some of it turned round by "not"; what is written becomes numbers in the page."""
    rng, texts, friendly = np.random.default_rng(3), [], []
    for good, turned in rng.random((1500, 2)) < (0.5, 0.4):
        before, after = [" ".join(rng.choice(OTHER, rng.integers(0, 8))) for _ in range(2)]
        opinion = rng.choice(PRAISE if good != turned else BLAME)
        texts.append(f"{before} {'not ' if turned else ''}{opinion} {after}")
        friendly.append(good)
    words = layers.TextVectorization(vocabulary=["not", *PRAISE, *BLAME, *OTHER])
    model = ef.Sequential(
        [
            layers.Input((None,), dtype="int64"),
            layers.Embedding(words.vocabulary_size(), 16, mask_zero=True, name="words"),
            layers.LSTM(32, return_sequences=True, name="reading"),
            layers.LSTM(16, name="opinion"),
            layers.Dense(1, activation="sigmoid", name="friendly"),
        ],
        name="reviews",
    )
    model.compile(ef.optimizers.Adam(0.005), "binary_crossentropy")
    model.fit(np.asarray(words(texts)), np.array(friendly), batch_size=32, epochs=epochs, verbose=0)
    samples = ["The film was not boring!", "not good", "I found the story funny and moving", "so dull, on a rainy day"]
    path, ends = out / "reviews.html", ["hostile", "friendly"]
    model.export(path, format="web", samples=samples, text=words, labels=ends, title="Is a review friendly?")
    return path


def main(out: Path, epochs: int = 15) -> None:
    ef.utils.set_random_seed(4)
    for write in (digits, map_of_digits, reviews):
        print("wrote", write(out, epochs))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("pages"), help="the folder for pages")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
