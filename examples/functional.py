"""Several inputs, several outputs: a functional model sorts the tickets of a help desk.

    python examples/functional.py

In goes a title, a text and tags; out comes a priority (a number from 0 to 1) and one of four departments.
The tickets are made up, so that each output needs more than one input.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers

WORDS, TAGS, DEPARTMENTS = 40, 6, 4


# The tickets are made up, with rules that the network has to find out.
def tickets(count: int, rng: np.random.Generator) -> tuple[dict, dict]:
    """Inputs and targets, by name."""
    title = rng.integers(0, WORDS, (count, 5))
    text = rng.integers(0, WORDS, (count, 20))
    tags = (rng.random((count, TAGS)) < 0.3).astype("float32")
    urgent_words = (text < 8).mean(axis=1)
    priority = 1 / (1 + np.exp(-(12 * urgent_words - 4 + 2 * tags[:, 0] - 2 * tags[:, 1])))
    votes = np.stack([(title % DEPARTMENTS == d).sum(axis=1) + 1.5 * tags[:, d] for d in range(DEPARTMENTS)], 1)
    inputs = {"title": title, "text": text, "tags": tags}
    return inputs, {"priority": priority[:, None].astype("float32"), "department": votes.argmax(axis=1)}


# Each input has its own branch. The branches are joined, and the outputs are two layers that read the same vector.
def build() -> ef.Model:
    """Both texts share one embedding; everything meets before the two outputs."""
    title = ef.Input((5,), dtype="int32", name="title")
    text = ef.Input((20,), dtype="int32", name="text")
    tags = ef.Input((TAGS,), name="tags")
    embed, average = layers.Embedding(WORDS, 16), layers.GlobalAveragePooling1D()
    x = layers.Concatenate()([average(embed(title)), average(embed(text)), tags])
    x = layers.Dense(64, activation="relu")(x)
    priority = layers.Dense(1, activation="sigmoid", name="priority")(x)
    department = layers.Dense(DEPARTMENTS, activation="softmax", name="department")(x)
    return ef.Model([title, text, tags], {"priority": priority, "department": department}, name="help_desk")


def main(epochs: int = 12, count: int = 3000, verbose: int = 2) -> float:
    """Train, sort three tickets, and return the accuracy of the departments on new tickets."""
    # A functional model can have any number of inputs and outputs. Here both are passed as dicts, whose keys are the
    # names of the model's inputs and outputs, so their order doesn't matter.
    ef.utils.set_random_seed(5)
    rng = np.random.default_rng(5)
    train, test = tickets(count, rng), tickets(500, rng)

    # Each output has a loss and metrics of its own, and the training loss is their weighted sum. The weights matter:
    # squared errors of numbers between 0 and 1 are much smaller than a crossentropy, so without a weight of 5 the
    # network would care about the department and hardly about the priority.
    model = build()
    model.summary()
    model.compile(
        ef.optimizers.Adam(0.005),
        loss={"priority": "mse", "department": "sparse_categorical_crossentropy"},
        loss_weights={"priority": 5.0, "department": 1.0},
        metrics={"priority": ["mae"], "department": ["accuracy"]},
    )
    model.fit(*train, batch_size=32, epochs=epochs, validation_data=test, verbose=verbose)

    # `predict` returns a dict, too, with one array for each output.
    found = model.predict({name: values[:3] for name, values in test[0].items()}, verbose=0)
    for i, (priority, chances) in enumerate(zip(found["priority"][:, 0], found["department"])):
        wanted = f"{test[1]['priority'][i, 0]:.2f}, department {test[1]['department'][i]}"
        answer = f"{priority:.2f}, department {chances.argmax()}"
        print(f"ticket {i}: priority {answer} (right: {wanted})")
    return float(model.evaluate(*test, verbose=0, return_dict=True)["department_accuracy"])


if __name__ == "__main__":
    print(f"tickets that reach the right department: {main():.1%}")
