"""`viz.find_nonfinite`."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy

from eagerflow.base.output import write
from viz.boundary import boundary
from viz.facts import formatting
from viz.frameworks import observing
from viz.nonfinite.finding import Nonfinite, NonfiniteError
from viz.nonfinite.first_culprit import explain, statistics_known
from viz.nonfinite.guard import Guard
from viz.nonfinite.segments import Segments
from viz.recorder.capture import Options
from viz.recording import Recording

__all__ = ["find_nonfinite"]


@boundary
def find_nonfinite(what: Recording | Callable[..., Any], /, *args: Any, **kwargs: Any) -> Nonfinite | None:
    """Finds the first op, forward or backward, that made NaN or infinity from finite numbers.

    Args:
        what: a recording made with `viz.trace(stats="basic")` (or `"full"`, or `on_nonfinite=`); or a function, which
            is then run and stopped at the first op whose result isn't finite. NumPy's own warnings, which say less, are
            switched off meanwhile.
        *args: arguments of the function.
        **kwargs: arguments of the function, by name.

    Returns:
        A `Nonfinite` with the op, its layer, the line of code, statistics of the op's inputs and outputs, and examples;
        its `draw()` makes a picture. Its `kind` is `"data"` or `"weight"` if the numbers weren't finite to begin with.
        None if everything is finite; at a prompt, and at the end of a notebook's cell, "all finite" is printed then.

    Raises:
        ValueError: when the recording has no statistics.
        TypeError: when `what` is neither a recording nor a function, or when there are arguments with a recording.

    Infinities that the code asks for, as in `ops.where(mask, x, -inf)`, don't count unless they become NaN.

    >>> import eagerflow as ef, viz
    >>> found = viz.find_nonfinite(lambda x: ef.ops.mean(ef.ops.log(x)), ef.Tensor([1.0, 0.0]))
    >>> found.op, found.outputs[0].inf, found.examples[0].inputs
    ('log', 1, {'x': 0.0})
    """
    if isinstance(what, Recording):
        if args or kwargs:
            raise TypeError("find_nonfinite: a recording takes no further arguments; they are for functions")
        if not statistics_known(what):
            raise ValueError(
                f"find_nonfinite: the recording {formatting.clean(what.name)!r} has no statistics. Record it with "
                'viz.trace(stats="basic"), or stop at the first one with viz.trace(on_nonfinite="raise"), or viz '
                "nonfinite SCRIPT."
            )
        return _told(explain(what))
    if not callable(what):
        raise TypeError(
            f"find_nonfinite: expected a recording or a function to run; got {type(what).__name__}. For a file: "
            "viz.find_nonfinite(viz.load(path))."
        )
    options = Options(getattr(what, "__name__", None), on_nonfinite="raise")
    segments = Segments(options, sys._getframe())
    try:
        with observing(Guard("raise", segments)), numpy.errstate(all="ignore"):
            what(*args, **kwargs)
    except NonfiniteError as error:
        return error.found
    finally:
        segments.close()
    return _told(None)


def _told(found: Nonfinite | None) -> Nonfinite | None:
    """What was found; that nothing was is said where somebody asked for it to be shown, as None shows as nothing."""
    if found is None and _is_shown(sys._getframe(1)):
        write("all finite\n")
    return found


def _is_shown(frame: FrameType | None) -> bool:
    """Is the value of the call of ours that runs shown, as that of an expression which is given to a prompt?

    Prompts and notebooks compile such an expression so that its value is printed: with an instruction for that, right
    behind the call.
    """
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "viz":
        frame = frame.f_back
    if frame is None or frame.f_code.co_name != "<module>":
        return False
    following = [each for each in dis.get_instructions(frame.f_code) if each.offset > frame.f_lasti][:1]
    return any(each.opname == "PRINT_EXPR" or "INTRINSIC_PRINT" in each.argrepr for each in following)
