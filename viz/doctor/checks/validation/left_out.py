"""Loops that leave one part out in each turn, train with the others and judge by that one, whatever they call them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

__all__ = ["JUDGES", "called", "inner_parts", "judges_the_left_out"]

JUDGES = ("evaluate", "predict", "score")


def judges_the_left_out(loop: ast.For) -> bool:
    """Does a loop train with all parts but the one of its turn, and judge by that?

    The part of a turn is `parts[k]`. The others are `parts[j]` where `j != k` is asked, `parts[:k] + parts[k + 1:]` or
    `np.delete(parts, k)`.

    >>> turns = "for k in range(4): fit([parts[j] for j in range(4) if j != k]); evaluate(parts[k])"
    >>> judges_the_left_out(ast.parse(turns).body[0])
    True
    """
    turn = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) and loop.target.elts else loop.target
    if not isinstance(turn, ast.Name):
        return False
    calls = [part for part in inner_parts(loop) if isinstance(part, ast.Call)]
    fits = [call for call in calls if called(call) == "fit"]
    judged = [*[call for call in calls if called(call) in JUDGES], *_validations(fits)]
    trained = [part for call in fits for part in call.args]
    for whole in _left_one_out(loop, turn.id):
        held = _made_of(loop, whole, turn.id)
        judges, learns = (any(_has(part, held, whole, turn.id) for part in parts) for parts in (judged, trained))
        if judges and not learns:
            return True
    return False


def called(call: ast.Call) -> str:
    """The last name of what is called: `"fit"` of `model.fit(x)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def inner_parts(loop: ast.For) -> Iterator[ast.AST]:
    """All that is written in a loop's body."""
    for statement in loop.body:
        yield from ast.walk(statement)


def _validations(fits: Iterable[ast.Call]) -> list[ast.AST]:
    return [each.value for call in fits for each in call.keywords if each.arg == "validation_data"]


def _left_one_out(loop: ast.For, turn: str) -> set[str]:
    """What the parts are called of which a loop takes all but that of its turn."""
    beside = {number for part in inner_parts(loop) if isinstance(part, ast.Compare) for number in _compared(part, turn)}
    found = set[str]()
    for part in inner_parts(loop):
        if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name):
            number = part.slice
            if isinstance(number, ast.Slice):
                is_left_out = number.lower is None and _is(number.upper, turn)
            else:
                is_left_out = isinstance(number, ast.Name) and number.id in beside
            found |= {part.value.id} if is_left_out else set()
        elif isinstance(part, ast.Call) and called(part) == "delete" and len(part.args) > 1 and _is(part.args[1], turn):
            found |= {part.args[0].id} if isinstance(part.args[0], ast.Name) else set()
    return found


def _compared(part: ast.Compare, turn: str) -> list[str]:
    """The number `j` of `j != k`, or of `j == k` as in `if j == k: continue`; else nothing."""
    is_about = isinstance(part.ops[0], (ast.NotEq, ast.Eq)) and _is(part.comparators[0], turn)
    return [part.left.id] if is_about and isinstance(part.left, ast.Name) else []


def _is(part: ast.AST | None, name: str) -> bool:
    return isinstance(part, ast.Name) and part.id == name


def _made_of(loop: ast.For, whole: str, turn: str) -> set[str]:
    """The names that are made of the part of the turn."""
    found = set[str]()
    for part in inner_parts(loop):
        for target, value in _assigned(part):
            if _has(value, found, whole, turn):
                found |= {name.id for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


def _assigned(part: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What a statement assigns, and the values: of `a, b = c, d` each by itself."""
    for target in part.targets if isinstance(part, ast.Assign) else ():
        value = part.value  # type: ignore[attr-defined]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            yield from zip(target.elts, value.elts)
        else:
            yield target, value


def _has(part: ast.AST, held: set[str], whole: str, turn: str) -> bool:
    """Is the part of the turn in an expression, or what is made of it?"""
    return any(
        (isinstance(each, ast.Name) and each.id in held)
        or (isinstance(each, ast.Subscript) and _is(each.value, whole) and _is(each.slice, turn))
        for each in ast.walk(part)
    )
