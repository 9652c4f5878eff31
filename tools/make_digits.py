"""Makes eagerflow/datasets/digits.npz from the copy of the UCI digits that scikit-learn ships.

    python -m pip install scikit-learn
    python tools/make_digits.py

Source: "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine Learning
Repository (1998), https://doi.org/10.24432/C50P49, CC BY 4.0.

The split needs no random numbers, so that it is the same everywhere and for ever: of every class, in the
order of the source, each fifth image is for testing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).parents[1] / "eagerflow" / "datasets" / "digits.npz"


def is_for_testing(labels: np.ndarray) -> np.ndarray:
    """True for each fifth member of every class."""
    mask = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[4::5]] = True
    return mask


def main() -> None:
    """Writes the file, and says what is in it."""
    source = load_digits()
    images, labels = source.images.astype(np.uint8), source.target.astype(np.uint8)
    if not np.array_equal(images, source.images):
        raise ValueError("the source holds values that are not whole numbers from 0 to 255")
    test = is_for_testing(labels)
    np.savez_compressed(TARGET, x_train=images[~test], y_train=labels[~test], x_test=images[test], y_test=labels[test])
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes, {len(labels) - test.sum()} + {test.sum()} images")


if __name__ == "__main__":
    main()
