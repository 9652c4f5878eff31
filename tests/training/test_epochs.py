"""With which batch an epoch, a validation, an evaluation begins: as in Keras, where nothing else is said."""

import itertools
import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.data.feed import feed_for

COUNT = 5  # batches of what has an end


def batch(number):
    return np.full((2, 1), number, "float32"), np.zeros((2, 1), "float32")


def generator(count=None):
    return (batch(number) for number in (itertools.count() if count is None else range(count)))


class Numbered(ef.utils.PyDataset):
    def __init__(self, count):
        super().__init__()
        self.count, self.calls = count, []

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, index):
        return batch(index)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def arrays():
    return tuple(np.concatenate(parts) for parts in zip(*map(batch, range(COUNT))))


def rows():
    return ef.data.Dataset.from_tensor_slices(arrays()).batch(2)


SOURCES = {
    "arrays": arrays,
    "numbered": lambda: Numbered(COUNT),
    "endless": lambda: Numbered(None),
    "data set": rows,
    "repeated": lambda: rows().repeat(),
    "unknown length": lambda: ef.data.Dataset.from_generator(lambda: generator(COUNT)),
    "generator": generator,
    "generator of 12": lambda: generator(12),
}


class Noting(ef.Model):
    """Notes the number of each batch that a step gets."""

    def __init__(self):
        super().__init__()
        self.seen = {"train": [], "test": [], "predict": []}
        self.compile("sgd", "mse")

    def call(self, inputs):
        return inputs

    def note(self, kind, data):
        x = data[0] if isinstance(data, tuple) else data
        self.seen[kind][-1].append(int(x[0, 0]))
        return {"loss": 0.0} if kind != "predict" else x

    def train_step(self, data):
        return self.note("train", data)

    def test_step(self, data):
        return self.note("test", data)

    def predict_step(self, data):
        return self.note("predict", data)

    def told(self, kind):
        return " | ".join(" ".join(map(str, numbers)) for numbers in self.seen[kind] if numbers)


def fitted(data, epochs=3, **given):
    """A model after `fit`, which was told of the beginning of each epoch and validation."""
    model = Noting()
    told = ef.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: model.seen["train"].append([]))
    told.on_test_begin = lambda logs: model.seen["test"].append([])
    x, y = data if isinstance(data, tuple) else (data, None)
    size = 2 if isinstance(data, tuple) else None
    if isinstance(given.get("validation_data"), tuple):
        given["validation_batch_size"] = 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(steps were asked for|ran out|gave no batch)")
        model.fit(x, y, batch_size=size, epochs=epochs, shuffle=False, verbose=0, callbacks=[told], **given)
    return model


WHOLE = "0 1 2 3 4 | 0 1 2 3 4 | 0 1 2 3 4"
GOES_ON = {2: "0 1 | 2 3 | 4 5", 5: "0 1 2 3 4 | 5 6 7 8 9 | 10 11 12 13 14"}
# Keras: "0 1 | 2 3 | 4", with a warning. Here all epochs have as many steps.
AROUND = "0 1 | 2 3 | 4 0"
FINITE = {None: WHOLE, 2: AROUND, 5: WHOLE, 7: WHOLE}  # Keras has an empty epoch after each of 5 of unknown length
TRAINED = {
    "arrays": FINITE,
    "numbered": FINITE,
    "data set": FINITE,
    "unknown length": FINITE,
    "endless": GOES_ON,
    "generator": GOES_ON,
    "repeated": {2: AROUND, 5: WHOLE, 7: "0 1 2 3 4 0 1 | 2 3 4 0 1 2 3 | 4 0 1 2 3 4 0"},
    # Keras adds epochs of the first two batches, which it keeps when it looks at their shapes.
    "generator of 12": {None: "0 1 2 3 4 5 6 7 8 9 10 11", 5: "0 1 2 3 4 | 5 6 7 8 9 | 10 11"},
}
ONCE = {None: "0 1 2 3 4", 2: "0 1", 5: "0 1 2 3 4", 7: "0 1 2 3 4"}
ENDLESS = {2: "0 1", 5: "0 1 2 3 4"}
# A generator goes on. In Keras, too, but for the two batches that it keeps: "0 1 | 0 1 | 0 1", "0 1 2 3 4 | 0 1 7 8 9".
TESTED = {
    **dict.fromkeys(("arrays", "numbered", "data set", "unknown length"), ONCE),
    "endless": ENDLESS,
    "repeated": {**ENDLESS, 7: "0 1 2 3 4 0 1"},
}


def cases(table):
    return [(name, steps, expected) for name, row in table.items() for steps, expected in row.items()]


@pytest.mark.parametrize(("name", "steps", "expected"), cases(TRAINED))
def test_an_epoch_of_training_begins_where_the_last_one_stopped(name, steps, expected):
    assert fitted(SOURCES[name](), steps_per_epoch=steps).told("train") == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("arrays", "2 3 | 4 0"), ("numbered", "2 3 | 4 0"), ("endless", "2 3 | 4 5")]
)
def test_a_later_first_epoch_begins_where_it_would_have_begun(name, expected):
    """In Keras it begins with batch 0: not as in one training."""
    assert fitted(SOURCES[name](), steps_per_epoch=2, initial_epoch=1).told("train") == expected


@pytest.mark.parametrize("count", [COUNT, None])
def test_training_that_was_stopped_in_an_epoch_goes_on_there(count):
    first, second = (feed_for(Numbered(count), steps=2, goes_on=True) for _ in range(2))
    list(first.epoch())
    begun = first.epoch()
    next(begun)
    second.go_to(first.position(), 1)
    rest = [[int(x[0, 0]) for x, _ in feed] for feed in (begun, first.epoch())]
    assert [[int(x[0, 0]) for x, _ in second.epoch()] for _ in range(2)] == rest == [[3], [4, 0 if count else 5]]


@pytest.mark.parametrize(("name", "steps", "expected"), cases(TESTED))
def test_each_validation_begins_with_the_first_batch(name, steps, expected):
    model = fitted(arrays(), validation_data=SOURCES[name](), validation_steps=steps)
    assert model.told("test") == " | ".join([expected] * 3)
    assert model.told("train") == WHOLE
    model = fitted(arrays(), validation_data=SOURCES[name](), validation_steps=steps, validation_freq=[1, 3])
    assert model.told("test") == f"{expected} | {expected}"


def test_validation_with_a_generator_goes_on():
    assert fitted(arrays(), validation_data=generator(), validation_steps=2).told("test") == GOES_ON[2]
    with pytest.raises(ValueError, match=r"validation_data.*no batch.*generator can be used only once"):
        fitted(arrays(), validation_data=generator(COUNT))


@pytest.mark.parametrize("steps", [None, 1, 2])
def test_rows_split_off_are_validated_from_their_first(steps):
    model = fitted(arrays(), steps_per_epoch=2, validation_split=0.4, validation_steps=steps)
    assert model.told("train") == "0 1 | 2 0 | 1 2"
    assert model.told("test") == ("3 | 3 | 3" if steps == 1 else "3 4 | 3 4 | 3 4")


@pytest.mark.parametrize(("name", "steps", "expected"), cases(TESTED))
@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_each_call_begins_with_the_first_batch(method, name, steps, expected):
    model, data = Noting(), SOURCES[name]()
    given = {"x": data} if not isinstance(data, tuple) else {"x": data[0], "batch_size": 2}
    if name == "arrays" and method == "evaluate":
        given["y"] = data[1]
    kind = {"evaluate": "test"}.get(method, method)
    for _ in range(2):
        model.seen[kind].append([])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*steps were asked for")
            getattr(model, method)(**given, steps=steps, verbose=0)
    assert model.told(kind) == f"{expected} | {expected}"


@pytest.mark.parametrize("count", [COUNT, None])
def test_data_by_number_are_told_of_their_own_epochs_only(count):
    """Keras calls `on_epoch_end` once more, before the first epoch."""
    training, validation = Numbered(count), Numbered(count)
    fitted(training, 2, steps_per_epoch=2, validation_data=validation, validation_steps=2)
    assert training.calls == validation.calls == ["begin", "end"] * 2
