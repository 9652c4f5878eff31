"""Where a script can scale its inputs: behind the line that loads pictures, or by a layer that was never adapted."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator
from typing import Any

from eagerflow import layers
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.source_calls import last_name, names_in
from viz.doctor.facts.variable_owners import layers_in
from viz.source_trees import parsed_source

__all__ = ["scaled_after_loading", "unadapted_normalization"]

_SCALES = re.compile(r"\b(Rescaling|Normalization|preprocess_input|normalize|standardize|\w*Scaler)\b")
_KEEPS_VALUES = frozenset(["astype", "reshape", "expand_dims", "array", "asarray", "copy"])
_Scope = ast.Module | ast.FunctionDef


def scaled_after_loading(file: str, line: int) -> tuple[int, str] | None:
    """The line that loads pictures for the `fit` of a line, with one behind it that brings them to 0..1.

    Of a script with one `fit`, whose data come from one `(x, y), (x_test, y_test) = ...load_data()` in the same
    function, and are only turned and cast before they are trained with. Test data are scaled with them.

    Args:
        file: the script.
        line: a line of the call of `fit`.

    Returns:
        The number of the line, and the two lines; None where it isn't certain.
    """
    source = "".join(linecache.getlines(file))
    try:
        tree = parsed_source(source)
    except SyntaxError:
        return None
    fits = [(scope, node) for scope, node in _within(tree, tree) if _calls(node, "fit")]
    if len(fits) != 1 or _SCALES.search(source):
        return None
    scope, fit = fits[0]
    if not fit.lineno <= line <= (fit.end_lineno or fit.lineno) or not isinstance(fit, ast.Call):
        return None
    data = fit.args[0] if fit.args else next((k.value for k in fit.keywords if k.arg == "x"), None)
    loads = [(where, node) for where, node in _within(tree, tree) if isinstance(node, ast.Assign) and _pair(node)]
    if not isinstance(data, ast.Name) or len(loads) != 1 or loads[0][0] is not scope:
        return None
    load = loads[0][1]
    names = _pair(load) if isinstance(load, ast.Assign) else ()
    end = load.end_lineno or load.lineno
    if not names or names[0] != data.id or not _only_cast(tree, load, names):
        return None
    last = linecache.getline(file, end).rstrip("\n")
    train, test = names
    indent = re.match(r"\s*", linecache.getline(file, load.lineno))
    begin = indent[0] if indent else ""
    return end, f"{last}\n{begin}{train}, {test} = {train} / 255.0, {test} / 255.0"


def unadapted_normalization(owner: Any) -> Any:
    """The first `Normalization` in a layer or model whose means are still 0 and whose variances are still 1.

    Other layers that need `adapt` (`Discretization`, `StringLookup`, `TextVectorization`) refuse their first call.

    Args:
        owner: a layer or model; None has none.

    Returns:
        The layer, or None.

    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Normalization(name="scale"), ef.layers.Dense(1)])
    >>> unadapted_normalization(model).name
    'scale'
    >>> model.layers[0].adapt([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]] * ef.ops.ones((2, 3)))
    >>> unadapted_normalization(model) is None
    True
    """
    for layer in layers_in(owner) if owner is not None else ():
        if isinstance(layer, layers.Normalization) and layer.input_mean is None and layer.built:
            mean, variance = layer.mean, layer.variance
            if mean is not None and variance is not None and not _any(mean) and not _any(variance - 1):
                return layer
    return None


def _within(scope: _Scope, node: ast.AST) -> Iterator[tuple[_Scope, ast.expr | ast.stmt]]:
    """All expressions and statements below a node, each with the function, or the module, that it is in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.expr, ast.stmt)):
            yield scope, child
        yield from _within(child if isinstance(child, ast.FunctionDef) else scope, child)


def _calls(node: ast.AST | None, name: str) -> bool:
    function = node.func if isinstance(node, ast.Call) else None
    return (isinstance(function, ast.Attribute) and function.attr == name) or (
        isinstance(function, ast.Name) and function.id == name
    )


def _pair(node: ast.Assign) -> tuple[str, str] | tuple[()]:
    """The names of the inputs in `(x_train, y_train), (x_test, y_test) = ...load_data()`."""
    if len(node.targets) != 1 or not _calls(node.value, "load_data"):
        return ()
    parts = getattr(node.targets[0], "elts", ())
    inputs = [part.elts[0] for part in parts if isinstance(part, ast.Tuple) and part.elts]
    names = [x.id for x in inputs if isinstance(x, ast.Name)]
    return (names[0], names[1]) if len(names) == len(inputs) == 2 else ()


def _only_cast(tree: ast.Module, load: ast.AST, names: tuple[str, ...]) -> bool:
    """Do other statements keep the values of these arrays?"""
    for _, node in _within(tree, tree):
        if node is load:
            continue
        if isinstance(node, ast.AugAssign) and names_in(node.target) & {*names}:
            return False
        if isinstance(node, (ast.BinOp, ast.Compare)) and names_in(node) & {*names}:
            return False
        if isinstance(node, ast.Assign) and any(names_in(target) & {*names} for target in node.targets):
            made = [x for x in ast.walk(node.value) if isinstance(x, ast.Call)]
            if not names_in(node.value) & {*names} or not all(_keeps_values(call) for call in made):
                return False
    return True


def _keeps_values(call: ast.Call) -> bool:
    return last_name(call.func) in _KEEPS_VALUES and "int" not in ast.unparse(call)  # back to integers, all would be 0


def _any(tensor: Any) -> bool:
    """Is any element of a tensor not 0?"""
    return bool(host(tensor.data).any())
