"""What the user's code calls the arrays that it gives to layers, losses and ops: `real` in `discriminator(real)`.

The source is read when a recording ends: while a program runs, only where each call stands in it was noted.
"""

from __future__ import annotations

import ast
import dis
import itertools
import linecache
from collections.abc import Container, Iterator, Mapping, Sequence
from types import CodeType

from viz.source_trees import parsed_source

__all__ = ["SAID_BY_ITS_PLACE", "Arguments"]

_CONVERSIONS = ("Tensor", "array", "as_tensor", "asarray", "astype", "cast", "constant", "convert_to_tensor")
_FILLING = ("full_like", "ones_like", "zeros_like")
_GRADIENTS = ("gradient", "jacobian", "batch_jacobian")
_OF_DATA = ("fit", "train_on_batch")  # whose arguments are those of their steps, which are given batches of them
_CALLS = (ast.Call, ast.BinOp, ast.UnaryOp, ast.AugAssign, ast.Subscript)  # what runs ops
_LONGEST = 40  # letters of a name
_LONGEST_FORMULA = 24
SAID_BY_ITS_PLACE = ("input", "inputs")  # a box is called so without being told


class Arguments:
    """Reads calls in the user's source.

    Args:
        codes: code objects by the numbers that stand for them in places.
    """

    def __init__(self, codes: Mapping[int, CodeType]) -> None:
        self._codes = codes
        self._calls: dict[str, dict[tuple[int, int], list[ast.expr | ast.stmt]]] = {}  # of a file, by where they end
        self._assigned: dict[int, list[str]] = {}  # by the identity of the node of what is assigned
        self._found: dict[tuple[int, int], ast.expr | ast.stmt | None] = {}

    def names(self, place: Sequence[int], count: int, is_evaluation: bool = False) -> list[str]:
        """The names of what a call was given: one for each of so many arrays, or none at all.

        Args:
            place: number of a code object, instruction.
            count: how many arrays it was given.
            is_evaluation: is it one of the evaluations that `fit` makes of other data, or of other rows?
        """
        return [_name(each) for each in self._arrays(place, count, is_evaluation)]

    def outer_names(self, places: Sequence[int], count: int, at: int) -> list[str]:
        """What the functions around call an array that the innermost one was given and gave on, innermost first.

        `["x2"]` of the `x` that `model(x)` reads in `def f(x)`, where `f(x2)` stands in the code that called it.

        Args:
            places: number of a code object, instruction, and so on outwards.
            count: how many arrays the call was given.
            at: which of them it is.
        """
        given = self._arrays(places, count)
        node, found = given[at] if given else None, list[str]()
        for inner in range(0, len(places) - 2, 2):
            call = self._at(places[inner + 2 : inner + 4])
            node = _given_for(self._codes[places[inner]], _unconverted(node), call)
            if node is None:
                break
            found.append(_name(node))
        return found

    def name_in(self, functions: Container[int], places: Sequence[int], count: int, at: int) -> str:
        """What an array is called in the innermost of some functions that is around the call it was given to.

        "" where that call stands in none of them, or in one itself.

        Args:
            functions: numbers of code objects.
            places: number of a code object, instruction, and so on outwards.
            count: how many arrays the call was given.
            at: which of them it is.
        """
        level = next((k for k, code in enumerate(places[::2]) if code in functions), 0)
        names = self.outer_names(places, count, at) if level else []
        return names[level - 1] if level <= len(names) and level else ""

    def _arrays(self, place: Sequence[int], count: int, is_evaluation: bool = False) -> list[ast.expr]:
        """What a call was given, if that is so many arrays."""
        node = self._at(place)
        if node is None:
            return []
        evaluated = _evaluated(node) if is_evaluation else None
        whole, parts = [*_given(node, whole=True)], [*_given(node)]
        # A list of numbers may be an array, or say how one is changed: `reshape(x, (2, 3))`.
        usual = (whole, parts, [each for each in whole if not _is_literal(each)])
        for given in usual if evaluated is None else (evaluated,):
            arrays = [each for each in given if not isinstance(each, ast.Constant)]
            if len(arrays) == count:
                return arrays
        return []

    def called(self, places: Sequence[int]) -> str:
        """What the user's code calls that which it calls: `critic` of `critic(x)`, `nets[0]`; "" where that has none.

        A function's parameter is called as in the call of the function, where that is sure.
        """
        node = self._at(places) if places else None
        if not isinstance(node, ast.Call):
            return ""
        called: ast.expr | None = node.func
        for inner in range(0, len(places) - 2, 2):
            call = self._at(places[inner + 2 : inner + 4])
            outer = _given_for(self._codes[places[inner]], called, call)
            if outer is None:
                break
            called = outer
        if isinstance(called, ast.Subscript):
            is_told = isinstance(called.slice, ast.Constant) and isinstance(called.value, ast.Name | ast.Attribute)
            return f"{_name(called.value)}[{called.slice.value!r}]" if is_told else ""  # type: ignore[attr-defined]
        return _name(called) if isinstance(called, ast.Name | ast.Attribute) else ""

    def called_function(self, place: Sequence[int]) -> str:
        """The last part of the name of what a call calls: `one_hot` of `ops.one_hot(y, 10)`; "" where it is no call."""
        node = self._at(place) if place else None
        return _called(node) if isinstance(node, ast.Call) else ""

    def target(self, place: Sequence[int]) -> str:
        """What the user's code calls that which it asks the gradient of: `loss` in `tape.gradient(loss, weights)`."""
        node = self._at(place)
        if not isinstance(node, ast.Call) or _called(node) not in _GRADIENTS:
            return ""
        named = [keyword.value for keyword in node.keywords if keyword.arg == "target"]
        return next((_name(each) for each in [*node.args[:1], *named]), "")

    def results(self, place: Sequence[int], count: int) -> list[str]:
        """What the user's code calls that which a call gave: one name for each of so many results, or none at all.

        `["mu", "log_var"]` of `mu, log_var = ops.split(x, 2)`; "" for those that it drops with `_`.
        """
        node = self._at(place)
        names = [] if node is None else self._assigned.get(id(node), [])
        return ["" if set(name) == {"_"} else name[:_LONGEST] for name in names] if len(names) == count else []

    def _at(self, place: Sequence[int]) -> ast.expr | ast.stmt | None:
        key = place[0], place[1]
        if key not in self._found:
            code = self._codes[key[0]]
            first, last, begin, end = next(itertools.islice(code.co_positions(), key[1] // 2, None))
            nodes = self._of_file(code.co_filename).get((last or 0, end or 0), ())
            same = [node for node in nodes if (node.lineno, node.col_offset) == (first, begin)]
            calls = [node for node in nodes if isinstance(node, ast.Call)]  # one on several lines may begin elsewhere
            self._found[key] = next(iter(same or calls), None)  # no two calls end at the same place
        return self._found[key]

    def _of_file(self, file: str) -> dict[tuple[int, int], list[ast.expr | ast.stmt]]:
        if file not in self._calls:
            found = self._calls[file] = dict[tuple[int, int], list[ast.expr | ast.stmt]]()
            for node in _walk(file):
                if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                    self._assigned |= _assigned(node)
                if isinstance(node, _CALLS):
                    found.setdefault((node.end_lineno or 0, node.end_col_offset or 0), []).append(node)
        return self._calls[file]


def _walk(file: str) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(parsed_source("".join(linecache.getlines(file))))
    except (SyntaxError, ValueError, RecursionError):  # what was changed while it ran, say
        return


def _assigned(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> dict[int, list[str]]:
    """The names that a statement gives to what stands right of it, by that; a sum's by the statement: `x += y`."""
    (target, *more) = node.targets if isinstance(node, ast.Assign) else [node.target]
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    value = node if isinstance(node, ast.AugAssign) else node.value
    return {id(value): names} if isinstance(value, _CALLS) and not more and len(names) == len(parts) else {}


def _called(node: ast.AST) -> str:
    """The last part of the name of what is called."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _evaluated(node: ast.AST) -> list[ast.expr] | None:
    """The data that `fit` is given to evaluate; None of another call, and of one that evaluates a share of its data."""
    if not isinstance(node, ast.Call) or _called(node) not in _OF_DATA:
        return None
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    data = named.get("validation_data")
    if data is None:
        return None if "validation_split" in named else []
    parts = data.elts if isinstance(data, (ast.Tuple, ast.List)) else []
    return [each for part in parts for each in (part.elts if isinstance(part, (ast.Tuple, ast.List)) else [part])]


def _given(node: ast.AST, whole: bool = False) -> Iterator[ast.expr]:
    """The arguments of a call or an operator, those in lists one by one, and indices.

    `whole`: lists of numbers are one, and indices are left out.
    """
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
        return
    if isinstance(node, ast.AugAssign):
        yield from (node.target, node.value)
        return
    if isinstance(node, ast.UnaryOp):
        yield node.operand
        return
    if isinstance(node, ast.Subscript):  # of what one part is taken
        yield node.value
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        yield from [each for each in index if not (whole or isinstance(each, ast.Slice) or _is_literal(each))]
        return
    assert isinstance(node, ast.Call)
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    data = [named[name] for name in ("x", "y") if name in named] if _called(node) in _OF_DATA else []
    for each in (*node.args, *data):
        in_parts = isinstance(each, (ast.List, ast.Tuple)) and not (whole and _is_literal(each))
        yield from each.elts if in_parts else (each,)  # type: ignore[attr-defined]


def _given_for(code: CodeType, node: ast.expr | None, call: ast.AST | None) -> ast.expr | None:
    """What a call gives for the parameter that a function names with `node`; None where that isn't sure."""
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if not isinstance(node, ast.Name) or node.id not in parameters or _changes(code, node.id):
        return None
    if not isinstance(call, ast.Call) or _called(call) != code.co_name:
        return None  # nor of one by another name, such as `map(f, arrays)`
    named = [keyword.value for keyword in call.keywords if keyword.arg == node.id]
    if named or any(isinstance(each, ast.Starred) for each in call.args):
        return next(iter(named), None)
    is_method = parameters[0] in ("self", "cls") and isinstance(call.func, ast.Attribute)
    at = parameters.index(node.id) - is_method
    return call.args[at] if 0 <= at < min(code.co_argcount, len(call.args)) else None


def _changes(code: CodeType, name: str) -> bool:
    """Does a function let one of its parameters stand for something else: `x = x / 255`?"""
    written = [each.argval for each in dis.get_instructions(code) if each.opname.startswith(("STORE_", "DELETE_"))]
    return any(name in each if isinstance(each, tuple) else name == each for each in written)


def _unconverted(node: ast.expr | None) -> ast.expr | None:
    """`x` of `ef.Tensor(x)` and `x.astype("float32")`."""
    while isinstance(node, ast.Call) and _called(node) in _CONVERSIONS:
        is_method = isinstance(node.func, ast.Attribute) and node.func.attr == "astype"
        node = node.func.value if is_method else next(iter(node.args), None)  # type: ignore[attr-defined]
    return node


def _name(node: ast.expr | None) -> str:
    """The name of a variable, an attribute or a key, also of what is only converted; empty for all else."""
    found, node = "", _unconverted(node)
    if isinstance(node, ast.Name):
        found = node.id
    elif isinstance(node, ast.Attribute):
        found = node.attr
    elif isinstance(node, ast.Subscript):
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        found = key if isinstance(key, str) else _name(node.value) if isinstance(node.slice, ast.Slice) else _part(node)
    elif isinstance(node, ast.Call) and _called(node) in _FILLING:
        return _filled(node)
    elif node is not None and _is_literal(node):
        return _literal(node)
    elif isinstance(node, (ast.BinOp, ast.UnaryOp)):
        return _formula(node)
    return "" if found.lower() in SAID_BY_ITS_PLACE else found[:_LONGEST]


def _part(node: ast.Subscript) -> str:
    """A part of a named array, as it was written: `x[:, t]`; empty for one row by its number, as a loop's have."""
    return _formula(node) if isinstance(node.slice, ast.Tuple) else ""


def _is_literal(node: ast.expr) -> bool:
    """Is it a number, or lists of numbers, as they were written?"""
    parts = (ast.List, ast.Tuple, ast.UnaryOp, ast.USub, ast.Constant, ast.expr_context)
    all_parts = list(ast.walk(node))
    numbers = [part.value for part in all_parts if isinstance(part, ast.Constant)]
    return (
        bool(numbers)
        and all(isinstance(part, parts) for part in all_parts)
        and not any(isinstance(x, str) for x in numbers)
    )


def _literal(node: ast.expr) -> str:
    """Numbers as they were written: `[1.0, 2.0]`; of many the first: `[[0.5, 1.0, …]`."""
    text = ast.unparse(node)
    if len(text) <= _LONGEST_FORMULA:
        return text
    return f"{text[: _LONGEST_FORMULA - 3].rpartition(',')[0]}, …]"


def _filled(node: ast.Call) -> str:
    """`ones_like(real)`, as of targets; empty where what it is like has no short name."""
    like = next(map(_name, node.args), "")
    return f"{_called(node)}({like})" if 0 < len(like) <= _LONGEST_FORMULA else ""


def _formula(node: ast.expr) -> str:
    """What is computed of named things, as it was written: `1 - done`; empty where it is long, or calls something."""
    named = (ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.Constant, ast.expr_context)
    parts = (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, *named)
    all_parts = list(ast.walk(node))
    is_plain = all(isinstance(each, parts) for each in all_parts)
    text = ast.unparse(node) if is_plain and any(isinstance(each, ast.Name) for each in all_parts) else ""
    return text if len(text) <= _LONGEST_FORMULA else ""
