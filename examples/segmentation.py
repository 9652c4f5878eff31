"""A U-Net colours every pixel of a picture: even digits, odd digits, or the noise around them.

    python examples/segmentation.py

Shows skip connections between layers that shrink a picture and layers that enlarge it, and a metric for each pixel.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers

SIZE = 24
NAMES = ["background", "even", "odd"]


# The pictures are made of real handwriting: three digits at random places, with noise over it. The target is a class
# for each pixel.
def scenes(images: np.ndarray, labels: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (count, 24, 24, 1) and the classes of their pixels (count, 24, 24)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.15, (count, SIZE, SIZE, 1)).astype("float32")
    y = np.zeros((count, SIZE, SIZE), "int32")
    for i in range(count):
        # Three of nine places, so that no digit covers another.
        for place in rng.permutation(9)[:3]:
            chosen = rng.integers(len(images))
            top, left = 8 * (place // 3), 8 * (place % 3)
            ink = images[chosen] / 16
            x[i, top : top + 8, left : left + 8, 0] += ink
            y[i, top : top + 8, left : left + 8][ink > 0.3] = 1 + labels[chosen] % 2
    return x, y


def block(x, filters: int):
    """Two convolutions that keep the size."""
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
    return x


# On the way down, the picture becomes smaller and each place of it knows more of its surroundings: enough to tell which
# digit it belongs to. On the way up it gets back its size, and skip connections bring what the first layers saw: where
# exactly the strokes are. Drawn, the network has the shape of a U.
def build() -> ef.Model:
    """The network: pictures to scores of the three classes for each pixel."""
    x = inputs = ef.Input((SIZE, SIZE, 1))
    skipped = []
    for filters in (12, 24):
        x = block(x, filters)
        skipped.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, 48)
    for filters in (24, 12):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = block(layers.Concatenate()([x, skipped.pop()]), filters)
    return ef.Model(inputs, layers.Conv2D(len(NAMES), 1)(x))


def main(epochs: int = 12, count: int = 700, verbose: int = 0) -> float:
    """Train on `count` pictures, and return the mean intersection over union on new ones."""
    # The test pictures are made of digits that no training picture contains.
    ef.utils.set_random_seed(9)
    train, test = ef.datasets.digits.load_data()
    x_train, y_train = scenes(*train, count, seed=1)
    x_test, y_test = scenes(*test, 200, seed=2)

    # Each pixel is classified, so the loss is that of a classifier. Accuracy would be a bad measure: four of five
    # pixels are background, and a network that finds no digit at all would seem good. Intersection over union divides
    # the pixels that are rightly called "even" by those that are even or called so; the mean is over the classes.
    model = build()
    model.compile(
        ef.optimizers.Adam(0.003),
        ef.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[ef.metrics.MeanIoU(len(NAMES), sparse_y_pred=False, name="iou")],
    )
    history = model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=verbose)
    iou = history.history["iou"]
    print(f"mean IoU in training: {iou[0]:.2f} in the first epoch, {iou[-1]:.2f} now")

    # How good is it for each class? The background is easy, as strokes stand out from the noise; even and odd digits
    # have the same strokes, so the network must have seen the whole digit.
    classes = model.predict(x_test, verbose=0).argmax(axis=-1)
    for number, name in enumerate(NAMES):
        target, guess = y_test == number, classes == number
        print(f"{name:>12}: IoU {(target & guess).sum() / (target | guess).sum():.2f}")

    # The mean of the three, as the metric has it.
    return model.evaluate(x_test, y_test, verbose=0)[1]


if __name__ == "__main__":
    print(f"mean IoU on new pictures: {main():.2f}")
