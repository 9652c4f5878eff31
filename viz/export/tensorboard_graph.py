"""The graph that ran, for TensorBoard's Graphs tab: one step with its compute time and memory.

Scopes come from the names: `model/dense/matmul`, `gradients/model/dense/matmul`, `adam/model/dense/kernel`, which is
the update of that weight. Data are called as the script calls them: `images`, `labels_(target)`. TensorBoard keeps one
graph per run, so forward, backward and update are parts of one. A fused op is a scope that opens into its parts, behind
which stands the op that ran, with its time and memory: `dense/dense/matmul`, `.../add`, `.../dense`. A backward op
depends on its forward op (a control dependency, which is drawn dashed), besides the gradient it reads: so the gradients
hang together with the forward pass.
"""

from __future__ import annotations

import itertools
import os
import pathlib
import re
import unicodedata
import warnings
from collections.abc import Collection
from typing import Any

from viz.export import tensorboard_scalars
from viz.export.event_protos import messages, protos
from viz.export.tensorboard_events import EventLog
from viz.facts import formatting
from viz.facts.blocks import all_blocks, leaves, tree
from viz.facts.digest.excerpt import MOST_OPS, around_step
from viz.facts.digest.picked_step import pick_step
from viz.facts.parts import parts_of
from viz.facts.schema import Op, Record, Scope, TensorInfo
from viz.facts.selection import (
    Selection,
    batches_of_training,
    call_numbers,
    line_of,
    origin,
    step_numbers,
    variables_of,
)

__all__ = ["append", "graph_def", "names_of", "run_metadata", "unique_names", "write"]

DTYPES = {  # numbers of TensorFlow's types.proto
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "bfloat16": 14,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "uint32": 22,
    "uint64": 23,
}
_LIKE = 0.75  # of a step's names
MOST_STEPS = 100  # that TensorBoard lists to choose from


def write(record: Record, log_dir: str | os.PathLike[str]) -> pathlib.Path:
    """Write the graph of the last whole step, time and memory of every step, and the course of training.

    An earlier export to the folder is replaced.

    Of more than 100 steps it is time and memory of the 100 around that one.

    Raises:
        ImportError: without tensorboardX.
        ValueError: when nothing was recorded.
    """
    if not record.ops:
        raise ValueError("to_tensorboard(): the recording holds no ops, so there is no graph to write")
    before = tensorboard_scalars.earlier_files(log_dir)
    log = EventLog(
        log_dir, f"to_tensorboard(log_dir={os.fspath(log_dir)!r})", filename_suffix=tensorboard_scalars.ENDING
    )
    try:
        append(record, log)
        tensorboard_scalars.write(record, log_dir, log)
    finally:
        log.close()
    for file in before:  # TensorBoard shows one graph for each run, and warns of more
        file.unlink(missing_ok=True)
    return pathlib.Path(log_dir)


def append(
    record: Record, log: EventLog, batch: int | None = None, written: Collection[str] | None = None
) -> Collection[str]:
    """Write to an open log.

    Args:
        record: the recording.
        log: the log.
        batch: the number of its first batch of training, from which on these alone have tags; default: all steps have.
        written: the names in the graph that this log has: a graph of the same isn't written again, since TensorBoard
            shows one for each run, and warns of more.

    Returns:
        The names in the graph.
    """
    ops = _ops_shown(record)
    record, _ = around_step(record, pick_step(record), max(MOST_OPS, ops), MOST_STEPS)
    step = pick_step(record)
    shown = names_of(record, step)
    if ops > MOST_OPS:
        warnings.warn(
            f"the graph for TensorBoard holds the first {MOST_OPS:,} of {ops:,} ops; record fewer steps, or look at "
            "them with to_html()",
            stacklevel=3,
        )
    known = set(shown.values())
    if known != written:
        log.graph(graph_def(record, shown))
    numbers: dict[int | None, int] = dict(enumerate(step_numbers(record)))
    if batch is not None and numbers:
        of_training = {*batches_of_training(record)}
        numbers = dict(zip([s.index for s in record.steps if s.scope in of_training], itertools.count(batch)))
    for step, number in (numbers or {None: batch or 0}).items():
        names = names_of(record, step)
        if len(known & {*names.values()}) < _LIKE * len(names):
            continue  # it ran another model, with a few names that this one has, too
        tag = "trace" if step is None and batch is None else f"step_{number}"
        log.run_metadata(tag, run_metadata(record, names, known), number)
    return known


def _ops_shown(record: Record) -> int:
    """How many ops the step has that the graph shows; without steps, how many there are."""
    step = pick_step(record)
    return sum(1 for op in record.ops if step is None or op.step == step)


def names_of(record: Record, step: int | None) -> dict[tuple[str, int], str]:
    """A name for each `("op", id)`, and for `("tensor", id)` of each weight and input, of a step.

    Those of the n-th part of a fused op are `("part n", id)`.

    Names are unique, and none is that of a scope. Steps that ran the same ops get the same names. Of very long steps
    only the first `MOST_OPS` ops have names: the browser could not draw more.
    """
    naming = _Naming(record, step)
    chosen = (op for op in record.ops if step is None or op.step == step)
    for op in itertools.islice(chosen, MOST_OPS):
        naming.add(op)
    return unique_names(naming.wanted)


class _Naming:
    """The names that ops, weights and inputs would like to have."""

    def __init__(self, record: Record, step: int | None) -> None:
        self.record = record
        here = [op for op in record.ops if step is None or op.step == step]
        self.selection = Selection(record, step, True, here)
        self.variables = self.selection.variables
        self.calls = call_numbers(record)
        self.terms = _terms(record, self.selection, self.calls)
        self.owners: dict[str, list[int | None]] = {}  # of scopes of one name
        self.passes: list[int] = []  # the calls that compute gradients
        self.wanted: dict[tuple[str, int], str] = {}
        self.fused: dict[tuple[int | None, str], int] = {}  # how many of a name there are in a scope

    def add(self, op: Op) -> None:
        for tensor in op.inputs:
            self._add_input(op, tensor)
        around = self._around(op)
        singles = parts_of(self.record, op)
        if singles:
            self.fused[op.scope, op.name] = number = self.fused.get((op.scope, op.name), 0) + 1
            around.append(_kind(op) if number == 1 else f"{_kind(op)}_{number}")
        for number, part in enumerate(singles):
            self.wanted[f"part {number}", op.id] = "/".join([*around, _kind(part.op)])
        changed = next((i for i in op.inputs[:1] if op.phase == "update" and i in self.variables and not singles), None)
        self.wanted["op", op.id] = "/".join([*around, _kind(op) if changed is None else self._path(changed)])

    def _path(self, variable: int) -> str:
        """Where a weight lies, and its name, as its update is called, too."""
        return "/".join(map(_part, tensorboard_scalars.weight_name(self.record, variable).split("/"))) or "variable"

    def _add_input(self, op: Op, tensor: int) -> None:
        """A name for a tensor that no op of this step made."""
        first, info = self.variables.get(tensor, tensor), self.record.tensors[tensor]
        if ("tensor", first) in self.wanted:
            return
        if tensor in self.variables:
            path = self._path(tensor)
            read = "/".join([*self._scopes(op), path.rpartition("/")[2]])  # beside the layer that reads it
            self.wanted["tensor", first] = path if op.phase == "update" else read
        elif info.producer is None or ("op", info.producer) not in self.wanted:
            made = "constant" if info.role == "constant" else self.selection.flow(op, tensor)[1]
            outside = self._of_data(tensor, made)
            scopes = self._around(op) if info.role == "constant" else []  # a number stands where it is read
            self.wanted["tensor", first] = (
                f"{self._gradients(op)}/initial" if info.role == "gradient" else "/".join([*scopes, _part(outside)])
            )

    def _of_data(self, tensor: int, role: str) -> str:
        """What pictures call it: by the script's name, of a target with that word."""
        name = self.record.shown(tensor)
        return f"{name} ({role})" if name and role == "target" and role not in name else name or role or "input"

    def _around(self, op: Op) -> list[str]:
        first = origin(self.record, op)
        scopes = self._scopes(first) or self.terms.get(first.id, [])
        if op.phase == "update" and not scopes:
            return ["updates"]  # what a loop of the user's own, or `fit`, does without an optimizer
        return [*([self._gradients(op)] if op.phase == "backward" else []), *scopes]

    def _gradients(self, op: Op) -> str:
        """The scope of the gradients that were computed together: each loss of a GAN has its own."""
        found = next((s.id for s in self.record.ancestors(op.scope) if s.kind == "backward"), -1)
        if found not in self.passes:
            self.passes.append(found)
        return _numbered("gradients", self.passes.index(found))

    def _scopes(self, op: Op) -> list[str]:
        scopes = [s for s in self.record.ancestors(op.scope) if s.kind not in ("step", "backward")]
        calls = [self.calls[s.id] for s in scopes]
        return [self._owner(s) + (f"_call{n + 1}" if n else "") for s, n in zip(scopes[::-1], calls[::-1])]

    def _owner(self, scope: Scope) -> str:
        """A scope's name, numbered where others are called the same, as two optimizers are."""
        owners = self.owners.setdefault(_part(scope.name), [])
        if scope.owner not in owners:
            owners.append(scope.owner)
        return _numbered(_part(scope.name), owners.index(scope.owner))


def _terms(record: Record, selection: Selection, calls: list[int]) -> dict[int, list[str]]:
    """For ops that make terms of the loss, such as penalties, a scope, as these are a box in pictures.

    Else they lie in none. TensorBoard draws what has so many neighbours outside of the main graph, the model with it.
    """
    blocks = [block for block in all_blocks(tree(record, selection.forward, calls)) if block.terms is not None]
    return {op: [_part(block.title)] for block in blocks for op in leaves(block)}


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def _kind(op: Op) -> str:
    """The op's name, but none that begins with `Assign`: TensorBoard would turn its arrows round."""
    return re.sub(r"^assign", "update", _part(op.name), flags=re.IGNORECASE)


def _part(name: str) -> str:
    """A name without what separates scopes (`/`), outputs (`:`) or marks control inputs (`^`)."""
    kept = [c if c not in "/:^\\" and unicodedata.category(c)[0] not in "CZ" else "_" for c in name]
    return "".join(kept)[:100] or "_"


def unique_names(wanted: dict[tuple[str, int], str]) -> dict[tuple[str, int], str]:
    """Names of nodes by the same keys, none of them twice, and none that of a scope."""
    scopes = {name[:at] for name in wanted.values() for at in range(len(name)) if name[at] == "/"}
    taken, counts, found = set(scopes), dict.fromkeys(scopes, 0), {}
    for key, name in wanted.items():
        unique = name
        while unique in taken:
            counts[name] = counts.get(name, 0) + 1
            unique = f"{name}_{counts[name]}"
        taken.add(unique)
        found[key] = unique
    return found


def graph_def(record: Record, names: dict[tuple[str, int], str]) -> Any:
    """The `GraphDef` of the ops, weights and inputs that `names` names."""
    proto = protos()
    made = proto.graph.GraphDef()
    made.versions.producer = 1
    variables, started_by = variables_of(record), _first_gradients(record, names)
    for (kind, number), name in names.items():
        if kind == "tensor":
            info = record.tensors[number]
            node = made.node.add(name=name, op="Variable" if number in variables else "Placeholder")
            _describe(node, [info], info.device)
            node.input.extend(_dependency(names, started_by.get(number)))
        elif kind == "op":
            op = record.ops[number]
            outputs = [record.tensors[i] for i in op.outputs]
            read = [source for source in _sources(record, op, names, variables) if source is not None]
            node = made.node.add(name=name, op=_kind(op), input=read)
            _describe(node, outputs, outputs[0].device if outputs else "cpu")
            _add_parts(made, record, op, names, variables)
            node.input.extend(_dependency(names, op.forward))  # behind the others, as TensorFlow wants it
            _annotate(record, node, op)
    return made


def _first_gradients(record: Record, names: dict[tuple[str, int], str]) -> dict[int, int | None]:
    """For gradients that no op made, the op whose output they are of: the loss."""
    ops = [record.ops[number] for kind, number in names if kind == "op"]
    given = {i for kind, i in names if kind == "tensor" and record.tensors[i].role == "gradient"}
    return {i: op.forward for op in ops for i in op.inputs if i in given}


def _dependency(names: dict[tuple[str, int], str], op: int | None) -> list[str]:
    """That a node depends on an op without reading what it made, as TensorFlow writes it."""
    name = None if op is None else names.get(("op", op))
    return [] if name is None else [f"^{name}"]


def _add_parts(made: Any, record: Record, op: Op, names: dict[tuple[str, int], str], variables: dict[int, int]) -> None:
    """The parts of a fused op: they read what it reads, and it reads what they make."""
    parts = parts_of(record, op)
    if not parts:
        return
    outer, whole = dict(zip(op.inputs, _sources(record, op, names, variables))), made.node[-1]
    slots = {
        i: names[f"part {number}", op.id] + (f":{slot}" if slot else "")
        for number, part in enumerate(parts)
        for slot, i in enumerate(part.op.outputs)
    }
    del whole.input[:]
    whole.input.extend([slots[i] for i in op.outputs if i in slots])
    for number, part in enumerate(parts):
        sources = [slots.get(i) or outer.get(i) for i in part.op.inputs]
        read = [source for source in sources if source is not None]
        node = made.node.add(name=names[f"part {number}", op.id], op=_kind(part.op), input=read)
        _describe(node, part.made, whole.device.removeprefix("/device:"))
        _annotate(record, node, part.op)


def _sources(record: Record, op: Op, names: dict[tuple[str, int], str], variables: dict[int, int]) -> list[str | None]:
    """For each input of an op, the node (and output) that it comes from; None where that isn't shown."""
    found: list[str | None] = []
    for tensor in op.inputs:
        info = record.tensors[tensor]
        name = None if tensor in variables else names.get(("op", -1 if info.producer is None else info.producer))
        name = name or names.get(("tensor", variables.get(tensor, tensor)))
        if name is not None and name != names["op", op.id]:
            slot = 0 if info.producer is None else record.ops[info.producer].outputs.index(tensor)
            found.append(f"{name}:{slot}" if slot else name)
        else:
            found.append(None)
    return found


def _describe(node: Any, outputs: list[TensorInfo], device: str) -> None:
    node.device = _device(device)
    if outputs:
        node.attr["T"].type = DTYPES.get(outputs[0].dtype, 0)
        for info in outputs:
            shape = node.attr["_output_shapes"].list.shape.add()
            for length in info.shape:
                shape.dim.add(size=length)


def _device(name: str) -> str:
    """`"/device:CPU:0"`. TensorBoard leaves devices without a number out of its times."""
    return f"/device:{name.upper()}" + ("" if ":" in name else ":0")


def _annotate(record: Record, node: Any, op: Op) -> None:
    """What the node's card shows besides."""
    for name, value in op.settings.items():
        node.attr[_part(name)].s = formatting.clean(repr(value), 200).encode("utf-8")
    line = line_of(record, op)
    if line is not None:
        node.attr["source"].s = formatting.clean(f"{formatting.place(line)}  {line.code}", 200).encode("utf-8")
    if op.error is not None:
        node.attr["error"].s = formatting.clean(op.error, 200).encode("utf-8")


def run_metadata(record: Record, names: dict[tuple[str, int], str], known: set[str]) -> Any:
    """Time and memory of a step's nodes, whose names `names_of` gives, as far as the graph knows them."""
    kinds = messages()
    made = kinds["RunMetadata"]()
    devices: dict[str, Any] = {}
    for (kind, number), name in names.items():
        if name not in known:
            continue
        op = None if kind == "tensor" else record.ops[number]
        outputs = [record.tensors[i] for i in op.outputs] if op else [record.tensors[number]]
        device = outputs[0].device if outputs else "cpu"
        if kind not in ("op", "tensor"):
            op, outputs = None, []  # a part of a fused op: neither time nor memory, but it ran
        if device not in devices:
            devices[device] = made.step_stats.dev_stats.add(device=_device(device))
        _fill(devices[device].node_stats.add(node_name=name), op, outputs)
    return made


def _fill(stats: Any, op: Op | None, outputs: list[TensorInfo]) -> None:
    """Times in microseconds, at least one; none for weights and inputs, which would else look unused."""
    if op is not None and op.start is not None:
        micros = max(1, round(op.duration / 1000))
        stats.all_start_micros = 1 + op.start // 1000  # a 0 isn't sent at all, which makes TensorBoard's sums NaN
        stats.op_end_rel_micros = stats.all_end_rel_micros = micros
        stats.thread_id = op.thread
        stats.timeline_label = formatting.clean(op.name)
    size = sum([info.nbytes for info in outputs])
    stats.memory.add(allocator_name=outputs[0].device if outputs else "cpu", total_bytes=size, peak_bytes=size)
    for slot, info in enumerate(outputs):
        described = stats.output.add(slot=slot).tensor_description
        described.dtype = DTYPES.get(info.dtype, 0)
        described.shape.SetInParent()  # a scalar's too: TensorBoard reads no times after a missing one
        for length in info.shape:
            described.shape.dim.add(size=length)
        described.allocation_description.requested_bytes = info.nbytes
        described.allocation_description.allocated_bytes = info.nbytes
