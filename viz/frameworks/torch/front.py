"""Opens and closes the ears for torch in each thread that has observers."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.optim import optimizer as optimizers
from torch.utils.data import dataloader

from eagerflow.core.observe import Observer, Scope, current, libraries, state
from viz.frameworks.torch import routine
from viz.frameworks.torch.backward import Backward, run_engine
from viz.frameworks.torch.canonical import Canonical
from viz.frameworks.torch.modules import module_called
from viz.frameworks.torch.objects import Objects, note_line
from viz.frameworks.torch.ops import OpMode
from viz.frameworks.torch.scopes import Scopes
from viz.frameworks.torch.updates import Updates
from viz.frameworks.torch.words import LIBRARIES
from viz.recorder.capture import Capture
from viz.recorder.listening import Listening
from viz.recorder.source_lines import is_internal

__all__ = ["announce"]


class _Front:
    """What hears torch in one thread.

    Attributes:
        muted: above 0 nothing is announced.
    """

    def __init__(self) -> None:
        self.muted = 0
        self.scopes = Scopes(self)
        self.objects = Objects(self.scopes.path_of, lambda x, proxy: self.backward.adopt(x, proxy))
        self.backward = Backward(self)
        self.updates = Updates(self)
        self.mode = OpMode(self)
        self._thread = threading.get_ident()
        self._adapters: dict[Observer, Observer | None] = {}
        self._current: tuple[Observer, ...] = ()
        self._listeners: tuple[Observer, ...] = ()
        self._compiling: tuple[FrameType, list[Any] | None] | None = None  # and the modes that were above this one's

    @property
    def is_heard(self) -> bool:
        """Is what this thread does announced now?"""
        return not self.muted and state.on and bool(current()) and threading.get_ident() == self._thread

    @property
    def wants_values(self) -> bool:
        """May an observer look at the values of what is announced?"""
        return any(
            each.wants_ops and not (isinstance(each, Capture) and each.measure is None and each.keeper is None)
            for each in current()
        )

    # ------------------------------------------------------------------ telling

    def listeners(self) -> tuple[Observer, ...]:
        """The observers of the running context; what stands between for those that know eagerflow's layouts alone."""
        found = current()
        if found is not self._current:
            self._current = found
            self._listeners = tuple([told for each in found if (told := self._adapted(each)) is not None])
        return self._listeners

    def _adapted(self, observer: Observer) -> Observer | None:
        """What is told in an observer's place: None for those that listen to eagerflow alone."""
        if observer not in self._adapters:
            told: Observer | None = observer
            if isinstance(observer, Listening) and not observer.everywhere:
                told = observer.elsewhere() if observer.elsewhere is not None else None
            if getattr(told, "knows_layouts_of_eagerflow", False):
                told = Canonical(told)
            self._adapters[observer] = told
        return self._adapters[observer]

    def begin(self, scope: Scope) -> None:
        """A scope begins."""
        self.tell("on_scope_begin", scope)

    def end(self, scope: Scope, outputs: Any, error: BaseException | None) -> None:
        """A scope ends."""
        self.tell("on_scope_end", scope, outputs, error, to=self.listeners()[::-1])

    def tell(self, name: str, *event: Any, to: Iterable[Observer] | None = None) -> None:
        """Announce an event."""
        for each in self.listeners() if to is None else to:
            try:
                getattr(each, name)(*event)
            except Exception as error:  # noqa: BLE001  (a mistake of a listener's must not reach the program)
                self.failed(each, error)

    def tell_routine(self, name: str, thing: Any, about: dict[str, Any]) -> None:
        """The program called something that is no op, module or optimizer: those hear of it that know such calls."""
        self.tell("on_routine", name, thing, about, to=[x for x in self.listeners() if hasattr(x, "on_routine")])

    def renamed(self, weight: Any) -> None:
        """A weight has another path, unless there is None."""
        for each in self.listeners() if weight is not None else ():
            if isinstance(each, Capture):
                each.renamed(weight)

    def failed(self, listener: Observer, error: Exception) -> None:
        """An observer raised: one that stops the program means to; any other rests from here on."""
        if type(error).__module__.partition(".")[0] == "viz":
            raise error
        self._adapters = {each: None if told is listener else told for each, told in self._adapters.items()}
        self._current = ()
        place = f"{type(listener).__module__}.{type(listener).__qualname__}"
        warnings.warn(f"viz: {place} failed and rests: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=3)

    def safely(self, own: Callable[..., Any], *args: Any) -> Any:
        """What a function of this folder gives; where it makes a mistake, None, and nothing is heard from then on."""
        try:
            return own(*args)
        except Exception as error:  # noqa: BLE001  (a mistake of this folder must not reach the program)
            self.broken(error)
            return None

    def broken(self, error: Exception) -> None:
        """This folder made a mistake: nothing is heard from here on; but errors of viz's own go to the program."""
        if type(error).__module__.partition(".")[0] == "viz":
            raise error
        self.muted += 1
        told = f"viz: what torch does is not heard from here on: {type(error).__name__}: {error}"
        warnings.warn(told, RuntimeWarning, stacklevel=4)

    @staticmethod
    def told(error: BaseException) -> BaseException | None:
        """An error, unless a checkpoint ends its second forward pass by it, as it knows all that it wants to."""
        return None if type(error).__module__ == "torch.utils.checkpoint" else error

    # ------------------------------------------------------------------ parts that aren't looked into

    def mute(self) -> list[Any] | None:
        """Announce nothing until `unmute` is called with what this gives: the mode is off the stack, at no cost."""
        self.muted += 1
        return _take_off(self.mode)

    def unmute(self, above: list[Any] | None) -> None:
        """Announce again."""
        self.muted -= 1
        if above is not None:
            _put_back(self.mode, above)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing inside is announced."""
        above = self.mute()
        try:
            yield
        finally:
            self.unmute(above)

    def opaque(self, call: Callable[..., Any], module: Any, args: Any, kwargs: Any) -> Any:
        """Run a module as one op, without the mode, which a compiler or a fast way of torch's mustn't meet."""

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.quiet(), torch._C._EnableTorchFunction():  # of which the compiler has modes itself
                return call(module, *args, **kwargs)

        is_compiled = not type(module).__module__.startswith("torch.nn.modules")
        run.__name__ = "compiled" if is_compiled else type(module).__name__
        with torch._C.DisableTorchFunction():
            return self.mode.one_op(run, args, kwargs, tuple(module.parameters()))

    def compiles(self, frame: FrameType, is_on: bool) -> None:
        """The compiler is switched on or off: what it runs isn't announced, and doesn't meet the mode.

        Args:
            frame: the code that switches, which does so twice: before and after it calls what is compiled.
            is_on: whether on.
        """
        if self._compiling is None and is_on and frame.f_code.co_name != "__enter__":
            self._compiling = frame, self.mute()
        elif self._compiling is not None and self._compiling[0] is frame:
            self.unmute(self._compiling[1])
            self._compiling = None

    def function(self, apply: Callable[..., Any], cls: type, args: Any, kwargs: Any) -> Any:
        """A custom derivative: its forward pass is one op, the Python of its backward pass is heard."""
        if cls.__module__ == "torch.utils.checkpoint":
            return apply(*args, **kwargs)

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.quiet():
                return apply(*args, **kwargs)

        run.__name__ = cls.__name__
        return self.mode.one_op(run, args, kwargs)


def _take_off(mode: Any) -> list[Any] | None:
    """Take a mode off the stack of modes, wherever it is; gives those that were above it, None where it wasn't."""
    above: list[Any] = []
    while torch._C._len_torch_function_stack():
        top = torch._C._pop_torch_function_stack()
        if top is mode:
            _push(above)
            return above
        above.insert(0, top)
    _push(above)
    return None


def _push(modes: Sequence[Any]) -> None:
    for each in modes:
        torch._C._push_on_torch_function_stack(each)


def _put_back(mode: Any, above: Sequence[Any]) -> None:
    for _ in above:
        torch._C._pop_torch_function_stack()
    _push([mode, *above])


# ---------------------------------------------------------------------- opening and closing

_fronts: dict[int, _Front] = {}  # by thread
_patches = contextlib.ExitStack()
_lock = threading.Lock()


def announce(wanted: bool) -> None:
    """Let what this thread does with torch be announced, or no more."""
    thread = threading.get_ident()
    with _lock:  # the patches are there for all threads
        if wanted:
            if not _fronts:
                _patch()
            _patch_compiler()
        if wanted == (thread in _fronts):
            return
        if wanted:
            front = _fronts[thread] = _Front()
            torch._C._push_on_torch_function_stack(front.mode)
        else:
            front = _fronts.pop(thread)
            if not _fronts:
                _patches.close()
    if not wanted:
        front.scopes.close_all()
        front.muted = 1  # hooks of graphs that go on
        _take_off(front.mode)
        front.objects.clear()


def _here(is_part: bool = True) -> _Front | None:
    """What hears this thread, if anything does now; optimizers call no modules and no passes, but perhaps the rest."""
    front = _fronts.get(threading.get_ident())
    if front is None or not state.on or not current() or torch._C._are_functorch_transforms_active():
        return None
    if front.muted and not is_part:
        front.updates.abandon()
    return None if front.muted else front


def _patch() -> None:
    """Hear what no mode hears: modules, derivatives, passes, loaders, optimizers."""
    installed = os.path.dirname(os.path.dirname(os.path.abspath(torch.__file__)))
    folders = [os.path.join(installed, name, "") for name in LIBRARIES]
    if not set(folders) <= set(libraries):
        libraries.extend(folders)
        is_internal.cache_clear()
    _hear(nn.Module, "__call__", module_called, is_part=False)
    _hear(nn.Module, "__init__", _made)
    _hear(optimizers.Optimizer, "__init__", _made)
    _hear(optimizers.Optimizer, "zero_grad", _zero_grad)
    _hear(dataloader.DataLoader, "__iter__", _quietly)
    _hear(dataloader._BaseDataLoaderIter, "__next__", lambda front, advance, it: front.scopes.data(advance, it))
    _hear(torch.autograd, "_engine_run_backward", run_engine, is_part=False)
    _replace(torch.autograd.Function, "apply", _function(vars(torch.autograd.Function).get("apply")))
    for module in (nn.functional, torch.functional, torch._tensor):
        _replace(module, "handle_torch_function", _handle(module.handle_torch_function))
    routine.patch(_hear)
    for register, handle in (
        (optimizers.register_optimizer_step_pre_hook, _step_begins),
        (optimizers.register_optimizer_step_post_hook, _step_ends),
    ):
        _patches.callback(register(handle).remove)


def _patch_compiler() -> None:
    """Compiled functions mustn't meet the mode: the compiler would trace into it."""
    frames = sys.modules.get("torch._dynamo.eval_frame")
    name = "_maybe_set_eval_frame" if hasattr(frames, "_maybe_set_eval_frame") else "set_eval_frame"  # up to 2.5
    if frames is not None and not hasattr(getattr(frames, name), "__wrapped__"):
        _replace(frames, name, _compiled(getattr(frames, name)))


def _replace(owner: Any, name: str, made: Any) -> None:
    held = vars(owner).get(name)
    setattr(owner, name, made)
    _patches.callback(setattr, owner, name, held)


def _hear(owner: Any, name: str, heard: Callable[..., Any], is_part: bool = True) -> None:
    """Call `heard` in place of a function, with what hears the thread, that function, and its arguments."""
    held = vars(owner)[name]

    @functools.wraps(held)
    def call(*args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling() or (front := _here(is_part)) is None:
            return held(*args, **kwargs)
        return heard(front, held, *args, **kwargs)

    _replace(owner, name, call)


def _handle(held: Any) -> Any:
    """What functions of torch's in Python call under a mode: the same without its search for other overrides."""

    @functools.wraps(held)
    def handle_torch_function(function: Any, relevant: Any, *args: Any, **kwargs: Any) -> Any:
        front, top = _fronts.get(threading.get_ident()), torch._C._len_torch_function_stack() - 1
        if front is None or top < 0 or torch._C._get_function_stack_at(top) is not front.mode:
            return held(function, relevant, *args, **kwargs)
        torch._C._pop_torch_function_stack()
        try:
            return front.mode.__torch_function__(function, (), args, kwargs)
        finally:
            torch._C._push_on_torch_function_stack(front.mode)

    return handle_torch_function


def _made(front: _Front, initialize: Any, thing: Any, *args: Any, **kwargs: Any) -> None:
    note_line(thing, sys._getframe(1))
    initialize(thing, *args, **kwargs)


def _compiled(set_callback: Any) -> Any:
    @functools.wraps(set_callback)
    def set_eval_frame(callback: Any) -> Any:
        front = _fronts.get(threading.get_ident())
        if front is not None:
            front.compiles(sys._getframe(1), callback is not None and callback is not False)
        return set_callback(callback)

    return set_eval_frame


def _function(held: Any) -> Any:
    @functools.wraps(getattr(held, "__func__", held))  # from 2.14 on it is written in C
    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        call = held.__get__(None, cls)
        if torch.compiler.is_compiling() or (front := _here()) is None:
            return call(*args, **kwargs)
        return front.function(call, cls, args, kwargs)

    return classmethod(apply)


def _quietly(front: _Front, call: Any, *args: Any) -> Any:
    with front.quiet():
        return call(*args)


def _zero_grad(front: _Front, zero: Any, optimizer: Any, set_to_none: bool = True) -> Any:
    with front.quiet() if set_to_none else contextlib.nullcontext():
        return zero(optimizer, set_to_none)


def _step_begins(optimizer: Any, args: Any, kwargs: Any) -> Any:
    found = _fronts.get(threading.get_ident())
    return None if found is None else found.safely(found.updates.begins, optimizer, args, kwargs)


def _step_ends(optimizer: Any, args: Any, kwargs: Any) -> None:
    found = _fronts.get(threading.get_ident())
    if found is not None:
        found.safely(found.updates.ends, optimizer)
