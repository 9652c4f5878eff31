"""NumPy's own warnings of NaN and infinities, where a command tells the same with the line at fault."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import numpy

__all__ = ["without_float_warnings"]


@contextlib.contextmanager
def without_float_warnings() -> Iterator[None]:
    """Within, "invalid value encountered in log" and the like aren't printed, unless somebody asked for them.

    Somebody does who calls `numpy.seterr` or `numpy.errstate`, both of which work as ever; or who uses `warnings`: with
    a filter that such a warning would meet, with `showwarning`, or with `-W` on the command line. What is never asked
    for is only what NumPy prints by itself.

    >>> with warnings.catch_warnings():
    ...     warnings.resetwarnings()  # filters that somebody may have set
    ...     with without_float_warnings():
    ...         numpy.log(numpy.array([-1.0]))
    array([nan])
    """
    if _are_filtered("invalid value encountered in log"):
        yield
        return
    shown = _shows()

    def meet(kind: str, flag: int) -> None:
        text = f"{kind} encountered"
        if _are_filtered(text) or _shows() != shown:
            warnings.warn(text, RuntimeWarning, stacklevel=2)  # the line that NumPy's own warning would name

    # A mode of its own, so that "warn" is what the script asks for.
    with numpy.errstate(divide="call", over="call", invalid="call", call=meet):
        yield


def _are_filtered(text: str) -> bool:
    """Is there a filter that decides about such warnings? Python has none by itself."""
    return any(
        issubclass(RuntimeWarning, category) and (message is None or message.match(text))
        for _, message, category, _, _ in warnings.filters
    )


def _shows() -> object:
    """What shows warnings now: another function where somebody replaced it, or catches what is shown."""
    return getattr(warnings, "_showwarnmsg_impl", None), warnings.showwarning
