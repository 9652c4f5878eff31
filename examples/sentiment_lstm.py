"""An LSTM reads reviews of different lengths, skips what pads them, and says whether they praise or blame.

    python examples/sentiment_lstm.py

The reviews are made up: praise or blame, some of it turned round by "not", between words that say nothing.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers

PRAISE = "good great lovely brilliant funny moving".split()
BLAME = "bad awful boring stupid dull weak".split()
FILLERS = "the film was and i found it all so with music actors".split()
FILLERS += "story on a rainy day".split()
WORDS = ["<pad>", "not", *PRAISE, *BLAME, *FILLERS]
NUMBERS = {word: number for number, word in enumerate(WORDS)}


# Some reviews say "not", so that counting friendly words isn't enough.
def review(rng: np.random.Generator) -> tuple[str, int]:
    """A sentence, and whether it praises."""
    friendly = int(rng.integers(2))
    turned = rng.random() < 0.4
    opinion = rng.choice(PRAISE if friendly != turned else BLAME)
    before, after = (list(rng.choice(FILLERS, rng.integers(0, 8))) for _ in range(2))
    return " ".join([*before, *(["not"] if turned else []), opinion, *after]), friendly


# A network computes with numbers, so each word becomes its place in the list of words. All rows of a batch must have
# the same length, so short reviews are filled up with 0, the number of `<pad>`.
def encode(sentences: list[str], length: int = 16) -> np.ndarray:
    """Numbers of words, filled up with 0."""
    rows = np.zeros((len(sentences), length), "int32")
    for row, sentence in zip(rows, sentences):
        numbers = [NUMBERS[word] for word in sentence.split()]
        row[: len(numbers)] = numbers
    return rows


# An embedding gives each word a vector, and the LSTM reads the vectors in order.
def build() -> ef.Model:
    """`mask_zero=True` tells all layers that follow which steps are padding."""
    return ef.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(len(WORDS), 16, mask_zero=True),
            layers.LSTM(32),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def main(epochs: int = 6, reviews: int = 2000, verbose: int = 2) -> float:
    """Train, judge some reviews, and return the accuracy on reviews it has not seen."""
    # 500 of the reviews are kept for the end: they tell how well the network does with sentences that it hasn't seen.
    ef.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    sentences, friendly = zip(*[review(rng) for _ in range(reviews + 500)])
    x, y = encode(list(sentences)), np.array(friendly)

    # The output is one number, the probability that the review is praise. `validation_split=0.1` sets the last tenth of
    # the rows aside for validation.
    model = build()
    model.compile(ef.optimizers.Adam(0.005), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x[:reviews], y[:reviews], batch_size=16, epochs=epochs, validation_split=0.1, verbose=verbose)

    # Padding carries no meaning, so it must not change the answer. The check: with sentences filled up to 80 words
    # instead of 8, the probabilities stay the same, because `mask_zero=True` makes the LSTM skip the padding.
    for sentence in ("the film was not boring", "not good", "i found the story funny and moving"):
        short, padded = (float(model(encode([sentence], length))[0, 0]) for length in (8, 80))
        print(f"{sentence:40} {short:7.1%} friendly, padded to 80 words {padded:.1%}")
    return float(model.evaluate(x[reviews:], y[reviews:], verbose=0, return_dict=True)["accuracy"])


if __name__ == "__main__":
    print(f"accuracy on reviews it has not read: {main():.1%}")
