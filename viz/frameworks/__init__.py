"""Frameworks that announce to viz what runs: eagerflow by itself, others by a folder here.

A folder's `front` module turns what its framework does into the events of `viz.frameworks.contract`. It is loaded, and
works, only while something observes in a thread where a program has imported its framework.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from importlib import abc as _abc, import_module as _import_module, machinery as _machinery
from types import ModuleType
from typing import Any, TypeVar

from eagerflow.core import observe

__all__ = ["eagerflow_alone", "observing", "only_eagerflow", "owner_of", "ranks_of_torch"]

# By the module that programs import: what announces; and the module of a part that comes later.
_FRONTS = {"torch": "viz.frameworks.torch.front", "torch._dynamo.eval_frame": "viz.frameworks.torch.front"}
_open: dict[int, int] = {}  # observers by the thread in which they are installed
_lock = threading.RLock()

O = TypeVar("O", bound=observe.Observer)  # noqa: E741


@contextlib.contextmanager
def observing(observer: O) -> Iterator[O]:
    """Install `observer` for the block: eagerflow and all other frameworks that are in use announce to it."""
    with observe.observing(observer):
        _change(1)
        try:
            yield observer
        finally:
            _change(-1)


def owner_of(model: Any) -> Any:
    """What observers know in place of a model of another framework; other models, and whatever else, as they are."""
    if _is_module(model):
        return _import_module("viz.frameworks.torch.modules").owner_of(model)
    return model


def only_eagerflow(name: str, model: Any) -> None:
    """Raise TypeError where a function that knows eagerflow's models alone is given a module of PyTorch's."""
    if _is_module(model):
        raise TypeError(f"{name}: expected a model of eagerflow; got {type(model).__name__}, a module of PyTorch")


def _is_module(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def ranks_of_torch() -> Any:
    """The ranks of the running PyTorch program: of its process group, or as `torchrun` started them; None without."""
    distributed = sys.modules.get("torch.distributed")
    joined = distributed is not None and distributed.is_available() and distributed.is_initialized()
    if not joined and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":  # which torchrun sets
        return None
    return _import_module("viz.frameworks.torch.ranks").of_program()


def eagerflow_alone(command: str) -> str:
    """Why a command has nothing to say, where the script may have trained with PyTorch; else empty."""
    if "torch" not in sys.modules:
        return ""
    return f"{command} is about eagerflow's models alone; trainings by PyTorch: viz check, viz run and viz doctor"


def _change(by: int) -> None:
    """An observer has come to this thread (1), or goes (-1)."""
    thread = threading.get_ident()
    with _lock:
        count = _open[thread] = _open.get(thread, 0) + by
        if not count:
            del _open[thread]
        if _open and _watch not in sys.meta_path:
            sys.meta_path.insert(0, _watch)
        elif not _open and _watch in sys.meta_path:
            sys.meta_path.remove(_watch)
    for name in _FRONTS:
        if name in sys.modules and (by < 0 or not _watch.is_busy(name)):
            _follow(name)


def _follow(name: str) -> None:
    """Let a framework announce, or cease to, as there are observers in this thread."""
    try:
        _import_module(_FRONTS[name]).announce(threading.get_ident() in _open)
    except Exception as error:  # noqa: BLE001  (another version of it, perhaps: the program goes on)
        warnings.warn(f"viz doesn't hear {name}: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=2)


class _Watch(_abc.MetaPathFinder):
    """Notices that the program imports a framework while something observes."""

    def __init__(self) -> None:
        self._busy: set[str] = set()

    def is_busy(self, name: str) -> bool:
        """Is it being imported?"""
        return name in self._busy

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> _machinery.ModuleSpec | None:
        if fullname not in _FRONTS:
            return None
        for finder in list(sys.meta_path):
            found = None if finder is self else finder.find_spec(fullname, path, target)
            if found is not None and found.loader is not None:
                found.loader = _Loader(found.loader, self._busy)
                return found
        return None


class _Loader(_abc.Loader):
    """Loads a framework as its own loader does, which takes this one's place at once; then it announces."""

    def __init__(self, loader: Any, busy: set[str]) -> None:
        self._loader, self._busy = loader, busy

    def create_module(self, spec: _machinery.ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._busy.add(name)
        try:
            self._loader.exec_module(module)
        finally:
            self._busy.discard(name)
        if threading.get_ident() in _open:
            _follow(name)


_watch = _Watch()
