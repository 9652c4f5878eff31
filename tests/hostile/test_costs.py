"""No small file makes a load take much time or memory: what asks for it is refused in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import eagerflow as ef
from tests.hostile.costly import BOMBS, Folder, drawn, write
from tests.sources import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs fork and /proc")

# Those that the default run leaves to the slow tests.
SLOW = {"calls_in_the_wrong_order", "nested_models_called_twice"}
SECONDS, SPARE, TIMES = 2, 2**28, 4  # of processor time; bytes beside so many for each of the file


def costs(bombs):
    """What each of them took; all in children of one process, which has loaded everything once."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    options = {"cwd": ROOT, "env": environment, "capture_output": True, "text": True, "check": True}
    text = "\n".join(map(json.dumps, bombs))
    done = subprocess.run([sys.executable, "-m", "tests.hostile.costs"], input=text, **options)
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_dear(told):
    limit = SPARE + TIMES * told["packed"]
    return told.get("seconds", SECONDS) >= SECONDS or told.get("bytes", limit) >= limit


def is_clear(told):
    return 0 < len(told["message"]) <= 500 and "\n" not in told["message"]


@pytest.mark.slow
def test_every_bomb_is_refused_in_one_sentence_or_loads_within_its_budget():
    told = costs([(name, size) for name, (_, size, _) in BOMBS.items()])
    assert len(told) == len(BOMBS)
    assert [each for each in told if is_dear(each)] == []
    assert [each for each in told if each["error"] and not is_clear(each)] == []
    assert {each["name"] for each in told if not each["error"]} <= {
        "constants_of_a_function",
        "a_long_text_among_short_ones",
    }


@pytest.mark.slow
def test_a_hundred_bombs_of_other_sizes_are_no_dearer():
    told = costs([drawn(seed) for seed in range(100)])
    assert [each for each in told if is_dear(each)] == []
    assert [each for each in told if each["error"] and not is_clear(each)] == []


TEXTS = [name for name, (loader, _, _) in BOMBS.items() if loader == "model_from_json" and name not in SLOW]


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_refused_before_anything_large_is_made(name, tmp_path):
    text = write(name, BOMBS[name][1], Folder(tmp_path, {})).read_text(encoding="utf-8")
    with pytest.raises(ef.saving.LoadLimitError, match=r"^'the text': .*model_from_json\(\.\.\., limit=None\)\.$"):
        ef.models.model_from_json(text)


@pytest.fixture
def model():
    made = ef.Sequential([ef.Input((3,)), ef.layers.Dense(40), ef.layers.Dense(2)])
    made.compile("adam", "mse")
    return made


LOADS = {
    "keras": lambda model, path, **limit: ef.models.load_model(path, **limit),
    "h5": lambda model, path, **limit: ef.models.load_model(path, **limit),
    "safetensors": lambda model, path, **limit: ef.models.load_model(path, **limit),
    "weights.h5": lambda model, path, **limit: model.load_weights(path, **limit),
    "weights.json": lambda model, path, **limit: model.load_weights(path, **limit),
    "onnx": lambda model, path, **limit: ef.models.load_onnx(path, **limit),
}


@pytest.mark.parametrize("ending", LOADS)
def test_every_loader_takes_a_limit(model, ending, tmp_path):
    path, load = str(tmp_path / f"m.{ending}"), LOADS[ending]
    if ending == "onnx":
        model.export(path)
    elif ending.startswith("weights"):
        model.save_weights(path, max_shard_size=1 if "json" in ending else None)
    else:
        model.save(path)
    for limit in ({}, {"limit": None}, {"limit": 10**6}):
        load(model, path, **limit)
    with pytest.raises(ef.saving.LoadLimitError, match=r"beyond the limit of \d+ .*limit=None"):
        load(model, path, limit=30)
    for wrong in (-1, 0.5, True, "none"):
        with pytest.raises(ValueError, match="expected a number of bytes"):
            load(model, path, limit=wrong)


def test_what_a_model_weighs_may_be_told(model, tmp_path):
    text = model.to_json().replace('"units": 40', '"units": 20000000')
    with pytest.raises(ef.saving.LoadLimitError, match="a weight of shape"):
        ef.models.model_from_json(text)
    model.save_weights(tmp_path / "m.weights.h5")
    assert len(ef.saving.read_weights(tmp_path / "m.weights.h5", limit=10**6)) == 4
    with pytest.raises(ef.saving.LoadLimitError, match="read_weights"):
        ef.saving.read_weights(tmp_path / "m.weights.h5", limit=100)


def test_patterns_of_ones_own_may_be_any():
    pattern = "(layer_[0-9]+)+"
    policies = ef.dtype_policies.DTypePolicyMap("float32", {pattern: ef.DTypePolicy("float16")})
    assert policies["layer_1layer_2"].name == "float16"


@pytest.mark.parametrize("pattern", ["dense", ".*/dense_[0-9]+", r"block\d+/.*(conv|dense).*", "[(*+]+x", r"a\.b\*"])
def test_plain_patterns_in_files_are_taken(pattern):
    policies = ef.dtype_policies.DTypePolicyMap("float32", {pattern: ef.DTypePolicy("float16")})
    layer = ef.layers.Dense(2, dtype=policies)
    text = ef.Sequential([ef.Input((3,)), layer]).to_json()
    assert list(ef.models.model_from_json(text).layers[0].dtype_policy) == [pattern]


VOCABULARIES = {"StringLookup": "a\nb", "IntegerLookup": "1\n2", "TextVectorization": "a\nb"}


@pytest.mark.parametrize("kind", VOCABULARIES)
def test_configurations_name_no_files_of_this_machine(kind, tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text(VOCABULARIES[kind], encoding="utf-8")
    layer = {"module": "keras.layers", "class_name": kind, "config": {"vocabulary": str(path)}, "registered_name": None}
    text = json.dumps({**layer, "module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}})
    for refused in (lambda: ef.saving.deserialize_keras_object(layer), lambda: ef.models.model_from_json(text)):
        with pytest.raises(ValueError, match=r"names a file of the machine.*safe_mode=False"):
            refused()
    assert ef.saving.deserialize_keras_object(layer, safe_mode=False).vocabulary_size() >= 3
    assert ef.models.model_from_json(text, safe_mode=False).layers[0].vocabulary_size() >= 3
    assert getattr(ef.layers, kind)(vocabulary=str(path)).vocabulary_size() >= 3
