"""`summary`: a model as a table of its layers, in Keras 3's form."""

from __future__ import annotations

import inspect
import itertools
import numbers
import re
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.base import notebook, tree
from eagerflow.base.messages import say
from eagerflow.base.output import columns as room, places
from eagerflow.layer.layer import Layer
from eagerflow.layer.symbolic.tensors import Node, SymbolicTensor
from eagerflow.layer.symbolic.wording import op_name
from eagerflow.layer.weights import sublayers

__all__ = ["in_range", "print_summary", "summary_text"]

Calls = dict[int, list[Node]]  # the calls in a graph by the `id` of what is called

_WIDTH = 76
_WIDTH_WITH_CONNECTIONS = 96
_WIDEST = 140  # of a table whose words need it
_LONGEST_SHAPE = 22
_SEAMS = re.compile(r"(?<=[_/])|(?=\[)")  # where a word is parted that a line has no room for


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Any = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print the table and the totals; see `Model.summary`. In a notebook they scroll where there is little room."""
    _check(line_length, positions, print_fn, layer_range)
    text = summary_text(model, line_length, positions, expand_nested, show_trainable, layer_range)
    if print_fn is None and notebook.prints_here():
        notebook.show(text, notebook.pre(text))
    else:
        (print_fn or say)("".join([c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in text]))


def _check(line_length: Any, positions: Any, print_fn: Any, layer_range: Any) -> None:
    """Refuse what is of the wrong kind: given by position, arguments are easily mixed up.

    Raises:
        TypeError: when something is.
    """
    real = (numbers.Real, numpy.number)
    for name, value, holds, expected in (
        ("line_length", line_length, isinstance(line_length, real), "the width in characters, a whole number"),
        ("positions", positions, _is_list(positions, real), "a list of where columns end, such as [0.5, 0.8, 1.0]"),
        ("print_fn", print_fn, callable(print_fn), "a function that takes the text"),
        ("layer_range", layer_range, _is_list(layer_range, str), "the names of the first and the last layer, a list"),
    ):
        if value is not None and not holds:
            raise TypeError(f"summary({name}={value!r}): expected {expected}.")


def _is_list(value: Any, of: Any) -> bool:
    return isinstance(value, (list, tuple, numpy.ndarray)) and all(isinstance(each, of) for each in value)


def summary_text(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> str:
    """The table and the totals; see `Model.summary`."""
    nodes = _nodes(model)
    connected = _branches(nodes)
    columns = ["Layer (type)", "Output Shape", "Param #"]
    columns += ["Connected to"] if connected else []
    columns += ["Trainable"] if show_trainable else []
    shown = in_range("summary", _operations(model), layer_range)
    calls = _by_operation(nodes)
    rows = [row for operation in shown for row in _rows(operation, calls, expand_nested, 0)]
    table = [[str(row[column]) for column in columns] for row in rows]
    words = [max(_longest_part(column, row[i]) for row in (columns, *table)) for i, column in enumerate(columns)]
    usual = _WIDTH_WITH_CONNECTIONS if connected else _WIDTH
    needed = max(usual, min(sum(words) + 3 * len(words) + 1, _WIDEST))
    widths = _widths(columns, line_length or min(needed, room() or needed), positions)
    widths = widths if positions is not None else _with_whole_words(widths, words)
    return "\n".join([f'Model: "{model.name}"', *_table(columns, table, widths), *_totals(model)])


def _nodes(model: Any) -> list[Node]:
    """The calls in the model's graph; none where there is no graph."""
    if not hasattr(model, "_known_graph"):
        return []
    try:
        graph = model._known_graph("summary")
    except AttributeError:
        return []
    return [] if graph is None else list(graph.nodes)


def _by_operation(nodes: list[Node]) -> Calls:
    found: Calls = {}
    for node in nodes:
        found.setdefault(id(node.operation), []).append(node)
    return found


def _operations(model: Any) -> list[Any]:
    """What gets a row: layers, and ops between them."""
    state = model._ef_state
    if state.graph is None or state.sequence is not None:
        return list(model.layers)
    return list(state.graph.operations)


def _branches(nodes: list[Node]) -> bool:
    """Whether the graph is more than one chain, so that it must be said what is connected to what."""
    used: set[Any] = set()
    inputs = sum(not n.args and not n.kwargs for n in nodes)
    for node in nodes:
        origins = {x.origin for x in node.inputs}
        if len(node.inputs) > 1 or origins & used:
            return True
        used |= origins
    return inputs > 1


def in_range(method: str, operations: list[Any], layer_range: Any) -> list[Any]:
    """Those from the first that the first name or pattern matches to the last that the second one matches.

    Raises:
        ValueError: where nothing has such a name.
    """
    if layer_range is None:
        return operations
    if len(layer_range) != 2:
        raise ValueError(f"{method}(layer_range={layer_range!r}): expected two names, of the first and last layer.")
    first, last = ([i for i, o in enumerate(operations) if re.match(p, o.name)] for p in layer_range)
    if not first or not last:
        raise ValueError(
            f"{method}(layer_range={layer_range!r}): no such layer. Layers: {[o.name for o in operations]}"[:480]
        )
    low, high = min(first[0], last[-1]), max(first[0], last[-1])
    return operations[low : high + 1]


def _rows(operation: Any, calls: Calls, expand: bool, depth: int) -> list[dict[str, str]]:
    kind = _class_like(operation) if isinstance(operation, Node) else type(operation).__name__
    indent = "   " * depth + "└ " if depth else ""
    rows = [
        {
            "Layer (type)": f"{indent}{operation.name} ({kind})",
            "Output Shape": _output(operation, calls),
            "Param #": _parameters(operation),
            "Connected to": ", ".join(_sources(operation, calls)) or "-",
            "Trainable": _is_trainable(operation),
        }
    ]
    if expand and isinstance(operation, Layer):
        inner = _by_operation(_nodes(operation))
        below = _operations(operation) if hasattr(operation, "_known_graph") else sublayers(operation)
        rows += [row for o in below for row in _rows(o, inner, expand, depth + 1)]
    return rows


def _class_like(node: Node) -> str:
    """`ReduceSum` for the op `reduce_sum`."""
    return "".join(part.capitalize() for part in op_name(node.operation).split("_"))


def _is_trainable(operation: Any) -> str:
    if not isinstance(operation, Layer) or not operation.weights:
        return "-"
    return "Y" if operation.trainable else "N"


def _parameters(operation: Any) -> str:
    if not isinstance(operation, Layer):
        return "0"
    if not operation.built:
        return "0 (unbuilt)"
    return f"{sum(v.size for v in operation.weights):,}"


def _output(operation: Any, calls: Calls) -> str:
    """The shape of what the operation gives in this model."""
    call = operation if isinstance(operation, Node) else _call_of(operation, calls)
    if call is not None:
        return _words(call.tensors())
    if _nodes(operation):
        return _words(operation._known_graph("outputs").outputs_structure)
    shapes, named = operation._ef_state.build_shapes
    overrides = type(operation).compute_output_shape is not Layer.compute_output_shape
    if not shapes or named or not overrides or not _fit(operation.compute_output_shape, shapes):
        return "?"
    return str(_of_any_batch(operation.compute_output_shape(*shapes)))


def _fit(function: Callable[..., Any], shapes: tuple[Any, ...]) -> bool:
    """Whether these are all that it needs: a cell is built by the shape of a step, and called with states as well."""
    try:
        inspect.signature(function).bind(*shapes)
    except TypeError:
        return False
    return True


def _of_any_batch(shape: Any) -> Any:
    """A shape with None for the batch, or a structure of such."""
    if isinstance(shape, (list, tuple)) and any(isinstance(part, (list, tuple)) for part in shape):
        return type(shape)(map(_of_any_batch, shape))
    return (None, *shape[1:]) if isinstance(shape, tuple) else shape


def _call_of(layer: Any, calls: Calls) -> Node | None:
    return (calls.get(id(layer)) or layer.inbound_nodes or [None])[0]


def _words(structure: Any) -> str:
    shapes = tree.map_structure(lambda x: _Shape(x) if isinstance(x, SymbolicTensor) else x, structure)
    return str(shapes) if not isinstance(shapes, dict) else ", ".join(f"{k}: {v}" for k, v in shapes.items())


class _Shape:
    def __init__(self, x: SymbolicTensor) -> None:
        self.text = str(tuple(x.shape))

    def __repr__(self) -> str:
        return self.text


def _sources(operation: Any, calls: Calls) -> list[str]:
    """`name[which call][which output]` for every input, as Keras writes it."""
    own = [operation] if isinstance(operation, Node) else calls.get(id(operation), [])
    found = []
    for x in [x for call in own for x in call.inputs]:
        before = x.node
        if before is None:
            continue
        same = [n.serial for n in calls.get(id(before.operation), [])]
        which = same.index(before.serial) if isinstance(before.operation, Layer) and before.serial in same else 0
        found.append(f"{before.name}[{which}][{x.index}]")
    return found


def _widths(columns: list[str], line_length: int, positions: list[float] | None) -> list[int]:
    """The widths of the cells, their spaces left out."""
    room = max(line_length, 12 * len(columns)) - len(columns) - 1
    if positions is None:
        parts = {"Layer (type)": 33, "Output Shape": 24, "Param #": 15, "Connected to": 25, "Trainable": 13}
        whole = sum(parts[c] for c in columns)
        ends = [sum(parts[c] for c in columns[: i + 1]) / whole for i in range(len(columns))]
    else:
        if len(positions) < len(columns):
            raise ValueError(f"summary(positions=...): {len(columns)} columns; got {len(positions)} positions.")
        ends = [p if positions[-1] <= 1 else p / line_length for p in positions]
    stops = [0, *[round(e * room) for e in ends]]
    return [max(b - a - 2, 6) for a, b in itertools.pairwise(stops)]


def _longest_part(column: str, text: str) -> int:
    """The width of what should stay on one line: words of names, shapes and numbers as a whole unless they are long."""
    if column in ("Output Shape", "Param #") and places(text) <= _LONGEST_SHAPE:
        return places(text)
    return max((places(word) for word in text.split()), default=0)


def _with_whole_words(widths: list[int], words: list[int]) -> list[int]:
    """The widths, with room that the longest words of some columns leave free given to columns whose words lack it."""
    found = list(widths)
    for _ in range(sum(widths)):
        spare = [width - word for width, word in zip(found, words)]
        if min(spare) >= 0 or max(spare) <= 0:
            break
        found[spare.index(max(spare))] -= 1
        found[spare.index(min(spare))] += 1
    return found


def _table(columns: list[str], rows: list[list[str]], widths: list[int]) -> list[str]:
    def rule(left: str, line: str, middle: str, right: str) -> str:
        return left + middle.join(line * (w + 2) for w in widths) + right

    right = [columns.index("Param #")]
    lines = [rule("┏", "━", "┳", "┓"), *_cells(columns, widths, "┃", right), rule("┡", "━", "╇", "┩")]
    for i, row in enumerate(rows):
        lines += [rule("├", "─", "┼", "┤")] if i else []
        lines += _cells(row, widths, "│", right)
    return [*lines, rule("└", "─", "┴", "┘")]


def _cells(texts: list[str], widths: list[int], edge: str, right: list[int]) -> list[str]:
    """The lines of a row: long texts go on in the next line."""
    wrapped = [_wrapped(text, width) for text, width in zip(texts, widths)]
    lines = []
    for i in range(max(map(len, wrapped))):
        parts = [part[i] if i < len(part) else "" for part in wrapped]
        blanks = [" " * (w - places(p)) for p, w in zip(parts, widths)]
        padded = [b + p if j in right else p + b for j, (p, b) in enumerate(zip(parts, blanks))]
        lines.append(f"{edge} {f' {edge} '.join(padded)} {edge}")
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width`, broken at spaces where there are any, else between the parts of a name."""
    lines = []
    while places(text) > width:
        most = next(i for i in range(len(text), 0, -1) if places(text[:i]) <= width or i == 1)
        cut = text.rfind(" ", 1, most + 1)
        if cut <= 0 or not text[:cut].strip():
            seams = [seam.start() for seam in _SEAMS.finditer(text[: most + 1]) if most // 2 < seam.start() <= most]
            cut = max(seams, default=most)
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*lines, text]


def _totals(model: Any) -> list[str]:
    weights = model.weights
    trainable = [v for v in weights if v.trainable] if model.trainable else []
    chosen = {id(v) for v in trainable}
    fixed = [v for v in weights if id(v) not in chosen]
    optimizer = getattr(model, "optimizer", None)
    states = list(optimizer.variables) if optimizer is not None and optimizer.built else []
    lines = [("Total params", [*weights, *states]), ("Trainable params", trainable), ("Non-trainable params", fixed)]
    lines += [("Optimizer params", states)] if states else []
    return [f" {what}: {_count(variables)}" for what, variables in lines]


def _count(variables: list[Any]) -> str:
    size = float(sum(v.size * v.dtype.itemsize for v in variables))
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            break
        size /= 1024
    return f"{sum(v.size for v in variables):,} ({size:.2f} {unit})"
