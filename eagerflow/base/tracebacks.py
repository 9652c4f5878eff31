"""Tracebacks that end where the user can do something: our own frames are left out, once, at the public boundary.

Public functions through which much of our code runs (a layer's call, `fit`, a tape's `gradient`) shorten the traceback
of whatever passes through them. Of our frames two at most stay below each line of the user's: the function that was
called, and the place that raised. Nothing of this costs anything until an exception is raised.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import opcode
import os
import re
import sys
import warnings
from collections.abc import Callable, Collection, Iterable
from types import CodeType, TracebackType
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

import numpy

from eagerflow.base import config, notebook
from eagerflow.base.errors import UnknownArgumentError, holds_itself, signature_of
from eagerflow.base.legacy import RUN, legacy, name_of
from eagerflow.base.text.hints import hint_for

__all__ = ["arguments_of", "bound_init", "boundaries", "boundary", "call_in_words", "called", "check_flags"]
__all__ += ["filter_in_ipython", "flags_of", "in_words", "is_ours", "is_refused", "is_slip"]
__all__ += ["makes_a_layer", "named_after", "plain", "reworded", "shorten", "unknown_arguments", "warn", "wrappers"]

P = ParamSpec("P")
R = TypeVar("R")

_FOLDERS = tuple([os.path.dirname(os.path.abspath(p)) + os.sep for p in (os.path.dirname(__file__), numpy.__file__)])
_LIBRARY = os.path.dirname(os.path.abspath(os.__file__))
_REFUSED = re.compile(r"got an unexpected keyword argument '(\w+)'(?:\. Did you mean '\w+'\?)?$")  # from 3.13 on
_INNER_CLASS = re.compile(r"^(?:Compilable|Trainer|WeightHolder)\.")  # bases of Model and Layer, unknown to users
_MISSING = re.compile(r"[\w.<>]*?(\w+)\(\) missing \d+ required (?:positional|keyword-only) (arguments?: .*)$")
_OF_A_CALL = re.compile(r"\w\(\) (got|missing|takes)")  # Python's own words about a call are good
_SLIPS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, StopIteration, TypeError, ValueError)
_RAISE = (opcode.opmap["RAISE_VARARGS"], opcode.opmap["RERAISE"])
_LONGEST = 500  # characters of a message
boundaries: WeakSet[Callable[..., Any]] = WeakSet()  # functions that cut tracebacks
wrappers: set[CodeType] = set()  # what runs around a function that cuts tracebacks, and isn't to be seen in them
_FILES = (contextlib.__file__, functools.__file__)


def is_ours(file: str) -> bool:
    """Is `file`, as a code object names it, a part of eagerflow, or what it calls on its way?"""
    return file.startswith((*_FOLDERS, "<eagerflow")) or file in _FILES


def shorten(error: BaseException) -> None:
    """Leave our frames out of the traceback of `error`, but for the first and the last one.

    To be called in the `except` of a public function, before a bare `raise`. Does nothing after
    `config.disable_traceback_filtering()`.
    """
    if not config.is_traceback_filtering_enabled():
        return
    error.__traceback__ = _unwrapped(error.__traceback__)
    _cut(error.__traceback__)
    _suggest(error)
    _finish(error)
    seen = {id(error)}
    while (cause := _cause(error)) is not None and id(cause) not in seen:
        seen.add(id(cause))
        if cause.__traceback__ is not None and _is_inner(cause.__traceback__):
            error.__cause__, error.__suppress_context__ = None, True
            return
        _cut(cause.__traceback__)
        error = cause


def _shown_of(error: BaseException, trail: TracebackType | None) -> TracebackType | None:
    """What IPython shows of a traceback; those of an error's causes are changed to it."""
    if not config.is_traceback_filtering_enabled():
        return trail
    cause, seen = _cause(error), {id(error)}
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        cause.__traceback__, cause = _of_user(cause.__traceback__), _cause(cause)
    return _of_user(trail)


def filter_in_ipython() -> None:
    """Let IPython show the user's frames also of errors that leave no `boundary`: `bool(tensor)`, `dataset[0]`.

    Python calls such methods itself, often, and a function around each would cost more than they do.
    """
    shown = getattr(notebook.shell(), "InteractiveTB", None)
    if shown is None or hasattr(shown.structured_traceback, "__wrapped__"):
        return
    whole = shown.structured_traceback

    @functools.wraps(whole)
    def structured_traceback(kind: Any, error: Any, trail: Any = None, *args: Any, **kwargs: Any) -> Any:
        if isinstance(error, BaseException):
            trail = _shown_of(error, trail)
        return whole(kind, error, trail, *args, **kwargs)

    shown.structured_traceback = structured_traceback


def _of_user(trail: TracebackType | None) -> TracebackType | None:
    """The traceback without our frames, and those of the standard library that ours end in; whole without others."""
    steps = []
    while trail is not None:
        steps.append(trail)
        trail = trail.tb_next
    kept: TracebackType | None = None
    files = [step.tb_frame.f_code.co_filename for step in steps]
    end = len(files)
    while end and os.path.dirname(files[end - 1]).startswith(_LIBRARY) and "site-packages" not in files[end - 1]:
        end -= 1
    if not end or not _is_hidden(files[end - 1]):
        end = len(files)
    others = [step for step, file in zip(steps[:end], files) if not _is_hidden(file)]
    for step in reversed(others or steps):
        kept = TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return kept


def _is_hidden(file: str) -> bool:
    return is_ours(file) or file.startswith(tuple(notebook.folders))


def _last(error: BaseException) -> TracebackType | None:
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    return trail


def _suggest(error: BaseException) -> None:
    """Where Python refused an argument of a function that one of our decorators called: name the nearest one."""
    refused = _REFUSED.search(str(error)) if type(error) is TypeError else None
    missing = _MISSING.match(str(error)) if type(error) is TypeError and refused is None else None
    trail = _last(error)
    if not (refused or missing) or trail is None or not is_ours(trail.tb_frame.f_code.co_filename):
        return
    known = trail.tb_frame.f_locals
    called = known.get("function") or known.get("method")
    if not callable(called):
        return
    if missing is not None and missing[1] == called.__name__ != "__init__":
        shown = _shown(inspect.signature(called))
        error.args = (f"{missing[1]}() is missing the {missing[2].replace(':', '')}. It takes {missing[1]}({shown}).",)
    elif refused is not None:
        said = _INNER_CLASS.sub("", str(error)[: refused.end(1) + 1])  # what was suggested already is found once more
        value = (known.get("kwargs") or {}).get(refused[1])
        hint = hint_for("argument", called.__name__, refused[1], inspect.signature(called).parameters, value)
        error.args = (f"{said}.{hint}",)


def _shown(signature: inspect.Signature) -> str:
    """The first arguments of a function, without `self`."""
    own = [
        p for p in signature.parameters.values() if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    shown = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in own[:6]]
    return ", ".join([*shown, *["..."] * (len(own) > 6)])


def _finish(error: BaseException) -> None:
    """Take the middle out of a message of ours that is very long."""
    said = error.args[0] if len(error.args) == 1 else None
    trail = _last(error)
    raised_here = trail is not None and is_ours(trail.tb_frame.f_code.co_filename)
    if raised_here and isinstance(said, str) and len(said) > _LONGEST:
        error.args = (f"{said[: _LONGEST - 151]}…{said[-150:]}",)


def _cause(error: BaseException) -> BaseException | None:
    """What a traceback shows before an error."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_inner(trail: TracebackType | None) -> bool:
    """Did all of it happen in our code?"""
    while trail is not None:
        if not is_ours(trail.tb_frame.f_code.co_filename):
            return False
        trail = trail.tb_next
    return True


def _cut(trail: TracebackType | None) -> None:
    """Take out what is ours, but for the first and the last frame."""
    kept = trail
    while kept is not None:
        following = kept.tb_next
        while (
            following is not None
            and following.tb_next is not None
            and is_ours(following.tb_frame.f_code.co_filename)
            and not _begins_stretch(kept, following)
        ):
            following = following.tb_next
        kept.tb_next = following
        kept = following


def _unwrapped(trail: TracebackType | None) -> TracebackType | None:
    """The traceback from the function on that was called, where decorators stand around it."""
    while trail is not None and trail.tb_next is not None and trail.tb_frame.f_code in wrappers:
        known = trail.tb_frame.f_locals
        inner = known.get("function") or known.get("method")
        if trail.tb_next.tb_frame.f_code is not getattr(inner, "__code__", None):
            break  # the decorator itself failed, or calls no function of Python's
        trail = trail.tb_next
    return trail


def _begins_stretch(before: TracebackType, trail: TracebackType) -> bool:
    """Is this the frame of ours that the user's code called?"""
    return not is_ours(before.tb_frame.f_code.co_filename)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's line, however deep in our code this is called."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and is_ours(frame.f_code.co_filename):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def is_slip(error: BaseException) -> bool:
    """Should an error be reworded, since Python or NumPy refused what our code did?"""
    return config.is_traceback_filtering_enabled() and is_refused(error)


def is_refused(error: BaseException) -> bool:
    """Did Python or NumPy refuse what our code did, with words that only our code explains?

    True if none of our `raise` statements made the error and no user code took part.
    """
    trail = _last(error)
    if trail is None or not isinstance(error, _SLIPS):
        return False
    code = trail.tb_frame.f_code
    raised = is_ours(code.co_filename) and code.co_code[trail.tb_lasti] in _RAISE
    return not raised and _is_inner(error.__traceback__) and _OF_A_CALL.search(str(error)) is None


def in_words(error: BaseException, what: str, given: Iterable[tuple[str, Any]]) -> Exception:
    """A slip as an error that names the function and its arguments."""
    kind = TypeError if isinstance(error, (TypeError, AttributeError)) else ValueError
    shown = ", ".join([f"{name}={signature_of(value)}" if name else signature_of(value) for name, value in given])
    shown = shown if len(shown) <= 250 else f"{shown[:249]}…"
    said = f"{str(error) or type(error).__name__:.180}".rstrip(".")
    return kind(f"{what}({shown}): {said}. Is an argument of the wrong kind or shape?")


def named_after(error: BaseException, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> None:
    """Let an op's error name the function that the user called, instead of an op inside of it."""
    said = getattr(error, "said", None)
    if said is not None and _is_inner(error.__traceback__):
        error.args = (f"{call_in_words(function, args, kwargs)}: {said}",)


def call_in_words(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> str:
    """The call of a function on tensors, as errors name it: by their types and shapes."""
    if function.__name__ == "get_item":
        return _subscript(*args)
    name, given = called(function, args, kwargs)
    shown = [signature_of(v) if hasattr(v, "shape") or not n else f"{n}={signature_of(v)}" for n, v in given]
    return f"{name}({', '.join(shown)})"


def _subscript(x: Any, key: Any) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return f"x[{', '.join([_part(part) for part in parts])}] of {signature_of(x)}"


def _part(part: Any) -> str:
    if not isinstance(part, slice):
        return "..." if part is Ellipsis else signature_of(part)
    ends = ["" if end is None else signature_of(end) for end in (part.start, part.stop, part.step)]
    return ":".join(ends[: 2 if part.step is None else 3])


def called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any]:
    """What to call a function, and its arguments by name."""
    names = list(inspect.signature(function).parameters)
    name = function.__name__
    if names[:1] == ["self"] and args:
        owner = type(args[0]).__name__
        name, names, args = owner if name == "__init__" else f"{owner}.{name}", names[1:], args[1:]
    padded = [*names, *[""] * len(args)]
    return name, [*zip(padded, args), *kwargs.items()]


def bound_init(cls: type) -> None:
    """Shorten the tracebacks of all that leaves the `__init__` of one of our classes, if it has its own."""
    own = cls.__dict__.get("__init__")
    if own is not None and own not in boundaries and cls.__module__.startswith(("eagerflow.", "viz.")):
        cls.__init__ = boundary(own)  # type: ignore[misc]


def makes_a_layer(function: Callable[..., Any]) -> bool:
    """Whether this is the `__init__` of a layer of ours, which is given `plain` settings."""
    return function.__name__ == "__init__" and function.__module__.startswith("eagerflow.layers.")


def plain(value: Any) -> Any:
    """A setting: the whole numbers of a short NumPy array, or one or two of floats, as Python's."""
    if type(value) is not numpy.ndarray or value.ndim > 2 or value.size > (8 if value.dtype.kind in "iu" else 2):
        return value
    if value.dtype.kind not in "iuf":
        return value
    found = value.tolist()
    return tuple(map(tuple, found)) if value.ndim == 2 else tuple(found) if value.ndim else found


def flags_of(init: Callable[..., Any]) -> frozenset[str]:
    """The arguments of an `__init__` that are True or False; none for any other function.

    >>> sorted(flags_of(ef.layers.Dense.__init__))
    ['use_bias']
    """
    asked = init.__annotations__.items() if init.__name__ == "__init__" else ()
    return frozenset(name for name, kind in asked if kind == "bool")


def check_flags(flags: frozenset[str], init: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse text and arrays for arguments that are True or False: `"no"` and an array would count as True.

    Raises:
        TypeError: for the first such argument.
    """
    if not any([value.__class__ is str or hasattr(value, "shape") for value in (*args[1:], *kwargs.values())]):
        return
    for name, value in (*zip(inspect.signature(init).parameters, args), *kwargs.items()):
        if name in flags and (value.__class__ is str or getattr(value, "shape", None)):
            got, cls = "text" if value.__class__ is str else "an array", type(args[0]).__name__
            said = f"{cls}({name}={signature_of(value)}): expected True or False; got {got}."
            raise TypeError(said)


def boundary(function: Callable[P, R]) -> Callable[P, R]:
    """Shorten the tracebacks of all that leaves `function`."""
    flags, of_a_layer = flags_of(function), makes_a_layer(function)
    changes, name = legacy.changes, name_of(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            if changes and name in changes:
                args, kwargs = changes[name](args, kwargs)  # type: ignore[assignment]
            if flags:
                check_flags(flags, function, args, kwargs)
            if of_a_layer:
                return function(*map(plain, args), **{k: plain(v) for k, v in kwargs.items()})
            return function(*args, **kwargs)
        except BaseException as error:
            shorten(error)
            found = reworded(error, function, args, kwargs)
            if found is not None:
                raise found from None
            raise

    boundaries.add(call)
    wrappers.add(call.__code__)  # type: ignore[attr-defined]
    return call


def reworded(
    error: BaseException, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Exception | None:
    """A clearer error to raise instead of one that left a function; None if the error is clear.

    Wrong arguments of a class are reported under its own name, not that of the `__init__` which it inherits; a slip of
    Python or NumPy with the function and its arguments.
    """
    if function.__name__ == "__init__" and type(error) is TypeError and args:
        wrong = _WRONG_CALL.search(str(error))
        trail = _last(error)
        if wrong is not None and trail is not None and trail.tb_frame.f_code in wrappers:
            return _wrong_construction(type(args[0]), wrong[1], function, kwargs)
    if function.__name__ == "__init__" and len(error.args) == 1 and callable(args[0]):
        _name_tensor(error, *called(function, args[:2], {}))
    if isinstance(error, RecursionError) and any(map(holds_itself, (*args, *kwargs.values()))):
        return ValueError(f"{function.__name__}: a list holds itself, or is nested too deep.")
    return in_words(error, *called(function, args, kwargs)) if is_slip(error) else None


def _name_tensor(error: BaseException, made: str, given: list[tuple[str, Any]]) -> None:
    """Say of an error what to do where a layer, loss or metric was constructed with a tensor as its first argument."""
    name, value = given[0] if given else ("", None)
    if getattr(value, "ndim", 0) and hasattr(value, "dtype") and "call it" not in str(error):
        said = str(error) if made in str(error) else f"{made}({name}={signature_of(value)}): {error}"
        error.args = (f"{said} Make it first, then call it with tensors: {made}()(x).",)


_WRONG_CALL = re.compile(r"__init__\(\) ((?:missing|takes|got) .*)$")
_TWICE = re.compile(r"got multiple values for argument '(\w+)'$")
_CHANNELS = ("filters", "units", "depth_multiplier")
# What every layer takes besides its own arguments; no `__init__` names them.
_OF_THE_INPUT = frozenset("batch_shape batch_size input_dim input_shape".split())


def _wrong_construction(cls: type, problem: str, function: Callable[..., Any], given: dict[str, Any]) -> Exception:
    known = arguments_of(cls)
    others = {name: value for name, value in given.items() if name not in _OF_THE_INPUT}
    if not others.keys() <= {*known}:
        found: Exception = unknown_arguments(cls, others, known)
    else:
        own = inspect.signature(function).parameters.values()
        named = [p for p in [*own][1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        shown = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in named[:6]]
        problem = re.sub(r"^missing \d+ required positional (arguments?):", r"is missing the \1", problem)
        twice = _TWICE.search(problem)
        hint = ""
        if twice is not None:
            problem = f"got {twice[1]!r} twice, by position and by name"
            if known[0] in _CHANNELS:
                hint = f" {known[0]} comes first: how many channels come in is found at the first call."
        found = TypeError(f"{cls.__name__} {problem}.{hint} It takes {cls.__name__}({', '.join(shown)}, ...).")
    return found


def unknown_arguments(cls: type, given: dict[str, Any], known: Collection[str]) -> UnknownArgumentError:
    """The error for arguments that a class doesn't have: what to write for them, or else all that it has."""
    unknown = [name for name in given if name not in known][:3]
    all_known = [*known, *_OF_THE_INPUT] if hasattr(cls, "add_weight") else known
    cures = "".join(
        dict.fromkeys([hint_for("argument", cls.__name__, name, all_known, given[name]) for name in unknown])
    )
    cures = f"{cures.replace(RUN, '')}{RUN}" if RUN in cures else cures
    cures = re.sub(r"( Use \w+=\S*)\. Use (?=\w+=)", r"\1 and ", cures)
    said = f"no argument {unknown[0]!r} (value {given[unknown[0]]!r:.60})"
    if unknown[1:]:
        said = f"no arguments {', '.join(map(repr, unknown[:-1]))} and {unknown[-1]!r}"
    text = f"{cls.__name__} has {said}.{cures}"
    if not cures or "Did you mean" in cures:
        text = f"{text} Known: {', '.join(known)}"
        text = f"{text}." if len(text) < 480 else f"{text[:470].rpartition(',')[0]}, ..."
    return UnknownArgumentError(text)


def arguments_of(cls: type) -> list[str]:
    """What a class and those above it take by name, in its own order."""
    found: dict[str, None] = {}
    for ancestor in cls.__mro__:
        if "__init__" in ancestor.__dict__ and ancestor is not object:
            parameters = list(inspect.signature(ancestor.__dict__["__init__"]).parameters.values())[1:]
            found.update({p.name: None for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)})
    return list(found)


filter_in_ipython()
