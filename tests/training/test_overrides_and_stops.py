"""What users override, set and stop in training: older signatures, flags, groups of steps, data sets of their own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

X = np.arange(20, dtype="float32").reshape(10, 2)
Y = np.ones((10, 1), "float32")


def model(**compiled):
    made = ef.Sequential([ef.Input((2,)), layers.Dense(1)])
    made.compile("sgd", "mse", **compiled)
    return made


def test_compute_loss_without_training():
    class Own(ef.Sequential):
        def compute_loss(self, x, y, y_pred, sample_weight):
            return super().compute_loss(x, y, y_pred, sample_weight) * 0 + 7.0

    class Any(ef.Sequential):
        def compute_loss(self, *args, **kwargs):
            assert kwargs["training"] in (True, False)
            return super().compute_loss(*args, **kwargs) * 0 + 7.0

    for kind in (Own, Any):
        made = kind([ef.Input((2,)), layers.Dense(1)])
        made.compile("sgd", "mse")
        assert made.evaluate(X, Y, verbose=0) == 7.0
        assert made.fit(X, Y, verbose=0).history["loss"] == [7.0]


def test_run_eagerly_and_jit_compile_may_be_set():
    made = model()
    made.run_eagerly = False
    assert made.run_eagerly is True  # nothing was asked to be captured
    made.jit_compile = True
    made.fit(X, Y, verbose=0)
    assert (made.run_eagerly, made.jit_compile) == (False, True)
    made.run_eagerly = True
    made.fit(X, Y, verbose=0)
    assert (made.run_eagerly, made.jit_compile) == (True, False)


class Numbers(ef.callbacks.Callback):
    def __init__(self, stop=None):
        super().__init__()
        self.begun, self.ended, self.outputs, self.stop = [], [], [], stop

    def _begin(self, batch, logs=None):
        self.begun.append(batch)

    def _end(self, batch, logs=None):
        self.ended.append(batch)
        self.outputs.append((logs or {}).get("outputs"))
        if self.stop is not None and len(self.ended) == self.stop[1]:
            setattr(self.model, self.stop[0], True)

    on_train_batch_begin = on_test_batch_begin = on_predict_batch_begin = _begin
    on_train_batch_end = on_test_batch_end = on_predict_batch_end = _end


@pytest.mark.parametrize(
    ("method", "flag"), [("fit", "stop_training"), ("evaluate", "stop_evaluating"), ("predict", "stop_predicting")]
)
def test_loops_stop_when_told(method, flag):
    made = model()
    endless = ((X, Y) for _ in itertools.count())
    batches = endless if method != "predict" else ((X,) for _ in itertools.count())
    numbers = Numbers(stop=(flag, 3))
    getattr(made, method)(batches, verbose=0, callbacks=[numbers])
    assert len(numbers.ended) == 3
    again = Numbers()
    getattr(made, method)(X, *([] if method == "predict" else [Y]), batch_size=1, verbose=0, callbacks=[again])
    assert len(again.ended) == 10


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_callbacks_hear_of_the_last_short_group(method):
    made = model(steps_per_execution=4)
    numbers = Numbers()
    getattr(made, method)(X, *([] if method == "predict" else [Y]), batch_size=1, verbose=0, callbacks=[numbers])
    assert numbers.begun == [0, 4, 8]
    assert numbers.ended == [3, 7, 11]
    if method == "predict":
        assert [len(part) for part in numbers.outputs] == [4, 4, 2]
        together = np.concatenate(numbers.outputs)
        assert together.tolist() == made.predict(X, batch_size=10, verbose=0).tolist()


def test_steps_per_execution_auto_and_set():
    assert model(steps_per_execution="auto").steps_per_execution == 1
    made = model()
    made.steps_per_execution = 5
    numbers = Numbers()
    made.fit(X, Y, batch_size=1, verbose=0, callbacks=[numbers])
    assert numbers.ended == [4, 9]


class Counted(ef.utils.PyDataset):
    """Batches by number, whose number a property tells."""

    number = 3

    @property
    def num_batches(self):
        return self.number

    def __getitem__(self, index):
        return X + index, Y


def test_a_data_set_may_tell_its_batches_by_num_batches():
    data = Counted()
    assert len(list(data)) == 3
    numbers = Numbers()
    model().fit(data, epochs=2, verbose=0, callbacks=[numbers])
    assert numbers.ended == [0, 1, 2] * 2
    assert model().predict(data, verbose=0).shape == (30, 1)
    data.number = None
    numbers = Numbers()
    model().fit(data, steps_per_epoch=4, verbose=0, callbacks=[numbers])
    assert numbers.ended == [0, 1, 2, 3]


def test_epochs_have_as_many_steps_as_asked_for_up_to_all_data():
    """Keras makes short epochs between, of what is left of the data; here they start over."""
    numbers = Numbers()
    model().fit(X, Y, batch_size=2, steps_per_epoch=3, epochs=2, verbose=0, callbacks=[numbers])
    assert numbers.ended == [0, 1, 2] * 2
    numbers = Numbers()
    with pytest.warns(UserWarning, match="7 steps were asked for, and the data have 5 batches"):
        model().fit(X, Y, batch_size=2, steps_per_epoch=7, epochs=2, verbose=0, callbacks=[numbers])
    assert numbers.ended == [0, 1, 2, 3, 4] * 2


def test_data_whose_number_shows_at_their_end_train_on():
    class Unsized:
        def __iter__(self):
            return iter([(X[:2], Y[:2])] * 3)

    numbers = Numbers()
    with pytest.warns(UserWarning, match="4 steps were asked for, and the data have 3 batches"):
        history = model().fit(Unsized(), steps_per_epoch=4, epochs=3, verbose=0, callbacks=[numbers])
    assert numbers.ended == [0, 1, 2] * 3
    assert len(history.history["loss"]) == 3


def test_a_dict_of_one_array_stays_a_dict():
    """Its key would be lost, and a wrong one taken."""
    inputs = ef.Input((2,), name="a")
    made = ef.Model(inputs, layers.Dense(1)(inputs))
    made.compile("sgd", "mse")
    for wrong in (lambda: made.fit({"b": X}, Y, verbose=0), lambda: made.predict({"b": X}, verbose=0)):
        with pytest.raises(ValueError, match=r"needs the inputs \['a'\]"):
            wrong()
    made.fit({"a": X}, Y, verbose=0)

    class Own(ef.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, inputs):
            return {"out": self.dense(inputs["a"])}

    own = Own()
    own.compile("sgd", "mse")
    own.fit({"a": X}, {"out": Y}, sample_weight=np.ones(10), verbose=0)
    assert own.evaluate({"a": X}, {"out": Y}, verbose=0) > 0
    assert own.predict({"a": X}, verbose=0)["out"].shape == (10, 1)


def test_a_data_set_that_tells_no_number_has_no_end():
    class Endless(ef.utils.PyDataset):
        def __getitem__(self, index):
            return index

    assert list(itertools.islice(Endless(), 3)) == [0, 1, 2]
