"""Exported ONNX files in onnxruntime: `make interop`.

    python tools/interop_onnx.py [zoo | small | models | interop | layers] [NAME ...]

Every model must export, pass onnx' checker in full and give the model's numbers in onnxruntime, to 1e-5 of the largest;
those of interop.py may instead be refused by one error of 500 characters at most that names the op.

    zoo      the 40 architectures, in full size at batch 1
    small    the same at the smallest side that each takes, at batch 5 and 32; images turned at most twice
    models   those of tests/onnx/cases.py, at batch 1, 5, 32 and several lengths
    interop  the models and layers that are exchanged with Keras by interop.py, and layers for preprocessing
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
warnings.simplefilter("ignore")

import eagerflow as ef  # noqa: E402
from tests.fixtures.cases import model_cases  # noqa: E402
from tests.onnx.cases import MODELS  # noqa: E402
from tools import interop, interop_applications, interop_prepared  # noqa: E402

TOLERANCE = 1e-5
KINDS = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16", "tensor(bool)": "bool"}
KINDS |= {f"tensor({kind})": kind for kind in "int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()}
# Untrained, they make of a change by a millionth one by a tenth; smaller factors after each convolution calm them.
DEEPEST = "EfficientNetV2"


class Wrong(Exception):
    """A file that a runtime refuses, or whose numbers differ."""


# ---------------------------------------------------------------------- comparing


def session(path: Path) -> Any:
    """A checked file, loaded."""
    onnx.checker.check_model(str(path), full_check=True)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def leaves(found: Any) -> list[np.ndarray]:
    return [np.asarray(x) for x in ef.tree.flatten(found)]


def apart(run: Any, call: Any, given: dict[str, np.ndarray], arguments: Any) -> float:
    """The largest difference between file and model, relative to the largest number."""
    found, wanted = run.run(None, given), leaves(call(arguments))
    if len(found) != len(wanted):
        raise Wrong(f"{len(found)} outputs instead of {len(wanted)}")
    worst = 0.0
    for ours, theirs in zip(found, wanted):
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            raise Wrong(f"{ours.dtype}{ours.shape} instead of {theirs.dtype}{theirs.shape}")
        if theirs.dtype.kind != "f":
            if not np.array_equal(ours, theirs):
                raise Wrong("integers differ")
            continue
        ours, theirs = ours.astype("float64"), theirs.astype("float64")
        if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
            raise Wrong("other places without a number")
        if theirs.size:
            worst = max(worst, float(np.nanmax(np.abs(ours - theirs)) / max(np.nanmax(np.abs(theirs)), 1e-12)))
    return worst


def checked(worst: float, most: float = TOLERANCE) -> str:
    if not worst <= most:
        raise Wrong(f"the numbers differ by {worst:.1e} of the largest")
    return f"{worst:.1e}"


# ---------------------------------------------------------------------- the zoo


def architectures() -> list[str]:
    return [name for name in vars(ef.applications)["__all__"] if name[0].isupper()]


def built(name: str, side: int | None) -> Any:
    """An architecture whose outputs tell something: logits, of weights that aren't as they are initialized."""
    ef.utils.clear_session()
    ef.utils.set_random_seed(1)
    shape = {} if side is None else {"input_shape": (side, side, 3)}
    model = getattr(ef.applications, name)(weights=None, classes=1000, classifier_activation=None, **shape)
    interop_applications.perturb(model)
    for weight in model.weights:
        if name.startswith(DEEPEST) and weight.name == "gamma":
            weight.assign(weight * 0.5)
    return model


def pictures(model: Any, batch: int) -> np.ndarray:
    prepares = any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in model.layers)
    low, high = (0, 255) if prepares else (-1, 1)
    shape = [n or 224 for n in model.input_shape[1:]]  # some take any size
    return np.random.default_rng(batch).uniform(low, high, (batch, *shape)).astype("float32")


def architecture(name: str, path: Path, side: int | None, batches: Sequence[int]) -> str:
    """Export an architecture and compare it."""
    model = built(name, side)
    began = time.perf_counter()
    model.export(path)
    seconds = time.perf_counter() - began
    turned = [node.op_type for node in onnx.load(path, load_external_data=False).graph.node].count("Transpose")
    if turned > 2:
        raise Wrong(f"images are turned {turned} times")
    run, worst = session(path), 0.0
    for batch in batches:
        images = pictures(model, batch)
        outputs = model(images[:1], training=False).numpy()
        if np.ptp(outputs) < 1e-3 * np.abs(outputs).max():
            raise Wrong("the model gives nothing to compare")
        worst = max(worst, apart(run, lambda x: model(x, training=False), {run.get_inputs()[0].name: images}, images))
    return f"{checked(worst)}, {turned} turned, exported in {seconds:.1f} s"


def zoo(name: str, path: Path) -> str:
    return architecture(name, path, None, (1,))


def small(name: str, path: Path) -> str:
    return architecture(name, path, interop_applications.SIDES.get(name, 32), (5, 32))


# ---------------------------------------------------------------------- models


def drawn(about: Any, batch: int, length: int) -> np.ndarray:
    """Something for an input that onnxruntime describes."""
    shape = [(batch if axis == 0 else length) if isinstance(n, str) else n for axis, n in enumerate(about.shape)]
    rng = np.random.default_rng([batch, length])
    kind = np.dtype(KINDS[about.type])
    array = rng.normal(size=shape) if kind.kind == "f" else rng.integers(0, 2 if kind.kind == "b" else 7, shape)
    return array.astype(kind)


def perturb(model: Any) -> None:
    """Biases and moving averages that aren't 0 and 1."""
    for variable in model.weights:
        if variable.dtype in ("float32", "float64") and "seed" not in variable.path:
            more = np.random.default_rng(1).random(variable.shape).astype(variable.dtype)
            variable.assign(variable + 0.1 * more)


def compared(model: Any, path: Path, sizes: Sequence[tuple[int, int]], most: float = TOLERANCE) -> str:
    """The file on random numbers of several sizes."""
    run, worst = session(path), 0.0
    names = list(model.input) if isinstance(getattr(model, "input", None), dict) else None
    for batch, length in sizes:
        given = {about.name: drawn(about, batch, length) for about in run.get_inputs()}
        values: Any = list(given.values())
        arguments = {n: given[n] for n in names} if names else values if len(values) > 1 else values[0]
        worst = max(worst, apart(run, lambda x: model(x, training=False), given, arguments))
    return checked(worst, most)


def models(name: str, path: Path) -> str:
    model = MODELS[name]()
    perturb(model)
    model.export(path)
    return compared(model, path, ((1, 8), (5, 12), (32, 16)))


def _exchanged(name: str) -> Any:
    model = interop.make(ef, name)
    model_cases.perturb(name, model)
    return model


def exchanged(name: str, path: Path) -> str:
    """A model of interop.py: it agrees, or one short error says where and why not."""
    if name.startswith("prepared "):
        return prepared(name, path)
    model = _exchanged(name)
    inputs = interop.inputs_of(name, model)
    model.export(path, input_signature=[ef.InputSpec(shape=(None, 4))] if name == "subclassed" else None)
    run = session(path)
    flat: Any = inputs if isinstance(inputs, (list, dict)) else [inputs]
    named = flat if isinstance(flat, dict) else dict(zip([about.name for about in run.get_inputs()], flat))
    given = {about.name: np.asarray(named[about.name]).astype(KINDS[about.type]) for about in run.get_inputs()}
    most = 2e-2 if name == "mixed_precision" else TOLERANCE
    told = checked(apart(run, lambda x: model(x, training=False), given, inputs), most)
    if all(isinstance(about.shape[0], str) for about in run.get_inputs() if about.shape):
        sizes = ((1, 6), (5, 6), (32, 6))
        told += f", {compared(model, path, sizes, most)} at other sizes"
    return told


def prepared(name: str, path: Path) -> str:
    """A layer for preprocessing."""
    case = interop_prepared._case(name)
    model = interop_prepared._model(ef, case)
    layer = model.layers[-1]
    inputs = interop_prepared._inputs(case)
    if hasattr(case, "adapt") and case.adapt is None and hasattr(layer, "adapt") and not layer.built:
        return "has nothing to look up"
    model.export(path)
    run = session(path)
    arguments = inputs if len(inputs) > 1 else inputs[0]
    given = {about.name: x.astype(KINDS[about.type]) for about, x in zip(run.get_inputs(), inputs)}
    return checked(apart(run, lambda x: model(x, training=False), given, arguments))


def refusal(error: Exception) -> str:
    """An error that says enough."""
    text = str(error)
    named = ("op " in text or "is text" in text) and "layer" in text
    if not isinstance(error, ef.onnx.ExportError) or len(text) > 500 or not named:
        raise Wrong(f"{type(error).__name__} of {len(text)} characters: {text:.300}")
    return f"refused: {text}"


# ---------------------------------------------------------------------- all of it


PARTS: dict[str, tuple[Any, Any, bool]] = {  # names, how each is compared, whether it may be refused
    "models": (lambda: list(MODELS), models, False),
    "interop": (lambda: interop.names([]), exchanged, True),
    "small": (architectures, small, False),
    "zoo": (architectures, zoo, False),
}


def results(part: str, chosen: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and what came of it ("agrees", "refused", "wrong") of each model of a part."""
    names, compare, may_refuse = PARTS[part]
    for name in names():
        if chosen and name not in chosen:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                try:
                    told, how = compare(name, Path(folder) / "m.onnx"), "agrees"
                except (ef.onnx.ExportError, ValueError) as error:
                    if not may_refuse:
                        raise
                    told, how = refusal(error), "refused"
            except Exception as error:
                told, how = f"{type(error).__name__}: {error!s:.400}", "wrong"
        print(f"{part} {name}: {how if how != 'agrees' else ''} {told}", flush=True)
        yield name, how


def main(arguments: Sequence[str]) -> int:
    parts = [part for part in PARTS if part in arguments] or list(PARTS)
    chosen = [name for name in arguments if name not in PARTS]
    failed = 0
    for part in parts:
        found = [how for _, how in results(part, chosen)]
        counts = {how: found.count(how) for how in ("agrees", "refused", "wrong")}
        told = ", ".join(f"{count} {how}" for how, count in counts.items())
        print(f"{part}: {len(found)} models, {told}")
        failed += counts["wrong"]
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
