"""A recurrent network learns to spell: it reads numbers in words, letter by letter, and writes its own.

    python examples/char_rnn.py

For writing, the same layer runs as `stateful`: it remembers where it is from one letter to the next.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers

ONES = "one two three four five six seven eight nine ten eleven twelve thirteen".split()
ONES += "fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


# The data are the numbers below 1,000 in words, so it can be checked whether a written word exists.
def in_words(n: int) -> str:
    """365: `three hundred sixty-five`."""
    if n >= 100:
        rest = f" {in_words(n % 100)}" if n % 100 else ""
        return f"{ONES[n // 100 - 1]} hundred{rest}"
    if n < 20:
        return ONES[n - 1]
    return TENS[n // 10 - 2] + (f"-{ONES[n % 10 - 1]}" if n % 10 else "")


NUMBERS = [in_words(n) for n in range(1, 1000)]
LETTERS = sorted(set("".join(NUMBERS)) | {"\n"})


# For each letter, the network predicts the next one.
def build(stateful: bool = False) -> ef.Model:
    """Letters in, the logits of the next letters out."""
    rows, length = (1, 1) if stateful else (None, None)
    return ef.Sequential(
        [
            layers.Input((length,), batch_size=rows, dtype="int32"),
            layers.Embedding(len(LETTERS), 16),
            layers.GRU(64, return_sequences=True, stateful=stateful),
            layers.Dense(len(LETTERS)),
        ]
    )


# To write, the network gets its own letters back, one at a time, and keeps its state between calls.
def write(trained: ef.Model, count: int, rng: np.random.Generator, temperature: float = 0.7) -> str:
    """Text of so many letters; a lower temperature makes likely ones likelier."""
    writer = build(stateful=True)
    writer.set_weights(trained.get_weights())
    letter, text = LETTERS.index("\n"), ""
    for _ in range(count):
        logits = writer(np.array([[letter]])).numpy()[0, 0] / temperature
        chances = np.exp(logits - logits.max())
        letter = int(rng.choice(len(LETTERS), p=chances / chances.sum()))
        text += LETTERS[letter]
    return text


def main(epochs: int = 8, steps: int = 60, letters: int = 1500, verbose: int = 2) -> float:
    """Train, write some numbers, and return the share of written words that exist."""
    # The text is cut into windows of 61 letters. The first 60 letters are the input and the last 60 are the targets: at
    # each position, the network has to guess the next letter. No labels are needed, because the text itself holds the
    # right answers.
    ef.utils.set_random_seed(8)
    rng = np.random.default_rng(8)
    text = "\n".join(rng.permutation(NUMBERS * 2))
    codes = np.array([LETTERS.index(letter) for letter in text], "int32")
    rows = len(codes) // (steps + 1)
    windows = codes[: rows * (steps + 1)].reshape(rows, steps + 1)

    # By default, a recurrent layer returns only its last output. With `return_sequences=True` it returns one for every
    # letter, so all 60 guesses of a window count in the loss, and not just the last one.
    model = build()
    model.compile(ef.optimizers.Adam(0.01), ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(windows[:, :-1], windows[:, 1:], batch_size=32, epochs=epochs, verbose=verbose)

    # To write, the network is asked for one letter at a time and reads its own answer as the next input. It can only do
    # so because the layer is stateful here: it remembers what came before from one call to the next.
    lines = write(model, letters, rng).split("\n")[1:-1]
    print("it writes:", ", ".join(lines[:8]))
    known = {word for number in NUMBERS for word in number.replace("-", " ").split()}
    words = " ".join(lines).replace("-", " ").split()
    return sum(word in known for word in words) / max(len(words), 1)


if __name__ == "__main__":
    print(f"words that exist: {main():.1%}")
