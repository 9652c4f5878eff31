"""Sequences that hold their labels, and networks that see the step which they are to predict."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import script
from viz.doctor.watched_script import examine

WINDOWS = """
windows = rng.normal(size=(160, 6, 3)).astype("float32")
mixed = (windows.sum(axis=(1, 2)) + rng.normal(size=160)).astype("float32")
model = ef.Sequential([layers.LSTM(4{sequences}), layers.Dense(1)])
model.compile("adam", "mse")
model.fit({inputs}, {labels}, epochs=2, verbose=0)
"""
TOKENS = """
tokens = rng.integers(1, 12, (64, 9))
given = layers.Input((8,), dtype="int32")
hidden = layers.Embedding(12, 8)(given)
{hidden}
model = ef.Model(given, layers.Dense(12, activation="softmax")(hidden))
model.compile("adam", {loss!r})
model.fit(tokens[:, :-1], {labels}, epochs=2, verbose=0)
"""
SPARSE = {"loss": "sparse_categorical_crossentropy", "labels": "tokens[:, 1:]"}
CAUSAL = "hidden = hidden + layers.MultiHeadAttention(2, 4)(hidden, hidden, use_causal_mask=True)"
OWN = """
class Block(layers.Layer):
    def __init__(self, causal):
        super().__init__()
        self.attention, self.causal = layers.MultiHeadAttention(2, 4), causal
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)
    def call(self, x):
        self.calls.assign_add(1.0)
        return x + self.attention(x, x, use_causal_mask=self.causal)
hidden = Block({causal})(hidden)
"""


def leaks(source, tmp_path):
    """The findings of that kind."""
    (path := tmp_path / "train.py").write_text(script(source)[0])
    examination = examine(str(path))
    assert examination.failures == []
    return [f for f in examination.diagnosis if f.kind == "label_leak"]


@pytest.mark.parametrize(
    ("labels", "severity", "place"),
    [
        ("windows[:, -1, 1]", "warning", "feature 1 in time step 5 of the inputs' 6"),
        ("3 - 2 * windows[:, -1, 0]", "warning", "feature 0 in time step 5"),
        ("windows[:, 0, 2]", "info", "feature 2 in time step 0"),  # what is to be remembered, perhaps
    ],
)
def test_a_label_inside_the_window_is_found(labels, severity, place, tmp_path):
    (found,) = leaks(WINDOWS.format(inputs="windows", labels=labels, sequences=""), tmp_path)
    assert (found.rule, found.severity) == ("label_leak.time_step", severity)
    assert place in found.message


def test_a_label_in_each_step_of_a_sequence_is_found(tmp_path):
    source = WINDOWS.format(inputs="windows", labels="windows[:, :, 1:2]", sequences=", return_sequences=True")
    (found,) = leaks(source, tmp_path)
    assert (found.rule, found.evidence["column"]) == ("label_leak", 1)


@pytest.mark.parametrize(
    ("inputs", "labels", "sequences"),
    [
        ("windows", "mixed", ""),
        ("windows[:, :-1]", "windows[:, -1, 0]", ""),
        ("windows[:, :-1]", "windows[:, 1:, :1]", ", return_sequences=True"),
        ("windows[:, :, :1]", "windows[:, :, :1]", ", return_sequences=True"),  # an autoencoder
    ],
)
def test_windows_that_end_before_their_label_are_none(inputs, labels, sequences, tmp_path):
    assert leaks(WINDOWS.format(inputs=inputs, labels=labels, sequences=sequences), tmp_path) == []


@pytest.mark.parametrize(
    ("hidden", "how"),
    [
        ("hidden = hidden + layers.MultiHeadAttention(2, 4)(hidden, hidden)", SPARSE),
        ("hidden = layers.Bidirectional(layers.GRU(4, return_sequences=True))(hidden)", SPARSE),
        (
            "hidden = layers.Conv1D(8, 3, padding='same')(hidden)",
            {"loss": "categorical_crossentropy", "labels": "np.eye(12)[tokens[:, 1:]]"},
        ),
        (OWN.format(causal=False), SPARSE),
    ],
)
def test_a_network_that_sees_the_token_to_predict_is_found(hidden, how, tmp_path):
    (found,) = leaks(TOKENS.format(hidden=hidden, **how), tmp_path)
    assert (found.rule, found.severity) == ("label_leak.ahead", "warning")


@pytest.mark.parametrize(
    ("hidden", "how"),
    [
        (CAUSAL, SPARSE),
        ("hidden = layers.LSTM(8, return_sequences=True)(hidden)", SPARSE),
        ("hidden = layers.Conv1D(8, 3, padding='causal')(hidden)", SPARSE),
        (OWN.format(causal=True), SPARSE),
        # What is asked for isn't what comes next: words that were masked, say.
        (
            "hidden = hidden + layers.MultiHeadAttention(2, 4)(hidden, hidden)",
            SPARSE | {"labels": "rng.integers(1, 12, (64, 8))"},
        ),
    ],
)
def test_a_network_that_sees_only_what_came_before_is_none(hidden, how, tmp_path):
    assert leaks(TOKENS.format(hidden=hidden, **how), tmp_path) == []
