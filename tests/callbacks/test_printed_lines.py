"""What `fit`, `evaluate` and `predict` print, line by line, where a pipe or file takes it: Keras' lines."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef

X, Y = np.ones((40, 2), "float32"), np.ones((40, 1), "float32")


@pytest.fixture
def model():
    made = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1, kernel_initializer="zeros")])
    made.compile(ef.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return made


def lines(capsys):
    """The printed lines, with times as T."""
    return re.sub(r"\b\d+(ms|us|s)(?=/step| |\n)", "T", capsys.readouterr().out).splitlines()


BAR = "━" * 20


def test_with_a_bar(model, capsys):
    model.fit(X, Y, epochs=2, validation_data=(X, Y), verbose=1)
    first, one, second, two = lines(capsys)
    assert (first, second) == ("Epoch 1/2", "Epoch 2/2")
    number = r"\d\.\d{4}(e[+-]\d\d)?"
    pattern = f"2/2 {BAR} T T/step - loss: {number} - mae: {number} - val_loss: {number} - val_mae: {number}"
    assert re.fullmatch(pattern, one)
    assert re.fullmatch(pattern, two)


def test_without_a_bar(model, capsys):
    model.fit(X, Y, epochs=1, verbose=2)
    (one,) = lines(capsys)  # one epoch has no title
    assert re.fullmatch(r"2/2 - T - T/step - loss: \d\.\d{4} - mae: \d\.\d{4}", one)


def test_evaluation_and_prediction(model, capsys):
    model.evaluate(X, Y)
    model.predict(X)
    model.evaluate(X, Y, verbose=2)
    model.predict(X, verbose=2)
    evaluated, predicted, plainly, and_so = lines(capsys)
    assert evaluated == f"2/2 {BAR} T T/step - loss: 1.0000 - mae: 1.0000"
    assert predicted == f"2/2 {BAR} T T/step"
    assert plainly == "2/2 - T - T/step - loss: 1.0000 - mae: 1.0000"
    assert and_so == "2/2 - T - T/step"


def test_silence(model, capsys):
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert lines(capsys) == []


def test_a_generator_tells_how_many_it_gave(model, capsys):
    model.fit(((X, Y) for _ in range(3)), verbose=1)
    assert lines(capsys)[0].startswith(f"3/3 {BAR} T T/step - loss: ")


def test_a_log_gets_whole_lines(model, caplog):
    ef.config.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", "eagerflow"):
            model.fit(X, Y, epochs=2, verbose=2)
    finally:
        ef.config.enable_interactive_logging()
    assert [r.getMessage().partition(" - ")[0] for r in caplog.records] == ["Epoch 1/2", "Epoch 2/2"]
