"""Some steps of a training at one batch size, in a child process: its memory at the peak, and its time."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, ops, tree
from eagerflow.data.feed import ArrayFeed
from eagerflow.data.packing import unpack_x_y_sample_weight
from viz.doctor import thresholds as limits
from viz.dry_run.first_step import FirstStep, rows_of
from viz.dry_run.kept_state import optimizers_of, put_back
from viz.facts.memory_use import memory_use
from viz.recorder.capture import Options
from viz.recorder.record_builder import record_of
from viz.recorder.steps import step as step_scope

__all__ = ["Measured", "enough_steps", "measure", "measure_time", "memory_of_viz", "peak_so_far"]

_ENOUGH = 30  # steps, if they take as long as
_STEADY = 0.4  # seconds: memory, caches and the processor's clock have settled then
_CLEAR = "/proc/self/clear_refs"
_TRAINING = (
    "import eagerflow as ef; m = ef.Sequential([ef.layers.Dense(1)]); m.compile('adam', 'mse'); "
    "m.fit([[1.0]], [[1.0]], verbose=0)"
)


class Measured(NamedTuple):
    """What a few steps at one batch size took."""

    rows: int
    process: int | None  # the most memory the process had, in bytes; None where the system doesn't tell
    arrays: int  # the most bytes of arrays in a training step, as its recording knows them
    seconds: float  # a training step's time
    test_seconds: float  # a validation step's time; 0 where there is none
    layers: dict[str, int]  # bytes at the peak by the layer that made them
    roles: dict[str, int]  # the same by role
    kept: dict[str, int]  # bytes at the peak, by layer, of what its forward pass made
    at: str  # the op at the peak, with its layer and line
    weights: int  # bytes of all weights
    optimizer: int  # bytes of the optimizer's state
    spread: float  # the times of the slower quarter of the steps against those of the quicker one


def peak_so_far() -> int | None:
    """The most memory this process has had until now, in bytes; None where the system doesn't tell."""
    return _status("VmHWM:")


def _status(name: str) -> int | None:
    with contextlib.suppress(OSError, ValueError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


def memory_of_viz() -> int:
    """What viz takes of the process' memory: two processes make the same small training, one of them with viz."""
    if _status("VmRSS:") is None:
        return 0
    started = []
    for first in ("", "import viz.add_ons.estimate; "):
        code = f"import sys; sys.path[:] = {sys.path!r}; {first}{_TRAINING}; print(open('/proc/self/status').read())"
        command = [sys.executable, "-c", code]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, errors="replace"))
    found = [re.search(r"VmHWM:\s*(\d+)", child.communicate()[0]) for child in started]
    sizes = [int(each[1]) * 1024 for each in found if each is not None]
    return max(0, sizes[1] - sizes[0]) if len(sizes) == 2 else 0


def measure(first: FirstStep, rows: int) -> Measured | str:
    """Make steps with batches of this many rows; nothing of them remains.

    On Linux they are made in a forked child, whose memory begins as the script's is now.
    """
    mapped = _status("RssFile:") or 0
    found = _apart(first, lambda alone: _measured(first, rows, mapped, alone))
    return found if isinstance(found, str) else Measured(*found)


def measure_time(first: FirstStep, rows: int) -> float | str:
    """The time of a step with batches of this many rows, alone; see `measure`."""
    found: float | str = _apart(first, lambda alone: _step_seconds(first, _batches(first, rows))[0])
    return found


def _apart(first: FirstStep, function: Callable[[bool], Any]) -> Any:
    """Run it so that nothing of it remains: in a forked child (called with True), or here."""
    if sys.platform == "linux" and hasattr(os, "fork"):
        return _in_child(lambda: function(True))
    with put_back(first.model, [] if first.optimizer is None else [first.optimizer]):
        return function(False)


def _in_child(function: Callable[[], Any]) -> Any:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: ours and BLAS' are ready for it
        child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            with warnings.catch_warnings(), numpy.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                told = json.dumps({"found": function()})
        except BaseException as error:  # noqa: BLE001  (a child must not go on with the script, whatever happens)
            told = json.dumps({"error": f"{type(error).__name__}: {error}"})
        with contextlib.suppress(BaseException), os.fdopen(writing, "wb") as pipe:
            pipe.write(told.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    os.waitpid(child, 0)
    if not told:
        return "it ended the process: not enough memory?"
    found = json.loads(told)
    return found["found"] if "found" in found else str(found["error"])


def _measured(first: FirstStep, rows: int, mapped: int, alone: bool) -> Measured:
    """Make the steps; `alone` in a forked child, `fit` may run, too: it hasn't met all `mapped` bytes of libraries."""
    batches = _batches(first, rows)
    with contextlib.suppress(OSError), open(_CLEAR, "w", encoding="ascii") as clear:
        clear.write("5")  # the peak starts over
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        seconds, slower = _step_seconds(first, batches)
        process = peak_so_far()
        if process is not None and alone:
            process += max(0, mapped - (_status("RssFile:") or mapped))
        tested = _test_seconds(first, batches)
        # The first batch of a pass: it holds all that are gathered with it, and the last ones of a pass are fewer.
        batch = next(_batches(first, rows))
        record = record_of(lambda: _one_step(first, batch), Options(source=True, time=True))
    use = memory_use(record)
    kept: dict[str, int] = {}
    for each in use.alive:
        if each.role == "activation" and each.layer:
            kept[each.layer] = kept.get(each.layer, 0) + each.nbytes
    at = use.at.removeprefix(", in ")
    weights, slots = _bytes_of(first)
    layers, roles = use.by("layer"), use.by("role")
    return Measured(rows, process, use.peak, seconds, tested, layers, roles, kept, at, weights, slots, slower / seconds)


def _step_seconds(first: FirstStep, batches: Iterator[Any]) -> tuple[float, float]:
    """The times of a quick and of a slow step, once all is warm: the limits of the quicker and the slower quarter."""
    for _ in range(2):
        first.train(next(batches))
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < limits.AGAIN or not enough_steps(len(times), time.perf_counter() - began):
        batch = next(batches)
        started = time.perf_counter()
        first.train(batch)
        times.append(time.perf_counter() - started)
    quick, slow = numpy.quantile(times, (0.25, 0.75))  # what else runs isn't the step's time
    return float(quick), float(slow)


def enough_steps(count: float, passed: float, seconds: float = 1.5) -> bool:
    """Whether these steps, in this time, tell how long one takes; slow ones are timed for more seconds at most."""
    return passed > seconds or (passed > _STEADY and count >= _ENOUGH)


def _bytes_of(first: FirstStep) -> tuple[int, int]:
    """Bytes of the weights, and of the optimizer's state."""
    weights = {v.identity: v.data.nbytes for v in first.model.variables}
    kept = [v for each in (*optimizers_of(first.model), first.optimizer) if each is not None for v in each.variables]
    slots = {v.identity: v.data.nbytes for v in kept if v.identity not in weights}
    return sum(weights.values()), sum(slots.values())


def _one_step(first: FirstStep, batch: Any) -> None:
    with step_scope():
        first.train(batch)


def _test_seconds(first: FirstStep, batches: Iterator[Any]) -> float:
    """The time of a validation step; 0 where there is no validation."""
    if first.fit is None or first.fit.validation is None:
        return 0.0
    test = first.model.make_test_function()
    times = []
    for _ in range(limits.AGAIN):
        batch = next(batches)
        began = time.perf_counter()
        test(batch)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def _batches(first: FirstStep, rows: int) -> Iterator[Any]:
    """Batches of this many rows: of the script's own arrays, or the first batch's rows again and again."""
    feed = getattr(first.fit, "feed", None)
    if isinstance(feed, ArrayFeed) and "make" not in vars(feed) and feed.rows >= rows:
        own = copy.copy(feed)
        own.size = own.batch_size = rows
        own.available = own.steps = feed.rows // rows
        own.goes_on, own._done = False, 0
        while True:
            yield from own.epoch()
    batch = _of_rows(first.data, rows)
    while True:
        yield batch


def _of_rows(data: Any, rows: int) -> Any:
    """A batch with another number of rows."""
    given = rows_of(data)

    def resized(each: Any) -> Any:
        if not isinstance(each, (Tensor, numpy.ndarray)) or each.shape[:1] != (given,):
            return each
        chosen = numpy.arange(rows) % given
        return ops.take(each, chosen, axis=0) if isinstance(each, Tensor) else each[chosen]

    x, y, sample_weight = unpack_x_y_sample_weight(data)
    made = [None if part is None else tree.map_structure(resized, part) for part in (x, y, sample_weight)]
    return tuple(made) if made[2] is not None else (made[0], made[1]) if made[1] is not None else made[0]
