"""What `fit` and `evaluate` report of a step belongs to that step, whichever steps are recorded."""

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.chosen_steps import ChosenSteps

TRAINED, EVALUATED = 4, 2  # batches of an epoch
X = np.random.default_rng(0).normal(size=(48, 3)).astype("float32")


def fitted(epochs=2, callbacks=(), **settings):
    """A recording of a training that is validated."""
    ef.utils.set_random_seed(1)
    model = ef.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    given = {"batch_size": 8, "epochs": epochs, "validation_split": 1 / 3, "verbose": 0}
    with viz.trace(**settings) as t:
        model.fit(X, X[:, :1], callbacks=list(callbacks), **given)
    return t


def told(t, kinds=("batch", "evaluation")):
    return [(log.kind, log.step, log.values["loss"]) for log in t.logs if log.kind in kinds]


@pytest.fixture(scope="module")
def whole():
    """What is reported where all steps are recorded, by the number of the step."""
    return told(fitted())


def test_of_a_whole_recording_the_kinds_follow_the_steps(whole):
    epoch = ["batch"] * TRAINED + ["evaluation"] * EVALUATED
    assert [kind for kind, *_ in whole] == 2 * epoch


@pytest.mark.parametrize(
    "steps",
    [(0,), (0, 2, 5), (4,), (1, 2, 3), (3, 4), (5, 6), (0, 5, 11), (9,), range(12)],
    ids=lambda steps: "-".join(map(str, steps)),
)
def test_each_recorded_step_has_what_was_reported_of_it(whole, steps):
    assert told(fitted(steps=steps)) == [whole[number] for number in steps]


def test_steps_that_go_on_in_strides_have_theirs(whole):
    assert told(fitted(steps=ChosenSteps.parsed("1:12:3"))) == whole[1::3]


def test_an_epoch_is_reported_where_its_last_step_is_recorded():
    assert told(fitted(steps=(0, 4)), ("epoch",)) == []
    assert [step for _, step, _ in told(fitted(steps=(0, 11)), ("epoch",))] == [1]


def test_what_is_evaluated_behind_a_loop_of_ones_own_is_reported_where_it_is_chosen():
    def trained(steps):
        ef.utils.set_random_seed(1)
        model = ef.Sequential([layers.Dense(1)])
        model.compile("sgd", "mse")
        with viz.trace(steps=steps) as t:
            for _ in range(3):
                with viz.step():
                    model.train_on_batch(X, X[:, :1])
            model.evaluate(X, X[:, :1], batch_size=24, verbose=0)
        return [(log.kind, log.step) for log in t.logs if log.kind != "step"]

    assert trained((1, 3)) == [("evaluation", 0)]
    assert trained((1,)) == []
