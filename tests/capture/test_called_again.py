"""What replays call again goes on with attributes of its time: a step that sets them in between runs eagerly."""

from __future__ import annotations

import contextlib
import functools

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import batches, bits, twice

SETTINGS = {"rate": 1.0}
TABLE = np.ones(1, "float32")


class State:
    warm = True


class Scaled(ef.optimizers.SGD):
    """Reads a global dict and an array."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient * SETTINGS["rate"] * TABLE[0], variable, learning_rate)


@contextlib.contextmanager
def clipped(opt, norm):
    before, opt.clipnorm = opt.clipnorm, norm
    yield
    opt.clipnorm = before


def sets_weight_decay(opt, a, b, x):
    opt.weight_decay = 0.5
    opt.apply([x], [a])
    opt.weight_decay = 0.0
    opt.apply([x], [b])


def sets_clipnorm(opt, a, b, x):
    opt.apply([x], [a])
    with clipped(opt, 0.1):
        opt.apply([x], [b])


def sets_a_constraint(opt, a, b, x):
    a.constraint = ef.constraints.MaxNorm(0.5)
    opt.apply([x], [a])
    a.constraint = None
    opt.apply([x], [b])


def sets_a_global_entry(opt, a, b, x):
    SETTINGS["rate"] = 3.0
    opt.apply([x], [a])
    SETTINGS["rate"] = 1.0
    opt.apply([x], [b])


def sets_an_entry_of_an_array(opt, a, b, x):
    TABLE[0] = 3.0
    opt.apply([x], [a])
    TABLE[0] = 1.0
    opt.apply([x], [b])


CHANGES = [sets_weight_decay, sets_clipnorm, sets_a_constraint, sets_a_global_entry, sets_an_entry_of_an_array]


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_setting_of_an_optimizer_that_holds_for_a_part_of_a_step_holds_for_that_part(change):
    def make():
        a, b = ef.Variable([1.0, 2.0]), ef.Variable([1.0, 2.0])
        opt = Scaled(0.1)
        opt.build([a, b])
        return lambda x: change(opt, a, b, x), lambda: [a, b]

    eager, captured, step = twice(make, batches(1, (2,)), calls=5)
    assert captured == eager
    assert "the step changes" in step.why_eager


def test_a_setting_that_each_step_makes_anew_and_leaves_is_replayed():
    def make():
        a = ef.Variable([1.0, 2.0])
        opt = ef.optimizers.SGD(0.1)

        def step(x):
            opt.clipnorm = 0.5
            opt.apply([x], [a])

        return step, lambda: [a]

    eager, captured, step = twice(make, batches(1, (2,)))
    assert captured == eager
    assert step.replays > 2, step.why_eager


def precision_of_each_class(x):
    metric = ef.metrics.Precision(class_id=0)

    def step(y, p):
        found = []
        for c in range(2):
            metric.class_id = c
            metric.reset_state()
            metric.update_state(y, p)
            found.append(metric.result())
        metric.class_id = 0
        return found

    return step, (ef.Tensor([[1.0, 0.0], [1.0, 0.0]]), ef.Tensor([[0.9, 0.8], [0.2, 0.9]]))


def another_epsilon(x):
    metric = ef.metrics.KLDivergence()

    def step(y, p):
        before = ef.config.epsilon()
        ef.config.set_epsilon(0.1)
        metric.update_state(y, p)
        ef.config.set_epsilon(before)
        return metric.result()

    return step, (ef.Tensor([[0.5, 0.5]]), ef.Tensor([[0.0, 1.0]]))


def another_float_type(x):
    def step(y):
        ef.config.set_floatx("float16")
        drawn = ef.random.normal((2,), seed=1)
        ef.config.set_floatx("float32")
        return ef.ops.cast(drawn, "float32") * y

    return step, (x,)


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize("make", [precision_of_each_class, another_epsilon, another_float_type])
def test_a_setting_of_metrics_and_draws_that_holds_for_a_part_of_a_step_holds_for_that_part(make):
    results = []
    for captures in (False, True):
        step, given = make(ef.Tensor([1.0, 2.0]))
        step = ef.function(step) if captures else step
        results.append([bits(step(*given)) for _ in range(5)])
    assert results[0] == results[1]
    assert "the step changes" in step.why_eager


# -- what is called again changes what the step reads after it


class WarmUp(ef.optimizers.SGD):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate)
        if int(self.iterations) >= 5:
            State.warm = False


class Cooling(ef.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        if int(step) >= 5:
            self.cool()
        return 0.1

    def cool(self):
        SETTINGS["warm"] = False


class Watching(ef.metrics.Mean):
    def __init__(self):
        super().__init__()
        self.notes = State()

    def update_state(self, y, sample_weight=None):
        super().update_state(y)
        if float(self.count) >= 5:
            self.notes.warm = False


def by_an_optimizer():
    v, opt = ef.Variable([1.0, 2.0]), WarmUp(0.1)
    return lambda x: opt.apply([x], [v]), lambda: State.warm


def by_a_schedule():
    v, opt = ef.Variable([1.0, 2.0]), ef.optimizers.SGD(Cooling())
    return lambda x: opt.apply([x], [v]), lambda: SETTINGS["warm"]


def by_a_metric():
    metric = Watching()
    return metric.update_state, lambda: metric.notes.warm


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize("make", [by_an_optimizer, by_a_schedule, by_a_metric])
def test_what_is_called_again_may_change_what_the_step_reads_after_it(make):
    results = []
    for captures in (False, True):
        State.warm = SETTINGS["warm"] = True
        update, is_warm = make()

        def step(x, update=update, is_warm=is_warm):
            update(x)
            return x if is_warm() else x * 100.0

        step = ef.function(step) if captures else step
        results.append([bits(step(ef.Tensor([1.0, 1.0]))) for _ in range(8)])
    assert len(set(results[0])) == 2, "the case changes nothing"
    assert results[0] == results[1]


def test_an_optimizer_of_ones_own_that_notes_things_for_itself_is_replayed():
    class Noting(ef.optimizers.SGD):
        def __init__(self):
            super().__init__(0.1)
            self.seen = {}

        def update_step(self, gradient, variable, learning_rate):
            self.seen[variable.path] = self.seen.get(variable.path, 0) + 1
            super().update_step(gradient, variable, learning_rate)

    def make():
        v, opt = ef.Variable([1.0, 2.0]), Noting()
        return lambda x: opt.apply([x], [v]), lambda: [v]

    eager, captured, step = twice(make, batches(2, (2,)))
    assert captured == eager
    assert step.replays > 2, step.why_eager


def test_a_layer_may_add_a_loss_and_keep_a_tensor():
    class Router(ef.layers.Layer):
        def call(self, x):
            self.chosen = ef.ops.argmax(x, -1)
            self.add_loss(0.1 * ef.ops.mean(x * x))
            return x

    model = ef.Sequential([ef.layers.Dense(3), Router()])
    model.compile("sgd", "mse", jit_compile=True)
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    model.fit(x, x[:, :3], epochs=4, batch_size=8, verbose=0)
    assert model.captured_steps["the training step"].replays > 3


class Counted(ef.metrics.Metric):
    """Names `np`, as the step around it names `random`."""

    def __init__(self):
        super().__init__()
        self.rows = self.add_weight(shape=(), initializer="zeros")

    def update_state(self, x):
        self.rows.assign_add(float(np.prod(x.shape)))

    def result(self):
        return self.rows + 0


def test_a_metric_that_names_numpy_in_a_step_that_draws_is_replayed():
    def make():
        metric = Counted()

        def step(x):
            metric.update_state(x)
            return x + ef.random.normal(x.shape)

        return step, lambda: metric.variables

    eager, captured, run = twice(make, batches(2, (3, 2)))
    assert captured == eager
    assert run.why_eager is None
    assert run.replays > 1


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
def test_a_step_that_exchanges_a_function_of_numpy_random_runs_eagerly(monkeypatch):
    plain = np.random.normal

    def make():
        metric = Counted()

        def step(x):
            np.random.normal = functools.wraps(plain)(lambda *given: plain(*given))
            metric.update_state(x)
            return x + np.random.normal.__name__.count("n")

        return step, lambda: metric.variables

    monkeypatch.setattr(np.random, "normal", plain)
    eager, captured, run = twice(make, batches(2, (3, 2)))
    assert captured == eager
    assert not run.replays


class Losing(ef.layers.Layer):
    """Adds a loss."""

    def call(self, x):
        self.add_loss(ef.ops.sum(x))
        return x * 2.0


class Reads(ef.metrics.Mean):
    """Its mean is that of a layer's losses."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def update_state(self, values, sample_weight=None):
        super().update_state(sum(self.layer.losses))


class Drops(ef.metrics.Mean):
    """Calls a layer, which takes over the mode of the layer around."""

    def __init__(self):
        super().__init__()
        self.dropped = ef.layers.Dropout(0.5, seed=1)

    def update_state(self, values, sample_weight=None):
        super().update_state(self.dropped(values))


class Weighs(ef.metrics.Mean):
    """Reads a weight, which a layer in mixed precision sees in its own type."""

    weight = None

    def update_state(self, values, sample_weight=None):
        super().update_state(
            ef.ops.cast(ef.ops.cast(values, "float32") * ef.ops.cast(self.weight / 3, "float32"), None)
        )


class Measuring(ef.layers.Layer):
    """Updates a metric in its call."""

    def __init__(self, metric, **kwargs):
        super().__init__(**kwargs)
        self.metric = metric
        metric.weight = self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, x, training=False):
        self.metric.update_state(x)
        return x * 2.0


def with_losses():
    layer = Losing()
    measured = Reads(layer)

    def step(x):
        y = layer(x)
        measured.update_state(y)
        return y

    return step, lambda: [*measured.variables, ef.Variable(float(len(layer.losses)))]


def in_a_layer(metric, **kwargs):
    layer = Measuring(metric, **kwargs)
    return (lambda x: layer(x, training=True)), lambda: layer.metric.variables


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize(
    "make",
    [with_losses, lambda: in_a_layer(Drops()), lambda: in_a_layer(Weighs(), dtype="mixed_float16")],
    ids=["losses that are read", "a mode", "a type"],
)
def test_what_goes_by_a_layer_around_it_runs_eagerly(make):
    eager, captured, step = twice(make, batches(4, (3, 2)))
    assert eager == captured
    assert not step.replays


def test_a_metric_in_a_layer_that_does_not_go_by_it_is_replayed():
    class Own(ef.metrics.Mean):
        def update_state(self, values, sample_weight=None):
            super().update_state(values * 2.0)

    eager, captured, step = twice(lambda: in_a_layer(Own()), batches(4, (3, 2)))
    assert eager == captured
    assert step.replays
