"""Does a saved model give the same once it is loaded?"""

from __future__ import annotations

import ast
import os
import tempfile
from typing import Any

import numpy

from eagerflow import no_grad
from eagerflow.core.random import set_random_seed
from eagerflow.saving import load_model
from viz.check.row import Row, fault, fine, nothing_to_ask, open_question
from viz.check.subject import ROUNDING, Subject, leaves
from viz.check.weights_move import words_of
from viz.doctor.facts.source_calls import last_name, tree_of
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.user_code import Place, made_at
from viz.frameworks.owners import LIBRARIES, is_library

__all__ = ["check_saving"]

_SAVES = ("save", "ModelCheckpoint", "BackupAndRestore", "save_model")


def check_saving(subject: Subject) -> Row:
    """✗ where a model that was saved and loaded answers otherwise, or can't be loaded though the script saves it."""
    model = subject.model
    if not hasattr(model, "save"):
        return nothing_to_ask(f"a {type(model).__name__} isn't a model, which could be saved")
    expected = _answers(subject, model)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        try:
            model.save(path)
            load = getattr(model._ef_state, "load_model", load_model)
            found = _answers(subject, load(path, custom_objects=_own_classes(model)))
        except Exception as error:  # noqa: BLE001  (whatever the user's classes raise: the row says it)
            return _weights_alone(subject, folder, expected, words_of(error))
        return _compared(subject, expected, found, "the whole model, saved and loaded,")


def _answers(subject: Subject, model: Any) -> list[numpy.ndarray]:
    with subject.undone(), no_grad():
        set_random_seed(0)  # loading draws numbers; a model that draws some itself (as a VAE does) must get the same
        return [a.copy() for a in leaves(model(subject.x, training=False))]


def _compared(subject: Subject, expected: list[Any], found: list[Any], what: str) -> Row:
    if [a.shape for a in found] != [a.shape for a in expected]:
        return fault(f"{what} gives other shapes", "look at get_config")
    if any(a.size for a in expected) and not any(numpy.isfinite(a).any() for a in expected):
        return open_question(f"{what} can't be compared: no answer is a finite number")
    difference = max([_difference(a, b) for a, b in zip(expected, found)], default=0.0)
    size = max([float(numpy.abs(a[numpy.isfinite(a)]).max(initial=0.0)) for a in expected], default=0.0)
    if difference > ROUNDING * max(size, 1e-30):
        return fault(
            f"{what} gives other answers: by {difference:.2g}, with outputs up to {size:.2g}",
            "look for numbers that a layer keeps outside of its weights and its get_config, and for random draws in "
            "inference mode",
            made_at(next((each for each in layers_in(subject.model) if not is_library(each)), None)),
            difference=difference,
        )
    same = "the same bits" if not difference else f"the same up to {difference:.1g}"
    return fine(f"{what} gives {same}", _saving_line(subject), difference=difference)


def _difference(one: numpy.ndarray, other: numpy.ndarray) -> float:
    """The largest difference; infinite where only one of two numbers is NaN, none where both are."""
    same = (one == other) | (numpy.isnan(one) & numpy.isnan(other))
    with numpy.errstate(all="ignore"):
        apart = numpy.nan_to_num(numpy.abs(one - other), nan=numpy.inf)
    return float(apart[~same].max(initial=0.0))


def _weights_alone(subject: Subject, folder: str, expected: list[Any], reason: str) -> Row:
    """The whole model doesn't come back: do its weights?"""
    path = os.path.join(folder, "model.weights.h5")
    model = subject.model
    with subject.undone():
        model.save_weights(path)
        for variable in model.variables:
            if variable.trainable:
                variable.assign(variable * 0)
        model.load_weights(path)
        row = _compared(subject, expected, _answers(subject, model), "the model with its weights saved and loaded")
    saves = _saving_line(subject)
    if row.verdict == "fault":
        return row
    if saves is None:
        return open_question(f"the whole model can't be loaded ({reason}); {row.message}", reason=reason)
    words = f"the script saves the model, and it can't be loaded again: {reason}"
    fix = "give its layers a get_config (and @keras.saving.register_keras_serializable), or save weights alone"
    return fault(words, fix, saves, reason=reason)


def _own_classes(model: Any) -> dict[str, Any]:
    """The classes and functions of the script's that the model is made of, by name."""
    found: dict[str, Any] = {}
    for layer in layers_in(model):
        for thing in (type(layer), *vars(layer).values()):
            name, module = getattr(thing, "__name__", None), str(getattr(thing, "__module__", LIBRARIES[0]))
            if callable(thing) and isinstance(name, str) and not module.startswith(LIBRARIES):
                found[name] = thing
    compiled = getattr(model._ef_state, "compiled", None)
    for given in compiled.arguments.values() if compiled is not None else ():
        for thing in given if isinstance(given, (list, tuple)) else (given,):
            if callable(thing) and isinstance(getattr(thing, "__name__", None), str):
                found[thing.__name__] = thing
    return found


def _saving_line(subject: Subject) -> Place | None:
    """The line of the script that saves whole models, if there is one."""
    tree = tree_of(subject.place.file) if subject.place is not None else None
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call) and (name := last_name(node.func)) in _SAVES:
            weights = any(k.arg == "save_weights_only" for k in node.keywords)
            if subject.place is not None and not weights and (name != "save" or _of_model(node)):
                return Place(subject.place.file, node.lineno)
    return None


def _of_model(call: ast.Call) -> bool:
    """Is this `save` one of a model, as far as its text tells?"""
    files = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    whose = ast.unparse(call.func.value).lower() if isinstance(call.func, ast.Attribute) else ""
    return "model" in whose or any(file.endswith((".keras", ".h5", ".hdf5")) for file in files)
