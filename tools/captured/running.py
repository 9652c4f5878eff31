"""What a program gives, leaves and prints, call by call: eagerly and captured, from the same beginning."""

from __future__ import annotations

import contextlib
import decimal
import gc
import io
import linecache
import logging
import os
import re
import signal
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import eagerflow as ef
from eagerflow.compat.backend.control import set_learning_phase
from tools.captured.programs import CALLS, Program
from tools.captured.trained import calls_in_training

__all__ = ["Outcome", "difference", "outcome"]

_NUMBERS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")


class Outcome(NamedTuple):
    """What a program did.

    Attributes:
        calls: for each call what it gave, the state behind it, and what was printed.
        replays: how many of them were replays.
        why: why it ran eagerly, in words.
    """

    calls: list[tuple[Any, Any, str]]
    replays: int
    why: str | None


def difference(program: Program, trained: bool = False) -> tuple[str | None, Outcome]:
    """Where a captured program parts from the eager one, in words, and what the captured one did.

    Args:
        program: to run.
        trained: whether its step is a layer's call in a model that `fit` trains.
    """
    eager, captured = outcome(program, False, trained), outcome(program, True, trained)
    for number, (one, other) in enumerate(zip(eager.calls, captured.calls, strict=True)):
        for what, mine, theirs in zip(("gives", "leaves", "prints"), one, other, strict=True):
            if mine != theirs:
                return f"call {number} {what} {theirs!r:.300} instead of {mine!r:.300}", captured
    return None, captured


def outcome(program: Program, captures: bool, trained: bool = False) -> Outcome:
    """Run a program from its beginning."""
    with _surroundings() as folder:
        names = _module(program, folder)

        def between(call: int) -> None:
            for change in program.changes.get(call, ()):
                with contextlib.suppress(Exception):
                    exec(change, names)

        found = Outcome(*(calls_in_training if trained else _calls)(names, between, _told, captures))
        for each in names.values():
            if isinstance(each, io.TextIOWrapper):
                each.close()
    return found


def _calls(
    names: dict[str, Any], between: Callable[[int], None], told: Callable[[Any], Any], captures: bool
) -> tuple[list[tuple[Any, Any, str]], int, str | None]:
    """Call the step, and tell what each call gave, left and printed, the number of replays, and why not."""
    found = []
    plain = names["step"]
    step = names["step"] = ef.function(plain, verify_every=0) if captures else plain
    for call in range(CALLS):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            between(call)
            x = ef.Tensor(_NUMBERS + np.float32(call // 3))
            given = told(lambda: step(x))  # noqa: B023
            left = [told(state) for state in names["states"]]
        found.append((given, left, printed.getvalue()))
    return found, *((step.replays, step.why_eager) if captures else (0, None))


def _module(program: Program, folder: str) -> dict[str, Any]:
    """The program's names; it is a module, so that its classes are found there."""
    module = types.ModuleType("captured_case")
    names: dict[str, Any] = vars(module)
    names.update(folder=folder, __file__=os.path.join(folder, "captured_case.py"))
    sys.modules["captured_case"] = module
    linecache.cache[names["__file__"]] = (len(program.source), None, program.source.splitlines(True), names["__file__"])
    exec(compile(program.source, names["__file__"], "exec"), names)
    return names


def _told(ask: Any) -> Any:
    """What something gives, as what can be compared; the error, if it raises one."""
    try:
        return _comparable(ask())
    except Exception as error:  # noqa: BLE001 # eager and captured must raise the same
        return type(error).__name__, _repeatable(str(error))


def _comparable(value: Any) -> Any:
    if isinstance(value, (ef.Tensor, ef.Variable)):
        value = value.numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return type(value).__name__, value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return [(_comparable(key), _comparable(each)) for key, each in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_comparable(each) for each in value]
    return type(value).__name__, _repeatable(repr(value))


def _repeatable(text: str) -> str:
    """Without what differs from run to run: addresses, folders, and the numbers that names get."""
    return re.sub(r"0x[0-9a-f]+|/tmp/tmp\w+|(?<=[a-z]_)\d+|\bef\.(?=ops)|Captured\.__call__\(.*?\): ", "", text)


@contextlib.contextmanager
def _surroundings() -> Iterator[str]:
    """The same beginning for each run, and what is set for the whole process is as before afterwards."""
    before = os.getcwd(), dict(os.environ), list(sys.path), list(sys.argv), dict(sys.modules), list(warnings.filters)
    floats = ef.config.floatx(), ef.config.epsilon(), ef.config.image_data_format()
    objects = dict(ef.utils.get_custom_objects())
    errors, printing, limit = np.geterr(), np.get_printoptions(), sys.getrecursionlimit()
    name, thresholds, handler = threading.current_thread().name, gc.get_threshold(), signal.getsignal(signal.SIGUSR1)
    ef.utils.set_random_seed(11)
    with tempfile.TemporaryDirectory() as folder, decimal.localcontext(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)  # what runs eagerly, makes layers in calls, becomes NaN
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        try:
            yield folder
        finally:
            os.chdir(before[0])
            os.environ.clear()
            os.environ.update(before[1])
            sys.path[:], sys.argv[:] = before[2], before[3]
            for each in sys.modules.keys() - before[4].keys():
                if getattr(sys.modules[each], "__spec__", None) is None:  # made by a program, not imported
                    del sys.modules[each]
            ef.config.set_floatx(floats[0])
            ef.config.set_epsilon(floats[1])
            ef.config.set_image_data_format(floats[2])
            logging.disable(logging.NOTSET)
            ef.config.set_dtype_policy(None)
            ef.config.set_max_epochs(None)
            ef.config.disable_flash_attention()
            ef.config.enable_interactive_logging()
            set_learning_phase(0)
            ef.utils.get_custom_objects().clear()
            ef.utils.get_custom_objects().update(objects)
            ef.utils.custom_object_scope({}).__exit__()  # whatever scopes programs have left open
            np.seterr(**errors)
            np.set_printoptions(**printing)
            sys.setrecursionlimit(limit)
            threading.current_thread().name = name
            gc.set_threshold(*thresholds)
            signal.signal(signal.SIGUSR1, handler)
