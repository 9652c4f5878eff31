"""What a load may cost: one budget for each load, which every reader asks before it takes memory or time.

A small file can describe something huge: weights of gigabytes, text that unpacks to a thousand times its size, a graph
that calls itself 2**50 times. So each loader opens a budget by the size of the file (`loading`), and each reader of a
part of it reports what that takes (`take`, `room`, `step`). Without an open budget these do nothing.
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

__all__ = ["DEEPEST", "Limit", "LoadLimitError", "checked_pattern", "further", "json_value", "loading", "nests_deeper"]
__all__ += ["room", "room_for", "step", "take"]

# Bytes that a load may take; None: no limit at all; `"auto"`: as many as the size of the file gives reason for.
Limit = int | Literal["auto"] | None

DEEPEST = 200  # levels of JSON
_FLOOR, _MULTIPLE = 192 << 20, 4  # bytes for a file of any size, and for each of its bytes
_CALLS, _BYTES_OF_A_CALL = 10_000, 50  # objects made and layers called: a fixed number, and one per this many bytes
_SECONDS, _BYTES_OF_A_SECOND = 5.0, 100_000  # of processor time; a usual file takes a tenth of that
_MATCHES = 10**7  # steps of matching a pattern against a name of 100 letters
# What JSON takes as objects, and as copies of them: an object, an array, an entry.
_OF_JSON = (("{", 600), ("[", 200), (",", 64))

# Arguments that tell the shape of an op's result, that its lengths are multiplied by, or extended by.
_SHAPES = frozenset("N M num shape size sizes minlength bins length start stop x output_size".split())
_FACTORS = "n num_classes num_segments repeats reps fft_length sequence_length beam_width indices_or_sections".split()
_WINDOWS = "padding pad_width output_padding pool_size kernel_size dilation dilation_rate".split()
_USUAL = 32  # windows and paddings up to there make no difference

_open: contextvars.ContextVar[_Budget | None] = contextvars.ContextVar("budget", default=None)


class LoadLimitError(ValueError):
    """Raised where loading a file would take more memory or time than its size gives reason for.

    For files that you trust, loaders take `limit=None`.

    >>> text = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]).to_json().replace('"units": 2', '"units": 99999999')
    >>> try:
    ...     ef.models.model_from_json(text)
    ... except ef.saving.LoadLimitError as error:
    ...     print(str(error)[-50:])
    If you trust it: model_from_json(..., limit=None).
    """


class _Budget:
    def __init__(self, owner: str, packed: int, limit: int | str, fix: str, multiple: float) -> None:
        if limit != "auto" and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
            raise ValueError(f"limit={limit!r:.60}: expected a number of bytes, None for no limit, or 'auto'.")
        self.owner, self.fix, self.files, self.packed = owner, fix, set[tuple[int, int]](), packed
        self.multiple = multiple if limit == "auto" else 0
        self.total = self.left = _FLOOR if limit == "auto" else int(limit)
        self.calls, self.end = float(_CALLS), time.thread_time() + _SECONDS
        self.grow(packed if limit == "auto" else max(packed, self.total // _MULTIPLE))

    def grow(self, size: int) -> None:
        self.total += int(self.multiple * size)
        self.left += int(self.multiple * size)
        self.calls += size / _BYTES_OF_A_CALL
        self.end += size / _BYTES_OF_A_SECOND

    def error(self, what: str) -> LoadLimitError:
        return LoadLimitError(f"{self.owner!r:.150}: {what:.200}. If you trust it: {self.fix}.")

    def room(self, size: float, what: str) -> None:
        if size > self.left:
            raise self.error(f"{what:.80} would take {size:,.0f} bytes, beyond the limit of {self.total:,} for a load")

    def step(self, count: float) -> None:
        self.calls -= count
        if self.calls < 0:
            raise self.error(f"it makes too many objects and calls for {self.packed:,} bytes")
        if time.thread_time() > self.end:
            raise self.error(f"it takes too much processor time for {self.packed:,} bytes")


@contextlib.contextmanager
def loading(owner: str, packed: int, limit: Limit, fix: str, multiple: float = _MULTIPLE) -> Iterator[None]:
    """Inside the block, what is loaded has a budget; that of a load around it counts, if there is one.

    Args:
        owner: the file, for messages.
        packed: its size in bytes, as it is stored.
        limit: what the user says: a number of bytes, None, or `"auto"`.
        fix: the call that has no limit, for messages.
        multiple: how many bytes may be taken for each byte of the file.
    """
    if _open.get() is not None or limit is None:
        yield
        return
    token = _open.set(_Budget(owner, packed, limit, fix, multiple))
    try:
        yield
    finally:
        _open.reset(token)


def take(size: float, what: str) -> None:
    """So many bytes are going to be kept.

    Raises:
        LoadLimitError: when that is too much.
    """
    budget = _open.get()
    if budget is not None:
        budget.room(size, what)
        budget.left -= int(size)


def further(device: int, number: int, size: int) -> None:
    """A further file, by its numbers in the file system, is a part of what is loaded."""
    budget = _open.get()
    if budget is not None and (device, number) not in budget.files:
        budget.files.add((device, number))
        budget.packed += size
        budget.grow(size)


def room(size: float, what: str) -> None:
    """So many bytes are needed for a moment.

    Raises:
        LoadLimitError: when that is too much.
    """
    budget = _open.get()
    if budget is not None:
        budget.room(size, what)


def step(count: float = 1) -> None:
    """An object is going to be made, or a layer called; `count`: what that costs, compared with others.

    Raises:
        LoadLimitError: when there were too many, or when they took too long.
    """
    budget = _open.get()
    if budget is not None:
        budget.step(count)


def json_value(text: bytes | str, what: str) -> Any:
    """The value of a JSON text.

    Raises:
        LoadLimitError: when its objects would take too much memory.
        ValueError: when it is no JSON, or nests too deep.
    """
    if _open.get() is not None:
        marks: Any = text
        kinds = [(mark.encode() if isinstance(text, bytes) else mark, cost) for mark, cost in _OF_JSON]
        take(len(text) * (1 if text.isascii() else 4) + sum(marks.count(mark) * cost for mark, cost in kinds), what)
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError(f"{what} nests more than {DEEPEST} levels deep") from None
    if nests_deeper(found, DEEPEST):
        raise ValueError(f"{what} nests more than {DEEPEST} levels deep")
    return found


def nests_deeper(config: Any, depth: int) -> bool:
    """Whether mappings and lists in a config nest deeper; looks from level to level, whatever the depth."""
    level = [config]
    for _ in range(depth):
        level = [
            inner
            for value in level
            if isinstance(value, (Mapping, list))
            for inner in (value.values() if isinstance(value, Mapping) else value)
        ]
    return bool(level)


def checked_pattern(owner: str, pattern: str) -> str:
    """A regular expression, which from a file must be a plain one: others take 2**n steps for a name of n letters.

    Raises:
        LoadLimitError: when a group is repeated, or when there are many repetitions or alternatives.
    """
    budget = _open.get()
    if budget is None or not isinstance(pattern, str):
        return pattern
    plain = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "x", pattern[:1000], flags=re.DOTALL)
    repeats, choices = sum(map(plain.count, "*+?{")), plain.count("|")
    if len(pattern) > 1000 or re.search(r"\)[*+?{]", plain) or 100**repeats * 2**choices > _MATCHES:
        raise budget.error(f"matching the pattern {pattern!r:.40} of {owner} may take for ever")
    return pattern


def room_for(operation: Any, args: Any, kwargs: Any) -> None:
    """An op of a file is going to be run, or a layer, on arguments whose shapes are known.

    Raises:
        LoadLimitError: when arguments or results would be too large.
    """
    if (budget := _open.get()) is None:
        return
    shapes = [tuple(x.shape) for x in _leaves((args, kwargs)) if hasattr(x, "shape")]
    name = str(getattr(operation, "__name__", type(operation).__name__))
    given = 8 * sum(map(math.prod, shapes))
    is_layer = hasattr(operation, "_ef_state")
    made = max(given, 8) if is_layer else 8 * _numbers_made(name, operation, args, kwargs, shapes)
    budget.room(given + made, f"the result of {name:.40}")


def _numbers_made(name: str, op: Any, args: Any, kwargs: Any, shapes: list[tuple[int, ...]]) -> int:
    """About how many numbers an op's result has, at most, by the settings that tell lengths."""
    try:
        named = inspect.signature(op).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # as the call itself will say
        named = {}
    whole, factor, window = (
        math.prod(
            [
                abs(n)
                for key in named.keys() & set(names)
                for n in _leaves(named[key])
                if type(n) is int and abs(n) > usual
            ]
        )
        for names, usual in ((_SHAPES, 1), (_FACTORS, 1), (_WINDOWS, _USUAL))
    )
    if "M" not in named and ("N" in named or "n" in named):  # a square
        whole = max(whole, factor) ** 2
    together = 1
    if name in ("outer", "kron"):
        together = math.prod(map(math.prod, shapes))
    elif name in ("matmul", "dot") and len(shapes) == 2 and min(map(len, shapes)):
        together = math.prod([*shapes[0][:-1], *shapes[1][:-2], shapes[1][-1]])
    elif len(shapes) > 1:  # of shapes that broadcast
        longest = max(map(len, shapes))
        together = math.prod(map(max, zip(*[(1,) * (longest - len(shape)) + shape for shape in shapes])))
        together = together if together <= math.prod(map(math.prod, shapes)) else 1
    return max(whole, together, max(1, sum(map(math.prod, shapes))) * factor * window)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value
