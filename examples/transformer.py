"""A small transformer decides whether any symbol of a sequence occurs twice: each one must look at all others.

    python examples/transformer.py

Shows a layer made of layers, MultiHeadAttention, and a look at what it attends to.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers

SYMBOLS, LENGTH = 20, 6


# A block of a transformer is a layer made of layers: create them in `__init__`, and call them in `call`.
class TransformerBlock(layers.Layer):
    """Attention, then two dense layers; each added to its input, and normalized."""

    def __init__(self, width: int, heads: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(heads, key_dim=width // heads)
        self.dense = ef.Sequential([layers.Dense(2 * width, activation="relu"), layers.Dense(width)])
        self.norm_1, self.norm_2 = layers.LayerNormalization(), layers.LayerNormalization()

    def call(self, x):
        x = self.norm_1(x + self.attention(x, x))
        return self.norm_2(x + self.dense(x))


# Attention doesn't know the order of symbols. This layer adds a vector for each place, which is learned like any
# weight.
class Positions(layers.Layer):
    """Adds a learned vector for each place."""

    def build(self, input_shape):
        self.places = self.add_weight(shape=input_shape[1:], initializer="uniform", name="places")

    def call(self, x):
        return x + self.places


def build(width: int = 32) -> ef.Model:
    """Symbols in, the probability of a repetition out."""
    symbols = ef.Input((LENGTH,), dtype="int32")
    x = Positions()(layers.Embedding(SYMBOLS, width)(symbols))
    x = TransformerBlock(width, heads=4, name="block")(x)
    x = layers.GlobalMaxPooling1D()(x)
    return ef.Model(symbols, layers.Dense(1, activation="sigmoid")(x))


# The data are made up: in half of the rows, one symbol is copied to another place.
def sequences(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random symbols, about half of the rows without a repetition."""
    x = np.array([rng.permutation(SYMBOLS)[:LENGTH] for _ in range(count)])
    rows = rng.permutation(count)[: count // 2]
    places = np.array([rng.permutation(LENGTH)[:2] for _ in rows])
    x[rows, places[:, 0]] = x[rows, places[:, 1]]
    y = np.array([len(set(row)) < LENGTH for row in x.tolist()])
    return x, y.astype("float32")


def main(epochs: int = 12, count: int = 6000, verbose: int = 2) -> float:
    """Train, show where it looks, and return the accuracy on new sequences."""
    # No single symbol tells whether there is a repetition: each one has to be compared with all others. A recurrent
    # network would have to remember every symbol that it has seen. Attention compares all pairs of symbols directly,
    # which makes it a good fit for this task.
    ef.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    (x_train, y_train), (x_test, y_test) = sequences(count, rng), sequences(1000, rng)

    # Layers that you write yourself are used like any others: they appear in the summary, `fit` trains them, and they
    # are saved with the model.
    model = build()
    model.summary()
    model.compile(ef.optimizers.Adam(0.003), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=64, epochs=epochs, validation_split=0.1, verbose=verbose)

    # What does the network look at? Any part of a model can be run as a model; this one computes what goes into the
    # block. With `return_attention_scores=True`, the attention layer also returns its weights: for each head and each
    # symbol, how much it takes from every other symbol. If the network has learned what we hope, equal symbols attend
    # to each other.
    example = np.array([[3, 7, 11, 7, 5, 2]])
    embedded = ef.Model(model.input, model.get_layer("block").input)(example)
    attention = model.get_layer("block").attention
    _, scores = attention(embedded, embedded, return_attention_scores=True)
    strongest = scores.numpy()[0].max(axis=0)
    print(f"{example[0]} has a repetition: {float(model(example)[0, 0]):.1%}. How strongly each looks at each:")
    print(np.round(strongest, 2))
    return float(model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"])


if __name__ == "__main__":
    print(f"accuracy on new sequences: {main():.1%}")
