"""What each step shows, as the page's scripts read it: which ops belong together, and the tree of scopes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from viz.facts.blocks import Block, all_blocks, find_runs, tree
from viz.facts.formatting import clean
from viz.facts.schema import Op, Record
from viz.facts.selection import Selection, call_numbers, variables_of

__all__ = ["views"]

_LONGEST_KEY = 40


def views(record: Record, text: Callable[[str], int]) -> list[list[Any]]:
    """Each step's number, None for what ran outside of all steps, and what is shown of it.

    Args:
        record: the recording.
        text: gives a text's number in the page.

    Returns:
        Pairs; what is shown has `backward_of`, `riders_of`, `weights_of` and `updates_of`, those of a `Selection` as
        rows, and two trees: `tree`, and `forward` without ops of backward passes, None where that is the same. A tree
        is a list of blocks, each before its parts: its part of the key, its title, its scope, its runs of equal parts
        (where each begins among the children, how many children are a part, and how many parts there are), and its
        children, which are ids of ops, or -n for the n-th block.
    """
    of_steps: dict[int | None, list[Op]] = {} if record.steps else {None: []}
    for op in record.ops:
        of_steps.setdefault(op.step if record.steps else None, []).append(op)
    for step in record.steps:
        of_steps.setdefault(step.index, [])
    variables, calls = variables_of(record), call_numbers(record)
    found = []
    for number, ops in of_steps.items():
        selection = Selection(record, number, True, ops, variables)
        whole = _rows(record, selection.forward, selection.signature, calls, text)
        forward = [op for op in selection.forward if op.phase != "backward"]
        signature = functools.partial(selection.signature, with_backward=False)
        alone = _rows(record, forward, signature, calls, text)
        view: dict[str, Any] = {
            name: [[key, values] for key, values in getattr(selection, name).items()]
            for name in ("backward_of", "riders_of", "weights_of", "updates_of")
        }
        found.append([number, {**view, "tree": whole, "forward": None if alone == whole else alone}])
    return found


def _rows(
    record: Record, ops: Sequence[Op], signature: Callable[[int], Any], calls: list[int], text: Callable[[str], int]
) -> list[Any]:
    root = tree(record, ops, calls)
    find_runs(root, signature)
    blocks = all_blocks(root)
    places = {id(block): place for place, block in enumerate(blocks)}
    parts = {id(root): ""}
    rows = []
    for block in blocks:
        taken: set[str] = set()
        for child in block.children:
            if isinstance(child, Block):
                parts[id(child)] = _unique(clean(child.title, _LONGEST_KEY), taken)
        children = [child if isinstance(child, int) else -places[id(child)] for child in block.children]
        scope = None if block.scope is None else block.scope.id
        rows.append([text(parts[id(block)]), text(block.title), scope, block.runs, children])
    return rows


def _unique(wanted: str, taken: set[str]) -> str:
    key, number = wanted, 2
    while key in taken:
        key, number = f"{wanted}#{number}", number + 1
    taken.add(key)
    return key
