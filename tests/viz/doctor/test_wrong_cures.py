"""Findings whose words or cures were wrong once: each says what is so, and proposes nothing that makes it worse."""

from __future__ import annotations

import pytest

from tests.viz.doctor.healthy import NEAR
from tests.viz.doctor.planted import PLANTED, script
from viz.doctor.checks.overfitting import Overfit
from viz.doctor.patches import changed_line
from viz.doctor.watched_script import examine
from viz.doctor.watcher import Watcher

FROZEN = """
base = ef.Sequential([layers.Dense(16, kernel_initializer=ef.initializers.RandomNormal(stddev=1e-8)), layers.ReLU()])
base.trainable = False
model = ef.Sequential([base, layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy")
model.fit(200 * abs(x), binary, epochs=2, verbose=0)
"""
ASCENT = """
model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3)])
loss_of = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
for step in range(40):
    with ef.GradientTape() as tape:
        loss = loss_of(number, model(x, training=True))
    for variable, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables)):
        variable.assign_add(0.01 * gradient)  # here
"""
ATTACK = """
model = ef.Sequential([ef.Input((8,)), layers.Dense(8, activation="relu"), layers.Dense(3)])
loss_of = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
change = ef.Variable(0.01 * rng.normal(size=x.shape).astype("float32"))
for step in range(60):
    with ef.GradientTape() as tape:
        loss = loss_of(number, model(x + change))
    gradient = tape.gradient(loss, change)
    change.assign_add(RATE * gradient)
"""
PERFECT = """
ef.utils.set_random_seed(0)
rows = np.random.default_rng(0).normal(size=(400, 2))
rows[:, 0] += 4 * np.sign(rows[:, 0])
model = ef.Sequential([layers.Dense(1)])
model.compile(ef.optimizers.Adam(0.05), "hinge")
model.fit(rows, np.sign(rows[:, :1]), epochs=30, validation_split=0.2, verbose=0)
"""
LAST = """
model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense({units}, activation="relu")])
model.compile("adam", {loss})
model.fit(x, {labels}, epochs=2, verbose=0)
"""


def diagnosed(source, tmp_path):
    """The findings for a script, and its guilty line."""
    source, line = script(source)
    (path := tmp_path / "train.py").write_text(source)
    examination = examine(str(path))
    assert examination.failures == []
    return examination.diagnosis, line


def test_what_a_frozen_base_makes_is_not_called_an_input(tmp_path):
    found, _ = diagnosed(FROZEN, tmp_path)
    assert not [f for f in found if f.kind == "unscaled_input"]


def test_tiny_data_before_frozen_weights_are_still_inputs(tmp_path):
    found, _ = diagnosed(FROZEN.replace("base.trainable = False\n", "").replace("200 *", "1e-9 *"), tmp_path)
    assert [f for f in found if f.kind == "unscaled_input"]


@pytest.mark.parametrize(
    ("units", "loss", "labels", "cure"),
    [
        (1, '"binary_crossentropy"', "binary", "sigmoid"),
        (1, "ef.losses.BinaryCrossentropy()", "binary", "sigmoid"),
        (3, '"sparse_categorical_crossentropy"', "number", "softmax"),
    ],
)
def test_the_cure_names_the_activation_that_goes_with_the_loss(units, loss, labels, cure, tmp_path):
    found, _ = diagnosed(LAST.format(units=units, loss=loss, labels=labels), tmp_path)
    finding = next(f for f in found if f.kind == "loss_mismatch")
    assert f"activation='{cure}'" in finding.fix
    assert {"sigmoid", "softmax"} & set(finding.fix.split("'")) == {cure}
    assert changed_line(finding) is None  # from_logits=True would make logits of a relu's outputs


def test_several_ones_in_a_row_of_labels_want_a_sigmoid_and_not_another_loss(tmp_path):
    (finding, *_), _ = diagnosed(PLANTED["loss_mismatch"]["several ones a row behind a softmax"], tmp_path)
    assert changed_line(finding) == '    layers.Dense(3, activation="sigmoid"),  # here'
    assert "categorical" not in finding.fix


def test_steps_up_the_slope_are_found_before_the_loss_is_five_times_as_large(tmp_path):
    found, line = diagnosed(ASCENT, tmp_path)
    finding = next(f for f in found if f.rule == "loss_sign.update")
    assert (finding.severity, finding.line) == ("error", line)
    assert "assign_sub" in finding.fix
    assert not [f for f in found if f.kind == "too_few_steps"]


@pytest.mark.parametrize("rate", [0.02, 20.0])
def test_inputs_that_are_changed_to_mislead_a_network_may_make_its_loss_larger(rate, tmp_path):
    found, _ = diagnosed(ATTACK.replace("RATE", f"{rate}"), tmp_path)
    assert [f for f in found if f.kind in ("loss_sign", "lr_too_high")] == []


NOISE = """
y = (1 + rng.normal(size=512)).astype("float32")
model = ef.Sequential([layers.Dense(1, kernel_initializer=ef.initializers.Constant(0.05))])
model.compile(ef.optimizers.SGD(RATE), "mse")
model.fit(rng.normal(size=(512, 2)), y, batch_size=32, epochs=16, verbose=0)
"""


@pytest.mark.parametrize(("rate", "severity"), [("0.0044", "info"), ("0.05", "warning")])
def test_a_loss_that_still_falls_may_yet_get_below_that_of_a_constant_answer(rate, severity, tmp_path):
    found, _ = diagnosed(NOISE.replace("RATE", rate), tmp_path)
    kinds = {f.kind: f.severity for f in found}
    assert kinds["not_learning"] == severity
    assert ("too_few_steps" in kinds) == (severity == "info")


def test_of_several_outputs_the_one_that_learns_nothing_is_named(tmp_path):
    two = """
given = layers.Input((8,))
model = ef.Model(given, {"sum": layers.Dense(1)(given), "noise": layers.Dense(1)(given)})
model.compile(ef.optimizers.SGD(0.05), {"sum": "mse", "noise": "mse"})
x = rng.normal(size=(1024, 8))
model.fit(x, {"sum": x.sum(axis=1), "noise": 1 + rng.normal(size=1024)}, batch_size=8, epochs=3, verbose=0)
"""
    found, _ = diagnosed(two, tmp_path)
    (finding,) = [f for f in found if f.kind == "not_learning"]
    assert "of output 'noise'" in finding.message
    assert "that output has learnt nothing" in finding.message


NUMPY = """
model, head = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(4)]), layers.Dense(3)
loss_of, optimizer = ef.losses.SparseCategoricalCrossentropy(from_logits=True), ef.optimizers.Adam()
head(model(x))
variables = model.trainable_variables + head.trainable_variables
for step in range(30):
    with ef.GradientTape() as tape:
        hidden = model(x, training=True){numpy}  # here
        loss = loss_of(number, head(hidden))
        print(loss.numpy())
    pairs = [(g, v) for g, v in zip(tape.gradient(loss, variables), variables) if g is not None]
    optimizer.apply_gradients(pairs)
"""
MODES = """
model = ef.Sequential([layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(3)])
loss_of, optimizer = ef.losses.SparseCategoricalCrossentropy(from_logits=True), ef.optimizers.Adam()
for step in range(10):
    with ef.GradientTape() as tape:
        loss = loss_of(number, model(x))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
"""


def test_numbers_taken_out_of_the_tape_are_named_once_with_their_line(tmp_path):
    found, line = diagnosed(NUMPY.format(numpy=".numpy()"), tmp_path)
    (finding,) = [f for f in found if f.kind == "no_gradient"]
    assert (finding.rule, finding.severity, finding.line) == ("no_gradient.numpy", "error", line)
    assert len(finding.evidence["variables"]) == 4


@pytest.mark.parametrize(("rise", "words"), [(0.001, "learnt by heart"), (0.1, "was best (1.2) in epoch 10")])
def test_figures_of_overfitting_prove_what_they_are_given_for(rise, words):
    program = Watcher()
    check = Overfit(program)
    for epoch in range(30):
        validation = 1.19 + rise * max(0, epoch - 9) + 0.01 * max(0, 9 - epoch)
        check.on_logs("epoch", epoch, {"loss": 2.3 * 0.8**epoch, "val_loss": validation})
    check.finish()
    (finding,) = program.findings
    assert words in finding.message
    assert ("was best" in finding.message) == (rise > 0.01)


@pytest.mark.parametrize("puts_back", [True, False])
def test_nothing_is_said_of_overfitting_where_the_best_weights_are_put_back(puts_back, tmp_path):
    source = NEAR["early stopping that puts back the best weights of a network that overfits"]
    found, _ = diagnosed(source.replace("weights=True", f"weights={puts_back}"), tmp_path)
    assert [f.kind for f in found if f.kind == "overfit"] == ([] if puts_back else ["overfit"])


def test_the_cure_of_a_stop_gradient_tells_the_steps_of_a_gan_apart(tmp_path):
    found, line = diagnosed(PLANTED["no_gradient"]["stop_gradient in the generator's step"], tmp_path)
    (finding,) = [f for f in found if f.kind == "no_gradient"]
    assert (finding.rule, finding.line, len(finding.evidence["variables"])) == ("no_gradient.stopped", line, 4)
    assert "crossentropies" not in finding.fix  # which is the cure of an argmax
    assert "discriminator(generator(noise))" in finding.fix


def test_dropouts_that_never_drop_are_named_once_where_a_normalization_stands_with_them(tmp_path):
    found, _ = diagnosed(MODES, tmp_path)
    assert "dropout_idle" not in [f.kind for f in found]
    found, _ = diagnosed(MODES.replace("layers.BatchNormalization(), ", ""), tmp_path)
    assert [f.severity for f in found if f.kind == "dropout_idle"] == ["warning"]
    found, _ = diagnosed(
        MODES.replace("layers.BatchNormalization(), ", "").replace("(x)", "(x, training=True)"), tmp_path
    )
    assert "dropout_idle" not in [f.kind for f in found]


UNADAPTED = """
model = ef.Sequential([
    ef.Input((8,)),
    layers.Normalization(name="scale"),  # here
    layers.Dense(16, activation="relu"), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(200 * x, target, epochs=2, verbose=0)
"""


def test_a_normalization_that_was_never_adapted_is_named_with_its_line(tmp_path):
    found, line = diagnosed(UNADAPTED, tmp_path)
    (finding,) = [f for f in found if f.kind == "unscaled_input"]
    assert (finding.rule, finding.line) == ("unscaled_input.unadapted", line)
    assert finding.layer is not None
    assert "scale" in finding.layer
    assert "adapt(x_train)" in finding.fix


SPARSE = "sparse_categorical_crossentropy"
CLASSES = """
model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense({last})])
model.compile("adam", "{loss}")
model.fit(x, {labels}, epochs=3, verbose=0)
"""


def test_classes_of_one_unit_are_one_finding_whose_cure_helps(tmp_path):
    found, _ = diagnosed(CLASSES.format(last='1, activation="sigmoid"', loss=SPARSE, labels="binary"), tmp_path)
    assert [f.rule for f in found if f.kind == "loss_mismatch"] == ["loss_mismatch.single"]


@pytest.mark.parametrize(
    "training",
    [
        f'model.compile("adam", "{SPARSE}")\nmodel.fit(x, number, epochs=3, verbose=0)\n',
        f"optimizer, loss_of = ef.optimizers.Adam(), lambda p: ops.mean(ef.losses.{SPARSE}(number, p))\nLOOP\n",
    ],
)
def test_a_softmax_too_many_is_not_said_to_be_taken_for_logits_by_the_loss(training, tmp_path):
    model = 'model = ef.Sequential([layers.Dense(3, activation="softmax"), layers.Softmax()])\n'
    found, _ = diagnosed(model + training, tmp_path)
    assert [f.rule for f in found if f.kind == "loss_mismatch"] == ["loss_mismatch.twice"]


def test_tanh_is_named_where_a_loss_takes_it_for_a_probability(tmp_path):
    source = CLASSES.format(last='1, activation="tanh"', loss="binary_crossentropy", labels="binary")
    finding = next(f for f in diagnosed(source, tmp_path)[0] if f.kind == "loss_mismatch")
    assert "tanh, which gives numbers from -1 to 1" in finding.message
    assert changed_line(finding) is None


@pytest.mark.filterwarnings("ignore:No gradient")
def test_a_recurrent_layer_that_leads_nowhere_is_not_said_to_be_never_called(tmp_path):
    source = """
class Net(ef.Model):
    def __init__(self):
        super().__init__()
        self.gru, self.head, self.idle = layers.GRU(2), layers.Dense(1), layers.Dense(1, name="idle")
        self.idle.build((None, 8))
    def call(self, x):
        self.gru(x[:, None])
        return self.head(x)
model = Net()
model.compile("adam", "mse")
model.fit(x, target, batch_size=16, verbose=0)
"""
    found, _ = diagnosed(source, tmp_path)
    words = {f.layer.rpartition("/")[2]: f.message for f in found if f.kind == "no_gradient"}
    assert "the loss doesn't depend on them" in words["gru_cell"]
    assert "never called" in words["idle"]


def test_a_metric_that_refuses_its_labels_is_no_fault_of_the_loss(tmp_path):
    (path := tmp_path / "train.py").write_text(
        script(
            'model = ef.Sequential([layers.Dense(3, activation="softmax")])\n'
            'model.compile("sgd", "sparse_categorical_crossentropy", metrics=[ef.metrics.BinaryAccuracy()])\n'
            "model.fit(x, number, verbose=0)\n"
        )[0]
    )
    (finding,) = [f for f in examine(str(path)).diagnosis if f.kind == "loss_mismatch"]
    assert finding.rule == "loss_mismatch.metric"
    assert finding.message.startswith("the metric binary_accuracy refuses")
    assert "sparse_categorical_accuracy" in finding.fix


def test_a_validation_loss_that_stays_at_0_does_not_rise(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(script(PERFECT)[0])
    assert "overfit" not in examine(str(path)).diagnosis.kinds
