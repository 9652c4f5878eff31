"""What type checkers are told that calling a layer takes is what its `call` takes.

The signatures stand behind `if TYPE_CHECKING`, where a run doesn't see them: they are read from the source.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from eagerflow import layers
from eagerflow.layers.rnn import calls

FREE = {"Layer", "Wrapper"}  # whose `call` is the user's


class Argument(NamedTuple):
    """One of a call, as far as it must agree."""

    name: str
    kind: Any
    default: Any


def public_layers() -> list[type]:
    found = {getattr(layers, name) for name in dir(layers)}
    return sorted({c for c in found if isinstance(c, type) and issubclass(c, layers.Layer)}, key=lambda c: c.__name__)


@cache
def classes_in(file: str) -> dict[str, ast.ClassDef]:
    """The classes of a source file, also those for type checkers alone."""
    tree = ast.parse(Path(file).read_text("utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def declared_in(cls: type) -> list[ast.FunctionDef]:
    """The calls that a class declares for type checkers: several are overloads of one."""
    node = classes_in(inspect.getfile(cls))[cls.__name__]
    blocks = [b for b in node.body if isinstance(b, ast.If) and ast.unparse(b.test) == "TYPE_CHECKING"]
    inside = [statement for block in blocks for statement in block.body]
    functions = [f for f in inside if isinstance(f, ast.FunctionDef) and f.name == "__call__"]
    if len(functions) > 1:
        return [f for f in functions if f.decorator_list]
    if any(isinstance(a, ast.AnnAssign) and ast.unparse(a.target) == "__call__" for a in inside):  # by what it gives
        (call,) = classes_in(calls.__file__)["CallOnSequences"].body[1:]
        assert isinstance(call, ast.FunctionDef)
        return [call]
    return functions


def declared(cls: type) -> list[ast.FunctionDef]:
    """Those of the first class in the order of inheritance that has some."""
    for each in cls.__mro__:
        if each in (layers.Layer, layers.Wrapper):
            break
        if found := declared_in(each) if each.__module__.startswith("eagerflow.") else []:
            return found
    return []


def arguments(function: ast.FunctionDef) -> list[Argument]:
    """What is written, without `self`."""
    positional, given = function.args.args[1:], function.args.defaults
    required: list[Any] = [inspect.Parameter.empty] * (len(positional) - len(given))
    defaults = required + [ast.literal_eval(d) for d in given]
    kind = inspect.Parameter
    found = [Argument(a.arg, kind.POSITIONAL_OR_KEYWORD, d) for a, d in zip(positional, defaults, strict=True)]
    for a, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        found.append(Argument(a.arg, kind.KEYWORD_ONLY, kind.empty if default is None else ast.literal_eval(default)))
    if function.args.kwarg is not None:
        found.append(Argument(function.args.kwarg.arg, kind.VAR_KEYWORD, kind.empty))
    return found


def expected(cls: Any) -> list[Argument]:
    """What `call` takes; and `training`, which every layer is told by name, and without which the mode is found."""
    found = [
        Argument(p.name, p.kind, None if p.name == "training" else p.default)
        for p in list(inspect.signature(cls.call).parameters.values())[1:]
    ]
    if "training" not in [a.name for a in found]:
        found.append(Argument("training", inspect.Parameter.KEYWORD_ONLY, None))
    return found


@pytest.mark.parametrize("cls", public_layers(), ids=lambda cls: cls.__name__)
def test_a_layers_declared_call_takes_what_its_call_does(cls):
    found = declared(cls)
    if cls.__name__ in FREE:
        assert not found
        return
    assert found, f"{cls.__name__}: what calling it takes isn't declared behind `if TYPE_CHECKING`"
    assert arguments(found[-1]) == expected(cls)
    for overload in found[:-1]:  # of which a call with one value of an argument gives something else
        assert {a.name for a in arguments(overload)} == {a.name for a in expected(cls)}


def test_all_kinds_of_layers_are_looked_at():
    names = {cls.__name__ for cls in public_layers()}
    assert len(names) > 130
    assert {"Dense", "LSTM", "MultiHeadAttention", "RandomFlip", "StringLookup", "InputLayer"} <= names


def test_what_is_told_to_type_checkers_is_no_class_at_run_time():
    names = {each.__name__ for cls in public_layers() for each in cls.__mro__}
    assert not names & {"RecurrentLayer", "BothDirections", "GivesStates", "CallOnSequences"}
    assert layers.RNN[bool] is layers.RNN


@pytest.mark.parametrize("cls", [layers.Dense, layers.Conv1D, layers.Embedding, layers.Add, layers.Flatten])
def test_every_layer_may_be_told_its_mode(cls):
    layer: Any = {"Dense": lambda: cls(2), "Conv1D": lambda: cls(2, 1), "Embedding": lambda: cls(4, 2)}.get(
        cls.__name__, cls
    )()
    x: Any = [[[1.0, 2.0]]] if cls is not layers.Embedding else [[1, 2]]
    inputs = [layers.Dense(2)(x), layers.Dense(2)(x)] if cls is layers.Add else x
    assert layer(inputs, training=True).shape == layer(inputs, training=None).shape
