"""`viz.find_nonfinite`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.core.observe import observing
from viz.boundary import boundary
from viz.facts import formatting
from viz.nonfinite.finding import Nonfinite, NonfiniteError
from viz.nonfinite.first_culprit import explain, statistics_known
from viz.nonfinite.guard import Guard
from viz.nonfinite.segments import Segments
from viz.recorder.capture import Options
from viz.recording import Recording

__all__ = ["find_nonfinite"]


@boundary
def find_nonfinite(what: Recording | Callable[..., Any], /, *args: Any, **kwargs: Any) -> Nonfinite | None:
    """The first op, forward or backward, that made NaN or infinity of finite numbers.

    Args:
        what: a recording made with `viz.trace(stats="basic")` (or `"full"`, or `on_nonfinite=`); or a function, which
            is then run, watched op by op, and stopped at the first that isn't finite; NumPy's own warnings, which tell
            less, are silent meanwhile.
        *args: of the function.
        **kwargs: of the function.

    Returns:
        What is known about it: op, layer, your line, statistics of what the op read and made, examples, a picture
        (`.draw()`). Its `kind` is `"data"` or `"weight"` where the numbers came in non-finite already. None when
        everything was finite.

    Raises:
        ValueError: when the recording has no statistics.
        TypeError: when `what` is neither, or arguments come with a recording.

    Infinities that the code asks for, as in `ops.where(mask, x, -inf)`, don't count unless they become NaN.

    >>> import eagerflow as ef, viz
    >>> found = viz.find_nonfinite(lambda x: ef.ops.mean(ef.ops.log(x)), ef.Tensor([1.0, 0.0]))
    >>> found.op, found.outputs[0].inf, found.examples[0].inputs
    ('log', 1, {'x': 0.0})
    """
    if isinstance(what, Recording):
        if args or kwargs:
            raise TypeError("find_nonfinite: a recording takes no further arguments; they are for functions")
        return _in_recording(what)
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
    return None


def _in_recording(recording: Recording) -> Nonfinite | None:
    if not statistics_known(recording):
        raise ValueError(
            f"find_nonfinite: the recording {formatting.clean(recording.name)!r} has no statistics. Record it with "
            'viz.trace(stats="basic"), or stop at the first one with viz.trace(on_nonfinite="raise").'
        )
    return explain(recording)
