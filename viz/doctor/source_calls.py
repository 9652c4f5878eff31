"""Calls as they stand in the user's files: where something was made, what was shuffled."""

from __future__ import annotations

import ast
import functools
import linecache
import re
from collections.abc import Iterator

from viz.doctor.user_code import Place
from viz.source_trees import parsed_source

__all__ = [
    "argument_made_at",
    "is_half_in_loop",
    "is_half_of_data",
    "is_half_of_validation",
    "last_name",
    "later_fits",
    "lone_shuffles",
    "loop_over_epochs",
    "made_after",
    "names_in",
    "numpy_in_tape",
    "only_call",
    "other_gradients",
    "separate_shuffles",
    "tape_before",
    "tree_of",
    "unseeded_generators",
    "zipped_shuffles",
]


_EPOCHS = re.compile(r"_?(epoch|ep|step|iteration|it|batch)(_?(i|idx|index|nr|no|num|number))?", re.IGNORECASE)


@functools.lru_cache(8)
def tree_of(file: str) -> ast.Module | None:
    """A file's code; None for what Python can't read."""
    try:
        return parsed_source("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # a notebook's magics, say
        return None


def _calls(file: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call, with the last part of its function's name."""
    tree = tree_of(file)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call):
            yield _called(node), node


def last_name(node: ast.expr) -> str:
    """The last part of a name, `fit` of `model.fit`; empty for what has none."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def names_in(node: ast.AST) -> set[str]:
    """All names in a piece of code, without their attributes."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _called(call: ast.Call) -> str:
    return last_name(call.func)


def only_call(file: str, name: str) -> Place | None:
    """The line of the one call of this name in a file; None where there is none, or more than one."""
    found = [node.lineno for called, node in _calls(file) if called == name]
    return Place(file, found[0]) if len(found) == 1 else None


def argument_made_at(place: Place, keyword: str) -> Place | None:
    """Where the file makes what a call on this line is given under a keyword, by one assignment before it."""
    tree = tree_of(place.file)
    for called, node in _calls(place.file):
        if called != "fit" or not node.lineno <= place.line <= (node.end_lineno or node.lineno):
            continue
        names = [each.value.id for each in node.keywords if each.arg == keyword and isinstance(each.value, ast.Name)]
        made = [
            each.lineno
            for each in (ast.walk(tree) if tree is not None and names else ())
            if isinstance(each, ast.Assign)
            and each.lineno < node.lineno
            and any(isinstance(target, ast.Name) and target.id == names[0] for target in each.targets)
        ]
        return Place(place.file, max(made)) if made else None
    return None


def later_fits(place: Place) -> list[int]:
    """The lines of a file, behind one, on which a network is trained by `fit`, too; its settings tell."""
    own = ("epochs", "batch_size", "validation_data", "validation_split", "steps_per_epoch", "callbacks", "verbose")
    calls = [node for name, node in _calls(place.file) if name == "fit" and node.lineno > place.line]
    return sorted({node.lineno for node in calls if any(each.arg in own for each in node.keywords)})


def other_gradients(place: Place) -> list[int]:
    """The other lines of a file on which gradients are asked for: of a loop that trains several networks, say."""
    calls = [call for name, call in _calls(place.file) if name in ("gradient", "minimize")]
    return sorted({call.lineno for call in calls if not _holds(call, place.line)})


def loop_over_epochs(place: Place) -> str:
    """The variable of the innermost loop around a line, or around calls of its function, if it is named as epochs are.

    Where it isn't, the loop may go through folds, seeds or settings.
    """
    tree = tree_of(place.file)
    nodes = list(ast.walk(tree)) if tree is not None else []
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef) and _holds(node, place.line)]
    inner = max(functions, key=lambda node: node.lineno, default=None)
    lines = [place.line]
    if inner is not None:
        lines += [node.lineno for name, node in _calls(place.file) if name == inner.name]
    loops = [node for node in nodes if isinstance(node, ast.For)]
    around = [max((n for n in loops if _holds(n, at)), key=lambda n: n.lineno, default=None) for at in lines]
    names = [getattr(loop.target, "id", "") for loop in around if loop is not None]
    return names[0] if len(names) == 1 and _EPOCHS.fullmatch(names[0]) else ""


def _holds(node: ast.For | ast.FunctionDef | ast.Call, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _tapes(file: str) -> list[ast.With]:
    """The blocks of a file's tapes."""
    tree = tree_of(file)
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.With)] if tree is not None else []
    return [node for node in blocks if any("GradientTape" in ast.unparse(item.context_expr) for item in node.items)]


def tape_before(place: Place) -> tuple[int, int] | None:
    """The first and the last line of the last tape's block that begins on a line, or before it; None for none."""
    blocks = [node for node in _tapes(place.file) if node.lineno <= place.line]
    last = max(blocks, key=lambda node: node.lineno, default=None)
    return None if last is None else (last.lineno, last.end_lineno or last.lineno)


def numpy_in_tape(file: str) -> Place | None:
    """The one line within the blocks of a file's tapes on which `.numpy()` or `predict` gives what is used on."""
    shown = ("print", "append", "float", "write", "set_description")
    lines = set()
    for part in (part for tape in _tapes(file) for statement in tape.body for part in ast.walk(statement)):
        given = [*part.args, *[each.value for each in part.keywords]] if isinstance(part, ast.Call) else []
        if isinstance(part, ast.Call) and ast.unparse(part.func).split(".")[-1] in shown:
            continue
        value = [part.value] if isinstance(part, ast.Assign) and not _goes_on(part) else []
        lines |= {each.lineno for node in (*given, *value) for each in _operands(node) if _gives_arrays(each)}
    return Place(file, lines.pop()) if len(lines) == 1 else None


def _goes_on(made: ast.Assign) -> bool:
    """Is a name given something new that is made with what it was, as a mean that is kept along the way?"""
    return bool(set().union(*map(names_in, made.targets)) & names_in(made.value))


def _operands(node: ast.expr) -> list[ast.expr]:
    """What a sum, a product and the like are computed from; anything else is that itself."""
    if isinstance(node, ast.BinOp):
        return [*_operands(node.left), *_operands(node.right)]
    if isinstance(node, ast.UnaryOp):
        return _operands(node.operand)
    return _operands(node.value) if isinstance(node, ast.Subscript) else [node]


def _gives_arrays(node: ast.expr) -> bool:
    """Is it `answers.numpy()`, or `model.predict(x)`?"""
    called = ast.unparse(node.func).split(".")[-1] if isinstance(node, ast.Call) else ""
    return called in ("numpy", "predict", "predict_on_batch")


def unseeded_generators(file: str) -> list[int]:
    """The lines on which NumPy's or Python's generators are made without a seed."""
    names = ("default_rng", "RandomState", "Random")
    return [node.lineno for called, node in _calls(file) if called in names and not node.args and not node.keywords]


def lone_shuffles(file: str) -> list[tuple[str, int]]:
    """Names that are shuffled alone, with the line; empty where several names are (with one seed, perhaps).

    That is in place (`rng.shuffle(x)`), as a copy (`x = rng.permutation(x)`), or by an order that nothing else is put
    into (`x = x[order]`).
    """
    found = [
        (node.args[0].id, node.lineno)
        for called, node in _calls(file)
        if called == "shuffle" and node.args and isinstance(node.args[0], ast.Name)
    ]
    found += _replaced_by_permutation(file) + _put_in_order(file)
    return found if len({name for name, _ in found}) == 1 else []


def separate_shuffles(file: str) -> list[tuple[str, int]]:
    """Two names that are shuffled in place one after the other, each in an order of its own; empty where none are.

    They are where one generator shuffles both and nothing sets its state between (`np.random.seed`, say).
    """
    tree = tree_of(file)
    for node in ast.walk(tree) if tree is not None else ():
        body = getattr(node, "body", None)  # of a lambda it is an expression
        found = [each for each in map(_shuffle_in_place, body if isinstance(body, list) else ()) if each is not None]
        if len(found) != 2 or len({by for by, _, _ in found}) != 1 or "(" in found[0][0]:
            continue
        (_, name, first), (_, other, last) = found
        states = ("seed", "set_state", "setstate", "set_random_seed", "default_rng", "RandomState", "Random")
        kept = any(called in states and first <= call.lineno <= last for called, call in _calls(file))
        return [] if kept or name == other else [(name, first), (other, last)]
    return []


def zipped_shuffles(file: str) -> list[tuple[str, int]]:
    """The two data sets of a `zip` that were shuffled before it, each in an order of its own; empty where none are.

    They are of one array each (`from_tensor_slices(x)`): those of rows with their labels may be paired in any order.
    """
    for called, node in _calls(file):
        parts = node.args[0].elts if node.args and isinstance(node.args[0], (ast.Tuple, ast.List)) else node.args
        if called != "zip" or not isinstance(node.func, ast.Attribute) or len(parts) != 2:
            continue
        chains = [_chain(file, part) for part in parts]
        shuffles = [[each for each in chain if _called(each) == "shuffle"] for chain in chains]
        slices = [chain[-1].args for chain in chains if chain and _called(chain[-1]) == "from_tensor_slices"]
        single = len(slices) == 2 and all(len(a) == 1 and isinstance(a[0], (ast.Name, ast.Subscript)) for a in slices)
        if single and any(shuffles) and not _in_one_order(*shuffles):
            first, second = (ast.unparse(a[0]) for a in slices)
            return [(first, node.lineno), (second, node.lineno)]
    return []


def _in_one_order(shuffles: list[ast.Call], others: list[ast.Call]) -> bool:
    """Do these shuffles of two data sets give the same order? Then each has the seed of the other, whatever it is."""
    seeds = [[_seed_of(each) for each in own] for own in (shuffles, others)]
    return "" not in (*seeds[0], *seeds[1]) and seeds[0] == seeds[1]


def _seed_of(shuffle: ast.Call) -> str:
    """The code of the seed of `shuffle(1000, seed=1)`; empty for none."""
    named = [keyword.value for keyword in shuffle.keywords if keyword.arg == "seed"]
    given = named or shuffle.args[1:2]
    return ast.unparse(given[0]) if given and ast.unparse(given[0]) != "None" else ""


def _chain(file: str, node: ast.expr) -> list[ast.Call]:
    """The calls of `a.b().c()`, the last one first; of a name, those that it was made by on the one line that makes it.

    Names within the chain aren't followed further.
    """
    if isinstance(node, ast.Name):
        tree = tree_of(file)
        made = [
            each.value
            for each in (ast.walk(tree) if tree is not None else ())
            if isinstance(each, ast.Assign) and [getattr(t, "id", "") for t in each.targets] == [node.id]
        ]
        if len(made) != 1:
            return []
        node = made[0]
    calls = []
    while isinstance(node, ast.Call):
        calls.append(node)
        node = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    return calls


def _shuffle_in_place(statement: ast.stmt) -> tuple[str, str, int] | None:
    """By what, which name and on which line a statement shuffles; None where it is another one."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or len(call.args) != 1 or call.keywords:
        return None
    by, given = call.func, call.args[0]
    if not isinstance(by, ast.Attribute) or by.attr != "shuffle" or not isinstance(given, ast.Name):
        return None
    return ast.unparse(by), given.id, statement.lineno


def is_half_of_data(file: str, name: str) -> bool:
    """Is this name, or rows of it, one of the two, inputs and labels, that are given to a `fit`, and not both?"""
    for called, node in _calls(file):
        given = node.args[:2] + [each.value for each in node.keywords if each.arg in ("x", "y")]
        if called in ("fit", "train_on_batch") and _is_half(given, name):
            return True
    return False


def is_half_of_validation(file: str, name: str) -> bool:
    """Is this name one of the two of `validation_data=(x, y)`, and not both?"""
    options = [each for called, node in _calls(file) if called == "fit" for each in node.keywords]
    pairs = [each.value for each in options if each.arg == "validation_data"]
    return any(isinstance(pair, (ast.Tuple, ast.List)) and _is_half(pair.elts[:2], name) for pair in pairs)


def _is_half(given: list[ast.expr], name: str) -> bool:
    given = [each.value if isinstance(each, ast.Subscript) else each for each in given]
    names = [each.id for each in given if isinstance(each, ast.Name)]
    return len(names) == 2 and names.count(name) == 1


def is_half_in_loop(file: str, name: str, line: int) -> bool:
    """Is this name one of the two of whose rows a tape is given the same ones, and the other not made behind a line?"""
    others = {other for pair in _pairs_in_loops(file) if name in pair for other in pair - {name}}
    tree = tree_of(file)
    later = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and node.lineno > line] if tree else []
    for node in later:
        made, of = set().union(*map(names_in, node.targets)), names_in(node.value)
        others -= made if name in of or not made & of else set()  # y = y.astype(...) are the same rows
    return bool(others)


def _pairs_in_loops(file: str) -> list[set[str]]:
    """The two names of whose rows a tape's block is given the same ones, `x[rows]` and `y[rows]`, in each loop.

    Rows may be put into names of a batch before it, or be given to a function that has a tape in it. Where one index
    stands behind one name, or behind three, there are no two halves.
    """
    tree = tree_of(file)
    nodes = list(ast.walk(tree)) if tree is not None else []
    tapes = _tapes(file)
    steps = {
        node.name for node in nodes if isinstance(node, ast.FunctionDef) and any(_holds(node, t.lineno) for t in tapes)
    }
    given: list[list[ast.AST]] = [[node] for called, node in _calls(file) if called in steps]
    for body in [body for node in nodes if isinstance(body := getattr(node, "body", None), list)]:
        given += [[tape, *_batches_of(tape, body)] for tape in body if tape in tapes]
    orders = {_base(node.slice) for node in nodes if isinstance(node, ast.Subscript)}
    orders |= {
        _base(part)
        for node in nodes
        if isinstance(node, ast.Assign) and orders & set().union(*map(names_in, node.targets))
        for part in getattr(node.value, "elts", [node.value])
    }
    pairs = []
    for parts in given:
        rows: dict[str, set[str]] = {}
        for each in [each for part in parts for each in ast.walk(part)]:
            if isinstance(each, ast.Subscript) and isinstance(each.value, ast.Name):
                rows.setdefault(ast.unparse(each.slice), set()).add(each.value.id)
        pairs += [names for names in rows.values() if len(names) == 2 and not names & orders]
    return pairs


def _base(node: ast.expr) -> str:
    """The name of `order`, and of `order[i : i + 32]`; empty for all else."""
    node = node.value if isinstance(node, ast.Subscript) else node
    return node.id if isinstance(node, ast.Name) else ""


def _batches_of(tape: ast.With, body: list[ast.stmt]) -> list[ast.AST]:
    """What statements beside a tape assign to names that its block uses."""
    used, made = names_in(tape), [node for node in body if isinstance(node, ast.Assign)]
    return [node.value for node in made if used & set().union(*map(names_in, node.targets))]


def made_after(file: str, name: str, line: int) -> bool:
    """Is what a `fit` is given beside a name made behind a line, of the shuffled rows perhaps?"""
    others = {
        each.id
        for called, node in _calls(file)
        if called in ("fit", "train_on_batch")
        for each in (*node.args[:2], *[keyword.value for keyword in node.keywords if keyword.arg in ("x", "y")])
        if isinstance(each, ast.Name) and each.id != name
    }
    tree = tree_of(file)
    made = [node for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.AugAssign))] if tree else []
    targets = [
        (each, node.lineno) for node in made for each in getattr(node, "targets", [getattr(node, "target", None)])
    ]
    return any(
        part.id in others and at > line
        for target, at in targets
        if target is not None
        for part in ast.walk(target)
        if isinstance(part, ast.Name)
    )


def _replaced_by_permutation(file: str) -> list[tuple[str, int]]:
    """`x = rng.permutation(x)`: the rows of a name in another order, under the same name."""
    tree = tree_of(file)
    return [
        (node.targets[0].id, node.lineno)
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "attr", "") == "permutation"
        and [getattr(each, "id", "") for each in node.value.args] == [node.targets[0].id]
    ]


def _put_in_order(file: str) -> list[tuple[str, int]]:
    """Names that stand with a random order behind them, `x[order]`, with the line; empty where none replaces itself."""
    tree = tree_of(file)
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)] if tree is not None else []
    orders = {
        target.id
        for node in made
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") == "permutation"
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    used = [
        (node.value.id, node.lineno, node)
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and any(isinstance(part, ast.Name) and part.id in orders for part in ast.walk(node.slice))
    ]
    replaced = any(
        node.value is subscript and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
        for node in made
        for name, _, subscript in used
    )
    return [(name, line) for name, line, _ in used] if replaced else []
