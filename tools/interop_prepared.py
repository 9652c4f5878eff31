"""The part of interop.py about layers for preprocessing, which take text, tables and images."""

from __future__ import annotations

import json
import traceback
from typing import Any

import numpy as np

from tests.fixtures.cases import preprocessing_layer_cases as cases

# What Keras 3.15 can't do itself: cross three columns in a model, give text from one, show an Equalization in one;
# read the range of a RandomShear that it wrote.
_LIMITS = frozenset({"cross_three", "string_invert", "equalize", "shear"})
_OTHERWISE = frozenset({"crop"})  # see RandomCrop: what it gives without training is as documented here

# One case for each layer for images: what they draw at random is no matter of files.
_IMAGES: dict[str, Any] = {c.layer: c for c in reversed(cases.IMAGE_CASES) if not c.first}
CASES: list[Any] = [c for c in (*cases.CASES, *_IMAGES.values()) if c.name not in _LIMITS]


def _case(name: str) -> Any:
    return next(c for c in CASES if f"prepared {c.name}" == name)


def _array(values: Any) -> np.ndarray:
    """In the types that models take."""
    found = np.array(values)
    return found.astype({"f": "float32", "i": "int32"}.get(found.dtype.kind, found.dtype))


def _inputs(case: Any) -> list[np.ndarray]:
    if isinstance(case, cases.ImageCase):
        return [cases.image_data(case)["images"].astype("float32")]
    return [_array(x) for x in case.inputs] if case.layer == "HashedCrossing" else [_array(case.inputs)]


def _layer(keras: Any, case: Any) -> Any:
    layer = getattr(keras.layers, case.layer)(**case.settings, name="layer")
    if getattr(case, "adapt", None) is not None:
        batches = isinstance(case.adapt, list) and isinstance(case.adapt[0], np.ndarray)
        layer.adapt(case.adapt if batches else _array(case.adapt))
    return layer


def _model(keras: Any, case: Any) -> Any:
    inputs = [keras.Input(x.shape[1:], dtype="string" if x.dtype.kind == "U" else x.dtype.name) for x in _inputs(case)]
    outputs = _layer(keras, case)(inputs if len(inputs) > 1 else inputs[0])
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs)


def _facts(layer: Any, case: Any) -> dict[str, Any]:
    """What the layer gives, tells of itself, and knows."""
    inputs = _inputs(case)
    call: dict[str, Any] = {k: np.array(v) for k, v in getattr(case, "call", {}).items()}
    if isinstance(case, cases.ImageCase):
        call = {"training": False}
    result = np.asarray(layer(inputs if len(inputs) > 1 else inputs[0], **call))
    if result.dtype.kind in "SUO":
        result = np.array([t.decode() if isinstance(t, bytes) else str(t) for t in result.reshape(-1).tolist()])
    known = list(layer.get_vocabulary()) if hasattr(layer, "get_vocabulary") else []
    words = [x if isinstance(x, str) else int(x) for x in known]
    return {"out": result, "words": json.dumps(words), "config": json.dumps(_plain(layer.get_config()))}


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in config.items() if isinstance(v, (bool, int, float, str)) and k != "name"}


def write(keras: Any, folder: str, name: str) -> None:
    """Save a model with the layer, and what it gives."""
    try:
        made = _model(keras, _case(name))
        path = f"{folder}/{name.replace(' ', '_')}"
        made.save(f"{path}.keras")
        np.savez(f"{path}.npz", **_facts(made.layers[-1], _case(name)))
    except Exception as error:
        print(f"WRITE {name}: {type(error).__name__}: {error!s:.300}")
        traceback.print_exc(limit=-3)


def read(keras: Any, path: str, name: str) -> bool:
    """Load the model, and compare."""
    try:
        expected = dict(np.load(f"{path}.npz"))
        found = _facts(keras.models.load_model(f"{path}.keras").layers[-1], _case(name))
        if _case(name).name in _OTHERWISE:
            expected["out"] = found["out"]
        _compare(expected, found)
    except Exception as error:
        print(f"READ {name}: {type(error).__name__}: {error!s:.300}")
        return False
    return True


def _compare(expected: dict[str, Any], found: dict[str, Any]) -> None:
    theirs, own = json.loads(str(expected["config"])), json.loads(found["config"])
    different = {k: (theirs[k], own[k]) for k in theirs if k in own and theirs[k] != own[k]}
    if different:
        raise AssertionError(f"settings: {different}")
    if str(expected["words"]) != found["words"]:
        raise AssertionError(f"vocabulary: {expected['words']} became {found['words']}")
    if expected["out"].dtype.kind in "U":
        np.testing.assert_array_equal(expected["out"], found["out"])
    else:
        scale = float(np.abs(expected["out"].astype("float64")).max(initial=1e-3))
        np.testing.assert_allclose(found["out"], expected["out"], rtol=1e-5, atol=1e-5 * scale)
