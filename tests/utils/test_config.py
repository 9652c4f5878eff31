"""Settings of the process do what they say."""

from __future__ import annotations

import copy
import logging
import pickle

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import config, utils
from eagerflow.base import config as base_config

X = np.ones((12, 2), "float32")


def model():
    made = ef.Sequential([ef.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


@pytest.fixture
def max_epochs():
    yield config.set_max_epochs
    config.set_max_epochs(None)


@pytest.fixture
def max_steps():
    yield config.set_max_steps_per_epoch
    config.set_max_steps_per_epoch(None)


def test_epochs_are_limited_with_a_warning(max_epochs):
    max_epochs(2)
    assert config.max_epochs() == 2
    with pytest.warns(UserWarning, match="limits every fit to 2 epochs"):
        history = model().fit(X, X[:, :1], epochs=5, verbose=0)
    assert history.epoch == [0, 1]
    assert model().fit(X, X[:, :1], epochs=1, verbose=0).epoch == [0]


def batches():
    for i in range(0, 12, 2):
        yield X[i : i + 2], X[i : i + 2, :1]


class Batches(utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return X[:2], X[:2, :1]


@pytest.mark.parametrize(
    "data",
    [(X, X[:, :1]), (batches,), (Batches,), (lambda: ef.data.Dataset.from_tensor_slices((X, X[:, :1])).batch(2),)],
    ids=["arrays", "generator", "PyDataset", "Dataset"],
)
def test_steps_are_limited_with_a_warning(data, max_steps):
    max_steps(3)
    given = [part() if callable(part) else part for part in data]
    seen = []
    count = ef.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(step))
    settings = {"batch_size": 2} if len(data) == 2 else {}
    with pytest.warns(UserWarning, match="limits every epoch to 3 steps"):
        model().fit(*given, epochs=1, verbose=0, callbacks=[count], **settings)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2"])
def test_limits_are_whole_numbers(value):
    for setter in (config.set_max_epochs, config.set_max_steps_per_epoch):
        with pytest.raises(ValueError, match="an integer of at least 1"):
            setter(value)


def test_limits_come_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "4")
    assert config.max_epochs() == 4
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "many")
    with pytest.raises(ValueError, match="KERAS_MAX_EPOCHS='many'"):
        config.max_epochs()


def test_progress_goes_to_the_log_where_it_is_not_interactive(capsys, caplog):
    utils.disable_interactive_logging()
    try:
        assert not config.is_interactive_logging_enabled()
        with caplog.at_level(logging.INFO, logger="eagerflow"):
            model().fit(X, X[:, :1], epochs=2)
    finally:
        utils.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert [line.partition(" - ")[0] for line in caplog.messages] == ["Epoch 1/2", "Epoch 2/2"]
    assert "loss: " in caplog.messages[0]
    model().fit(X, X[:, :1])
    assert "1/1 ━" in capsys.readouterr().out


def test_flash_attention_is_a_note(monkeypatch):
    monkeypatch.setitem(base_config._switches, "flash_attention", None)  # another test may have set it
    assert config.is_flash_attention_enabled() is None
    config.enable_flash_attention()
    assert config.is_flash_attention_enabled() is True
    config.disable_flash_attention()
    assert config.is_flash_attention_enabled() is False


def test_there_is_one_backend():
    config.set_backend("eagerflow")
    assert config.backend() == "eagerflow"
    assert not config.is_nnx_enabled()
    with pytest.raises(ValueError, match="there is only 'eagerflow'"):
        config.set_backend("torch")


def test_a_config_is_a_dict_of_attributes():
    settings = utils.Config(rate=0.1)
    settings.layers = 2
    settings["width"] = 8
    assert (settings.layers, settings["rate"], settings.get("depth"), settings.get("depth", 3)) == (2, 0.1, None, 3)
    assert list(settings) == list(settings.keys()) == ["rate", "layers", "width"]
    assert settings.to_json() == '{"rate": 0.1, "layers": 2, "width": 8}'
    assert settings.pop("width") == 8
    del settings.layers
    settings.update({"a": 1}, b=2)
    assert settings == utils.Config(rate=0.1, a=1, b=2) == {"rate": 0.1, "a": 1, "b": 2}
    assert "a" in settings
    assert len(settings) == 3
    assert list(settings.items()) == [("rate", 0.1), ("a", 1), ("b", 2)]
    for copied in (copy.deepcopy(settings), pickle.loads(pickle.dumps(settings))):
        assert copied == settings


def test_a_frozen_config_stays_as_it_is():
    settings = utils.Config(rate=0.1)
    settings.freeze()
    for change in (
        lambda: setattr(settings, "rate", 1),
        lambda: settings.update(rate=1),
        lambda: settings.pop("rate"),
        lambda: delattr(settings, "rate"),
        lambda: settings.__setitem__("b", 1),
    ):
        with pytest.raises(ValueError, match=r"frozen; unfreeze\(\)"):
            change()
    assert settings.frozen
    settings.unfreeze()
    settings.rate = 1
    assert list(settings.values()) == [1]


def test_a_missing_entry_is_named():
    settings = utils.Config(learning_rate=0.1)
    with pytest.raises(AttributeError, match="Did you mean 'learning_rate'"):
        settings.learning_rat  # noqa: B018
    with pytest.raises(KeyError, match="no such entry"):
        settings["x"]
    with pytest.raises(AttributeError, match="has no 'x'"):
        del settings.x


def test_the_switch_of_traceback_filtering():
    config.enable_traceback_filtering()
    assert config.is_traceback_filtering_enabled()
    try:
        config.disable_traceback_filtering()
        assert not config.is_traceback_filtering_enabled()
    finally:
        config.enable_traceback_filtering()
    assert config.is_traceback_filtering_enabled()
