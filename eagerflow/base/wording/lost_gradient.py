"""Why a loss has no gradient: what the lines around `tape.gradient` say, or a loss function that left the tape."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from eagerflow.base.machine.source_trees import parsed_source
from eagerflow.base.tracebacks import is_ours

__all__ = ["USUAL", "place_of", "why_lost"]

USUAL = "Is the loss computed from them, inside the tape, without .numpy()?"
_FLAT = frozenset("argmax argmin argsort ceil equal floor greater less not_equal one_hot rint round sign".split())
_STOPS = frozenset(("stop_gradient", "detach"))
_MADE = frozenset("arange empty eye full linspace ones zeros".split())  # of NumPy, which take nothing out of a tape
_STEPS_BACK = 4  # assignments between the gradients and where they are applied
_Scope = (ast.FunctionDef, ast.AsyncFunctionDef)


def why_lost() -> str:
    """The likely cause, read from the user's lines that led here; the usual question where they don't tell."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return USUAL
    try:
        tree = parsed_source("".join(linecache.getlines(frame.f_code.co_filename)))
    except SyntaxError:
        return USUAL
    return _read(_scope(tree, frame.f_lineno), frame) or USUAL


def place_of(function: Any) -> str:
    """`" (train.py:7)"` for a function that the user wrote, else nothing."""
    code = getattr(function, "__code__", None)
    if code is None or is_ours(code.co_filename):
        return ""
    return f" ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"


def _scope(tree: ast.Module, line: int) -> ast.AST:
    """The innermost function around a line, or the whole file."""
    around = [x for x in ast.walk(tree) if isinstance(x, _Scope) and x.lineno <= line <= (x.end_lineno or 0)]
    return max(around, key=lambda x: x.lineno, default=tree)


def _read(scope: ast.AST, frame: FrameType) -> str:
    target = _target(scope, frame.f_lineno)
    tapes = [x for x in ast.walk(scope) if isinstance(x, ast.With) and any(map(_is_tape, x.items))]
    names = [x for x in ast.walk(scope) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)]
    made = sorted(x.lineno for x in names if x.id == target)
    if len(tapes) != 1 or not target or not made:
        return ""
    first, last = tapes[0].lineno, tapes[0].end_lineno or 0
    if not any(first <= line <= last for line in made):
        block = f"the tape's block (lines {first} to {last})"
        return f"{target!r} is computed on line {made[-1]}, outside of {block}: move it in."
    for x in ast.walk(tapes[0]):
        if isinstance(x, ast.Call) and (words := _leaves(x, frame)):
            return f"Line {x.lineno} takes numbers out of the tape, by {words}: use tensors and ops there."
    for x in ast.walk(tapes[0]):
        if isinstance(x, ast.Call) and _called(x) in _FLAT:
            return (
                f"Line {x.lineno} uses {_called(x)}, which small changes of the weights don't change, so it has no "
                "gradient: a loss needs the numbers that come before it, such as probabilities."
            )
    stops = [x.lineno for x in ast.walk(tapes[0]) if isinstance(x, ast.Call) and _called(x) in _STOPS]
    if stops:
        return (
            f"Line {stops[0]} stops the gradient, and these weights lie behind it: compute {target!r} from a tensor "
            "that didn't go through it."
        )
    return ""


def _target(scope: ast.AST, line: int) -> str:
    """What `tape.gradient(loss, ...)` was asked of, whose results the statement on a line uses; else the first."""
    found: list[ast.AST] = [x for x in ast.walk(scope) if isinstance(x, ast.Expr) and _covers(x, line)]
    for _ in range(_STEPS_BACK):
        asked = [target for x in found for target in _targets(x)]
        if asked:
            return asked[0]
        used = {x.id for each in found for x in ast.walk(each) if isinstance(x, ast.Name)}
        made = [x for x in ast.walk(scope) if isinstance(x, ast.Assign) and any(_name(t) in used for t in x.targets)]
        found = [x.value for x in made]
    return next(_targets(scope), "")


def _covers(x: ast.stmt, line: int) -> bool:
    return x.lineno <= line <= (x.end_lineno or 0)


def _targets(scope: ast.AST) -> Iterator[str]:
    """What `tape.gradient(loss, ...)` is asked of."""
    for x in ast.walk(scope):
        if isinstance(x, ast.Call) and isinstance(x.func, ast.Attribute) and x.func.attr == "gradient" and x.args:
            yield _name(x.args[0])


def _name(x: ast.expr) -> str:
    return x.id if isinstance(x, ast.Name) else ""


def _called(call: ast.Call) -> str:
    """The name of what is called, without that of its owner."""
    name: str = getattr(call.func, "attr", _name(call.func))
    return name


def _is_tape(item: ast.withitem) -> bool:
    call = item.context_expr
    return isinstance(call, ast.Call) and _called(call) == "GradientTape"


def _leaves(call: ast.Call, frame: FrameType) -> str:
    """`.numpy()` or `np.mean`, where a call is one of these; `float(...)` is mostly for printing."""
    if not isinstance(call.func, ast.Attribute):
        return ""
    if call.func.attr == "numpy" and not call.args:
        return ".numpy()"
    if call.func.attr in _MADE:
        return ""
    module = frame.f_locals.get(owner := _name(call.func.value), frame.f_globals.get(owner))
    return f"{owner}.{call.func.attr}" if getattr(module, "__name__", "") == "numpy" else ""
