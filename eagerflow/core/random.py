"""Random bits: one process-wide seed, and counter-based generators, a new one for every draw.

A draw is named by two numbers, a seed and a count. They are the key of a Philox generator, which costs
microseconds to make, has no state to keep and gives unrelated streams for different keys. Numbers are
always drawn on the host, so a seed means the same values on every device.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

import contextlib
import contextvars
import random
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import numpy
from numpy.random.bit_generator import ISeedSequence

from eagerflow.base.capturing import not_replayable
from eagerflow.base.machine.forks import held_over_forks

__all__ = ["Draws", "Orders", "counted", "default_seed", "drawing", "fast_bits", "frozen", "generator", "get_state"]
__all__ += ["next_key", "order_key", "ordering", "orders", "set_random_seed", "set_state"]

Key = tuple[int, int]  # the seed and the count of a draw

_WORD = 2**64 - 1
_SHARED = 1 << 40  # keeps the process-wide draws apart from those of a user's seed
_ORDERS = 1 << 41  # and orders of samples from both
_lock = threading.RLock()
held_over_forks(_lock)
counted: list[int] = [secrets.randbits(32), 0]  # the process-wide seed, and how many draws were taken from it


def set_random_seed(seed: int) -> None:
    """Sets all global seeds: that of eagerflow's draws without an own seed, of Python's `random` and of `numpy.random`.

    Args:
        seed: an integer from 0 to 2**32 - 1.

    Raises:
        ValueError: for anything else.

    >>> ef.utils.set_random_seed(42)
    >>> first = ef.random.normal((3,)).tolist()
    >>> ef.utils.set_random_seed(42)
    >>> ef.random.normal((3,)).tolist() == first
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, numpy.integer)) or not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed(seed={seed!r}): expected an integer from 0 to 2**32 - 1.")
    random.seed(int(seed))
    numpy.random.seed(int(seed))  # noqa: NPY002 - users' programs draw from NumPy's legacy state
    with _lock:
        counted[:] = [int(seed), 0]


class Draws:
    """The process-wide draws of a stretch of the program, which can be made once more.

    >>> draws = Draws()
    >>> with drawing(draws):
    ...     first = next_key(), next_key()
    >>> with drawing(draws.again()):
    ...     (next_key(), next_key()) == first
    True
    """

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._outer = _draws.get()
        self._left: Iterator[Key] | None = None

    def again(self) -> Draws:
        """What gives the same draws."""
        made = Draws()
        made._left = iter(self._keys)
        return made

    def take(self) -> Key:
        """The key of the next draw."""
        if self._left is None:
            self._keys.append(_fresh_key() if self._outer is None else self._outer.take())
            return self._keys[-1]
        key = next(self._left, None)
        if key is None:
            raise RuntimeError("remat: the function draws more random numbers than it did at first.")
        return key


_draws: contextvars.ContextVar[Draws | None] = contextvars.ContextVar("draws", default=None)


@contextlib.contextmanager
def drawing(draws: Draws | None) -> Iterator[None]:
    """Process-wide draws inside the block are taken from `draws`; from the process-wide state alone for None."""
    before = _draws.get()
    _draws.set(draws)
    try:
        yield
    finally:
        _draws.set(before)


def next_key() -> Key:
    """The key of the next process-wide draw."""
    not_replayable("it draws random numbers where a replay wouldn't draw again")
    draws = _draws.get()
    return _fresh_key() if draws is None else draws.take()


def _fresh_key() -> Key:
    with _lock:
        counted[1] += 1
        return _SHARED + counted[0], counted[1]


def order_key(epoch: int, begun: int = 0) -> Key:
    """The key of an order that depends on the process-wide seed and these two alone, whatever else was drawn.

    Args:
        epoch: the number of the epoch, from 0.
        begun: tells one training from another.
    """
    return _ORDERS + counted[0], (begun << 24) + epoch


class Orders:
    """The orders of one pass over data sets: they depend on the pass alone, whatever else is drawn meanwhile.

    Args:
        key: of the pass.

    >>> Orders(order_key(2)).key() == Orders(order_key(2)).key()
    True
    """

    def __init__(self, key: Key) -> None:
        self._key = key
        self._taken = 0

    def key(self) -> Key:
        """The key of the next order that has no seed of its own."""
        self._taken += 1
        return self._of(self._key[0], self._taken)

    def key_of_seed(self, seed: int, number: int) -> Key:
        """The key of an order with a seed: of the `number`-th in this pass that is drawn from it."""
        return self._of(seed, number)

    def _of(self, seed: int, number: int) -> Key:
        return seed + (number << 42), self._key[1]


_orders: contextvars.ContextVar[Orders | None] = contextvars.ContextVar("orders", default=None)
orders = _orders.get  # those of the pass in which the running code makes batches; None outside of `fit`


@contextlib.contextmanager
def ordering(given: Orders | None) -> Iterator[None]:
    """Data sets inside the block are in these orders."""
    before = _orders.get()
    _orders.set(given)
    try:
        yield
    finally:
        _orders.set(before)


class _Given(ISeedSequence):
    """Words that seed a generator as they are. NumPy's `Philox(key=...)` first asks the system for entropy."""

    def __init__(self, words: Any) -> None:
        self.words = numpy.array(words, "u8")

    def generate_state(self, n_words: int, dtype: Any = "u4") -> Any:
        return self.words


_seed: Any = _Given  # NumPy's stubs name only its own kinds of seeds


def fast_bits(seed: Any) -> Any:
    """A generator of raw words that is twice as fast as Philox, from a seed of three of Philox' words."""
    return numpy.random.SFC64(_seed(seed))


def generator(key: Key) -> numpy.random.Generator:
    """A fresh NumPy generator for the draw `key`; the same key gives the same numbers, always.

    >>> float(generator((1, 2)).random()) == float(generator((1, 2)).random())
    True
    """
    seed, count = key
    return numpy.random.Generator(numpy.random.Philox(_seed([seed & _WORD, count & _WORD])))


def default_seed() -> int:
    """A seed for an object whose user gave none, drawn process-wide, so that `set_random_seed` fixes it too."""
    return int(generator(next_key()).integers(1, 10**9))


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Draws inside the block leave no trace: the process-wide states are put back at its end.

    For probes, which run the user's code only for its shapes. Covers eagerflow's state, Python's `random`
    and `numpy.random`; a `SeedGenerator` keeps its state in a Variable, see `variable.undone`.
    """
    ours, python, legacy = list(counted), random.getstate(), numpy.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        with _lock:
            counted[:] = ours
        random.setstate(python)
        numpy.random.set_state(legacy)  # noqa: NPY002


def get_state() -> dict[str, Any]:
    """All process-wide states, as values that fit into JSON: eagerflow's, Python's `random`, `numpy.random`."""
    version, words, gauss = random.getstate()
    legacy: Any = numpy.random.get_state()  # noqa: NPY002
    kind, keys, position, has_gauss, spare = legacy
    numbers = [str(kind), keys.tolist(), int(position), int(has_gauss), float(spare)]
    return {"eagerflow": list(counted), "python": [version, list(words), gauss], "numpy": numbers}


def set_state(state: dict[str, Any]) -> None:
    """Put back what `get_state` gave."""
    version, words, gauss = state["python"]
    kind, keys, *rest = state["numpy"]
    random.setstate((version, tuple(words), gauss))
    numpy.random.set_state((kind, numpy.array(keys, "uint32"), *rest))  # noqa: NPY002
    with _lock:
        counted[:] = state["eagerflow"]
