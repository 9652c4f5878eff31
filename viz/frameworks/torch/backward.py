"""Backward passes: which op each autograd node belongs to, and what gradients it was given and gave."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter_ns as clock
from typing import Any

import torch

from eagerflow.core.observe import Scope
from viz.frameworks.torch.objects import Weight, key_of_edge, node_of

__all__ = ["Backward"]

_LEAF = 2**64 - 1  # the sequence number of what gives a gradient to a leaf
_sequence = torch.autograd._get_sequence_nr
_MOST = 1 << 17  # nodes that are remembered
_unheard = torch._C.DisableTorchFunction


class _Group:
    """The nodes that one op made.

    Attributes:
        op: which op.
        keys: of its outputs.
        left: how many of its nodes haven't run in this pass.
        nodes: how many it has.
    """

    __slots__ = ("keys", "left", "nodes", "op")

    def __init__(self, op: Any, keys: tuple[int, ...]) -> None:
        self.op, self.keys, self.nodes, self.left = op, keys, 0, 0


class Backward:
    """Hears of the nodes of all ops that ran, when they run in a backward pass."""

    def __init__(self, front: Any) -> None:
        self._front, self._objects = front, front.objects
        self.depth = 0  # passes that run, one within the other
        self._group: _Group | None = None  # whose nodes run
        self._given: dict[int, Any] = {}  # gradients of its outputs, by key
        self._found: list[tuple[int | None, Any]] = []  # keys and gradients of what it was given
        self._began = self._last = 0
        self.ended = 0  # when the last pass ended
        self._leaves: dict[int, torch.Tensor] = {}  # reached in this pass
        self._heard_until = self._first = 0
        self._tracks = False  # whether the pass can be differentiated again
        self._opened = _sequence()
        self._watched: set[int] = set()  # sequence numbers of nodes that were heard of
        self._made: set[int] = set()  # what stands for tensors that Python made in the pass since the last announcement

    # ------------------------------------------------------------------ forward

    def watch(self, op: Any, made: Sequence[torch.Tensor], first: int) -> tuple[_Group, set[int | None]]:
        """An op ran: hear of the nodes with sequence numbers from `first` on that lead to what it made.

        Returns:
            The nodes, and the keys of what they give gradients to.
        """
        ends = [(node, x.output_nr) for x in made if (node := node_of(x)) is not None]
        nodes = [node for node, _ in ends]
        group = _Group(op, tuple([key_of_edge(node._sequence_nr(), output) for node, output in ends]))
        watched, own, keys = self._watched, set[int](), set[int | None]()
        while nodes:
            node = nodes.pop()
            number = node._sequence_nr()
            if number < first or number in watched or number in own or number == _LEAF:
                continue
            own.add(number)
            exits: list[tuple[int, int | None, Any]] = []
            for at, (inner, output) in enumerate(node.next_functions):
                if inner is None:
                    continue
                sequence = inner._sequence_nr()
                if sequence == _LEAF:
                    leaf = inner.variable
                    known = self._objects.proxy(leaf)
                    exits.append((at, known.identity if isinstance(known, Weight) else known.key, weakref.ref(leaf)))
                elif sequence >= first and (sequence not in watched or sequence in own):
                    nodes.append(inner)
                    continue
                else:
                    exits.append((at, key_of_edge(sequence, output), None))
                keys.add(exits[-1][1])
            node.register_hook(partial(self._ran, group, number, exits))
            group.nodes += 1
        group.left = group.nodes
        watched |= own
        return group, keys

    def adopt(self, x: torch.Tensor, proxy: Any) -> None:
        """Functions that weren't heard made a tensor, such as compiled ones: all of them are announced as one op."""
        node, now = node_of(x), clock()
        if node is None or node._sequence_nr() < self._opened or node._sequence_nr() in self._watched:
            return
        group, keys = self.watch(None, [x], self._opened)
        inputs = self._objects.with_keys(keys)
        name = re.sub(r"(?:Backward)?\d*$", "", node.name().rpartition("::")[2])
        name = "compiled" if name.startswith("Compiled") else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        group.op = self._front.mode.op_named(name, ("x",) * len(inputs), ())
        self._front.tell("on_op", group.op, inputs, (), proxy, now, now, None)

    # ------------------------------------------------------------------ backward

    def heard(self, outputs: Sequence[Any], ended: int) -> None:
        """An op ran that Python called within a pass: in a custom derivative, a hook or a checkpoint."""
        self._heard_until = ended
        self._made.update(map(id, outputs))

    def _ran(
        self,
        group: _Group,
        number: int,
        exits: Sequence[tuple[int, int | None, Any]],
        results: Sequence[torch.Tensor | None],
        gradients: Sequence[torch.Tensor | None],
    ) -> None:
        """A node has run."""
        if self.depth and not self._front.muted:
            try:
                self._note(group, number, exits, results, gradients)
            except Exception as error:  # noqa: BLE001  (see `_Front.safely`)
                self._front.broken(error)

    def _note(
        self,
        group: _Group,
        number: int,
        exits: Sequence[tuple[int, int | None, Any]],
        results: Sequence[torch.Tensor | None],
        gradients: Sequence[torch.Tensor | None],
    ) -> None:
        with _unheard():
            if self._group is not group:
                self._flush()
                self._group, self._began = group, self._last
            for i, gradient in enumerate(gradients):
                if gradient is not None:
                    key = key_of_edge(number, i)
                    if key in group.keys:
                        self._given[key] = self._gradient(group, gradient)
            for at, to, leaf in exits:
                result = results[at]
                if result is not None:
                    self._found.append((to, self._gradient(group, result)))
                    if leaf is not None and (x := leaf()) is not None:
                        self._leaves[id(x)] = x
            group.left -= 1
            if group.left <= 0:
                self._flush()
            else:
                self._last = clock()

    def _gradient(self, group: _Group, x: torch.Tensor) -> Any:
        """What stands for a gradient: a tensor if an op that was heard made it, or it can be differentiated again."""
        if self._tracks and node_of(x) is not None:
            return x
        known = self._objects.known(x) if self._made else None
        if known is not None and id(known) in self._made:
            return known
        array = self._objects.array(x)
        if group.nodes > 1 and self._front.wants_values:
            array.keep()
        return array

    def _flush(self) -> None:
        """Announce what the nodes of one op did."""
        group, self._group = self._group, None
        if group is None:
            return
        group.left = group.nodes
        given, found, began, ended = self._given, self._found, self._began, clock()
        self._given, self._found = {}, []
        objects, tell = self._objects, self._front.tell
        tracked = [g for _, g in found if isinstance(g, torch.Tensor)] if self._tracks else ()
        if tracked and not all([id(objects.known(g)) in self._made for g in tracked]):  # an op that has nodes itself
            read = tuple([objects.proxy(g) if isinstance(g, torch.Tensor) else g for g in given.values()])
            made = [objects.made(g) for g in tracked]
            op = self._front.mode.op_named(group.op.name, ("g",) * len(read), ())
            tell("on_op", op, read, (), made[0] if len(made) == 1 else tuple(made), began, ended, None)
            self.watch(op, tracked, self._first)
        results = [g for _, g in found]
        if self._tracks:
            results = [objects.proxy(g) if isinstance(g, torch.Tensor) else g for g in results]
            given = {key: objects.proxy(g) if isinstance(g, torch.Tensor) else g for key, g in given.items()}
        if self._heard_until > began and self._made.isdisjoint(map(id, results)):
            began = self._heard_until  # a checkpoint ran its forward pass again first
        gradients = tuple([given.get(key) for key in group.keys])
        keys = tuple([key for key, _ in found])
        tell("on_rule", group.op, group.keys, keys, gradients, tuple(results), began, ended, None)
        self._made.clear()
        self._first, self._last = _sequence(), clock()

    def run(self, engine: Callable[..., Any], targets: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """A backward pass, begun by whatever function of torch."""
        front = self._front
        if self.depth or not front.is_heard:
            return engine(targets, *args, **kwargs)
        with _unheard():
            asked = tuple([self._objects.proxy(x) for x in targets if isinstance(x, torch.Tensor)])
        scope = Scope("backward", "backward", None, asked)
        front.begin(scope)
        if len(self._watched) > _MOST:
            self._watched.intersection_update(range(_sequence() - _MOST // 2, _sequence()))
        self.depth, self._leaves, self._first, self._heard_until = 1, {}, _sequence(), 0
        self._tracks = bool(args[2] if len(args) > 2 else kwargs.get("create_graph", True))
        self._last = clock()
        error, results = None, None
        try:
            with front.mode:
                results = engine(targets, *args, **kwargs)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self.depth = 0
            with _unheard():
                if error is None and not front.muted:
                    front.safely(self._flush)
                    front.safely(self._tell_gradients, asked, results, args, kwargs)
                self._group, self._given, self._found, self._leaves = None, {}, [], {}
            front.end(scope, None, error)
            self.ended = clock()
        return results

    def _tell_gradients(self, asked: tuple[Any, ...], results: Any, args: Any, kwargs: Any) -> None:
        """A pass is over: leaves have gradients, or what asked for them gets them."""
        objects = self._objects
        inputs = args[3] if len(args) > 3 else kwargs.get("inputs", ())
        accumulates = kwargs.get("accumulate_grad", args[5] if len(args) > 5 else False)
        if accumulates or not inputs:
            leaves = list(self._leaves.values())
            pairs = [(objects.proxy(x), objects.proxy(x.grad) if x.grad is not None else None) for x in leaves]
        else:
            pairs = [
                (objects.proxy(x), None if g is None else objects.proxy(g))
                for x, g in zip(inputs, results)
                if isinstance(x, torch.Tensor)
            ]
        for target in asked:
            if target.data.shape == ():  # observers keep losses
                target.data.keep()
        if pairs:
            self._front.tell("on_gradient", asked, [x for x, _ in pairs], [g for _, g in pairs])
