"""Programs: a module with a step, and what changes between its calls, as text."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tools.captured.ways import OF_NUMBERS, WAYS

__all__ = ["CALLS", "Program", "Trait", "random_program", "single_programs", "traits"]

CALLS = 10
_FIRST = 4  # the call before which something changes first: the step is replayed by then
_PARTS = ("read", "tensor", "change", "write", "state")
_IMPORTS = """import abc, array, bisect, collections, contextlib, contextvars, copy, copyreg, ctypes, dataclasses
import datetime, decimal, enum, fractions, functools, gc, heapq, io, itertools, json, locale, logging
import math, operator, os, pathlib, pickle, pprint, queue, random, re, signal, sys, threading, time
import types, warnings, weakref
import numpy as np
import eagerflow as ef
from eagerflow import layers, ops
clock_of_case = itertools.count(1).__next__
"""


class Trait(NamedTuple):
    """What a step may depend on, or change. Names in it end in `@`.

    Attributes:
        name: in words.
        setup: how it is made.
        read: expressions that give a number.
        tensor: those that give a tensor.
        change: statements, for between the calls.
        write: statements, for the step.
        state: an expression that tells how it is.
    """

    name: str
    setup: str
    read: list[str]
    tensor: list[str]
    change: list[str]
    write: list[str]
    state: str


class Program(NamedTuple):
    """A step and what happens to it.

    Attributes:
        source: of the module, which has `step(x)` and `state()`.
        changes: statements by the number of the call that they come before.
        parts: what it was made of, in words.
    """

    source: str
    changes: dict[int, list[str]]
    parts: tuple[str, ...]


class _Use(NamedTuple):
    """A trait in a program: which way it is read, and what is written, if anything."""

    trait: Trait
    read: str
    way: str
    write: str | None


@functools.cache
def traits() -> dict[str, Trait]:
    """All of them, by name."""
    found = {}
    for file in sorted((Path(__file__).parent / "traits").glob("*.txt")):
        for part in re.split(r"^# ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            name, _, lines = part.partition("\n")
            made = _trait(name, lines.strip().splitlines())
            assert name not in found, name
            found[name] = made
    return found


def _trait(name: str, lines: list[str]) -> Trait:
    parts: dict[str, list[str]] = {kind: [] for kind in _PARTS}
    setup = []
    for line in lines:
        kind, colon, rest = line.partition(": ")
        if colon and kind in parts:
            parts[kind].append(rest)
        else:
            setup.append(line)
    state = parts["state"][0] if parts["state"] else "None"
    return Trait(name, "\n".join(setup), parts["read"], parts["tensor"], parts["change"], parts["write"], state)


def random_program(seed: int) -> Program:
    """One of one to three traits."""
    rng = random.Random(seed)
    chosen = rng.sample(sorted(traits()), rng.choice((1, 2, 2, 3)))
    uses = []
    for name in chosen:
        trait = traits()[name]
        write = rng.choice(trait.write) if trait.write and rng.random() < 0.25 else None
        read = rng.choice([*trait.read, *trait.tensor])
        ways = sorted(WAYS) if read in trait.read else sorted(WAYS.keys() - OF_NUMBERS)
        uses.append(_Use(trait, read, rng.choice(ways), write))
    order = [(number, change) for number, use in enumerate(uses) for change in use.trait.change]
    changes: dict[int, list[str]] = {}
    for call in range(_FIRST, CALLS):
        if order and rng.random() < 0.5:
            changes[call] = [_numbered(change, number) for number, change in rng.sample(order, 1)]
    return _program(uses, changes)


def single_programs(way: str) -> Iterator[Program]:
    """Each trait alone, read in one way, with all its changes in turn and with each write."""
    for trait in traits().values():
        for read in [*trait.read, *(trait.tensor if way not in OF_NUMBERS else ())]:
            calls = range(_FIRST, CALLS, 2 if len(trait.change) < 4 else 1)
            changes = {call: [_numbered(change, 0)] for call, change in zip(calls, trait.change)}
            for change in trait.change[len(changes) :]:
                yield _program([_Use(trait, read, way, None)], {_FIRST: [_numbered(change, 0)]})
            yield _program([_Use(trait, read, way, None)], changes)
        for write in trait.write:
            yield _program([_Use(trait, [*trait.read, *trait.tensor][0], way, write)], {})


def _program(uses: list[_Use], changes: dict[int, list[str]]) -> Program:
    before, within, states = [], [], []
    for number, (trait, read, way, write) in enumerate(uses):
        before += [_numbered(trait.setup, number), _numbered(WAYS[way].before.format(read=read), number)]
        within.append(_numbered(WAYS[way].within.format(read=read), number))
        if write is not None:
            before.append(_numbered(f"def write@():\n    {_written(trait)}{write}", number))
            within.append(_numbered("write@()", number))
        states.append(_numbered(f"lambda: {trait.state}", number))
    body = "\n".join(within).replace("\n", "\n    ")
    source = "\n".join(
        [_IMPORTS, *before, f"def step(x):\n    {body}\n    return x", f"states = [{', '.join(states)}]"]
    )
    parts = tuple([f"{use.trait.name} ({use.read}) {use.way}" + f" + {use.write}" * bool(use.write) for use in uses])
    return Program(source, changes, parts)


def _written(trait: Trait) -> str:
    """Which names of the module a statement may bind anew."""
    names = sorted(set(re.findall(r"^([a-z]\w*@)(?:,| =)", trait.setup, flags=re.MULTILINE)))
    return f"global {', '.join(names)}; " if names else ""


def _numbered(text: str, number: int) -> str:
    return re.sub(r"(?<=\w)@", str(number), text)
