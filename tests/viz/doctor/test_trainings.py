"""Several trainings in one script: each is judged by its own history, and findings say which one they are about."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import script
from viz.doctor.watched_script import examine

MAKE = """
def make(**settings):
    return ef.Sequential([layers.Dense(32, activation="relu"), layers.Dense(1)], **settings)
def train(model, optimizer, steps=40):
    for step in range(steps):
        rows = rng.integers(0, 128, 32)
        with ef.GradientTape() as tape:
            loss = ops.mean(ops.square(model(x[rows], training=True) - 5 * target[rows]))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
"""
BASE = """
base = ef.Sequential([layers.Dense(32, activation="relu"), layers.Dense(16, activation="relu")])
first = ef.Sequential([base, layers.Dense(1)])
first.compile(ef.optimizers.Adam(0.003), "mse")
first.fit(x, target, epochs=20, verbose=0)
"""

WILD = {
    "a new head on a trained network": BASE
    + """
model = ef.Sequential([base, layers.Dense(1)])
model.compile(ef.optimizers.Adam(0.3), "mse")  # here
model.fit(x, 2 * target, epochs=10, verbose=0)
""",
    "another fit": MAKE
    + """
for rate in (0.01, 1.0):
    model = make()
    model.compile(ef.optimizers.SGD(rate), "mse")  # here
    model.fit(x, 5 * target, epochs=10, verbose=0)
""",
    "another loop": MAKE
    + """
train(make(), ef.optimizers.SGD(0.01))
train(make(), ef.optimizers.SGD(1.0))  # here
""",
    "the same network, with another optimizer": MAKE
    + """
model = make()
train(model, ef.optimizers.SGD(0.01))
train(model, ef.optimizers.SGD(3.0))  # here
""",
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")  # of numbers that grow
@pytest.mark.parametrize("name", WILD)
def test_a_rate_too_high_in_the_second_training_is_found(name, tmp_path):
    examination, line = examined(WILD[name], tmp_path)
    first = next(iter(examination.diagnosis))
    assert (first.kind, first.severity, first.line) == ("lr_too_high", "error", line)
    assert first.evidence["trainings"] == [2]
    assert "training 2 of 2" in first.message
    assert [f.because for f in examination.diagnosis if f.kind == "dead_relu"] in ([], ["lr_too_high"])


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")  # of numbers that grow
def test_of_several_rates_that_are_tried_the_wrong_one_is_named(tmp_path):
    source = """
for rate in (0.001, 0.01, 1.0, 0.03):
    model = make(name=f"try_{int(1000 * rate)}")
    model.compile(ef.optimizers.SGD(rate), "mse")
    model.fit(x, 5 * target, epochs=8, verbose=0)
"""
    examination, _ = examined(MAKE + source, tmp_path)
    found = [f for f in examination.diagnosis if f.kind == "lr_too_high"]
    assert [f.evidence["trainings"] for f in found] == [[3]]
    assert "training 3 of 4" in found[0].message
    assert "try_1000" in found[0].message


def test_what_is_so_in_every_fold_is_said_once(tmp_path):
    source = """
for fold in range(4):
    model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="softmax")])
    model.compile("adam", "binary_crossentropy")
    model.fit(x, binary, epochs=3, verbose=0)
"""
    examination, _ = examined(source, tmp_path)
    found = [f for f in examination.diagnosis if f.kind == "loss_mismatch"]
    assert len(found) == 1
    assert found[0].message.endswith("(in all 4 trainings)")


HEALTHY = {
    "folds": """
for fold in range(5):
    held = np.arange(128) % 5 == fold
    model = make()
    model.compile(ef.optimizers.Adam(0.01), "mse")
    model.fit(x[~held], target[~held], validation_data=(x[held], target[held]), epochs=8, verbose=0)
""",
    "a head, then all with small steps": BASE
    + """
base.trainable = False
model = ef.Sequential([base, layers.Dense(1)])
model.compile(ef.optimizers.Adam(0.01), "mse")
model.fit(x, 2 * target, epochs=15, verbose=0)
base.trainable = True
model.compile(ef.optimizers.Adam(1e-5), "mse")
model.fit(x, 2 * target, epochs=8, verbose=0)
""",
    "layers that are unfrozen one after the other": """
hidden = [layers.Dense(32, activation="relu") for _ in range(3)]
model = ef.Sequential([*hidden, layers.Dense(1)])
for layer in hidden:
    layer.trainable = False
for layer in hidden[::-1]:
    model.compile(ef.optimizers.Adam(0.003), "mse")
    model.fit(x, target, epochs=5, verbose=0)
    layer.trainable = True
""",
    "a head on a code that was learnt": """
encode = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(4)])
decode = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(8)])
head, optimizers = layers.Dense(1), [ef.optimizers.Adam(rate) for rate in (0.01, 0.01, 0.0001)]
for stage, trained in enumerate(((encode, decode), (head,), (encode, head))):
    for step in range(40):
        with ef.GradientTape() as tape:
            answers = head(encode(x)) if stage else decode(encode(x))
            loss = ops.mean(ops.square(answers - (target if stage else x)))
        weights = [weight for each in trained for weight in each.trainable_variables]
        optimizers[stage].apply(tape.gradient(loss, weights), weights)
""",
    "networks that make a step each in turn": """
networks = [make() for _ in range(3)]
optimizers = [ef.optimizers.Adam(0.01) for _ in networks]
for step in range(40):
    for model, optimizer in zip(networks, optimizers):
        train(model, optimizer, 1)
""",
    "fits that take turns": """
one, two = make(), make()
for model in (one, two):
    model.compile(ef.optimizers.Adam(0.003), "mse")
for turn in range(5):
    one.fit(x, target, epochs=3, verbose=0)
    two.fit(x, x[:, 2:3] + x[:, 3:4], epochs=3, verbose=0)
""",
    "a critic that is trained alone, and then in turns": """
maker = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(8)])
critic = ef.Sequential([layers.Dense(16, activation="leaky_relu"), layers.Dense(1)])
makers, critics = ef.optimizers.Adam(0.001), ef.optimizers.Adam(0.001)
for step in range(60):
    with ef.GradientTape() as tape:
        loss = ops.mean(critic(maker(ef.random.normal((32, 4))))) - ops.mean(critic(1 + 0.3 * x[:32]))
    critics.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)
    if step >= 20:
        with ef.GradientTape() as tape:
            loss = -ops.mean(critic(maker(ef.random.normal((32, 4)))))
        makers.apply(tape.gradient(loss, maker.trainable_variables), maker.trainable_variables)
""",
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_trainings_one_after_the_other_get_no_warning(name, tmp_path):
    examination, _ = examined(MAKE + HEALTHY[name], tmp_path)
    assert [f for f in examination.diagnosis if f.severity != "info"] == [], examination.diagnosis.text


def test_networks_that_take_turns_make_one_step_as_in_recordings(tmp_path):
    examination, _ = examined(MAKE + HEALTHY["networks that make a step each in turn"], tmp_path)
    assert examination.steps == 40


def examined(source, folder):
    """What the doctor says of a script, and the number of its guilty line."""
    whole, line = script(source)
    path = folder / "train.py"
    path.write_text(whole, encoding="utf-8")
    examination = examine(str(path))
    assert examination.failures == []
    assert not examination.crashed
    return examination, line
