"""What boxes and frames say: titles, lines, and the words above a picture. Pictures and the page share it."""

from __future__ import annotations

import collections
import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from viz.facts import formatting
from viz.facts.blocks import Block, leaves
from viz.facts.digest.time_spans import Span, step_spans, whole_span
from viz.facts.digest.usual_times import UsualTime, steps_of, usual_sums
from viz.facts.layer_settings import class_and_settings, count_of_layers, made_last
from viz.facts.lines.assigned import name_assigned
from viz.facts.masks_and_penalties import is_mask
from viz.facts.network import sent_lines
from viz.facts.parts import SinglePart, part_names
from viz.facts.schema import Op, Record, TensorInfo
from viz.facts.selection import Selection, count_of_steps, outcome, step_name, step_numbers

__all__ = [
    "AGAIN",
    "CHAINS",
    "FIRST",
    "about",
    "assigned",
    "beside",
    "caption",
    "closed",
    "closed_lines",
    "cost",
    "flow",
    "given",
    "heading",
    "kept_as",
    "made",
    "made_of",
    "main_scope",
    "network",
    "numbers_of",
    "op_tooltip",
    "part_lines",
    "read_by",
    "rest",
    "scope_tooltip",
    "spent",
    "times",
    "times_told",
    "title",
    "update",
    "updating",
    "weights",
]

# What a layer is called and holds: that is what its box and those within it show.
_DRAWN = frozenset(["name", "layers", "input_layers", "output_layers", "layer", "backward_layer", "build_input_shape"])
_WIDEST = 48  # letters in a line that tells the parts of a chain
_LONGEST_CODE = 56  # letters of a line of code below the name of what it assigns
_CLIPPING = ("clipnorm", "global_clipnorm", "clipvalue")  # settings of optimizers
_MOST_NAMES = 3  # of variables, in the title of their box; of models, above a picture
_MOST_NAME_LINES = 8  # the same, where each has a line
_MOST_PARTS = 2 * _MOST_NAMES  # of ops, in the line that names them
_TOGETHER = " together"  # behind numbers of all the equal parts that are drawn as one: the name is of the first
FIRST = "(first round)"
"""What an arrow into a loop says that is drawn once, if only the first round reads what it carries."""
AGAIN = "reads its last result"
"""What the box of equal ops says of which each reads what the one before it made."""
CHAINS = "layers, activations and the like in the box before them"
"""What a picture is closed to where neighbours among the layers are one box."""

_OF_MODELS = ("Functional", "Model", "Sequential")  # classes that tell nothing of what a model does
_FOLDERS = re.compile(r".*[/\\]")  # of a path, on any system


def title(block: Block) -> str:
    """The name of a frame or closed scope: `"dense"`, `"block_0 … block_11  ×12"`, or `"a, b  ×4"` in turn."""
    if len(block.names) > 1:
        ends = (", " if len(block.names) == 2 else " … ").join([formatting.clean(block.names[i], 30) for i in (0, -1)])
        return f"{ends}{times(block.repeats)}{beside(block)}"
    if block.repeats == 1:
        return formatting.clean(block.title)
    return f"{formatting.clean(block.title)}{times(block.repeats)}{beside(block)}".strip()


def beside(block: Block) -> str:
    """Says so where equal parts are side by side: usually one follows the other."""
    return ", side by side" if block.is_beside else ""


def times(repeats: int) -> str:
    """How many equal ones something stands for, behind its name."""
    return f"  ×{repeats}" if repeats > 1 else ""


def about(block: Block, params: int | None = None, together: bool = False) -> list[str]:
    """Class and number of weights of a frame, which are counted if not given; of a chain, the classes in it.

    `together`: equal parts are drawn as one, and it is one of these, or in it.
    """
    if block.is_chain:
        return [" ".join(_parts_of_chain(block)), *_parameters(block, params, together)]
    return [*_code(block), *_class(block), *_parameters(block, params, together)]


def _code(block: Block) -> list[str]:
    """The line of code that a block is the ops of."""
    if block.line is None or not block.line.code:
        return []
    return [formatting.clean(block.line.code, _LONGEST_CODE)]


def _class(block: Block, with_settings: bool = False) -> list[str]:
    """The class of a scope that isn't called the same; with its name where the title is what the code keeps it in.

    `with_settings`: with what it tells in a chain, the size of its window and its activation, which no op in it shows.
    """
    scope = block.scope
    if scope is None:
        return []
    told = " → ".join(class_and_settings(block)) if with_settings and scope.kind == "layer" else scope.cls
    if scope.called and block.objects == 1:
        return [formatting.with_class(scope.name, told, 40)]
    untelling = ("", block.title, *formatting.AROUND_FUNCTIONS)
    return [formatting.clean(told, _WIDEST)] if told not in untelling else []


def closed(to: str, most: int, calls: bool, loops: bool, inner: bool) -> str:
    """What the caption says of what is closed: `to` what, else later calls, what a loop calls, or layers in layers."""
    if to:
        return f"closed to {to}" + ("" if to == CHAINS else f": at most {most} rows")
    if loops:
        return "layers called in a loop are closed: depth=9 opens them"
    if calls:
        return "later calls of a layer are closed"
    return "parts of layers are closed: depth=9 opens them" if inner else ""


def spent(forward: int, backward: int, together: bool = False) -> list[str]:
    """`["→ 12.3 µs", "← 24.6 µs", ""]` for the times of both passes; "" where no time was measured.

    `together`: they are of all the equal parts that are drawn as one, which the last word says of both.
    """
    found = [f"{arrow} {formatting.seconds(time)}" if time else "" for arrow, time in (("→", forward), ("←", backward))]
    return [*found, _TOGETHER if together else ""]


def closed_lines(record: Record, block: Block, params: int | None = None, together: bool = False) -> list[str]:
    """What a closed scope says below its name, but for its cost; its weights are counted if not given.

    `together`: as in `about`.
    """
    if block.is_chain:
        lines = _parts_of_chain(block)
    else:
        lines = [*_code(block), *_class(block, with_settings=True), *count_of_layers(block, together)]
    if block.is_call:
        lines += assigned(record, [record.ops[max(leaves(block))]], (block.title,))
    if block.line is not None:
        made = [i for op in block.children[-1:] if isinstance(op, int) for i in record.ops[op].outputs]
        lines += ["→ " + formatting.tensor(record.tensors[i]) for i in made[:1]]
    if block.terms:
        names = [formatting.clean(record.ops[i].name, 20) for i in block.children if isinstance(i, int)]
        untold = [name for name in dict.fromkeys(names) if name not in block.title.split()]
        lines += [_in_a_line(untold)] if untold else []
    if (last := made_last(block)) is not None:
        lines.append("→ " + formatting.tensor(record.tensors[last]))
    return lines + _parameters(block, params, together)


def _parts_of_chain(block: Block) -> list[str]:
    """The classes of the layers of a chain, on as many lines as they need: `Conv2D 3×3 → BatchNormalization → ReLU`."""
    lines = [""]
    for i, said in enumerate([part for child in block.children for part in class_and_settings(child)]):
        longer = f"{lines[-1]} → {said}" if i else said
        if len(longer) <= _WIDEST:
            lines[-1] = longer
        else:
            lines.append(f"→ {said}")
    return lines


def _parameters(block: Block, params: int | None, together: bool) -> list[str]:
    count = sum(numbers_of(block).values()) if params is None else params
    are_of_several = together and count > sum(_own_numbers(block).values())  # not those that each part reads again
    return [formatting.count(count, "parameter") + (_TOGETHER if are_of_several else "")] if count else []


def _own_numbers(block: Block) -> dict[int | None, int]:
    """The same as `numbers_of` for the first of equal parts alone."""
    if block.scope is not None:
        return {block.scope.owner: block.scope.params or 0}
    found: dict[int | None, int] = {}
    for child in block.children:
        if isinstance(child, Block):
            found |= _own_numbers(child)
    return found


def numbers_of(block: Block) -> dict[int, int]:
    """How many numbers the weights of a scope are, or, without one, those of the scopes in it, each object's once."""
    if block.scope is not None:
        return dict.fromkeys(block.owners, block.scope.params) if block.scope.params else {}
    found: dict[int, int] = {}
    for part in [block.children, *block.others]:
        for child in part:
            if isinstance(child, Block):
                found |= numbers_of(child)
    return found


def cost(ops: int, time: int, size: int, failed: bool = False, is_share: bool = False, together: bool = False) -> str:
    """What a box's ops took and made: `"3 ops · 12.3 µs · 8 KB"`; `"12.3 µs (share)"` of one pass with others.

    `together`: the box stands for several equal ones.
    """
    parts = [f"{ops:,} ops"] if ops > 1 else []
    parts += [formatting.seconds(time) + (" (share)" if is_share else "")] if time else []
    parts += [formatting.nbytes(size)] if size else []
    return "failed here" if failed else " · ".join(parts) + (_TOGETHER if together and parts else "")


def given(name: str, title: str) -> str:
    """What the box of a tensor from outside is called: by its name, with a word for a target's role."""
    name = formatting.clean(name, 30)
    return f"{name} ({title})" if name and title == "target" and title not in name else name or title


def weights(
    record: Record, tensors: Sequence[TensorInfo], others: int = 0, reader: Op | None = None
) -> tuple[str, list[str]]:
    """Title and lines of the box of some variables, which stand for `others` that were folded away.

    Where the `reader` beside which they stand isn't a part of the layer that keeps them, the box says whose they are.

    State, such as moving averages, which no optimizer changes, has a line of its own beside what is trained.
    """
    state = [t for t in tensors if t.role == "state"]
    first = [t for t in tensors if t.role != "state"] or state
    names = list(dict.fromkeys([_own_name(record, t) for t in first]))
    whose = _owners(record, first) or _part_owner(record, first, reader) or _outside_of(record, first, reader)
    title, lines = _names(names), [*whose, *_kinds(first)]
    if len(names) > _MOST_NAMES:  # too many for a title: a line for each
        title, lines = (
            formatting.count(len(first), "variable" if first is state else "weight"),
            _named_kinds(record, first, names),
        )
    if first is not state and state:
        lines += [f"state: {kind}" for kind in _kinds(state)]
    size = sum([t.nbytes for t in tensors]) * (1 + others // len(tensors))
    lines.append(formatting.nbytes(size) + (_TOGETHER if others else ""))
    return title, lines


def _owners(record: Record, tensors: Sequence[TensorInfo]) -> list[str]:
    """Whose weights they are where several layers have some of one name: `["of forward_lstm, backward_lstm"]`."""
    same = [t.name.split("/") for t in tensors if _own_name(record, t) == _own_name(record, tensors[0])]
    if len({len(path) for path in same}) != 1 or not 1 < len(same) <= _MOST_NAMES:
        return []
    differing = [list(dict.fromkeys(parts)) for parts in zip(*same) if len({*parts}) > 1]
    return [f"of {_names(differing[0])}"] if len(differing) == 1 else []


def _part_owner(record: Record, tensors: Sequence[TensorInfo], reader: Op | None) -> list[str]:
    """Whose weights a part of a fused op reads, where others are of other layers: `["of forward_lstm"]`."""
    if reader is None or reader.composition is None:
        return []
    name = _own_name(record, tensors[0])
    read = [t for t in (record.tensors[i] for i in reader.inputs) if t.role == tensors[0].role]
    same = [t.name.split("/") for t in read if t.name and _own_name(record, t) == name]
    if len({len(path) for path in same}) != 1 or len(same) < 2:
        return []
    differing = [at for at, parts in enumerate(zip(*same)) if len({*parts}) > 1]
    path = tensors[0].name.split("/")
    return [f"of {formatting.clean(path[differing[0]], 30)}"] if len(differing) == 1 and path in same else []


def _outside_of(record: Record, tensors: Sequence[TensorInfo], reader: Op | None) -> list[str]:
    """The layer that keeps some weights, if what reads them is no part of it: `["of policy"]`."""
    keepers = {t.name.rpartition("/")[0] for t in tensors}
    path = keepers.pop() if len(keepers) == 1 else ""
    around = set() if reader is None else {scope.name for scope in record.ancestors(reader.scope)}
    if not path or reader is None or around.intersection(path.split("/")):
        return []
    keeper = path.rpartition("/")[2]
    shown = [scope.shown for scope in record.scopes if scope.name == keeper and scope.kind in ("layer", "model")]
    return [f"of {formatting.clean(next(iter(shown), keeper), 30)}"]


def _named_kinds(record: Record, tensors: Sequence[TensorInfo], names: Sequence[str]) -> list[str]:
    """The names, each with its shape and type."""
    found = []
    for name in names[:_MOST_NAME_LINES]:
        of_name = [t for t in tensors if _own_name(record, t) == name]
        found.append(f"{formatting.clean(name, 30)} {', '.join(_kinds(of_name))}")
    return found + [f"and {len(names) - _MOST_NAME_LINES} more"] * (len(names) > _MOST_NAME_LINES)


def _kinds(tensors: Sequence[TensorInfo]) -> list[str]:
    """Their shapes and types, the most frequent first."""
    kinds = collections.Counter([formatting.tensor(t) for t in tensors])
    return [f"{count} × {kind}" if count > 1 else kind for kind, count in kinds.most_common(3)]


def flow(record: Record, infos: Sequence[TensorInfo], count: int = 1) -> str:
    """The label of an arrow: whose gradients they are where they are weights', else what flows: `"8×3 f32  (+1)"`.

    Of `count` tensors of one shape it says how many: `"8×3 f32  ×3"`.
    """
    wanted = [None if info.gradient_of is None else record.tensors[info.gradient_of] for info in infos]
    parameters = [tensor for tensor in wanted if tensor is not None and tensor.role == "parameter"]
    if len(parameters) == len(infos):
        names = list(dict.fromkeys([formatting.clean(_own_name(record, tensor), 20) for tensor in parameters]))
        return f"∇ {', '.join(names[:2])}" + (", …" if len(names) > 2 else "")
    distinct = list(dict.fromkeys([formatting.tensor(info) for info in infos]))
    return distinct[0] + (times(count) if len(distinct) == 1 else _more(max(count, len(distinct)) - 1))


def _more(count: int) -> str:
    return f"  (+{count})" if count else ""


def _own_name(record: Record, tensor: TensorInfo) -> str:
    return record.shown(tensor.id).rsplit("/", 1)[-1] or "variable"


def part_lines(made: Sequence[TensorInfo]) -> list[str]:
    """What a part of a fused op says below its name: what it makes, the first of it that isn't empty."""
    shown = [info for info in made if 0 not in info.shape] or made
    return ["→ " + formatting.tensor(info) for info in shown[:1]]


def made(size: int, together: bool = False) -> str:
    """The bytes that ops made; nothing where they made none. `together`: those of several equal ops."""
    return formatting.nbytes(size) + (_TOGETHER if together else "") if size else ""


def made_of(record: Record, op: Op) -> list[str]:
    """The names of a fused op's parts, in a line, of equal neighbours one; none for other ops.

    Nor where the op's own name says it all: `lstm_pair` is two of `lstm`.
    """
    parts = [] if op.composition is None else [formatting.clean(name, 20) for name in part_names(record, op)]
    runs = [(name, len(list(run))) for name, run in itertools.groupby(parts)]
    if not runs or (len(runs) == 1 and formatting.clean(op.name, 40).startswith(runs[0][0])):
        return []
    return [_in_a_line([f"{count} × {name}" if count > 1 else name for name, count in runs])]


def kept_as(record: Record, ops: Sequence[Op]) -> str:
    """What the user's code calls what equal ops drew at random, `noise`, or `mask`; "" for other ops and names."""
    names = {record.called.get(i, "") for op in ops for i in op.outputs if op.name.startswith("random_")}
    names |= {"mask" for op in ops if is_mask(record, op)}
    return formatting.clean(names.pop(), 36) if len(names) == 1 else ""


def assigned(record: Record, ops: Sequence[Op], said: Iterable[str]) -> list[str]:
    """What the user's code calls what equal ops make, in a line: `["→ gate"]`; none where it has no name for it.

    Nor where that is `said` of something already, such as the frame around it, or stands above the line.
    """
    names = {name_assigned(record, op.id) for op in ops}
    known = ("", *said, formatting.clean(ops[0].name, 40), kept_as(record, ops))
    return [] if len(names) > 1 or names.intersection(known) else [f"→ {formatting.clean(names.pop(), 24)}"]


def _in_a_line(names: Sequence[str]) -> str:
    return "  ".join([*names[:_MOST_PARTS], *(["…"] if len(names) > _MOST_PARTS else [])])


def read_by(record: Record, ops: Iterable[int]) -> list[str]:
    """Where Python took values out of what ops made, in a line; none where it didn't."""
    found = dict.fromkeys([read.line for op in ops for read in record.reads.get(op, ())])
    if not found:
        return []
    lines = [f"{formatting.clean(_FOLDERS.sub('', line.file), 30)}:{line.line}" for line in found if line is not None]
    return ["read by Python" + "".join([f": {line}" for line in lines[:1]]) + _more(len(found) - 1)]


def network(ops: Sequence[Op]) -> list[str]:
    """What ops that ranks did together were for, and how long they waited; none for other ops."""
    return sent_lines([op for op in ops if op.phase == "network"])


def update(selection: Selection, variables: Sequence[int]) -> tuple[str, list[str]]:
    """Title and lines of the box of what updates some weights: `"adam, assign"` where it keeps averages of them, too.

    An optimizer gives it its name, and says how it clips gradients. What the program itself computes for it, reads and
    keeps stands in lines: arrows from one network's weights to those of its copy would cross all that both compute.
    """
    record, own = selection.record, {*variables}
    changing = [record.ops[number] for variable in variables for number in selection.changing(variable)]
    others = [i for variable in variables for i in selection.kept_of.get(variable, ())]
    kept = [_own_name(record, record.tensors[i]) for i in others]
    models = _models(record, others) - _models(record, variables)  # as an average of all weights is in one of its own
    of = f"{formatting.clean(models.pop(), 20)}: " if len(models) == 1 else ""
    read = [i for variable in variables for i in selection.also_read(variable) if i not in own]
    places = dict.fromkeys([record.path(record.ops[selection.reader_of[i]].scope, shown=True) for i in read])
    lines = [*_clipping(record, changing), *_computed(selection, variables)]
    lines += [f"keeps {of}{_names([*dict.fromkeys(kept)])}"] if kept else []
    lines += [f"reads {formatting.clean(place, 40) or 'other weights'}{_more(len(places) - 1)}" for place in places][:1]
    return updating(record, changing), lines


def _clipping(record: Record, ops: Iterable[Op]) -> list[str]:
    """How optimizers limit gradients before they change weights, as their arguments say it: `"clipnorm=1"`."""
    scopes = {scope.id: scope for id_ in {op.scope for op in ops} for scope in record.ancestors(id_)}
    limits = [(name, s.config.get(name)) for s in scopes.values() if s.kind == "optimizer" for name in _CLIPPING]
    told = [f"{name}={limit:g}" for name, limit in limits if isinstance(limit, int | float)]
    return [_names([*dict.fromkeys(told)])] if told else []


def _models(record: Record, variables: Iterable[int]) -> set[str]:
    """The names of the models that variables are in."""
    return {name.partition("/")[0] for name in [record.tensors[i].name for i in variables] if "/" in name}


def _computed(selection: Selection, variables: Iterable[int]) -> list[str]:
    """The names of the ops outside of optimizers that lead to an update, in a line: `"clip"`, `"multiply  add"`."""
    record = selection.record
    ops = [record.ops[i] for variable in variables for i in selection.updates_of.get(variable, ())]
    made = [op for op in ops if op.outputs and not record.tensors[op.outputs[0]].version]
    own = [op for op in made if all(scope.kind != "optimizer" for scope in record.ancestors(op.scope))]
    names = list(dict.fromkeys([formatting.clean(op.name, 20) for op in own]))
    return [_in_a_line(names)] if names else []


def updating(record: Record, ops: Iterable[Op]) -> str:
    """The names of the optimizers that update weights; those of the ops where no optimizer is at work."""
    names = []
    for scope, name in dict.fromkeys([(op.scope, op.name) for op in ops]):
        optimizers = [around.name for around in record.ancestors(scope) if around.kind == "optimizer"]
        names.append(formatting.clean(optimizers[0], 36) if optimizers else formatting.clean(name, 36))
    return ", ".join(list(dict.fromkeys(names))[:_MOST_NAMES])


def rest(record: Record, ops: Sequence[Op]) -> tuple[str, list[str]]:
    """Title and lines of a box of updates that belong to no weight shown: an optimizer's, or of the program's own."""
    optimizers = [s.name for s in record.ancestors(ops[0].scope) if s.kind == "optimizer"]
    if optimizers:
        return formatting.clean(record.scopes[ops[0].scope or 0].name), []
    changing = [op for op in ops if op.outputs and record.tensors[op.outputs[0]].version]
    if changing:
        changed = dict.fromkeys([_own_name(record, record.tensors[op.outputs[0]]) for op in changing])
        return updating(record, changing), [_names([*changed])]
    names = list(dict.fromkeys([formatting.clean(op.name, 20) for op in ops]))
    return names[-1], [_in_a_line(names)] if len(names) > 1 else []


def _names(names: Sequence[str]) -> str:
    """Names of variables in short; of many the first two."""
    shown = [formatting.clean(name, 30) for name in names]
    return ", ".join(shown if len(shown) <= _MOST_NAMES else [*shown[:2], "…"])


def main_scope(record: Record, ops: Iterable[Op]) -> str:
    """The names of the models that ran, in the order of their first calls, but of those within others."""
    return _in_a_row(_outermost(record, ops, "model"))


def _outermost(record: Record, ops: Iterable[Op], kind: str) -> dict[str, str]:
    """The names of the outermost scopes of a kind, in the order of their first calls, each with its class."""
    around = [[scope for scope in record.ancestors(op.scope) if scope.kind == kind] for op in ops]
    return {scopes[-1].shown: scopes[-1].cls for scopes in around if scopes}


def _in_a_row(names: Iterable[str]) -> str:
    shown = [formatting.clean(name, 40) for name in names]
    return ", ".join(shown[:_MOST_NAMES]) + (", …" if len(shown) > _MOST_NAMES else "")


def _what_ran(selection: Selection) -> str:
    """The models that ran, else the layers; of one of the user's own classes that, too, where it tells: `"m (Net)"`."""
    record, ops = selection.record, selection.forward
    found = _outermost(record, ops, "model") or _outermost(record, ops, "layer")
    ((name, cls), *others) = found.items() or [("", "")]
    if others or not name or cls in _OF_MODELS or name.replace("_", "").lower() == cls.lower():
        return _in_a_row(filter(None, found))
    return formatting.with_class(name, cls, 40)


def heading(
    selection: Selection, usual: Mapping[int, UsualTime], view: str, drawn: Collection[int], note: str
) -> tuple[str, str]:
    """The title and the caption of a picture, of which `drawn` ops have boxes: it says what it leaves out."""
    record, step, ops = selection.record, selection.step, [op for op in selection.ops if op.id in drawn]
    all_ops = formatting.count(len(selection.ops), "op")
    parts = [] if step is None else [step_name(record, step), *times_told(selection, usual, ops)]
    told = caption(record, ops, None, any(op.id in usual for op in ops), len(ops) < len(selection.ops))
    if len(ops) < len(selection.ops):
        told[0] = f"{len(ops):,} of {all_ops}: {'backward' if view == 'backward' else 'forward'} pass only"
    title = formatting.clean(record.name or _what_ran(selection))
    return title, "  ·  ".join([*parts, *told, *([note] if note else [])])


def caption(
    record: Record,
    ops: list[Op],
    spans: Mapping[int | None, Span] | None = None,
    among_others: bool = False,
    of_more: bool = False,
) -> list[str]:
    """How many ops ran, how long they took, what went wrong.

    Args:
        record: the recording.
        ops: those that are shown, of one step where there are steps.
        spans: see `step_spans`, where they are known already.
        among_others: say that they are of one step, as other numbers beside the caption are of several.
        of_more: say of the time of the step that it is that of other ops, too.
    """
    replayed = sum(op.replayed for op in ops)
    captured = [f"{replayed:,} replayed" if replayed < len(ops) else "replayed"] if replayed else []
    times = _step_time(record, ops, spans, "this step: " if among_others else "", "the whole step " * of_more)
    return [formatting.count(len(ops), "op"), *captured, *times, *outcome(record, ops)]


def times_told(selection: Selection, usual: Mapping[int, UsualTime], ops: list[Op]) -> list[str]:
    """Of which steps a picture's times are, where several were recorded, and what its ops took in all.

    As in `"times: median of 20 steps, 1.2 ms in ops"`.
    """
    record = selection.record
    if selection.step is None or count_of_steps(record) < 2 or all(op.start is None for op in selection.ops):
        return []
    if steps := steps_of(selection.ops, usual):
        took = formatting.seconds(usual_sums(usual)(ops))
        return [f"times: {'median' if steps > 2 else 'faster'} of {steps:,} steps, {took} in ops"]
    return [f"times of step {step_numbers(record)[selection.step]} alone"]


def _step_time(
    record: Record, ops: list[Op], spans: Mapping[int | None, Span] | None, which: str, whose: str
) -> list[str]:
    """How long a step takes that nobody records, where such ran, else the time in ops alone; and how long this took.

    Between ops a recording writes down, and measures; in ops it does nothing. `which` stands before the time in ops,
    `whose` before that of the step.
    """
    spans = step_spans(record) if spans is None else spans
    start, end = whole_span({step: spans[step] for step in {op.step for op in ops} if step in spans}) or (0, 0)
    if start == end or all(op.start is None for op in ops):
        return []
    traced = formatting.seconds(end - start)
    untraced = record.meta.get("untraced_step")
    if isinstance(untraced, dict) and isinstance(untraced.get("duration"), int):
        took, steps = formatting.seconds(untraced["duration"]), untraced.get("round", 1)
        if steps == 1:
            whole = f"{whose}takes {took}" if whose else f"{took} a step"
            return [f"{whole} (median)", f"this one {traced} while recorded"]
        return [f"{whose}{traced} with tracing", f"a round of {steps} steps takes {took} untraced"]
    return [f"{which}{formatting.seconds(sum([op.duration for op in ops]))} in ops, {whose}{traced} with tracing"]


def scope_tooltip(block: Block) -> str:
    """What there is to know of a frame or closed scope."""
    if block.is_chain:
        return "\n".join([scope_tooltip(child).split("\n", 1)[0] for child in block.children])
    scope, lines = block.scope, []
    if block.repeats > 1:
        lines.append(f"{block.repeats} equal parts{beside(block)}: {', '.join(block.names[:12])}")
    elif block.names:
        lines.append(f"stands for {', '.join(block.names[:12])}, which are called in turn")
    if scope is not None:
        lines.append(f"{scope.kind} {scope.name}" + (f" ({scope.cls})" if scope.cls else ""))
        if scope.created_at:
            lines.append(f"made at {formatting.place(scope.created_at)}  {scope.created_at.code}")
        lines += [f"called at {formatting.place(frame)}  {frame.code}" for frame in scope.stack[:1]]
        lines += [f"{k} = {_setting(v)}" for k, v in list(scope.config.items())[:20] if k not in _DRAWN]
    return "\n".join([formatting.clean(line, 160) for line in lines])


def _setting(value: Any) -> str:
    """A setting in short: of what was written as a class and its settings, the class and those that were given."""
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict) or "class_name" not in value:
        return repr(value)
    if value["class_name"] == "DTypePolicy":
        return str(value["config"].get("name"))
    given = [f"{k}={_setting(v)}" for k, v in value["config"].items() if v is not None]
    return f"{value['class_name']}({', '.join(given)})" if given else str(value["class_name"])


def op_tooltip(record: Record, op: Op, part: SinglePart | None = None) -> str:
    """What there is to know of an op, or of a part of one."""
    lines = [f"{formatting.clean(op.name, 40)} ({op.phase})"]
    lines += [f"made of: {line}" for line in made_of(record, op)]
    read, made = ([record.tensors[i] for i in ids] for ids in (op.inputs, op.outputs)) if part is None else part[1:3]
    for name, infos in (("in", read), ("out", made)):
        lines += [f"{name}: {', '.join([formatting.tensor(info) for info in infos[:6]])}"] if infos else []
    lines += [f"{k} = {v!r}" for k, v in op.settings.items()]
    lines += [f"{formatting.place(frame)}  {frame.code}" for frame in op.stack[:3]]
    for taken in record.reads.get(op.id, ()):
        code = "" if taken.line is None else taken.line.code
        lines.append(f"read by Python, {taken.how}: {formatting.place(taken.line)}  {code}")
    lines += [op.error] if op.error else []
    return "\n".join([formatting.clean(line, 160) for line in lines])
