"""From a recording to the `Graph` of a picture: choose, fold, close, connect."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Mapping, Sequence

from viz.choices import VIEWS, expect_number, expect_word
from viz.facts import formatting
from viz.facts.blocks import Block, leaves, levels, tree
from viz.facts.digest.made import Made
from viz.facts.digest.usual_times import UsualTime, usual_sums
from viz.facts.folding.grouping import grouped
from viz.facts.folding.runs import fold
from viz.facts.gradient_passes import GradientPasses
from viz.facts.layer_settings import inner_layers
from viz.facts.parts import SinglePart, parts_of, weights_of_parts
from viz.facts.schema import VARIABLES, Op, Record, TensorInfo
from viz.facts.selection import Selection, position_of, update_passes
from viz.geometry.graph import BACKWARD, Cluster, Edge, Graph, Node
from viz.geometry.passes import part_passes
from viz.picture import box_texts
from viz.picture.coloring import COLORINGS, color
from viz.picture.given_boxes import GivenBoxes, count_inputs
from viz.picture.legend import STATE
from viz.picture.name_groups import Chains, called_in_loops, group_long_blocks, later_calls
from viz.picture.operands import between_parts, taken, tell_in_words, with_operands
from viz.picture.outputs import by_outputs, number_of
from viz.picture.palette import THEMES
from viz.picture.round_groups import group_rounds
from viz.picture.rounds import Rounds

__all__ = ["VIEWS", "graph"]

_LARGE = 1 / 3  # pictures with more than so large a part of the rows that they may have are closed to chains of layers
_LONG = 1 / 4  # and with more than so large a part, what a loop calls is closed
_TALL = _LARGE / 2  # and with more than so large a part, the layers are closed that others made for themselves
_MOST_IN_BLOCK = 48  # a scope with more parts is shown in groups, where its parts are too many


def graph(
    record: Record,
    *,
    view: str = "both",
    depth: int | None = None,
    collapse_repeats: bool = True,
    max_nodes: int = 100,
    color_by: str = "op",
    step: int | None = None,
    theme: str = "light",
    parts: bool = False,
    usual: Mapping[int, UsualTime] | None = None,
) -> Graph:
    """The graph of one step of a recording, or of all of it when it has no steps.

    Args:
        record: the recording.
        view: `"forward"`; `"backward"`; `"both"`; or `"layers"`: the forward pass with each layer one box.
        depth: how many levels of scopes are open; default: as many as `max_nodes` allows. Metrics open with the last.
        collapse_repeats: show equal parts that follow each other once, with ×N.
        max_nodes: the most rows of boxes to show: scopes are closed, of very many layers neighbours are grouped by
            what their names begin with, and ops by source line.
        color_by: `"op"` (forward, backward, update ...), `"time"`, `"memory"`, `"grad"`, `"nonfinite"` or `"dtype"`.
        step: the step to show; default: the last complete one of the usual batch size.
        theme: `"light"` or `"dark"`.
        parts: open fused ops (a dense layer's product, bias and relu) into the ops that they are made of.
        usual: for ops by id, what they took in several steps: their medians are shown; default: the times of the step.

    Raises:
        TypeError: when the depth or the number of nodes is no whole number.
        ValueError: for a view, colouring, depth, number of nodes or step that doesn't exist.
    """
    expect_word("view", view, VIEWS)
    expect_word("color_by", color_by, COLORINGS)
    expect_word("theme", theme, tuple(THEMES))
    if depth is not None:
        expect_number("depth", depth, 0, "the number of open levels, 0 or more")
    expect_number("max_nodes", max_nodes, 1, "at least 1")
    selection = Selection(record, position_of(record, step), backward=view in ("both", "backward"))
    assembly = _Assembly(selection, view, parts and view in ("both", "forward"))
    usual = usual or {}
    assembly.took = usual_sums(usual)
    assembly.place(collapse_repeats, depth, max_nodes)
    assembly.connect()
    assembly.graph.drop_empty_frames()
    assembly.graph.theme = theme
    color(record, assembly.graph, color_by, [op.id for op in selection.ops], assembly.weight_node, assembly.took)
    made, drawn = assembly.graph, {op for node in assembly.graph.nodes.values() for op in node.ops}
    made.title, made.caption = box_texts.heading(selection, usual, view, drawn, made.caption)
    return made


class _Assembly:
    """Makes the nodes, frames and arrows of one graph."""

    def __init__(self, selection: Selection, view: str, opens_ops: bool) -> None:
        self.selection, self.view, self.opens_ops = selection, view, opens_ops
        self.record = selection.record
        self.graph = Graph()
        self.given_boxes = GivenBoxes(self.record, self.graph)
        self.node_of: dict[int, str] = {}  # id of an op -> the node that shows it
        self.maker: dict[int, str] = {}  # id of a tensor that a part of an opened op makes -> the node of the part
        self.readers: dict[tuple[int, int], list[str]] = {}  # opened op, tensor that it reads -> nodes of its parts
        self.weight_node: dict[int, str] = {}  # id of a variable -> the node that shows it, or what contains it
        self.stands_for: dict[int, int] = {}
        self.instances: dict[int, list[int]] = {}
        self.rounds = Rounds(selection, {}, {})
        self.called: dict[str, int | None] = {}  # row of a closed scope -> the layer whose calls it shows, if known
        self.given: dict[str, set[int]] = {}  # node -> what folded ops that it shows read from outside
        self.gradient_passes = GradientPasses(self.record, selection.ops)
        self.pass_of: dict[str, int] = {}  # node of backward ops -> their pass
        self.keeps_closed = False  # what is closed at first?
        self.closes_layers = view == "layers"
        self.closed_calls: frozenset[int] = frozenset()  # of layers whose first call is drawn: identities of blocks
        self.inner: frozenset[int] = frozenset()  # calls of layers that are closed as parts of what is around them
        self.in_loops: frozenset[int] = frozenset()  # numbers of the layers that are one box because a loop calls them
        self.took = usual_sums({})  # what ops took together
        self.made = Made(self.record)
        self.passes = {op: ran for ran in update_passes(self.record) for op in ran}

    # ------------------------------------------------------------------ frames and closed scopes

    def place(self, collapse_repeats: bool, depth: int | None, max_nodes: int) -> None:
        """Make the nodes: to the given depth, or to the greatest that stays under `max_nodes`."""
        root = tree(self.record, self.selection.forward)
        in_loops = called_in_loops(root)
        if collapse_repeats:
            self.stands_for = fold(self.record, root, self.selection.signature, self.selection.wiring())
        deepest = levels(root)
        self.keeps_closed = depth is None or depth < deepest
        wanted = deepest if depth is None else min(depth, deepest)
        if collapse_repeats and depth is None and self._rows(root, wanted, 0) > _LONG * max_nodes:
            self.in_loops = in_loops
        if collapse_repeats and depth is None and self._rows(root, wanted, 0) > _TALL * max_nodes:
            self.inner = inner_layers(self.record)
        chosen, closed_to = self._deepest(root, wanted, max_nodes), ""
        if collapse_repeats and depth is None and chosen < wanted:
            root, chosen = self._folded_by_two(root, wanted, chosen, max_nodes)
        most = min(max_nodes, _MOST_IN_BLOCK)
        is_large = self._rows(root, wanted, 0) > _LARGE * max_nodes
        if collapse_repeats and is_large and (depth is None or not self._opens_layers(root, wanted, 0)):
            chosen, closed_to = self._joined(root, wanted, chosen, max_nodes)
            if not closed_to and depth is None:
                self.closed_calls = later_calls(root)
                chosen = self._deepest(root, wanted, max_nodes)
        if chosen < wanted and self._hides_many(root, chosen, 0, most):
            root = tree(self.record, self.selection.forward)
            if not collapse_repeats:
                group_rounds(self.selection, root, most)
            group_long_blocks(self.record, root, most)
            if collapse_repeats:  # of groups: where single layers repeat needn't be where a group begins
                self.stands_for = fold(self.record, root, self.selection.signature, self.selection.wiring())
            chosen, closed_to = self._deepest(root, wanted, max_nodes), "groups of layers"
        if chosen < wanted:
            closed_to = f"depth {chosen}"
        what = map(bool, (self.closed_calls, self.in_loops, self.inner))
        self.graph.caption = box_texts.closed(closed_to, max_nodes, *what)
        if self._rows(root, chosen, 0) > max_nodes and not collapse_repeats:
            group_rounds(self.selection, root, max_nodes)
        if self._rows(root, chosen, 0) > max_nodes:
            root.children = grouped(self.record, root.children, max_nodes)
        self._note_folded()
        self._fill(root, chosen, 0, None, together=False)
        self._place_rest()

    def _folded_by_two(self, root: Block, wanted: int, chosen: int, max_nodes: int) -> tuple[Block, int]:
        """Where there isn't room for all, a pair of equal blocks is drawn once, if that shows more."""
        by_two = tree(self.record, self.selection.forward)
        stands_for = fold(self.record, by_two, self.selection.signature, self.selection.wiring(), least=2)
        deeper = self._deepest(by_two, wanted, max_nodes)
        if deeper <= chosen:
            return root, chosen
        self.stands_for = stands_for
        return by_two, deeper

    def _joined(self, root: Block, wanted: int, chosen: int, max_nodes: int) -> tuple[int, str]:
        """Close all layers, long rows of them in chains, if there is room for all of them; gives depth and caption."""
        before, self.closes_layers = self.closes_layers, True
        if self._rows(root, wanted, 0) <= max_nodes and Chains(self.record, self.selection.ops, root).join(root):
            return wanted, box_texts.CHAINS
        self.closes_layers = before
        return chosen, ""

    def _opens_layers(self, block: Block, depth: int, level: int) -> bool:
        """Is any layer, but for those with others in them, open at a depth?"""
        for child in block.children:
            if isinstance(child, Block) and not self._is_closed(child, depth, level + 1):
                inner = level + (child.scope is not None)
                if (child.kind == "layer" and not child.holds_blocks) or self._opens_layers(child, depth, inner):
                    return True
        return False

    def _note_folded(self) -> None:
        for op, shown in self.stands_for.items():
            self.instances.setdefault(shown, []).append(op)
        for cast, host in self.selection.casts.items():
            if host in self.stands_for:
                self.stands_for[cast] = self.stands_for[host]
        self.rounds = Rounds(self.selection, self.stands_for, self.instances)

    def _deepest(self, root: Block, wanted: int, max_nodes: int) -> int:
        """The greatest depth up to `wanted` with so few rows; 0 if none has."""
        while wanted and self._rows(root, wanted, 0) > max_nodes:
            wanted -= 1
        return wanted

    def _hides_many(self, block: Block, depth: int, level: int, most: int) -> bool:
        """Would a scope with more than so many parts be a single box, of which nothing can be seen?"""
        blocks = [(child, level + (child.scope is not None)) for child in block.children if isinstance(child, Block)]
        return any(
            (below > depth and not self._stays_closed(child) and self._rows(child, below, below) > most)
            or self._hides_many(child, depth, below, most)
            for child, below in blocks
        )

    def _rows(self, block: Block, depth: int, level: int) -> int:
        total = 0
        for child in block.children:
            if isinstance(child, int):
                total += len(self._parts(child)) if self._opens(child) else 1
            elif self._is_closed(child, depth, level + 1):
                total += 1
            else:
                total += self._rows(child, depth, level + (child.scope is not None))
        return total

    def _is_closed(self, block: Block, depth: int, level: int) -> bool:
        """Is `block`, which would be a frame of this level, one box?"""
        if block.scope is None and block.line is None:
            return block.is_group or self._stays_closed(block)
        scope = block.scope
        if id(block) in self.closed_calls or (scope and (scope.owner in self.in_loops or scope.id in self.inner)):
            return True
        is_least = block.kind == "layer" or block.line is not None
        if self.closes_layers and is_least and not block.holds_blocks:
            return True
        return (block.line is None and level > depth) or self._stays_closed(block)

    def _stays_closed(self, block: Block) -> bool:
        return self.keeps_closed and block.is_closed_at_first

    def _fill(self, block: Block, depth: int, level: int, cluster: str | None, together: bool) -> None:
        """Make what is in a block; `together`: do equal parts of which it is one, or in which it is, look like one?"""
        for child in block.children:
            is_of_several = together or (isinstance(child, Block) and child.repeats > 1)
            if isinstance(child, int):
                if self._opens(child):
                    self._add_opened(child, cluster)
                else:
                    self._add_op(child, cluster)
            elif self._is_closed(child, depth, level + 1):
                self._add_closed(child, cluster, is_of_several)
            else:
                frame = self._frame(child, cluster, is_of_several)
                self._fill(child, depth, level + (child.scope is not None), frame, is_of_several)

    def _opens(self, op_id: int) -> bool:
        """Is the op made of others, which may be shown?"""
        return self.opens_ops and self.record.ops[op_id].composition is not None

    def _parts(self, op_id: int) -> list[SinglePart]:
        return parts_of(self.record, self.record.ops[op_id])

    def _frame(self, block: Block, parent: str | None, together: bool) -> str:
        made = Cluster(f"frame{len(self.graph.clusters)}", parent, box_texts.title(block), kind=block.kind)
        took = self._spent(self._all_instances(block), together)
        made.subtitle = "  ·  ".join([*box_texts.about(block, together=together), *took])
        made.tooltip = box_texts.scope_tooltip(block)
        self.graph.clusters[made.id] = made
        self.given_boxes.calls[made.id] = None if block.scope is None else block.scope.id
        return made.id

    def _all_instances(self, block: Block) -> list[int]:
        """The ops of a block, and those that were folded into them."""
        ops = [i for op in leaves(block) for i in (op, *self.instances.get(op, ()))]
        return list(dict.fromkeys(ops))

    def _spent(self, ops: list[int], together: bool) -> list[str]:
        """Time forward (→) and backward (←) of forward ops and what goes with them, as their boxes count it."""
        backward = [self.record.ops[b] for i in ops for b in self.selection.backward_of.get(i, ())]
        riders = [rider for i in ops for rider in self.selection.riders_of.get(i, ())]
        own = [op for op in map(self.record.ops.__getitem__, ops + riders) if op.phase != "network"]
        *times, of_all = box_texts.spent(self.took(own), self.took(backward), together)
        return ["   ".join(filter(None, times)) + of_all] if any(times) else []

    # ------------------------------------------------------------------ rows

    def _add_op(self, op_id: int, cluster: str | None) -> None:
        """The row of one op, which stands for the equal ones that were folded away."""
        op = self.record.ops[op_id]
        ops = [op_id, *self.instances.get(op_id, ())]
        row = f"op{op_id}"
        equal = [self.record.ops[i] for i in sorted(ops)]
        kept, name = box_texts.kept_as(self.record, equal), formatting.clean(op.name, 40)
        made = Node(row, "op", kept or name, [name] if kept else [], phase=op.phase, row=row, cluster=cluster)
        is_gradient = op.phase == "backward" and not self.selection.backward_of.get(op_id)  # its own stands beside it
        made.lane = "backward" if is_gradient else "forward"
        made.tooltip = box_texts.op_tooltip(self.record, op)
        made.lines += box_texts.made_of(self.record, op) + taken(self.record, equal, self.selection.weights_of)
        made.lines += box_texts.network(equal)
        said = self.gradient_passes.targets | ({self.graph.clusters[cluster].title} if cluster else set())
        made.lines += self.gradient_passes.made(ops) or box_texts.assigned(self.record, equal, said)
        riders = [rider for each in ops for rider in self.selection.riders_of.get(each, ())]
        hidden, together = self.view == "backward" and op.phase != "backward", len(ops) > 1
        self._show(made, ops + riders, together, hidden)
        weights = {each: self.selection.weights_of.get(each, []) for each in ops}
        self._add_weights(op_id, weights, row, cluster)
        self._add_updates(weights, row, cluster, _are_of_several(weights))
        self._add_backward(formatting.clean(op.name, 36), ops, row, cluster, together)

    def _add_opened(self, op_id: int, cluster: str | None) -> None:
        """A fused op as a frame with its time and memory, and a row for each of its parts, which have none."""
        op = self.record.ops[op_id]
        ops = [op_id, *self.instances.get(op_id, ())]
        riders = [rider for each in ops for rider in self.selection.riders_of.get(each, ())]
        frame = Cluster(f"frame{len(self.graph.clusters)}", cluster, formatting.clean(op.name, 40), kind="op")
        size = self.made.by_all([self.record.ops[each] for each in ops + riders])
        together = len(ops) > 1
        took, made = self._spent(ops, together), box_texts.made(size, together)
        frame.subtitle = "  ·  ".join(filter(None, ["one op", *took, made, *box_texts.read_by(self.record, ops)]))
        frame.tooltip = box_texts.op_tooltip(self.record, op)
        self.graph.clusters[frame.id] = frame
        rows = [self._add_part(part, frame, number, ops + riders) for number, part in enumerate(self._parts(op_id))]
        weights: list[dict[int, list[int]]] = [{} for _ in rows]  # of each part, by op
        for each in ops:
            self.node_of[each] = rows[-1]
            parts = self._parts(each)
            shares = weights_of_parts(
                [part.op.inputs for part in parts], self.selection.weights_of.get(each, ()), self.selection.variables
            )
            for part, row, own, share in zip(parts, rows, weights, shares):
                own[each] = share
                self.maker |= {i: row for i in part.op.outputs if i >= 0}
                for i in part.op.inputs:
                    self.readers.setdefault((each, i), []).append(row)
            for rider in self.selection.riders_of.get(each, ()):
                self.node_of[rider] = self._part_beside(rider, each, rows)
        self.graph.edges += between_parts(self._parts(op_id), rows)
        for row, own in zip(rows, weights):
            self._add_weights(op_id, own, row, frame.id)
            self._add_updates(own, row, frame.id, _are_of_several(own))
            if (beside := self.graph.nodes.get(f"{row}_weights")) is not None:  # whose they are says which of two it is
                self.graph.nodes[row].lines[:0] = [line for line in beside.lines if line.startswith("of ")][:1]
        self._add_backward(formatting.clean(op.name, 36), ops, rows[0], frame.id, together)

    def _part_beside(self, rider: int, op_id: int, rows: Sequence[str]) -> str:
        """The part of an opened op that reads what a rider made, or made what it reads, maybe by way of another."""
        op = self.record.ops[rider]
        read_by = [row for i in op.outputs for row in self.readers.get((op_id, i), ())]
        makers = [(self.maker.get(i), self.record.tensors[i].producer) for i in op.inputs]
        made_by = [row or ("" if producer is None else self.node_of.get(producer, "")) for row, producer in makers]
        return next((row for row in [*read_by, *made_by] if row in rows), rows[-1])

    def _add_part(self, part: SinglePart, frame: Cluster, number: int, ops: list[int]) -> str:
        row = f"op{part.op.id}_{number}"
        made = Node(row, "op", formatting.clean(part.op.name, 40), phase=part.op.phase, row=row, cluster=frame.id)
        made.lines = box_texts.part_lines(part.made)
        made.tooltip = f"a part of {frame.title}, which ran as one\n{box_texts.op_tooltip(self.record, part.op, part)}"
        made.ops = tuple(ops)
        made.error = any(self.record.ops[i].error for i in ops)
        self.graph.nodes[row] = made
        return row

    def _add_closed(self, block: Block, cluster: str | None, together: bool) -> None:
        """The row of a scope, or of a group of ops, as one box."""
        ops = self._all_instances(block)
        row = f"box{ops[0]}" if ops else f"box_{len(self.graph.nodes)}"
        made = Node(
            row, "scope", box_texts.title(block), row=row, cluster=cluster, tooltip=box_texts.scope_tooltip(block)
        )
        made.phase = self.record.ops[ops[0]].phase if ops else "forward"
        made.scope = None if block.scope is None else block.scope.id
        made.role = "terms" if block.terms and not block.terms.is_sum else ""
        self.called[row] = None if block.scope is None else block.scope.owner
        made.lines += box_texts.closed_lines(self.record, block, together=together)
        riders = [rider for each in ops for rider in self.selection.riders_of.get(each, ())]
        self._show(made, ops + riders, together, self.view == "backward" and made.phase != "backward")
        weights = {op: self.selection.weights_of.get(op, []) for op in ops}
        self.weight_node |= {variable: row for variables in weights.values() for variable in variables}
        self._add_updates(weights, row, cluster, together and (block.scope is None or block.objects > 1))
        self._add_backward(box_texts.title(block), ops, row, cluster, together)

    def _add_weights(self, op_id: int, weights: dict[int, list[int]], row: str, cluster: str | None) -> None:
        """One box for the variables that an op is the first to read; those of folded ones are given with them."""
        variables = weights[op_id]
        others = [v for op, given in weights.items() if op != op_id for v in given]
        if not variables or self.view == "backward":
            return
        tensors = [self.record.tensors[v] for v in variables]
        made = Node(f"{row}_weights", "parameter", "", phase="parameter", lane="parameter", row=row, cluster=cluster)
        made.title, made.lines = box_texts.weights(self.record, tensors, len(others), self.record.ops[op_id])
        made.tooltip = "\n".join(
            [
                f"{formatting.clean(self._name(t), 160)}: {formatting.tensor(t)}, {formatting.role(t.role)}"
                for t in tensors
            ]
        )
        made.phase = min([t.role for t in tensors], key=VARIABLES.index)  # trained, if any is
        self.graph.nodes[made.id] = made
        for variable in variables + others:
            self.weight_node[variable] = made.id

    def _name(self, variable: TensorInfo) -> str:
        """What a variable is called, and its name where that is another one."""
        shown = self.record.shown(variable.id)
        return shown if shown == variable.name else f"{shown} ({variable.name})"

    def _add_updates(self, weights: dict[int, list[int]], row: str, cluster: str | None, together: bool) -> None:
        """What updates the weights of a row; `together`: those of several equal parts."""
        selection, own = self.selection, [v for given in weights.values() for v in given]
        updates = [u for v in own for u in selection.updates_of.get(v, ())]
        if not updates:
            return
        name, lines = box_texts.update(selection, own)
        made = Node(f"{row}_update", "update", name, lines, phase="update", lane="update", row=row, cluster=cluster)
        made.tooltip = box_texts.op_tooltip(self.record, self.record.ops[updates[0]])
        self._show(made, updates, together)

    def _add_backward(self, title: str, ops: list[int], row: str, cluster: str | None, together: bool) -> None:
        """What computes the gradient of a row: a box for each pass, which says which it is where there are several."""
        of_passes = self.gradient_passes.split(ops, self.selection.backward_of, lambda op: self.stands_for.get(op, op))
        for place, (number, backward) in enumerate(of_passes.items()):
            id_ = f"{row}_back{place + 1 if place else ''}"
            made = Node(id_, "op", f"∇ {title}", phase="backward", lane="backward", row=row, cluster=cluster)
            made.lines += [self.gradient_passes.name(number)] if len(of_passes) > 1 else []
            made.tooltip = box_texts.op_tooltip(self.record, self.record.ops[backward[0]])
            self._show(made, backward, together)
            self.pass_of[id_] = number

    def _place_rest(self) -> None:
        """Ops of the optimizer that change no weight shown in a row: one box for each scope."""
        rest = [op for op in self.selection.ops if op.phase == "update" and op.id not in self.node_of]
        if self.view not in ("both", "backward"):
            return
        for _, group in itertools.groupby(rest, key=lambda op: op.scope):
            ops = [op.id for op in group]
            row = f"rest{ops[0]}"
            name, lines = box_texts.rest(self.record, [self.record.ops[i] for i in ops])
            made = Node(row, "update", name, lines, phase="update", lane="update", row=row)
            made.tooltip = ", ".join(dict.fromkeys([formatting.clean(self.record.ops[i].name, 40) for i in ops]))
            self._show(made, ops)

    def _show(self, node: Node, ops: list[int], together: bool = False, hidden: bool = False) -> None:
        """Enter a node that shows `ops`; `together`: those of several equal boxes."""
        found = [self.record.ops[i] for i in ops]
        node.ops = tuple(ops)
        node.error = any(op.error for op in found)
        node.lines += box_texts.read_by(self.record, ops)
        node.lines.append(self._cost(node, found, together))
        if hidden:
            return
        self.graph.nodes[node.id] = node
        for i in ops:
            self.node_of[i] = node.id

    def _cost(self, node: Node, ops: list[Op], together: bool) -> str:
        made = 0 if node.kind == "update" else self.made.by_all(ops)
        shares = collections.Counter([self.passes[op.id] for op in ops if op.id in self.passes])
        is_share = any(count < len(ran) for ran, count in shares.items())
        if is_share:
            node.tooltip += "\nall weights were updated in one pass: this is a share of its time, by size"
        return box_texts.cost(len(ops), self.took(ops), made, node.error, is_share, together)

    # ------------------------------------------------------------------ arrows

    def connect(self) -> None:
        """Make the arrows: flows of tensors between different boxes, one for each pair, or for each output of an op."""
        flows: dict[tuple[str, str, str], list[int]] = {}
        read: dict[tuple[str, str, str], set[int]] = {}  # by ops that weren't folded away
        begin: dict[tuple[str, str, int], bool] = {}  # is a tensor read in the first round of a loop only?
        for op in self.selection.ops:
            head = self.node_of.get(op.id)
            if head is not None:
                for tensor in op.inputs:
                    for reader in dict.fromkeys(self.readers.get((op.id, tensor), [head])):
                        found = self._flow(op, reader, tensor)
                        if found is not None:
                            flows.setdefault(found, []).append(tensor)
                            place = found[0], found[1], tensor
                            begin[place] = begin.get(place, True) and self.rounds.begins(op.id, tensor)
                            read.setdefault(found, set()).update([tensor] if self._is_shown(op) else [])
        latest: dict[tuple[str, frozenset[int]], str] = {}  # of the boxes that share variables, the last one so far
        for found, tensors in flows.items():
            tail, head, kind = found
            of_call = kind == "parameter" and self.graph.nodes[tail].kind != "parameter"
            if of_call and self.view == "layers":  # from call to call, rather than all from the first
                shared = tail, frozenset([self.selection.variables[tensor] for tensor in tensors])
                tail, latest[shared] = latest.get(shared, tail), head
            several = list(dict.fromkeys(tensors))
            count = self._count(several, read[found])
            self.graph.edges.append(self._arrow(tail, head, kind, several, count))
        self.graph.edges = by_outputs(self.record, self.graph.edges, self.graph.nodes, self.selection.casts)
        for edge in self.graph.edges:  # of several results of one box, a loop may begin with one
            begins = [begin.get((edge.tail, edge.head, tensor)) for tensor in edge.tensors]
            if edge.kind == "data" and begins and all(begins):
                edge.label = f"{edge.label}  {box_texts.FIRST}".strip()
        self.graph.edges = with_operands(self.record, self.graph.edges, self.graph.nodes, self.selection.casts)
        tell_in_words(self.record, self.graph)
        count_inputs(self.graph, self.given)
        self._begin_gradients()
        nearest = part_passes(self.graph, self.pass_of)
        for node in list(self.graph.nodes.values()):
            self._link(node, nearest)

    def _flow(self, op: Op, head: str, tensor: int) -> tuple[str, str, str] | None:
        """Tail, head and kind of the arrow for an input of an op; None where there is none to draw."""
        kind, outside = self.selection.flow(op, tensor)
        if kind == "parameter":
            tail = self.weight_node.get(self.selection.variables[tensor])
            if tail is None or tail == head or tail not in self.graph.nodes or self._is_read_beside(head, tensor):
                return None
            return tail, head, kind
        producer = self.record.tensors[tensor].producer
        if kind and producer is not None and producer in self.node_of:
            tail = self.maker.get(tensor, self.node_of[producer])
            if tail == head:
                self._note_again(head, producer, op.id)
                return None
            return None if self.rounds.hides(producer, op.id) else (tail, head, kind)
        if producer is not None and self._is_left_out(producer):
            return self.given_boxes.gradient(tensor, producer), head, kind
        if outside == "constant" and not self.given_boxes.is_given(op, tensor, head):
            return None
        if outside and op.id not in self.stands_for:  # the op that stands for it has an input of this kind too
            boxes = self.given_boxes
            tail = boxes.constant(op, tensor, head) if outside == "constant" else boxes.input(tensor, outside)
            return tail, head, kind
        if outside and outside != "constant":
            self.given.setdefault(head, set()).add(tensor)
        return None

    def _is_left_out(self, op: int) -> bool:
        """Is it an op that computes a gradient, in a picture without the backward pass?"""
        return op not in self.node_of and self.record.ops[op].phase == "backward" and self.view in ("forward", "layers")

    def _begin_gradients(self) -> None:
        """Let an arrow lead to the box of a gradient whose computation is left out from what it is the gradient of."""
        if not self.given_boxes.gradients:
            return
        passes = GradientPasses(self.record, self.record.ops)  # the selection has none of a backward pass
        for box, op in self.given_boxes.gradients.items():
            begin = passes.begins_with(op)
            tail = None if begin is None else self.node_of.get(self.stands_for.get(begin, begin))
            if tail is not None:
                self.graph.edges.append(Edge(tail, box, "gradient", tooltip="computed by the backward pass"))

    def _is_read_beside(self, head: str, weight: int) -> bool:
        """Does a box compute the gradient of one beside it that reads the same weight? The arrow to that tells it."""
        node, variables = self.graph.nodes[head], self.selection.variables
        beside = self.graph.nodes.get(node.row, node).ops if node.lane in BACKWARD else ()
        read = {variables.get(i) for op in beside for i in self.record.ops[op].inputs} if node.row != head else ()
        return variables[weight] in read

    def _note_again(self, node: str, producer: int, consumer: int) -> None:
        """Say of a box that it reads what it made in the round before, as a sum in a loop does: no arrow shows that."""
        shown = self.graph.nodes[node]
        owner = self.called.get(shown.row)
        if owner is None and shown.row in self.called:  # several ops, and not known which calls they are of
            return
        if box_texts.AGAIN not in shown.lines and self.rounds.goes_on(producer, consumer, owner):
            shown.lines.insert(len(shown.lines) - 1, box_texts.AGAIN)

    def _is_shown(self, op: Op) -> bool:
        """Wasn't it folded into an equal one, nor what it computes the gradient of?"""
        return (op.id if op.phase != "backward" or op.forward is None else op.forward) not in self.stands_for

    def _count(self, tensors: list[int], read: set[int]) -> int:
        """How many tensors flow along an arrow at a time: of folded parts, each has its own."""
        makers = {i: self.record.tensors[i].producer for i in tensors}
        made = {i for i, op in makers.items() if op is not None and self._is_shown(self.record.ops[op])}
        return max(number_of(self.record, made), number_of(self.record, read))

    def _arrow(self, tail: str, head: str, kind: str, tensors: list[int], count: int) -> Edge:
        infos = [self.record.tensors[i] for i in tensors]
        label = ""
        if kind == "parameter":  # whose boxes tell shapes; a call that has no such box may share no more than a seed
            is_state = self.graph.nodes[tail].kind != "parameter" and all(info.role == "state" for info in infos)
            label = STATE if is_state else ""
        elif self.graph.nodes[tail].kind != "input":
            label = box_texts.flow(self.record, infos, count)
        return Edge(tail, head, kind, label, "\n".join([formatting.tensor(i) for i in infos[:12]]), tuple(tensors))

    def _link(self, node: Node, nearest: dict[str, str]) -> None:
        """Tie an update to its weights, and a backward op to the op whose gradient it computes."""
        nodes = self.graph.nodes
        if node.lane == "update" and node.row in nodes:
            target = f"{node.row}_weights" if f"{node.row}_weights" in nodes else node.row
            if target != node.id:
                self.graph.edges.append(Edge(node.id, target, "update", tooltip="changes in place"))
        chained = f"{node.row}_update" in nodes  # between the two, and tied to both: a line would have to go around it
        if node.id in self.pass_of and node.row in nodes and (node.id in nearest or not chained):
            tail = nearest.get(node.id, node.row)
            self.graph.edges.append(Edge(tail, node.id, "link", tooltip="gradient of this op"))


def _are_of_several(weights: Mapping[int, list[int]]) -> bool:
    """Have several equal ops weights of their own?"""
    return sum(map(bool, weights.values())) > 1
