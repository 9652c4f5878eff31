"""Kernels registered on ops: quicker ways to the same result on arrays of one device.

An op's file has its mathematics, for any array module. What a processor does faster in another way is a kernel, a
function of raw arrays; `lower` says which op it computes, and when. So ops know nothing of kernels, and who reads an
op reads what it is, not how it is made fast.

    lower(relu, kernels.relu, when=fits)
    lower_rule(relu, kernels.relu_gradient, when=fits)

Of several kernels on one op the last registered is asked first.

Files of kernels are read when one of their ops is called for the first time: `waiting` has their names by op. Kernels
for a GPU are read when CuPy is first asked for, so programs that don't use one pay nothing for them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy

from eagerflow.base.typing import ArrayFunction, Condition, Kernel, Numpy
from eagerflow.core.device import kernels_take
from eagerflow.core.links import above
from eagerflow.core.op_function import choose_in_wrapper, kernel_test
from eagerflow.core.primitive import Op, pull_of

__all__ = ["Lowering", "await_kernels", "install", "load_kernels", "lower", "lower_rule", "waiting"]

# The module that registers an op's kernels, by the op's name.
waiting: dict[str, str] = {}


class Lowering(NamedTuple):
    """One kernel on one op.

    Attributes:
        part: `"forward"`, or `"rule 0"` and so on, by the array whose gradient it is (of joint rules there is one).
        kernel: the function.
        when: whether it pays, asked with the kernel's arguments; None: always.
        least: numbers in the first array, below which it isn't asked.
        device: the kind of device whose arrays it takes.
        provider: what it is made of: `"plain"` for NumPy and BLAS.
    """

    part: str
    kernel: Kernel
    when: Condition | None
    least: int = 0
    device: str = "cpu"
    provider: str = "plain"


def await_kernels(made: Op) -> None:
    """Let a new op read the file of its kernels, if it has one, when it is called for the first time."""
    module = waiting.get(made.name)
    if module is None:
        return

    def first(xp: Numpy, *args: Any, **named: Any) -> Any:
        import_module(module)
        return made.forward(xp, *args, **named)

    _let_compute(made, first)


@cache
def load_kernels() -> None:
    """Read the files of all kernels now: who measures the time of ops doesn't want it among theirs."""
    for module in dict.fromkeys(waiting.values()):
        import_module(module)


above.load_kernels = load_kernels


def lower(
    call: Callable[..., Any], kernel: Kernel, when: Condition | None = None, least: int = 0, device: str = "cpu"
) -> None:
    """Let `kernel` compute the op's result from NumPy's arrays, or from CuPy's.

    Args:
        call: the op, as users call it.
        kernel: `kernel(*arrays, *settings)`, with what the op's own function gives; None from it means that this one
            is as good.
        when: whether the kernel pays, asked with the same arguments; default: always.
        least: numbers in the first array, below which it doesn't pay: small arrays aren't even asked about.
        device: the kind of device whose arrays it takes: `"cpu"` or `"gpu"`.
    """
    made: Op = call.op  # type: ignore[attr-defined]
    _read_waiting(made, device)
    made.lowerings.append(Lowering("forward", kernel, when, least, device))
    install(made)


def install(made: Op, least: int | None = None) -> None:
    """Let an op's function ask its kernels.

    Args:
        made: the op.
        least: for tests, the numbers in the first array from which all kernels are asked; default: what each says.
    """
    forward = made.mathematics
    for each in made.lowerings:
        if each.part == "forward" and each.device == "gpu":
            forward = _choosing(made, each.kernel, each.when, each.least, forward, "gpu")
    for each in made.lowerings:
        if each.part == "forward" and each.device == "cpu":
            plain, asked = forward, each.least if least is None else least
            forward = _choosing(made, each.kernel, each.when, asked, plain)
            choose_in_wrapper(made, each.kernel, each.when, asked, plain)
    _let_compute(made, forward)


def _read_waiting(made: Op, device: str) -> None:
    """Read the kernels for a CPU before those for a GPU, which would stand in front of the reading."""
    if device == "gpu" and made.name in waiting:
        import_module(waiting[made.name])


def _let_compute(made: Op, forward: ArrayFunction) -> None:
    if forward is not made.mathematics:
        forward.__wrapped__ = made.mathematics  # type: ignore[attr-defined] # its signature
    made.forward = forward
    made.call.__globals__["_forward"] = forward  # where the generated wrapper looks it up


def lower_rule(
    call: Callable[..., Any], kernel: Kernel, when: Condition | None = None, which: int = 0, device: str = "cpu"
) -> None:
    """Let `kernel` compute a gradient of the op from NumPy's arrays, or from CuPy's.

    Args:
        call: the op, as users call it.
        kernel: names what it needs, as rules do, without `xp`; None from it means that the rule is as good.
        when: whether the kernel pays, asked with the same arguments; default: always.
        which: of which array, where each has a rule of its own.
        device: the kind of device whose arrays it takes: `"cpu"` or `"gpu"`.
    """
    made: Op = call.op  # type: ignore[attr-defined]
    _read_waiting(made, device)
    made.lowerings.append(Lowering(f"rule {which}", kernel, when, device=device))
    pulls = list(made.pulls)
    pulls[which] = pull_of(made, made.rules[which], kernel=kernel, when=when, before=pulls[which], device=device)
    made.pulls = tuple(pulls)


_CHOICE = """\
def forward(xp{parameters}):
    if {test}:
        _found = _kernel({passed})
        if _found is not None:
            return _found
    return _plain(xp, {passed})
"""


def _choosing(
    made: Op, kernel: Kernel, when: Condition | None, least: int, plain: ArrayFunction, device: str = "cpu"
) -> ArrayFunction:
    """A function like `plain` that lets the kernel compute where it pays; written out, since small ops call it."""
    parameters = [p for p in made.parameters.values() if p.name != "xp"]
    written = ""
    scope: dict[str, Any] = {"_numpy": numpy, "_ndarray": numpy.ndarray, "__name__": __name__}
    scope |= {"_kernel": kernel, "_when": when, "_plain": plain, "_kernels_take": kernels_take}
    for p in parameters:
        written += ", *" if p.kind is p.KEYWORD_ONLY and ", *" not in written else ""
        written += f", {p.name}"
        if p.default is not p.empty:
            scope[f"default_{p.name}"] = p.default
            written += f"=default_{p.name}"
    passed = ", ".join(f"{p.name}={p.name}" if p.kind is p.KEYWORD_ONLY else p.name for p in parameters)
    test = kernel_test(when, least, parameters[0].name, passed, device)
    text = _CHOICE.format(parameters=written, test=test, passed=passed)
    exec(compile(text, f"<eagerflow kernels of {made.name}>", "exec"), scope)
    forward: ArrayFunction = scope["forward"]
    return forward
