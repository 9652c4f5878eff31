"""What viz records of a name's own example: the op or layer as its docstring calls it, forward and backward.

    python -m tools.site.recorded RESULT.json NAME...

The example of a docstring runs while the name that it is about keeps what it is called with. That call is then made
once more under `viz.trace` and a tape, and followed by the gradient of its outputs. Some names run no op themselves
(`ones` makes a constant, `shape` reads a tuple): of these, the whole example is recorded, which uses what they give.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import eagerflow as ef
import viz
from tools.site.cache import Cache
from tools.site.names import Public, catalogue, modules
from tools.site.progress import counted
from tools.site.record_html import page_part
from tools.site.running import environment
from tools.site.warm import Warm
from viz.recording import Recording

# Whose names are called with arrays.
MODULES = ("eagerflow.ops", "eagerflow.layers", "eagerflow.activations", "eagerflow.losses")
AT_ONCE, SECONDS = 20, 600  # how many names a process records, and the most that it may take


class ExampleFailed(Exception):
    """The example of a docstring raised what it doesn't say, or runs no op."""


class Call(NamedTuple):
    """What a function or layer was called with."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def is_recorded(one: Public) -> bool:
    """Whether the page of a name is to show what runs."""
    return one.module in MODULES or one.module.startswith("eagerflow.ops.")


def html(one: Public) -> str:
    """The part of a name's page that shows what runs.

    Raises:
        ExampleFailed: when the example raises, and when it runs no op.
    """
    calls = calls_of(one)
    for call in calls:
        if _arrays(call):
            recording, layer = record(one, call)
            if recording.ops:
                return page_part(recording, one.path, layer)
    recording = record_example(one)
    if not recording.ops:
        raise ExampleFailed(f"{one.path}: its example runs no op, so its page has nothing to show: let one use it")
    told = (
        f"<code>{one.name}</code> runs no op itself. This is what its example runs." if calls else "The whole example."
    )
    return f"<p>{told}</p>\n{page_part(recording, one.path, None)}"


def calls_of(one: Public) -> list[Call]:
    """How the example of a docstring calls what it is an example of; calls within such a call don't count."""
    found: list[Call] = []
    with _watched(one, found) as names:
        run_example(one, names)
    return found


def run_example(one: Public, names: dict[str, Any], shown: list[Any] | None = None) -> None:
    """Run the examples of a docstring.

    Args:
        one: whose docstring.
        names: what the examples see, and where they put theirs.
        shown: gets the value of each expression; of `y.tolist()` and `y.shape` that of `y`.
    """
    show = sys.displayhook if shown is None else shown.append
    for example in doctest.DocTestParser().get_examples(one.doc):
        if example.options.get(doctest.SKIP):
            continue
        try:
            tree = ast.parse(example.source, mode="single")
            for statement in tree.body:
                if isinstance(statement, ast.Expr) and shown is not None:
                    statement.value = _tensor_in(statement.value)
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), _hook(show):
                exec(compile(tree, "<example>", "single"), names)
        except Exception as error:
            if example.exc_msg is None:
                raise ExampleFailed(f"{one.path}: >>> {example.source.strip()}\n{error!r}") from error


def _tensor_in(shown: ast.expr) -> ast.expr:
    """Of `y.tolist()` and `y.shape`: `y`."""
    if isinstance(shown, ast.Attribute) and shown.attr == "shape":
        return shown.value
    if isinstance(shown, ast.Call) and isinstance(shown.func, ast.Attribute) and shown.func.attr == "tolist":
        return shown.func.value
    return shown


@contextlib.contextmanager
def _hook(show: Callable[[Any], Any]) -> Iterator[None]:
    """Expressions give their values to `show` while this is open."""
    before, sys.displayhook = sys.displayhook, show
    try:
        yield
    finally:
        sys.displayhook = before


@contextlib.contextmanager
def _watched(one: Public, found: list[Call]) -> Iterator[dict[str, Any]]:
    """Note calls while this is open; gives the names that the example sees."""
    depth = 0
    home = importlib.import_module(one.value.__module__)
    names = {**vars(home), "ef": ef, "np": np, "viz": viz, "__name__": home.__name__}

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            nonlocal depth
            if depth == 0:
                found.append(Call(function, args, kwargs))
            depth += 1
            try:
                return function(*args, **kwargs)
            finally:
                depth -= 1

        return called

    with contextlib.ExitStack() as undo:
        if one.is_class:
            _set(undo, one.value, "__call__", noted(one.value.__call__))
        else:
            stand_in = noted(one.value)
            for path in (one.path, *one.aliases):
                module, _, name = path.rpartition(".")
                _set(undo, modules()[module], name, stand_in)
            names.update({name: stand_in for name, value in names.items() if value is one.value})
        yield names


def record_example(one: Public) -> Recording:
    """A recording of a whole example, and of the gradients of the last value that it shows."""
    home = importlib.import_module(one.value.__module__)
    names = {**vars(home), "ef": ef, "np": np, "viz": viz, "__name__": home.__name__}
    ef.utils.clear_session()  # names start over
    shown: list[Any] = []
    made: list[ef.Variable] = []  # holds those without a name, too, so that the tape can tell of them
    begin = ef.Variable.__init__

    def begin_and_hold(self: ef.Variable, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        made.append(self)

    with contextlib.ExitStack() as undo, viz.trace(one.name, time=False, memory=False, source=False) as recording:
        _set(undo, ef.Variable, "__init__", begin_and_hold)
        with ef.GradientTape() as tape:
            run_example(one, names, shown)
        outputs = [value for value in shown if _is_float(value)][-1:]
        if tape.watched_variables() and outputs:
            with contextlib.suppress(NotImplementedError, LookupError, ef.TapeError):
                tape.gradient(outputs, tape.watched_variables())
    return recording


def _set(undo: contextlib.ExitStack, holder: Any, name: str, value: Any) -> None:
    before = vars(holder).get(name, undo)
    setattr(holder, name, value)
    undo.callback(lambda: delattr(holder, name) if before is undo else setattr(holder, name, before))


def record(one: Public, call: Call) -> tuple[Recording, Any]:
    """A recording of a call and of its gradients, and the layer that was called (None for a function)."""
    layer = call.args[0] if one.is_class else None
    for with_lists in (True, False):
        watched: list[ef.Tensor] = []
        given = call.args[1:] if one.is_class else call.args
        args, kwargs = _fresh((given, call.kwargs), watched, with_lists)
        function = (lambda *a, **k: call.function(layer, *a, **k)) if one.is_class else call.function
        try:
            return _recorded(one, function, args, kwargs, watched, layer), layer
        except (TypeError, ValueError):
            if not with_lists:
                raise
    raise AssertionError("the second round returns or raises")


def _recorded(one: Public, function: Any, args: Any, kwargs: Any, watched: list[Any], layer: Any) -> Recording:
    weights = list(getattr(layer, "trainable_weights", ()))
    with viz.trace(one.name, time=False, memory=False, source=False) as recording:
        with ef.GradientTape() as tape:
            for tensor in watched:
                tape.watch(tensor)
            result = function(*args, **kwargs)
        wanted = [*watched, *weights]
        outputs = [leaf for leaf in ef.tree.flatten(result) if _is_float(leaf)]
        if wanted and outputs:
            with contextlib.suppress(NotImplementedError, LookupError, ef.TapeError):
                tape.gradient(outputs, wanted)
    return recording


def _fresh(value: Any, watched: list[Any], with_lists: bool) -> Any:
    """Arguments once more, with tensors that a tape can watch in place of arrays, symbols and lists of numbers."""
    if isinstance(value, ef.KerasTensor):
        value = _stand_in(value)
    if isinstance(value, (ef.Tensor, np.ndarray)) or (with_lists and _is_numbers(value)):
        made = ef.Tensor(np.asarray(value, "float32")) if isinstance(value, list) else ef.convert_to_tensor(value)
        if _is_float(made):
            watched.append(made)
        return made
    if isinstance(value, dict):
        return {key: _fresh(item, watched, with_lists) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_fresh(item, watched, with_lists) for item in value)
    return value


def _stand_in(symbol: Any) -> np.ndarray:
    shape = [2 if length is None else length for length in symbol.shape]
    if str(symbol.dtype).startswith("float"):
        return np.random.default_rng(0).normal(size=shape).astype(str(symbol.dtype))
    return np.zeros(shape, "bool" if symbol.dtype == "bool" else "int32")


def _is_numbers(value: Any) -> bool:
    """Whether it is a list of numbers, at least one of them with a point, however deep."""
    if not isinstance(value, list) or not value:
        return False
    leaves = ef.tree.flatten(value)
    return all(type(leaf) in (int, float) for leaf in leaves) and any(type(leaf) is float for leaf in leaves)


def _is_float(value: Any) -> bool:
    return isinstance(value, (ef.Tensor, ef.Variable)) and "float" in str(value.dtype)


def _arrays(call: Call) -> bool:
    leaves = ef.tree.flatten([list(call.args), dict(call.kwargs)])
    return any(isinstance(leaf, (ef.Tensor, ef.Variable, ef.KerasTensor, np.ndarray, float, int)) for leaf in leaves)


def record_all(names: list[Public], cache: Cache, processes: int = 2) -> dict[str, str]:
    """By name: the part of its page that shows what runs.

    Raises:
        ExampleFailed: with all examples that raise.
    """
    wanted = [one for one in names if is_recorded(one)]
    parts = {one.path: cache.get("record", one.path, one.doc) for one in wanted}
    missing = [one for one in wanted if parts[one.path] is None]
    chunks = [missing[i : i + AT_ONCE] for i in range(0, len(missing), AT_ONCE)]
    errors: list[str] = []
    loaded = ("tools.site.recorded", "tools.site.placements:keep", "tools.site.names:catalogue")
    with ThreadPoolExecutor(processes) as pool, Warm(loaded, environment(), processes) as programs:
        apart = partial(_apart, programs)
        for made in counted(pool, apart, chunks, "names whose examples are recorded", size=len):
            parts.update(made["parts"])
            errors += made["errors"]
    if errors:
        raise ExampleFailed("\n".join(errors))
    for one in missing:
        cache.put(parts[one.path], "record", one.path, one.doc)
    return {path: part for path, part in parts.items() if part}


def _apart(programs: Warm, names: list[Public]) -> dict[str, Any]:
    """Record names in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        scratch, result = Path(folder) / "scratch", Path(folder) / "result.json"
        scratch.mkdir()
        done = programs.run("tools.site.recorded:main", [str(result), *[one.path for one in names]], scratch, SECONDS)
        if done.code:
            raise ExampleFailed(done.told)
        if done.code is None:
            raise ExampleFailed(f"{names[0].path} to {names[-1].path}: their examples take more than {SECONDS} s")
        return json.loads(result.read_text(encoding="utf-8"))


def main(result: str, *names: str) -> None:
    """Write the parts of pages of these names, and the errors of their examples."""
    parts: dict[str, str] = {}
    errors: list[str] = []
    for one in catalogue():
        if one.path in names:
            ef.utils.clear_session()
            ef.utils.set_random_seed(0)
            try:
                parts[one.path] = html(one)
            except ExampleFailed as error:
                errors.append(str(error))
    Path(result).write_text(json.dumps({"parts": parts, "errors": errors}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
