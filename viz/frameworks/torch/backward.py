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
from viz.frameworks.torch.objects import key_of_edge, node_of

__all__ = ["Backward", "run_engine"]

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
        nodes: how many of them are heard.
    """

    __slots__ = ("keys", "left", "nodes", "op")

    def __init__(self, op: Any, keys: tuple[int, ...]) -> None:
        self.op, self.keys, self.nodes, self.left = op, keys, 0, 0


class Backward:
    """Hears of the nodes of all ops that ran, when they run in a backward pass."""

    def __init__(self, front: Any) -> None:
        self._front, self._objects = front, front.objects
        self.depth = 0  # passes that run, one within the other
        self._forget()
        self._began = self._last = 0
        self.ended = 0  # when the last pass ended
        self._heard_until = 0
        self._first = self._next = 0  # where the numbers of nodes begin and end that the running group may have made
        self._tracks = False  # whether the pass can be differentiated again
        self._keeps = False  # whether arrays are copied that wait until their op is announced
        self._opened = _sequence()  # earlier nodes aren't heard
        self._watched: set[int] = set()  # sequence numbers of nodes that are heard of
        self._made: set[int] = set()  # what stands for tensors that Python made in the pass since the last announcement

    def _forget(self) -> None:
        """Nothing is known of a pass."""
        self._group: _Group | None = None  # whose nodes run
        self._given: dict[int, Any] = {}  # gradients of its outputs, by key
        self._keys: list[int | None] = []  # of what it was given, ...
        self._results: list[Any] = []  # and its gradients
        self._leaves: dict[int, torch.Tensor] = {}  # reached in this pass

    # ------------------------------------------------------------------ forward

    def watch(self, op: Any, made: Sequence[torch.Tensor], numbers: range) -> tuple[_Group, list[Any]]:
        """An op ran: hear of the nodes with these sequence numbers that lead to what it made.

        Returns:
            The nodes, and where they give gradients to: places, keys, and leaves.
        """
        nodes, watched, own, every = [], self._watched, set[int](), list[Any]()
        entries: dict[int, list[tuple[int, int]]] = {}  # by number: outputs and keys
        for x in made:
            node = node_of(x)
            if node is not None:
                number, output = node._sequence_nr(), x.output_nr
                entries.setdefault(number, []).append((output, key_of_edge(number, output)))
                nodes.append(node)
        group = _Group(op, tuple([key for each in entries.values() for _, key in each]))
        while nodes:
            node = nodes.pop()
            number = node._sequence_nr()
            if number not in numbers or number in watched or number in own:
                continue
            own.add(number)
            exits: list[tuple[int, int | None, Any]] = []
            at = -1
            for inner, output in node.next_functions:
                at += 1
                if inner is None:
                    continue
                to = inner._sequence_nr()
                if to == _LEAF:
                    leaf = inner.variable
                    exits.append((at, self._objects.proxy(leaf).key, weakref.ref(leaf)))
                elif to in numbers and (to in own or to not in watched):
                    nodes.append(inner)
                else:
                    exits.append((at, key_of_edge(to, output), None))
            node.register_hook(partial(self._ran, group, entries.get(number, ()), exits))
            group.nodes = group.left = group.nodes + 1
            every += exits
        watched |= own
        return group, every

    def adopt(self, x: torch.Tensor, proxy: Any) -> None:
        """Functions that weren't heard made a tensor, such as compiled ones: all of them are announced as one op."""
        node, now = node_of(x), clock()
        group, exits = self.watch(None, [x], range(self._opened, _sequence()))
        if group.nodes:
            inputs = self._objects.with_keys({key for _, key, _ in exits})
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
        entries: Sequence[tuple[int, int]],
        exits: Sequence[tuple[int, int | None, Any]],
        results: Sequence[torch.Tensor | None],
        gradients: Sequence[torch.Tensor | None],
    ) -> None:
        """A node has run: `entries` are the gradients of its op's outputs, `exits` those of what the op was given."""
        if not self.depth or self._front.muted:
            return
        try:
            with _unheard():
                if self._group is not group:
                    if self._group is not None:
                        self._flush()
                    self._group, self._began = group, self._last
                for at, key in entries:
                    x = gradients[at]
                    if x is not None:
                        self._given[key] = self._gradient(group, x, again=True)
                for at, to, leaf in exits:
                    x = results[at]
                    if x is not None:
                        self._keys.append(to)
                        self._results.append(self._gradient(group, x))
                        if leaf is not None and (x := leaf()) is not None:
                            self._leaves[id(x)] = x
                group.left -= 1
                self._next = _sequence()
                if group.left <= 0:
                    self._flush()
                else:
                    self._last = clock()
        except Exception as error:  # noqa: BLE001  (see `_Front.safely`)
            self._front.broken(error)

    def _gradient(self, group: _Group, x: torch.Tensor, again: bool = False) -> Any:
        """What stands for a gradient, perhaps one that another node gave and that is met `again`.

        It is a tensor if an op that was heard made it, or it can be differentiated again.
        """
        if self._tracks and node_of(x) is not None:
            return x
        known = self._objects.known(x) if self._made else None
        if known is not None and id(known) in self._made:
            return known
        array = self._objects.array(x, again)
        if self._keeps and group.nodes > 1:
            array.keep()
        return array

    def _flush(self) -> None:
        """Announce what the nodes of one op did."""
        group, self._group = self._group, None
        if group is None:
            return
        group.left = group.nodes
        given, keys, results, began, ended = self._given, self._keys, self._results, self._began, clock()
        self._given, self._keys, self._results = {}, [], []
        if self._tracks:
            given, results = self._tracked(group, given, results, began, ended)
        if self._heard_until > began and self._made.isdisjoint(map(id, results)):
            began = self._heard_until  # a checkpoint ran its forward pass again first
        about = tuple(keys), tuple(map(given.get, group.keys)), tuple(results)
        self._front.tell("on_rule", group.op, group.keys, *about, began, ended, None)
        self._made.clear()
        self._first, self._last = self._next, clock()

    def _tracked(self, group: _Group, given: Any, results: Any, began: int, ended: int) -> Any:
        """The same with what stands for tensors, in a pass that can be differentiated again: it has nodes itself."""
        objects = self._objects
        given = {key: objects.proxy(g) if isinstance(g, torch.Tensor) else g for key, g in given.items()}
        tracked = [g for g in results if isinstance(g, torch.Tensor)]
        if tracked and not all([id(objects.known(g)) in self._made for g in tracked]):
            read, made = tuple(given.values()), [objects.made(g) for g in tracked]
            op = self._front.mode.op_named(group.op.name, ("g",) * len(read), ())
            self._front.tell("on_op", op, read, (), made[0] if len(made) == 1 else tuple(made), began, ended, None)
            self.watch(op, tracked, range(self._first, self._next))
        return given, [objects.proxy(g) if isinstance(g, torch.Tensor) else g for g in results]

    def run(self, engine: Callable[..., Any], targets: Sequence[Any], args: Any, kwargs: Any) -> Any:
        """A backward pass, begun by whatever function of torch."""
        front = self._front
        if self.depth or not front.is_heard:
            return engine(targets, *args, **kwargs)
        if len(self._watched) > _MOST:
            self._watched.intersection_update(range(_sequence() - _MOST // 2, _sequence()))
        with _unheard():
            asked = tuple([self._objects.proxy(x) for x in targets if isinstance(x, torch.Tensor)])
        scope = Scope("backward", "backward", None, asked)
        front.begin(scope)
        self.depth, self._first, self._heard_until = 1, _sequence(), 0
        self._tracks = bool(args[2] if len(args) > 2 else kwargs.get("create_graph", True))
        self._keeps, self._last = front.wants_values, clock()
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
                self._forget()
            front.end(scope, None, error)
            self.ended = clock()
        return results

    def _tell_gradients(self, asked: tuple[Any, ...], results: Any, args: Any, kwargs: Any) -> None:
        """A pass is over: leaves have gradients, or what asked for them gets them."""
        objects = self._objects
        inputs = args[3] if len(args) > 3 else kwargs.get("inputs", ())
        accumulates = kwargs.get("accumulate_grad", args[5] if len(args) > 5 else False)
        pairs = [(x, x.grad) for x in self._leaves.values()]
        if inputs and not accumulates:
            pairs = list(zip(inputs, results))
        told = [
            (objects.proxy(x), None if g is None else objects.gradient(g))
            for x, g in pairs
            if isinstance(x, torch.Tensor)
        ]
        for target in asked:
            if target.data.shape == ():  # observers keep losses
                target.data.keep()
        if told:
            self._front.tell("on_gradient", asked, [x for x, _ in told], [g for _, g in told])


def run_engine(front: Any, engine: Callable[..., Any], targets: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
    """A backward pass begins, by whatever function of torch."""
    return front.backward.run(engine, targets, args, kwargs)
