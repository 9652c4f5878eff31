"""The tree of a step in columns: blocks that open, rows of boxes, and what both say.

Equal parts that follow each other are written twice, since the reader chooses: once each, and once as a block that
stands for all of them.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from viz.facts import formatting
from viz.facts.blocks import Block, Run, all_blocks, calls_title, leaves, stand_in, taking_turns
from viz.facts.derived_stats import norm
from viz.facts.digest.made import Made
from viz.facts.folding.grouping import groups
from viz.facts.gradient_passes import GradientPasses, few
from viz.facts.layer_settings import inner_layers
from viz.facts.parts import reads_of_parts, weights_of_parts
from viz.facts.schema import Op, Record
from viz.facts.selection import Selection, update_passes
from viz.page.entries import NOTHING, TIME, Cost, Entry, Sums, are_several, told_kind, told_params
from viz.page.first_depth import first_depth, open_last
from viz.page.name_levels import MANY_ROWS, Part, is_of_class, levels, rounds_as_parts, shared_words
from viz.page.structure_levels import blocks_and_stages
from viz.picture import box_texts
from viz.picture.name_groups import Chains, named_groups
from viz.picture.operands import taken
from viz.picture.round_groups import RoundNames, names_of_rounds

__all__ = ["Facts", "TreeColumns"]

_LARGEST = 1e150  # whose square is a number still
_MOST_CHILDREN, _LEAST_IN_GROUP = 40, 8
_LONGEST_KEY = 40  # letters


class Facts:
    """What trees say of ops: the same for all steps and directions. Times are those of an op's own step."""

    def __init__(self, record: Record, flops: list[int | None], text: Callable[[str], int]) -> None:
        self.record, self.text, self.flops = record, text, flops
        tensors = record.tensors
        self.measured = any(tensor.stats for tensor in tensors)
        self.failed = {op.id for op in record.ops if op.error is not None}
        self.passes = {op: ran for ran in update_passes(record) for op in ran}
        self.times = [op.duration for op in record.ops]
        self.made = Made(record)
        self.sizes = [self.made.by(op) for op in record.ops]
        self._weights: dict[tuple[tuple[int, ...], int], tuple[int, list[int]]] = {}

    def cost(self, ops: Iterable[int]) -> Cost:
        """The cost of ops, given by id."""
        made = Cost()
        for op in ops:
            made.ops += 1
            made.time += self.times[op]
            made.size += self.sizes[op]
            made.failed |= op in self.failed
            if op in self.passes:
                made.shares[self.passes[op]] += 1
        return made

    def weights(self, own: tuple[int, ...], others: int, reader: int) -> tuple[int, list[int]]:
        """Title and lines of the box of these variables, which stand for `others`: the same in every step."""
        if (own, others) not in self._weights:
            tensors = [self.record.tensors[v] for v in own]
            title, lines = box_texts.weights(self.record, tensors, others, self.record.ops[reader])
            self._weights[own, others] = self.text(title), [self.text(line) for line in lines]
        return self._weights[own, others]

    def squares(self, op: Op) -> list[float | None]:
        """The squared sizes of the weights' gradients that a backward op made; None for one that wasn't measured."""
        if not self.measured:
            return []
        made = [self.record.tensors[i] for i in op.outputs]
        roles = [None if t.gradient_of is None else self.record.tensors[t.gradient_of].role for t in made]
        found = [tensor for tensor, role in zip(made, roles) if role == "parameter"]
        norms = [None if t.stats is None else norm(t) or 0.0 for t in found]
        return [None if each is None or not abs(each) < _LARGEST else each**2 for each in norms]


@dataclasses.dataclass(slots=True)
class _Task:
    """Equal lists of children, of which those at the same place are shown as one, and the runs of parts in them."""

    entry: int
    lists: list[list[Any]]
    runs: list[Run]
    key: str = "×"  # with what the keys of its runs begin


class TreeColumns:
    """One tree, for both what is folded and what is not.

    Args:
        facts: what is known of ops.
        selection: the step.
        root: its tree, with `runs` found.

    Attributes:
        data: `rows` and `blocks` as columns, and `depths`: how deep the tree is open at first, with equal parts folded
            and not. A row has `ops`, the equal ops that are shown as one; `cost`, what its box says; `riders`, the
            changes in place beside them, 0 for none; and `weights` (variables, title, lines), `update` (ops, title,
            cost) and `back` (for each pass its ops, cost, number and a line that tells it from others), its other
            boxes, 0 for none. Of a fused op `opens` has what it says as a box and as a frame: the names of its parts,
            the times forward and backward, a word that they are of several equal ops, and the memory; and the weights
            and update of each part. Blocks stand before their parts; a child is the number of a row, or -n for the n-th
            block. Their `kind` is `"scope"`, `"terms"` (of a loss, made from weights alone), `"sum"` (of such terms),
            `"group"` (of neighbours), `"repeat"` (of equal neighbours) or `"run"`: that has the same parts twice, as
            `children`, and `folded` into one block. `part` is a block's part of the key, `spent` what it took forward
            and backward, with that word, `figures` the numbers of ops and of backward ops, FLOPs, bytes of activations,
            and the size of the weights' gradients.
        shown: the ids of all ops in rows.
    """

    def __init__(self, facts: Facts, selection: Selection, root: Block) -> None:
        self.facts, self.selection, self.text = facts, selection, facts.text
        self.record = facts.record
        self.shown: set[int] = set()
        self._chains = Chains(facts.record, selection.ops, root)
        self._passes = GradientPasses(facts.record, selection.ops)
        # A block of one row, and those around it, have the same updates as the row.
        self._updates = functools.lru_cache(maxsize=1024)(functools.partial(box_texts.update, selection))
        self._parts = _parts(root)
        self._entries = [Entry("scope", "", "", root, 0, 0)]
        self._sums: list[Sums] = []
        self._rows: dict[str, list[Any]] = {
            name: []
            for name in ("ops", "cost", "riders", "weights", "update", "back", "opens", "kept", "taken", "made")
        }
        self._tasks = [_Task(0, [root.children], root.runs)]
        while self._tasks:
            self._fill(self._tasks.pop())
        inner = open_last(self._entries, inner_layers(facts.record))
        for entry in self._inner_first():
            for child in [-entry.folded] if entry.folded else entry.children:
                entry.sums.add(self._entries[-child].sums if child < 0 else self._sums[child])
                if child < 0 and entry.block.scope is None:
                    entry.numbers |= self._entries[-child].numbers
        self.data = {
            "rows": self._rows,
            "blocks": self._blocks(),
            "depths": [first_depth(self._entries, inner, folded) for folded in (True, False)],
        }

    def _inner_first(self) -> list[Entry]:
        """All blocks, each after those in it; groups are written after what is in them, others before."""
        found, waiting = [], [0]
        while waiting:
            entry = self._entries[waiting.pop()]
            found.append(entry)
            inner = [-entry.folded, *entry.children] if entry.folded else entry.children
            waiting += [-child for child in inner if child < 0]
        return found[::-1]

    # ------------------------------------------------------------------ blocks

    def _fill(self, task: _Task) -> None:
        """Write the children of a block, runs of equal parts as blocks of their own."""
        entry, children = self._entries[task.entry], task.lists[0]
        layers = [part for part in self._chains.of(children) if isinstance(part[0], Block)]
        entry.has_levels = entry.kind == "scope" and len(layers) > MANY_ROWS
        items, firsts = self._between(task, 0, len(children))
        entry.children = self._grouped(task.entry, items, firsts)
        if entry.has_levels:
            self._open_one_by_one(entry)

    def _between(self, task: _Task, begin: int, end: int) -> tuple[list[int], list[Any]]:
        """The children from one place to another as they are written, and the first of the equal ones of each."""
        items: list[int] = []
        firsts, done = [], begin
        for at, period, count in task.runs:
            items += self._children(task.entry, task.lists, done, at)
            items.append(self._run(task, at, period, count))
            firsts += [*task.lists[0][done:at], task.lists[0][at]]
            done = at + period * count
        items += self._children(task.entry, task.lists, done, end)
        return items, firsts + task.lists[0][done:end]

    def _children(self, entry: int, lists: list[list[Any]], begin: int, end: int) -> list[int]:
        found = []
        for at in range(begin, end):
            equal = [each[at] for each in lists]
            found.append(
                self._row(equal, self._entries[entry].title)
                if isinstance(equal[0], int)
                else self._block(entry, equal, equal[0])
            )
        return found

    def _block(self, parent: int, equal: list[Block], shown: Block) -> int:
        """A scope as one block, with those that are folded into it; `shown` says how it is called."""
        first, around = equal[0], self._entries[parent]
        closed = around.need is None or first.is_closed_at_first
        level = around.level + (first.scope is not None)
        turns = tuple(taking_turns(equal)) if shown is first else ()
        if turns:
            shown = dataclasses.replace(first, names=turns)
        elif shown is first:
            shown = dataclasses.replace(first, title=calls_title(equal))
        shown = dataclasses.replace(shown, owners=first.owners.union(*[each.owners for each in equal]))
        made = Entry("scope", self._parts[id(first)], box_texts.title(shown), shown, level, None if closed else level)
        made.together = len(equal) > 1
        if shown.scope is not None:
            made.numbers = box_texts.numbers_of(shown)
        return self._enter(made, _Task(len(self._entries), [each.children for each in equal], first.runs))

    def _enter(self, entry: Entry, task: _Task) -> int:
        self._entries.append(entry)
        self._tasks.append(task)
        return -task.entry

    def _run(self, task: _Task, at: int, period: int, count: int) -> int:
        """Equal parts: as a block of which each part is shown, and as one block for all."""
        around, key = self._entries[task.entry], f"{task.key}{at}"
        parts = [each[at + i * period : at + (i + 1) * period] for each in task.lists for i in range(count)]
        run = Entry("run", key, "", Block(""), around.level, around.need, around.together, around.has_levels)
        self._entries.append(run)
        number = len(self._entries) - 1
        shown = stand_in(self.record, parts[:count])
        if period == 1 and isinstance(parts[0][0], Block):
            run.folded = -self._block(task.entry, [part[0] for part in parts], shown)
        else:
            made = Entry("repeat", key, box_texts.title(shown), shown, around.level, around.need, together=True)
            run.folded = -self._enter(made, _Task(len(self._entries), parts, [], f"{key}·"))
        apart = dataclasses.replace(task, runs=[], key=f"{key}:")
        items, firsts = self._between(apart, at, at + period * count)
        wiring, rounds = self.selection.wiring(()), None
        if period > 1:
            rounds = names_of_rounds(task.lists[0], (at, period, count), shown.is_beside, wiring)
        run.children = self._grouped(number, items, firsts, rounds)
        return -number

    def _grouped(self, parent: int, items: list[int], firsts: list[Any], rounds: RoundNames | None = None) -> list[int]:
        """Many children as chains; very many as groups and groups of groups.

        Those of rounds by these, others by name, line, function, else in parts.
        """
        chains = self._parts_of_chains(parent, items, firsts)
        parts = self._levels(parent, items, chains) if self._entries[parent].has_levels else []
        has_parts = any(part.parts for part in parts)
        if rounds is not None and not has_parts and len(chains) > _MOST_CHILDREN and len(items) > rounds.count:
            return self._by_rounds(parent, items, firsts, rounds)
        items, firsts = self._chained(parent, items, firsts, chains)
        if has_parts:
            items, firsts = self._named_parts(parent, items, firsts, parts)
        if len(items) <= _MOST_CHILDREN:
            return items
        named = named_groups(firsts, _MOST_CHILDREN)
        if any(len(group) > _MOST_CHILDREN for _, group in named):  # nearly all are called alike
            named = []
        found, done = list[int](), 0
        for name, group in named or groups(self.record, firsts, _MOST_CHILDREN, _LEAST_IN_GROUP):
            inner = items[done : done + len(group)]
            found += [self._group(parent, len(found), name, inner, group)] if len(inner) > 1 else inner
            done += len(group)
        return found

    def _by_rounds(self, parent: int, items: list[int], firsts: list[Any], rounds: RoundNames) -> list[int]:
        """The children of equal rounds of a loop as groups: of one round each, or of several where there are many."""
        size, done = len(items) // rounds.count, 0
        found = list[int]()
        for own in rounds.groups(_MOST_CHILDREN):
            within = slice(done, done + own.count * size)
            found.append(self._group(parent, len(found), own.title, items[within], firsts[within], own))
            done = within.stop
        return found

    def _group(
        self, parent: int, n: int, name: str, items: list[int], firsts: list[Any], rounds: RoundNames | None = None
    ) -> int:
        """A group as a block of its own: the `n`th in what is around it."""
        around = self._entries[parent]
        need = None if around.need is None else around.level + 1
        block = Block(name, None, firsts)
        made = Entry("group", f"≡{n}", formatting.clean(name), block, around.level + 1, need, around.together)
        self._entries.append(made)
        number = len(self._entries) - 1
        if rounds is not None and rounds.count > 1:
            made.children = self._by_rounds(number, items, firsts, rounds)
        else:
            made.children = self._grouped(number, items, firsts)
        return -number

    def _levels(self, parent: int, items: list[int], chains: list[list[Any]]) -> list[Part]:
        """Children that are put into chains in groups: equal parts, else as their names say, else as results flow."""
        if sum([item < 0 for item in items]) * 2 < len(items):  # most are ops that code of the user's runs
            return []
        around, ends = self._entries[parent], [0, *itertools.accumulate(map(len, chains))]
        inner = [items[begin:end] for begin, end in itertools.pairwise(ends)]
        rows = [self._rows_in(each[0]) if len(each) == 1 else 1 for each in inner]
        names = [shared_words([name for item in each for name in self._given_names(item)]) for each in inner]
        called = [(self._name(each[0], 0), self._name(each[-1], -1)) for each in inner]
        if around.kind == "run":
            return rounds_as_parts(self._entries[around.folded].block.repeats, names, called)
        parts = levels(names, rows)
        if any(part.parts for part in parts) or sum(rows) <= MANY_ROWS:
            return parts
        ops = [[op for item in each for op in self._ops_in(item)] for each in inner]
        counts = [self._count(each[0]) for each in inner]
        return blocks_and_stages(self.record, self.selection.wiring(()), ops, called, counts)

    def _ops_in(self, item: int) -> list[int]:
        """The ops of a child, in their order; of equal parts all."""
        if item >= 0:
            return self._rows["ops"][item][:1]
        entry = self._entries[-item]
        return (
            [*leaves(entry.block)] if entry.kind == "scope" else [op for i in entry.children for op in self._ops_in(i)]
        )

    def _name(self, item: int, end: int) -> str:
        """What the first or the last layer or op in a child is called."""
        if item >= 0:
            return formatting.clean(self.record.ops[self._rows["ops"][item][0]].name, 28)
        entry = self._entries[-item]
        return formatting.clean(entry.title, 28) if entry.kind == "scope" else self._name(entry.children[end], end)

    def _count(self, item: int) -> int:
        """How many equal parts a child is."""
        is_run = item < 0 and self._entries[-item].kind == "run"
        return self._entries[self._entries[-item].folded].block.repeats if is_run else 1

    def _given_names(self, item: int) -> list[str]:
        """The names that people gave to a layer, or to those of equal parts."""
        if item >= 0:
            return []
        entry = self._entries[-item]
        if entry.kind != "scope" or entry.block.scope is None:
            return [name for child in entry.children for name in self._given_names(child)]
        names = entry.block.names or (entry.block.title,)
        return [name for name in names if not is_of_class(name, entry.block.scope.cls)]

    def _rows_in(self, item: int) -> int:
        """How many rows of boxes a child is, with equal parts one by one and layers closed."""
        if item >= 0 or self._entries[-item].kind == "scope" or self._entries[-item].block.is_chain:
            return 1
        return sum([self._rows_in(child) for child in self._entries[-item].children])

    def _named_parts(
        self, parent: int, items: list[int], firsts: list[Any], parts: list[Part]
    ) -> tuple[list[int], list[Any]]:
        """Children in groups of neighbours whose names begin alike, and groups within them."""
        around, found, kept = self._entries[parent], list[int](), list[Any]()
        for part in parts:
            if not part.parts:
                found.append(items[part.begin])
                kept.append(firsts[part.begin])
                continue
            name = "_".join(part.words)
            inner = [child for item in items[part.begin : part.end] for child in self._contents(item)]
            block = Block(name, None, inner, is_group=True)
            title = formatting.clean(name)
            made = Entry("group", f"≡{name}", title, block, around.level, around.need, around.together, True)
            self._entries.append(made)
            number = len(self._entries) - 1
            made.children, _ = self._named_parts(number, items, firsts, part.parts)
            found.append(-number)
            kept.append(block)
        return found, kept

    def _contents(self, item: int) -> list[Any]:
        """The blocks or ops that a child is: of a run all parts."""
        if item >= 0:
            return self._rows["ops"][item][:1]
        entry = self._entries[-item]
        if entry.kind != "run":
            return [entry.block]
        return [block for child in entry.children for block in self._contents(child)]

    def _open_one_by_one(self, entry: Entry) -> None:
        """Let each level of groups by name open before the next, and the layers in them after the last."""
        if entry.need is None:
            return
        waiting, seen = [(child, 0) for child in entry.children if child < 0], list[tuple[Entry, int]]()
        while waiting:
            child, depth = waiting.pop()
            inner = self._entries[-child]
            seen.append((inner, depth))
            if inner.kind == "run":
                waiting += [(each, depth) for each in [*inner.children, -inner.folded] if each < 0]
            elif inner.kind == "group":
                waiting += [(each, depth + (not inner.block.is_chain)) for each in inner.children if each < 0]
        if not any(inner.kind == "group" and inner.has_levels for inner, _ in seen):
            return
        deepest = max([depth for _, depth in seen])
        for inner, depth in seen:
            if inner.kind in ("run", "group", "repeat") and not inner.block.is_chain:
                inner.need = entry.need + depth + (inner.kind != "run")
            elif inner.need is not None:
                inner.need += deepest
            inner.level += deepest

    def _parts_of_chains(self, parent: int, items: list[int], firsts: list[Any]) -> list[list[Any]]:
        """Children in chains, most of one."""
        if self._entries[parent].block.is_chain:
            return [[first] for first in firsts]
        return self._chains.of([None if self._is_folding(item) else first for item, first in zip(items, firsts)])

    def _chained(
        self, parent: int, items: list[int], firsts: list[Any], chains: list[list[Any]]
    ) -> tuple[list[int], list[Any]]:
        """Layers that follow each other as one in a block that is no level of its own: it opens when its layers do."""
        around, found, kept = self._entries[parent], list[int](), list[Any]()
        done = 0
        for part in chains:
            begin, done = done, done + len(part)
            if len(part) == 1:
                found.append(items[begin])
                kept.append(firsts[begin])
                continue
            block, need = Chains.block(part), None if around.need is None else around.level + 1
            title = box_texts.title(block)
            self._entries.append(Entry("group", f"→{begin}", title, block, around.level, need, around.together))
            self._entries[-1].children = items[begin:done]
            found.append(1 - len(self._entries))
            kept.append(block)
        return found, kept

    def _is_folding(self, item: int) -> bool:
        """Is a child a run, or does it stand for equal parts?"""
        return item < 0 and (self._entries[-item].kind != "scope" or self._entries[-item].block.repeats > 1)

    def _blocks(self) -> dict[str, list[Any]]:
        text, entries = self.text, self._entries
        found: dict[str, list[Any]] = {
            "kind": [text(told_kind(entry)) for entry in entries],
            "part": [text(entry.part) for entry in entries],
            "title": [text(entry.title) for entry in entries],
            "scope": [None if entry.block.scope is None else entry.block.scope.id for entry in entries],
            "need": [entry.need for entry in entries],
            "children": [entry.children for entry in entries],
            "folded": [entry.folded for entry in entries],
            "repeats": [entry.block.repeats for entry in entries],
            "names": [[text(name) for name in entry.block.names] for entry in entries],
            "about": [text("  ·  ".join(box_texts.about(e.block, e.params, e.together))) for e in entries],
            "lines": [[text(line) for line in self._closed_lines(entry)] for entry in entries],
            "cost": [text(entry.sums.ops.text(entry.together)) for entry in entries],
            "back": [self._back(entry.sums, entry.together) for entry in entries],
            "update": [self._update(e.sums.updated, e.sums.updates, are_several(e)) for e in entries],
        }
        sums = [entry.sums for entry in entries]
        found["spent"] = [
            [*map(text, _spent(s.ops.time, s.backward.time, entry.together))] for s, entry in zip(sums, entries)
        ]
        found["figures"] = [[s.ops.ops, s.backward.ops, s.flops, s.activations, s.gradient] for s in sums]
        found["params"] = [told_params(entry) for entry in entries]
        return found

    def _closed_lines(self, entry: Entry) -> list[str]:
        return box_texts.closed_lines(self.record, entry.block, entry.params, entry.together)

    def _back(self, sums: Sums, together: bool) -> list[list[int]]:
        """Cost, number and line of the box of each pass of a row or block."""
        costs = sums.passes if few(sums.passes) else {min(sums.passes): sums.backward}
        names = {number: self._passes.name(number) if len(costs) > 1 else "" for number in costs}
        return [[self.text(costs[number].text(together)), number, self.text(names[number])] for number in sorted(costs)]

    def _update(self, variables: list[int], cost: Cost, together: bool) -> list[int]:
        """Title, cost and lines of a box of what updates some weights; nothing for none."""
        if not variables:
            return []
        title, lines = self._updates(tuple(variables))
        return [self.text(title), self.text(cost.text(together, with_size=False)), *map(self.text, lines)]

    # ------------------------------------------------------------------ rows

    def _row(self, ops: list[int], above: str) -> int:
        """A row of boxes for equal ops: they, their weights, what updates these, and what computes their gradient.

        `above` is the title of the frame that they are in.
        """
        selection, facts, text = self.selection, self.facts, self.text
        riders = [rider for op in ops for rider in selection.riders_of.get(op, ())]
        weights = [v for op in ops for v in selection.weights_of.get(op, ())]
        updates = [u for v in weights for u in selection.updates_of.get(v, ())]
        of_passes = self._passes.split(ops, selection.backward_of, lambda _: ops[0])
        backward = [each for of_pass in of_passes.values() for each in of_pass]
        self.shown.update(ops, riders, updates, backward)
        sums = Sums(facts.cost([*ops, *riders]), NOTHING, NOTHING)
        rows, of_rows = self._rows, [self.record.ops[op] for op in (*ops, *riders)]
        sums.flops = sum([facts.flops[op.id] or 0 for op in of_rows if op.phase == "forward"])
        sums.activations = sum(map(facts.made.activations, of_rows))
        rows["ops"].append(ops)
        together, of_several = len(ops) > 1, len([op for op in ops if selection.weights_of.get(op)]) > 1
        rows["cost"].append(text(sums.ops.text(together)))
        rows["riders"].append(riders or 0)
        rows["weights"].append(self._weights(selection.weights_of.get(ops[0], []), weights, ops[0]))
        rows["opens"].append(self._opens(ops, sums, backward))
        equal = [self.record.ops[i] for i in sorted(ops)]
        rows["kept"].append(text(box_texts.kept_as(self.record, equal)))
        rows["taken"].append(next(map(text, taken(self.record, equal, selection.weights_of)), 0))
        said = self._passes.targets | {above}
        made = self._passes.made(ops) or box_texts.assigned(self.record, equal, said)
        rows["made"].append(next(map(text, made), 0))
        rows["update"].append(0)
        rows["back"].append(0)
        if updates:
            sums.updates = facts.cost(updates)
            sums.updated = [v for v in weights if v in selection.updates_of]
            rows["update"][-1] = [updates, *self._update(sums.updated, sums.updates, of_several)]
        if backward:
            sums.backward = facts.cost(backward)
            sums.squares = [square for op in backward for square in facts.squares(self.record.ops[op])]
            sums.passes = {number: facts.cost(of_pass) for number, of_pass in of_passes.items()}
            rows["back"][-1] = [
                [of_pass, *said] for of_pass, said in zip(of_passes.values(), self._back(sums, together), strict=True)
            ]
        self._sums.append(sums)
        return len(self._sums) - 1

    def _opens(self, ops: list[int], sums: Sums, backward: list[int]) -> list[Any] | int:
        """What a fused op says as a box and as a frame, and the boxes beside each of its parts."""
        op, selection = self.record.ops[ops[0]], self.selection
        if op.composition is None:
            return 0
        together = len(ops) > 1
        spent = _spent(sums.ops.time, self.facts.cost(backward).time, together)
        words = ["".join(box_texts.made_of(self.record, op)), *spent]
        shares = [
            weights_of_parts(
                reads_of_parts(self.record, self.record.ops[i]), selection.weights_of.get(i, ()), selection.variables
            )
            for i in ops
        ]
        beside = []
        for of_part in zip(*shares):
            weights = [v for share in of_part for v in share]
            updates = [u for v in weights for u in selection.updates_of.get(v, ())]
            updated = [v for v in weights if v in selection.updates_of]
            of_several = len([share for share in of_part if share]) > 1
            update = [updates, *self._update(updated, self.facts.cost(updates), of_several)] if updates else 0
            beside.append([self._weights(of_part[0], weights, ops[0]), update])
        return [*[self.text(word) for word in [*words, box_texts.made(sums.ops.size, together)]], beside]

    def _weights(self, own: list[int], variables: list[int], reader: int) -> list[Any] | int:
        """The box of the variables that an op, the `reader`, is the first to read, `own`, with those of equal ops."""
        if not own:
            return 0
        return [variables, *self.facts.weights(tuple(own), len(variables) - len(own), reader)]


def _spent(forward: int, backward: int, together: bool) -> list[str]:
    """What a frame says of the times that it took forward and backward, which the page fills in."""
    said = box_texts.spent(forward, backward, together)
    times = [formatting.seconds(time) for time in (forward, backward)]
    return [*[text.replace(time, TIME) for text, time in zip(said, times)], said[-1]]


def _parts(root: Block) -> dict[int, str]:
    """Each block's part of its key: its title, or with a number where the one around has others of this title."""
    found = {id(root): ""}
    for block in all_blocks(root):
        taken: set[str] = set()
        for child in block.children:
            if isinstance(child, Block):
                wanted = key = formatting.clean(child.title, _LONGEST_KEY)
                number = 2
                while key in taken:
                    key, number = f"{wanted}#{number}", number + 1
                taken.add(key)
                found[id(child)] = key
    return found
